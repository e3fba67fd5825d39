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
from tellurion_client.pointcloud import check_classes
from tellurion_client.pointcloud_results import CloudEncoding
from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed

MOST_WHOLE = 1 << 20
"""Points that are encoded as one cloud; a file with more is a scan, and is encoded in tiles."""
MOST_SCANNED = 1 << 32
"""Points of a scan."""
ADDED = (255, 0, 0)
"""Colour of points that were added to a cloud with colours."""


class NamedClouds(Iterable[Cloud]):
    """The clouds of files, large ones in tiles, each read when its turn comes."""

    def __init__(self, paths: Sequence[Path], seed: int) -> None:
        self._paths = paths
        self._seed = seed
        self.names: list[str] = []
        """Of the clouds so far."""
        self.done: list[float] = []
        """Part of all files that is done with each of them."""

    def __iter__(self) -> Iterator[Cloud]:
        for before, (path, name) in enumerate(zip(self._paths, names_of(self._paths), strict=True)):
            if (cloud := self._whole(path)) is not None:
                yield self._told(cloud, name, before + 1)
                continue
            for index, tile in enumerate(tiles(partial(self._parts, path), seed=self._seed)):
                yield self._told(tile.cloud, f"{name}#{index:04d}", before + (index + 1) / tile.of)

    def _told(self, cloud: Cloud, name: str, files: float) -> Cloud:
        self.names.append(name)
        self.done.append(files / len(self._paths))
        return cloud

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


def check_suffix(output: Path, suffix: str) -> None:
    """Raises InvalidInput unless a file to write is named so."""
    if output.suffix.lower() != suffix:
        raise InvalidInput.of("output", received=str(output), accepted=f"a file named {suffix}")


def examples_of(folder: Path) -> dict[str, list[Path]]:
    """The files of clouds in the folders of a folder, by the names of these.

    Raises:
        InvalidInput: it is no folder, or one without at least two such folders, or one of them has no such file.
    """
    if not folder.is_dir():
        raise InvalidInput.of("examples", received=folder, accepted="a folder with one of each class")
    examples = {
        each.name: [path for path in _seen(each) if path.suffix.lower() in SUFFIXES]
        for each in _seen(folder)
        if each.is_dir()
    }
    check_classes(examples)
    for name, paths in examples.items():
        if not paths:
            accepted = f"a file named {', '.join(SUFFIXES)}"
            raise InvalidInput.of("examples", received=f"none in {folder / name}", accepted=accepted)
    return examples


def _seen(folder: Path) -> list[Path]:
    """What is in a folder, by name, without what is hidden there."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


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


def write_completed(path: Path, given: Cloud, added: NDArray[np.float64]) -> None:
    """Writes a cloud and the points [M, 3] that were added to it as a binary PLY, whole or not at all.

    The vertices have `added`, 0 or 1, and where the cloud has colours these, those that were added `ADDED`.
    """
    columns = [("x", "<f8"), ("y", "<f8"), ("z", "<f8"), ("added", "u1")]
    if given.colours is not None:
        columns += [("red", "u1"), ("green", "u1"), ("blue", "u1")]
    rows = np.zeros(len(given) + len(added), columns)
    for column, axis in enumerate("xyz"):
        rows[axis] = np.concatenate([given.points[:, column], added[:, column]])
    rows["added"][len(given) :] = 1
    if given.colours is not None:
        for column, light in enumerate(("red", "green", "blue")):
            rows[light][: len(given)], rows[light][len(given) :] = given.colours[:, column], ADDED[column]
    properties = "".join(f"property {'double' if kind == '<f8' else 'uchar'} {name}\n" for name, kind in columns)
    header = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(rows)}\n{properties}end_header\n"
    with _written(path) as place:
        place.write_bytes(header.encode() + rows.tobytes())


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
