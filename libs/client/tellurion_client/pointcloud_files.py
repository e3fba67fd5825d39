"""Files of the point-cloud commands: clouds that come from them, encodings and clouds that go into them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_client.clouds import SUFFIXES, Cloud, chunks, tiles
from tellurion_client.clouds.cloud import joined
from tellurion_client.pointcloud_results import CloudEncoding
from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed

MOST_WHOLE = 1 << 20
"""Points that are encoded as one cloud; a file with more is a scan, and is encoded in tiles."""
MOST_SCANNED = 1 << 32
"""Points of a scan."""


class NamedClouds(Iterable[Cloud]):
    """The clouds of files, large ones in tiles, each read when its turn comes."""

    def __init__(self, paths: Sequence[Path], seed: int) -> None:
        self._paths = paths
        self._seed = seed
        self._files: list[int] = []
        self.names: list[str] = []
        """Of the clouds so far."""

    def __iter__(self) -> Iterator[Cloud]:
        for number, (path, name) in enumerate(zip(self._paths, names_of(self._paths), strict=True), 1):
            cloud = self._whole(path)
            scan = tiles(partial(self._parts, path), seed=self._seed) if cloud is None else ()
            for index, part in enumerate([cloud] if cloud is not None else (tile.cloud for tile in scan)):
                self.names.append(name if cloud is not None else f"{name}#{index:04d}")
                self._files.append(number)
                yield part

    def share(self, done: int) -> float:
        """Part of the files that are begun when so many clouds are done."""
        return self._files[done - 1] / len(self._paths)

    def _parts(self, path: Path) -> Iterator[Cloud]:
        return chunks(path, most=MOST_SCANNED, seed=self._seed)

    def _whole(self, path: Path) -> Cloud | None:
        """The cloud of a file; None where it has more than `MOST_WHOLE` points."""
        parts: list[Cloud] = []
        for part in self._parts(path):
            parts.append(part)
            if sum(map(len, parts)) > MOST_WHOLE:
                return None
        return joined(parts)


def check_inputs(paths: Sequence[Path], field: str = "clouds") -> None:
    """Raises InvalidInput where one of the files cannot be a cloud; what is in them is seen when they are read."""
    for path in paths:
        if not path.is_file():
            received = f"{'no file' if path.exists() else 'nothing'}: {path}"
            raise InvalidInput.of(field, received=received, accepted="files that can be read")
        if path.suffix.lower() not in SUFFIXES:
            raise InvalidInput.of(field, received=str(path), accepted=f"files named {', '.join(SUFFIXES)}")


def check_suffix(output: Path, suffix: str) -> None:
    """Raises InvalidInput unless a file to write is named so."""
    if output.suffix.lower() != suffix:
        raise InvalidInput.of("output", received=str(output), accepted=f"a file named {suffix}")


def examples_of(folder: Path) -> dict[str, list[Path]]:
    """The files of clouds in the folders of a folder, by the names of these.

    Raises:
        InvalidInput: it is no folder, or one without at least two such folders, or one of them has no such file.
    """
    classes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if len(classes) < 2:
        received = f"{len(classes)} folders in {folder}" if folder.is_dir() else f"no folder: {folder}"
        raise InvalidInput.of("examples", received=received, accepted="a folder with one of each class, two at least")
    examples = {each.name: sorted(p for p in each.iterdir() if p.suffix.lower() in SUFFIXES) for each in classes}
    for name, paths in examples.items():
        if not paths:
            accepted = f"a file named {', '.join(SUFFIXES)}"
            raise InvalidInput.of("examples", received=f"none in {folder / name}", accepted=accepted)
    return examples


def names_of(paths: Sequence[Path]) -> list[str]:
    """Of files without their suffix and folder, as far as that tells them apart; the others as they are given."""
    stems = [path.stem for path in paths]
    return [stem if stems.count(stem) == 1 else str(path) for stem, path in zip(stems, paths, strict=True)]


def write_encodings(path: Path, encodings: Sequence[CloudEncoding], names: Iterable[str]) -> dict[str, list[int]]:
    """Writes an .npz of encodings, whole or not at all; answers the shape of each of its arrays.

    `embedding [N, D]` and `tokens [N, G, C]` of float32, `centers [N, G, 3]` of float64, `names [N]`.
    """
    arrays: dict[str, NDArray[Any]] = {
        name: np.stack([getattr(of, name) for of in encodings]) for name in ("embedding", "tokens", "centers")
    }
    arrays["names"] = np.array([*names])
    with _written(path) as place, place.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return {name: [*array.shape] for name, array in arrays.items()}


def write_points(path: Path, points: NDArray[np.float64]) -> None:
    """Writes points [N, 3] as a binary PLY, whole or not at all."""
    properties = "".join(f"property double {axis}\n" for axis in "xyz")
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{properties}end_header\n"
    with _written(path) as place:
        place.write_bytes(header.encode() + np.ascontiguousarray(points, "<f8").tobytes())


def write_text(path: Path, text: str) -> None:
    """Writes a text, whole or not at all."""
    with _written(path) as place:
        place.write_text(text)


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """A place to write a file at. Raises InvalidInput where it cannot be written."""
    try:
        with placed(path) as place:
            yield place
    except OSError as error:
        received = f"{error.strerror}: {path}"
        raise InvalidInput.of("output", received=received, accepted="a file that can be written") from error
