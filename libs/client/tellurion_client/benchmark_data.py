"""The folder of a benchmark's data: one file of questions, and the images beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_core.errors import InvalidInput

QUESTIONS: Mapping[str, benchmark_pb2.Format.ValueType] = {
    "questions.json": benchmark_pb2.FORMAT_JSON,
    "questions.jsonl": benchmark_pb2.FORMAT_JSON_LINES,
    "questions.parquet": benchmark_pb2.FORMAT_PARQUET,
}
"""Names of the file of questions, and what each is written in."""
IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp"})
"""Suffixes of the files that are sent beside it."""


@dataclass(frozen=True)
class DataFolder:
    """What of a folder goes to the service, which judges what is in it."""

    questions: Path
    """The file of questions."""
    form: benchmark_pb2.Format.ValueType
    """What it is written in."""
    images: Mapping[str, Path]
    """The images in and below the folder, each by its path from there, with slashes."""

    @classmethod
    def at(cls, folder: str | os.PathLike[str]) -> Self:
        """Looks into a folder.

        Raises:
            InvalidInput: it is none, or has no file of questions, or several.
        """
        root = Path(folder)
        if not root.is_dir():
            received = f"{'no folder' if root.exists() else 'nothing'}: {root}"
            raise InvalidInput.of("data", received=received, accepted="a folder with the questions and their images")
        found = [name for name in QUESTIONS if (root / name).is_file()]
        if len(found) != 1:
            received = f"{' and '.join(found) or 'none'} in {root}"
            raise InvalidInput.of("data", received=received, accepted=f"a folder with one of {', '.join(QUESTIONS)}")
        return cls(root / found[0], QUESTIONS[found[0]], dict(sorted(_images_in(root))))

    def media(self, sums: Mapping[Path, str]) -> bytes:
        """The list of images that a data set refers to, JSON lines; `sums` are the files' SHA-256."""
        lines = (json.dumps({"name": name, "sha256": sums[path]}) for name, path in self.images.items())
        return "".join(f"{line}\n" for line in lines).encode()


def _images_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The image files below a folder by name; links are followed to files of the folder only."""
    root = folder.resolve()
    for parent, _, names in os.walk(root):
        for name in names:
            path = Path(parent, name)
            inside = path.suffix.lower() in IMAGES and path.is_file() and path.resolve().is_relative_to(root)
            if inside and _is_unicode(where := path.relative_to(root).as_posix()):
                yield where, path


def _is_unicode(name: str) -> bool:
    """Whether questions can name it: JSON has no other names."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
