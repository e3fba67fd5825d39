"""The data set of one evaluation, in a SQLite file of its own: however many items there are, memory stays as it is.

A data set that is not in its benchmark's layout is refused whole, before anything is asked. An image that is missing,
damaged or too large is no reason to refuse the others: it is its items' fault, and leaves them without a score.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Self

from tellurion_benchmark.media import MISSING, Picture, examine
from tellurion_benchmark.readers import READERS, Reader
from tellurion_benchmark.records import Format, Refusals, records
from tellurion_benchmark.scoring import Item, Json
from tellurion_core.errors import InvalidInput

TABLES = """
    CREATE TABLE items (
        ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, cluster TEXT NOT NULL,
        measured INTEGER NOT NULL, contents TEXT NOT NULL
    );
    CREATE TABLE named (ordinal INTEGER, place INTEGER, name TEXT NOT NULL, PRIMARY KEY (ordinal, place)) WITHOUT ROWID;
    CREATE TABLE files (name TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE images (
        name TEXT PRIMARY KEY, path TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, fault TEXT
    ) WITHOUT ROWID;
    CREATE TABLE predictions (ordinal INTEGER PRIMARY KEY, prediction TEXT NOT NULL);
"""
"""`contents` is the record and the groups; `named` is what images items name, `files` what there is, `images` both."""
PAGE = 256
"""Items that are read at once."""


class DataSet:
    """The items in the order of the data set, what was predicted for them, and the data set's hash."""

    sha256: str
    """Of the questions' bytes and of the names and bytes of all images that they name."""
    count: int
    """Items."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        # Whatever becomes of this file, it is made again from the data set.
        self._database.executescript("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;" + TABLES)
        self._extracted = path.with_name(path.name + ".images")

    @classmethod
    def build(
        cls, path: Path, suite: str, questions: Path, form: Format, files: Iterable[tuple[str, Path]] = ()
    ) -> Self:
        """Reads and validates a data set into a new file at `path`; `files` are its images, each with its name.

        Raises:
            InvalidInput: it is not in the benchmark's layout; names up to 20 fields, as `questions[17].answer`.
        """
        data = cls(path)
        try:
            data._database.execute("BEGIN")
            data._list_files(files)
            data.count = data._read_items(suite, questions, form)
            data.sha256 = data._look_at_images(questions)
            data._database.execute("COMMIT")
        except BaseException:
            data.close()
            raise
        return data

    def items(self, limit: int | None = None) -> Iterator[Item]:
        """The items in order, all or the first ones."""
        return (item for item, _ in self.predicted(limit))

    def predicted(self, limit: int | None = None) -> Iterator[tuple[Item, Json]]:
        """The items in order, each with what was predicted for it; None where nothing was."""
        end = self.count if limit is None else min(limit, self.count)
        for start in range(0, end, PAGE):
            yield from self._page(start, min(start + PAGE, end))

    def item(self, ordinal: int) -> Item:
        """The item in this place, the first being 0."""
        return next(self._page(ordinal, ordinal + 1))[0]

    def kinds(self, limit: int | None = None) -> frozenset[str]:
        """Kinds of question that there are among all items or the first ones."""
        end = self.count if limit is None else limit
        return frozenset(
            kind for (kind,) in self._database.execute("SELECT DISTINCT kind FROM items WHERE ordinal < ?", (end,))
        )

    def find(self, item_id: str) -> tuple[int, str] | None:
        """An item's place and kind; None where there is no such item."""
        row = self._database.execute("SELECT ordinal, kind FROM items WHERE id = ?", (item_id,)).fetchone()
        return None if row is None else (row[0], row[1])

    def predict(self, ordinal: int, prediction: Json) -> bool:
        """Keeps what was predicted for the item in a place; False, and nothing is kept, where something was before."""
        kept = self._database.execute(
            "INSERT OR IGNORE INTO predictions VALUES (?, ?)", (ordinal, json.dumps(prediction))
        )
        return kept.rowcount == 1

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Many predictions in one transaction."""
        self._database.execute("BEGIN")
        yield
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def _list_files(self, files: Iterable[tuple[str, Path]]) -> None:
        for name, path in files:
            try:
                self._database.execute("INSERT INTO files VALUES (?, ?)", (name, str(path)))
            except sqlite3.IntegrityError:
                raise InvalidInput.of("media", received=name, accepted="each name once") from None

    def _read_items(self, suite: str, questions: Path, form: Format) -> int:
        read, refusals, count = READERS[suite], Refusals(), 0
        with refusals:
            for record in records(questions, form, self._keep):
                with refusals:
                    self._insert(count, record, read)
                if refusals.full:
                    break
                count += 1
            if not count:
                raise InvalidInput.of("questions", received="no record", accepted="at least one")
        refusals.end()
        return count

    def _insert(self, ordinal: int, record: Json, read: Reader) -> None:
        place = f"questions[{ordinal}]"
        if not isinstance(record, dict):
            raise InvalidInput.of(place, received=type(record).__name__, accepted="an object with the published fields")
        try:
            reading = read(record, place)
            contents = _ENCODER.encode((reading.record, reading.groups))
        except (TypeError, ValueError, RecursionError):
            raise InvalidInput.of(place, received="other values", accepted="text, numbers, lists and objects") from None
        values = (ordinal, reading.id, reading.kind, reading.cluster, reading.measured, contents)
        try:
            self._database.execute("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?)", values)
        except sqlite3.IntegrityError:
            raise InvalidInput.of(place, received=reading.id, accepted="an id that no item before it has") from None
        for at, name in enumerate(reading.image_names):
            self._database.execute("INSERT INTO named VALUES (?, ?, ?)", (ordinal, at, name))

    def _keep(self, image: bytes) -> str:
        """Stores an image that stood in a record, and returns its name."""
        name = hashlib.sha256(image).hexdigest()
        self._extracted.mkdir(exist_ok=True)
        path = self._extracted / name
        path.write_bytes(image)
        self._database.execute("INSERT OR IGNORE INTO files VALUES (?, ?)", (name, str(path)))
        return name

    def _look_at_images(self, questions: Path) -> str:
        with questions.open("rb") as file:
            digest = hashlib.sha256(hashlib.file_digest(file, "sha256").digest())
        for (name,) in self._database.execute("SELECT DISTINCT name FROM named ORDER BY name"):
            path = self._path(name)
            picture = Picture("", 0, 0, MISSING) if path is None else examine(path)
            digest.update(json.dumps([name, picture.sha256]).encode())
            self._database.execute(
                "INSERT INTO images VALUES (?, ?, ?, ?, ?)",
                (name, str(path), picture.width, picture.height, picture.fault),
            )
        return digest.hexdigest()

    def _path(self, name: str) -> Path | None:
        """The file of this name: beside the questions, or in the folder `images` there."""
        plain = PurePosixPath(name).as_posix()
        row = self._database.execute(
            "SELECT path FROM files WHERE name IN (?1, 'images/' || ?1) ORDER BY name = ?1 DESC", (plain,)
        ).fetchone()
        return None if row is None else Path(row[0])

    def _page(self, start: int, end: int) -> Iterator[tuple[Item, Json]]:
        images: dict[int, list[tuple[Path, int, int]]] = defaultdict(list)
        faults: dict[int, tuple[str, str]] = {}
        shown = self._database.execute(
            "SELECT ordinal, name, path, width, height, fault FROM named JOIN images USING (name)"
            " WHERE ordinal >= ? AND ordinal < ? ORDER BY ordinal, place",
            (start, end),
        )
        for ordinal, name, path, width, height, fault in shown:
            if fault is None:
                images[ordinal].append((Path(path), width, height))
            else:
                faults.setdefault(ordinal, (fault, name))
        rows = self._database.execute(
            "SELECT ordinal, id, kind, cluster, measured, contents, prediction FROM items"
            " LEFT JOIN predictions USING (ordinal) WHERE ordinal >= ? AND ordinal < ? ORDER BY ordinal",
            (start, end),
        ).fetchall()
        for ordinal, name, kind, cluster, measured, contents, prediction in rows:
            record, groups = json.loads(contents)
            if measured:
                for _, width, height in images[ordinal]:
                    record |= {"image_width": width, "image_height": height}
            paths = tuple(path for path, _, _ in images[ordinal])
            item = Item(name, kind, record, paths, groups, cluster, *faults.get(ordinal, (None, "")))
            yield item, None if prediction is None else json.loads(prediction)


_ENCODER = json.JSONEncoder(allow_nan=False)
