"""Folders that go to the splat service, each as one zip: the same bytes as long as the files are the same."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tellurion_core.errors import InvalidInput

IMAGES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".exr", ".npy"})
"""Suffixes of images: photographs, depths, masks."""
SCENE = IMAGES | {".json", ".txt", ".bin", ".ply"}
"""Suffixes of a scene's files: cameras and points beside the images."""
NO_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can tell."""
COPIED_AT_ONCE = 1 << 20


@contextmanager
def zipped(folder: Path, suffixes: frozenset[str], field: str) -> Iterator[Path]:
    """A zip of the folder's files with these suffixes, for the time of the block; hidden ones stay where they are.

    Raises:
        InvalidInput: no folder, none of these files in it, a linked folder, or a file that cannot be read.
    """
    if not folder.is_dir():
        received = f"{'no folder' if folder.exists() else 'nothing'}: {folder}"
        raise InvalidInput.of(field, received=received, accepted="a folder")
    files = dict(sorted(_files(folder, suffixes, field)))
    if not files:
        accepted = f"a folder with files of {', '.join(sorted(suffixes))}"
        raise InvalidInput.of(field, received=f"none in {folder}", accepted=accepted)
    with TemporaryDirectory(prefix="tellurion-") as place:
        path = Path(place) / f"{field}.zip"
        try:
            _write(path, files)
        except OSError as error:
            received = f"{error.strerror}: {error.filename or folder}"
            raise InvalidInput.of(field, received=received, accepted="files that can be read") from error
        yield path


def _files(folder: Path, suffixes: frozenset[str], field: str) -> Iterator[tuple[str, Path]]:
    """The files below a folder by name; links are followed to files of the folder only."""
    root = folder.resolve()
    for parent, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        if linked := next((name for name in below if Path(parent, name).is_symlink()), None):
            raise InvalidInput.of(field, received=f"{linked}, a link to a folder", accepted="a folder with its files")
        for name in names:
            path = Path(parent, name)
            wanted = path.suffix.lower() in suffixes and not name.startswith(".")
            if wanted and path.is_file() and path.resolve().is_relative_to(root):
                yield path.relative_to(root).as_posix(), path


def _write(path: Path, files: dict[str, Path]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # images are compressed already
        for name, file in files.items():
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as copy:
                shutil.copyfileobj(source, copy, COPIED_AT_ONCE)
