"""The records of a file of questions, one by one and in bounded memory: a JSON array, JSON lines or Parquet."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, TextIO

from tellurion_benchmark.scoring import Json
from tellurion_core.errors import FieldViolation, InvalidInput

Format = Literal["json", "jsonl", "parquet"]
RECORD_BYTES = 16 << 20
"""Largest record without its images; published ones have some kilobytes."""
CHUNK, LONGEST_CHUNK = 1 << 16, 1 << 20
"""Characters of an array that are read at once: more of a longer record, so that it is tried less often."""
SHOWN = 20
"""Violations that one error names at most."""
PARQUET_ROWS = 16
"""Rows of Parquet in memory at once; their images may be in them."""

Keep = Callable[[bytes], str]
"""Stores the bytes of an image that stood in a record, and returns the name that stands there instead."""


class Refusals:
    """What is wrong with a file: `with refusals:` around each part of it, `end()` after the last."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if not isinstance(error, InvalidInput):
            return False
        self._violations += error.violations
        return True

    @property
    def full(self) -> bool:
        """Whether more would not be shown."""
        return len(self._violations) >= SHOWN

    def end(self) -> None:
        """Raises InvalidInput with all that was refused; returns where nothing was."""
        if self._violations:
            raise InvalidInput(*self._violations[:SHOWN])


def records(questions: Path, form: Format, keep: Keep) -> Iterator[Json]:
    """The records, in order; they are values of JSON, and not looked into.

    Raises:
        InvalidInput: the file is not what `form` says.
    """
    match form:
        case "json":
            return _array(questions)
        case "jsonl":
            return (value_in(line, f"questions line {number}") for number, line in lines(questions, "questions"))
        case "parquet":
            return _parquet(questions, keep)


def lines(path: Path, what: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers, the first being 1.

    Raises:
        InvalidInput: a line is longer than a record may be.
    """
    with path.open("rb") as file:
        _skip_mark(file)
        number = 0
        while line := file.readline(RECORD_BYTES + 1):
            number += 1
            if len(line) > RECORD_BYTES:
                raise _too_long(f"{what} line {number}")
            if not line.isspace():
                yield number, line


def value_in(line: bytes, place: str) -> Json:
    """The JSON value that a line holds.

    Raises:
        InvalidInput: it holds none, text that is not Unicode, or an object that has a name twice.
    """
    try:
        text = line.decode()
        value = _DECODER.decode(text)
        _check_unicode(text, value)
    except UnicodeDecodeError as error:
        raise _not_utf8(place, error) from None
    except _Twice as error:
        raise error.refused(place) from None
    except (ValueError, RecursionError):
        received = line[:200].decode(errors="replace")
        raise InvalidInput.of(place, received=received or "nothing", accepted="JSON in UTF-8") from None
    return value


def _array(path: Path) -> Iterator[Json]:
    with path.open(encoding="utf-8-sig") as file:
        window = _Window(file)
        place = 0
        try:
            window.expect("[")
            more = not window.take("]")
            while more:
                yield window.record()
                place += 1
                more = window.take(",")
                if not more:
                    window.expect("]")
            window.expect_end()
        except UnicodeDecodeError as error:
            raise _not_utf8("questions", error) from None  # what it is in has not been counted yet
        except _Twice as error:
            raise error.refused(f"questions[{place}]") from None
        except (ValueError, RecursionError):
            accepted = "objects in one JSON array, in UTF-8"
            raise InvalidInput.of(f"questions[{place}]", received=window.next or "nothing", accepted=accepted) from None


class _Window:
    """A file of JSON of which no more is in memory than the record that is being read, and a part to come."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0

    @property
    def next(self) -> str:
        """What comes, for an error to show."""
        return self._text[self._at : self._at + 200]

    def take(self, mark: str) -> bool:
        """Goes behind this mark and the blanks before it, if it comes next."""
        self._skip_blanks()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def expect(self, mark: str) -> None:
        """Goes behind this mark; raises ValueError where something else comes."""
        if not self.take(mark):
            raise ValueError(mark)

    def expect_end(self) -> None:
        """Raises ValueError where something comes."""
        self._skip_blanks()
        if self.next:
            raise ValueError(self.next)

    def record(self) -> Json:
        """The object that comes; raises ValueError or RecursionError where none does."""
        self._skip_blanks()
        if not self.next.startswith("{"):
            raise ValueError(self.next)
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                # It may only be cut off.
                if len(self._text) - self._at > RECORD_BYTES or not self._read_on():
                    raise
                continue
            _check_unicode(self._text, value, self._at, end)
            self._at = end
            return value

    def _skip_blanks(self) -> None:
        while True:
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr] # it matches nothing too
            if self._at < len(self._text) or not self._read_on():
                return

    def _read_on(self) -> bool:
        rest = self._text[self._at :]
        part = self._file.read(min(max(CHUNK, len(rest)), LONGEST_CHUNK))
        self._text, self._at = rest + part, 0
        return bool(part)


def _parquet(path: Path, keep: Keep) -> Iterator[Json]:
    import pyarrow
    import pyarrow.parquet  # only here: it takes a quarter of a second and 60 MB

    try:
        with pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20) as file:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for row in batch.to_pylist():
                    yield _without_bytes(row, keep)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        accepted = f"Apache Parquet; {' '.join(str(error).split())[:100]}"
        raise InvalidInput.of("questions", received="another file", accepted=accepted) from None


def _without_bytes(value: Json, keep: Keep) -> Json:
    """The value with names in place of images, which are bytes, or bytes and a path as `datasets` writes them."""
    match value:
        case bytes():
            return keep(value)
        case {"bytes": bytes(image), "path": _, **rest} if not rest:
            return keep(image)
        case {"bytes": None, "path": str(path), **rest} if not rest:
            return path
        case dict():
            return {name: _without_bytes(one, keep) for name, one in value.items()}
        case list():
            return [_without_bytes(one, keep) for one in value]
    return value


def _skip_mark(file: BinaryIO) -> None:
    if file.read(3) != b"\xef\xbb\xbf":
        file.seek(0)


def _check_unicode(text: str, value: Json, start: int = 0, end: int = sys.maxsize) -> None:
    """Raises ValueError where an escape in the text left half a character in its value."""
    if _SURROGATE.search(text, start, end):
        json.dumps(value, ensure_ascii=False).encode()


def _no_number(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _too_long(place: str) -> InvalidInput:
    return InvalidInput.of(place, received="a longer one", accepted=f"a record of up to {RECORD_BYTES >> 20} MiB")


def _not_utf8(place: str, error: UnicodeDecodeError) -> InvalidInput:
    received = f"the byte 0x{error.object[error.start]:02x}, which is not UTF-8 where it stands"
    return InvalidInput.of(place, received=received, accepted="JSON in UTF-8")


class _Twice(ValueError):
    """A name comes twice in one object: which of its values is meant cannot be known."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._name = name

    def refused(self, place: str) -> InvalidInput:
        return InvalidInput.of(place, received=f"{self._name[:100]!r} twice", accepted="each name once in an object")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object whose names differ."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = Counter(name for name, _ in pairs)
        raise _Twice(names.most_common(1)[0][0])
    return value


_DECODER = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_object)
_BLANKS = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
