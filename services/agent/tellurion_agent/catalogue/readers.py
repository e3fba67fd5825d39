"""Processes that read headers: a file that kills one, or keeps it busy, is named, and the rest is read by the next.

They read nothing but what they are told that they may (see `worker`), and find nothing of the service's environment.
"""

from __future__ import annotations

import json
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from tellurion_agent.catalogue.naming import plain
from tellurion_core.errors import Unavailable

PROGRAM = [sys.executable, "-s", "-P", "-m", "tellurion_agent.catalogue.worker"]
ENVIRONMENT = {"LANG": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""All that a process finds in its environment; where there is one thread, Landlock holds all of them."""
SECONDS = 60.0
"""That one file's header may take."""
AHEAD = 256
"""Answers that wait for whoever takes them, at most."""


@dataclass(frozen=True)
class Answer:
    """What came of one file."""

    path: str
    records: str
    """As JSON; empty where there is a problem."""
    problem: str


def read_headers(
    paths: Iterable[str], places: Iterable[str], *, processes: int, seconds: float = SECONDS
) -> Iterator[Answer]:
    """The records of files, in any order. Memory does not grow with their number.

    `places` are the files and folders that a process may read, without links on the way. Raises Unavailable when none
    comes up.
    """
    todo, lock = iter(paths), threading.Lock()
    allowed = json.dumps(list(places)).encode() + b"\n"
    answers: queue.Queue[Answer | Unavailable | None] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def take() -> str | None:
        with lock:
            return None if stopped.is_set() else next(todo, None)

    def serve() -> None:
        reader = _Reader(allowed, seconds)
        try:
            while (path := take()) is not None:
                answers.put(reader.read(path))
        except Unavailable as error:
            answers.put(error)
        finally:
            reader.stop()
            answers.put(None)

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(processes)]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            if (answer := answers.get()) is None:
                running -= 1
            elif isinstance(answer, Unavailable):
                raise answer
            else:
                yield answer
    finally:
        stopped.set()
        while any(thread.is_alive() for thread in threads):
            try:
                answers.get(timeout=0.05)  # a thread may wait for room
            except queue.Empty:
                continue


class _Reader:
    """One process at a time."""

    def __init__(self, allowed: bytes, seconds: float) -> None:
        self._allowed, self._seconds = allowed, seconds
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, path: str) -> Answer:
        process = self._process if self._process is not None else self._started()
        in_time = True
        try:
            process.stdin.write(json.dumps(path).encode() + b"\n")
            process.stdin.flush()
            in_time = bool(select.select([process.stdout], [], [], self._seconds)[0])
            line = process.stdout.readline() if in_time else b""
            answer = json.loads(line)
        except (OSError, ValueError):
            self.stop()
            reason = (
                "the NetCDF library crashed on it" if in_time else f"its header takes longer than {self._seconds:g} s"
            )
            return Answer(path, "", reason)
        return Answer(path, answer.get("records", ""), plain(answer.get("problem", "")))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:
                self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        """Raises Unavailable where it does not come up."""
        self._process = subprocess.Popen(
            PROGRAM,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._allowed)
            self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise Unavailable("the process that reads headers does not come up")
        return self._process
