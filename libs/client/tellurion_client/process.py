"""One service in a process of its own, which never outlives this one."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from tellurion_core.errors import InvalidInput, Unavailable

LARGEST_LOG = 16 << 20
"""Bytes; a larger log is set aside as `.1` before its service starts."""
LAST_LINES = 3
"""Of its log, that are repeated of a service that does not come."""
BUSY = 0.01
"""Processors that one uses at least which starts slowly, on a loaded machine, rather than not at all."""
BUSY_WAITS = 5
"""Times the time that it may take, until one that is busy is waited for no longer."""
BAD_SETTINGS = 2
"""Exit code of a service that cannot use its settings."""


class ServiceProcess:
    """A running service. It reports its address on stdout, logs to `log`, and stops in order on SIGTERM."""

    def __init__(
        self,
        name: str,
        function: str,
        folder: Path,
        env: Mapping[str, str],
        log: Path | None,
        arguments: Sequence[str] = (),
    ) -> None:
        """Starts the process; `function` is its `module:main`, `folder` holds the sockets and goes with them.

        None logs to our stderr.
        """
        self.name = name
        self._log = log
        self._folder = folder
        self._log_start = 0
        self._ready: Future[str] = Future()
        command = [sys.executable, "-P", "-m", "tellurion_client.guard", str(folder), function, *arguments]
        stderr = None
        if log is not None:
            _set_aside(log)
            stderr = log.open("ab")
            self._log_start = stderr.tell()
        try:
            # Its own session: Ctrl-C in a terminal is for us, and we stop the services in order.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(env),
                start_new_session=True,
                umask=0o077,  # what a service keeps is nobody else's, whatever the mode of the state's folder
            )
        finally:
            if stderr is not None:
                stderr.close()
        self.pid = self._process.pid
        threading.Thread(target=self._read_stdout, name=f"{name}-stdout", daemon=True).start()

    def address(self, timeout: float) -> str:
        """Where the service listens, once it is ready.

        Raises:
            InvalidInput: it cannot use its settings.
            Unavailable: it ended, or was not ready within `timeout` seconds, five times that where it is busy.
        """
        address = self._announced(timeout)
        if address:
            return address
        code, said = self._process.wait(), self._last_lines(1)
        if code == BAD_SETTINGS and said:
            raise InvalidInput(message=f"{self.name}: {said}")
        raise Unavailable(f"{self.name} did not start: {said or ended(code)}{self._see_log()}")

    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code, minus the signal's number where one ended it; None if it has not ended after `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, seconds: float) -> None:
        """Asks the service to stop in order; kills it after so many seconds. Returns once it has ended."""
        self._process.terminate()
        if self.wait(seconds) is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _announced(self, timeout: float) -> str:
        """What it announced, empty where it ended first. Raises Unavailable."""
        waits, used = 0, -math.inf
        while waits < BUSY_WAITS and (now := _processor_seconds(self.pid)) - used >= BUSY * timeout:
            waits, used = waits + 1, now
            with suppress(TimeoutError):
                return self._ready.result(timeout)
        said = f"; it said: {said}" if (said := self._last_lines(LAST_LINES)) else ""
        raise Unavailable(f"{self.name} was not ready within {waits * timeout:g} s{said}{self._see_log()}")

    def _read_stdout(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:  # to the end: a full pipe would block the service
                if not self._ready.done() and (address := _address(line)):
                    self._ready.set_result(address)
        if not self._ready.done():
            self._ready.set_result("")

    def _last_lines(self, count: int) -> str:
        if self._log is None:
            return ""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read()[-4096:].decode(errors="replace").strip().splitlines()
        return " | ".join(" ".join(line.split()) for line in lines[-count:])

    def _see_log(self) -> str:
        kept = self._log is not None and self._log.parent != self._folder
        return f" (log: {self._log})" if kept else ""


def _address(line: bytes) -> str:
    try:
        announcement = json.loads(line)
    except ValueError:
        return ""
    return str(announcement.get("address", "")) if isinstance(announcement, dict) and "ready" in announcement else ""


def _processor_seconds(pid: int) -> float:
    """Processor time that a process has used; 0 where the system does not tell."""
    try:
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    except OSError:
        return 0.0
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


def _set_aside(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(log.name + ".1"))


def ended(code: int | None) -> str:
    """How a process ended, in words."""
    return f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"
