"""What was read of files before, in an SQLite file: it only saves time, and is made anew when it is damaged."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tellurion_agent.catalogue.walking import Found
from tellurion_core.errors import InvalidInput

VERSION = 3
"""Of what is kept; an index of another version is made anew."""
BUSY_SECONDS = 60.0
_TABLE = """CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    records TEXT NOT NULL, problem TEXT NOT NULL
) WITHOUT ROWID"""
_PUT = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)"


class Damaged(Exception):
    """The index cannot be used; `Index.discard` it."""


class Index:
    """Records and problems by path. Several processes may use one index at once."""

    def __init__(self, path: Path) -> None:
        """Raises InvalidInput for `index` when it cannot be written."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite does not wait for others while it changes the journal's mode, and each statement here is a
            # transaction of its own.
            with path.with_name(f"{path.name}-lock").open("a") as lock, self._connected() as connection:
                fcntl.flock(lock, fcntl.LOCK_EX)
                connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for a writer
                if connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
                    connection.execute("DROP TABLE IF EXISTS files")
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA user_version={VERSION}")
        except (OSError, sqlite3.OperationalError) as error:
            accepted = "a file in a folder that can be written"
            raise InvalidInput.of("index", received=f"{path.name}, {error}", accepted=accepted) from error

    @classmethod
    def opened(cls, path: Path) -> Index:
        """The index in this file, emptied when it is damaged."""
        try:
            return cls(path)
        except Damaged:
            cls.discard(path)
            return cls(path)

    @staticmethod
    def discard(path: Path) -> None:
        """Remove it."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    def known(self) -> dict[str, tuple[int, int]]:
        """Size and time of modification of each file as it was read."""
        with self._connected() as connection:
            rows = connection.execute("SELECT path, size, modified FROM files")
            return {os.fsdecode(path): (size, modified) for path, size, modified in rows}

    def rows(self) -> Iterator[tuple[Found, str, str]]:
        """Each file with its records as JSON, and its problem, by path."""
        with self._connected() as connection:
            for path, size, modified, records, problem in connection.execute("SELECT * FROM files ORDER BY path"):
                yield Found(os.fsdecode(path), size, modified), records, problem

    def put(self, rows: Iterable[tuple[Found, str, str]]) -> None:
        """Keep what was read of files."""
        values = [(os.fsencode(f.path), f.size, f.modified, records, problem) for f, records, problem in rows]
        with self._connected() as connection:
            connection.executemany(_PUT, values)

    def drop(self, paths: Iterable[str]) -> None:
        """Forget files."""
        with self._connected() as connection:
            connection.executemany("DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in paths))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection, connection:
                yield connection
        except (sqlite3.DatabaseError, TypeError, ValueError) as error:
            if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
                raise
            raise Damaged from error
