"""Processes that read headers: a file that kills one, or keeps it busy, is named, and the rest is read by the next."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tellurion_agent.catalogue.naming import plain

PROGRAM = [sys.executable, "-m", "tellurion_agent.catalogue.worker"]
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


def read_headers(paths: Iterable[str], *, processes: int, seconds: float = SECONDS) -> Iterator[Answer]:
    """The records of files, in any order. Memory does not grow with their number."""
    todo, lock = iter(paths), threading.Lock()
    answers: queue.Queue[Answer | None] = queue.Queue(AHEAD)
    stopped = threading.Event()

    def take() -> str | None:
        with lock:
            return None if stopped.is_set() else next(todo, None)

    def serve() -> None:
        reader = _Reader(seconds)
        try:
            while (path := take()) is not None:
                answers.put(reader.read(path))
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

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
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
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            PROGRAM,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._process.stdout.readline()
        return self._process
