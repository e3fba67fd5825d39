"""Answers that were paid for: written down before they count, and never asked for again.

    <folder>/0001.jsonl              one segment for each attempt at the job, only ever appended to
    <folder>/<hash>.jsonl            a segment of another evaluation whose answers are used again

A line holds one answer under the key of its question. Answers that come while others are being written share the next
write and its fsync. A last line that a killed attempt left unfinished is no answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tellurion_benchmark.asking.attempts import new_file
from tellurion_core.errors import ResourceExhausted

SEGMENTS, SPENT = "*.jsonl", "*.spent"


class AnswerLog:
    """The answers of all attempts so far, and a segment for those of this one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # SQLite's unnamed database: it lives on disk beyond a few MiB, and leaves nothing behind.
        self._index = sqlite3.connect("", isolation_level=None)
        self._index.execute(
            "CREATE TABLE answers (key BLOB PRIMARY KEY, segment INTEGER, start INTEGER, size INTEGER) WITHOUT ROWID"
        )
        earlier = sorted(folder.glob(SEGMENTS))
        self._file = new_file(folder, ".jsonl")
        self._segments = [path.open("rb") for path in (*earlier, Path(self._file.name))]
        for number, segment in enumerate(self._segments):
            self._add(number, _answers_in(segment))
        self._end = 0
        self._pending: list[tuple[bytes, bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._failure: ResourceExhausted | None = None

    def entry(self, key: bytes) -> dict[str, Any] | None:
        """The answer under a key, as `answer`, and what was stored about it."""
        row = self._index.execute("SELECT segment, start, size FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        segment, start, size = row
        stored: dict[str, Any] = json.loads(os.pread(self._segments[segment].fileno(), size, start))
        return stored

    async def store(self, key: bytes, answer: str, about: Mapping[str, Any]) -> None:
        """Returns once the answer, and what is to be known about it, would survive a power failure.

        Raises:
            ResourceExhausted: it cannot be written; nothing can be stored any more.
        """
        line = json.dumps({"key": key.hex(), "answer": answer, **about}).encode() + b"\n"
        stored = asyncio.get_running_loop().create_future()
        self._pending.append((key, line, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await stored

    async def close(self) -> None:
        """Stores what is pending, and closes all files."""
        if self._writer is not None:
            await self._writer
        self._file.close()
        for segment in self._segments:
            segment.close()
        self._index.close()

    async def _write(self) -> None:
        while self._pending:
            batch, self._pending = self._pending, []
            if self._failure is None:
                try:
                    await asyncio.to_thread(self._append, b"".join(line for _, line, _ in batch))
                except OSError:
                    # Whatever part of a line was written must stay the last.
                    self._failure = ResourceExhausted("an answer could not be stored; is the disk full?")
                else:
                    self._add(len(self._segments) - 1, self._placed(batch))
            for _, _, stored in batch:
                if not stored.done():
                    stored.set_exception(self._failure) if self._failure else stored.set_result(None)

    def _append(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _placed(self, batch: list[tuple[bytes, bytes, asyncio.Future[None]]]) -> Iterator[tuple[bytes, int, int]]:
        for key, line, _ in batch:
            yield key, self._end, len(line)
            self._end += len(line)

    def _add(self, segment: int, places: Iterator[tuple[bytes, int, int]]) -> None:
        self._index.execute("BEGIN")
        rows = ((key, segment, start, size) for key, start, size in places)
        self._index.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", rows)
        self._index.execute("COMMIT")


def reuse(source: Path, folder: Path, *, job: str) -> None:
    """Puts another job's answers, and what they have cost, beside this one's: one budget counts for both.

    The names tell jobs and their files apart wherever the folders are, and do not grow from job to job.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in (*source.glob(SEGMENTS), *source.glob(SPENT)):
        name = hashlib.sha256(f"{job}/{earlier.name}".encode()).hexdigest()[:16]
        _share(earlier, folder / f"{name}{earlier.suffix}")


def _share(earlier: Path, place: Path) -> None:
    """Links a file, or copies it where the file system has no links.

    Only the attempt that made a file writes into it. Where that one goes on, what it stores and spends from then on is
    found by the next attempt that looks, the answers together with their cost.
    """
    try:
        os.link(earlier, place)
    except FileExistsError:
        return
    except OSError:
        part = place.with_name(f"{place.name}.part")
        shutil.copyfile(earlier, part)
        part.replace(place)


def _answers_in(segment: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Key, position and length of each line that holds an answer."""
    end = 0
    for line in segment:
        start, end = end, end + len(line)
        try:
            match json.loads(line):
                case {"key": str(key), "answer": str()}:
                    yield bytes.fromhex(key), start, len(line)
        except (ValueError, RecursionError):
            continue
