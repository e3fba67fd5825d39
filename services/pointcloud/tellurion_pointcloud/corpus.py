"""A corpus: a folder of clouds with colours and pictures of the same things, mapped into memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.whole_files import placed
from tellurion_pointcloud.clouds import normalised
from tellurion_pointcloud.surfaces import spread
from tellurion_pointcloud.views import views

ARRAYS = {"clouds": (np.dtype(np.float32), 3), "colours": (np.dtype(np.uint8), 3), "pictures": (np.dtype(np.uint8), 5)}
"""Type and axes of each file."""


@dataclass(frozen=True, eq=False)
class Thing:
    """One sample of a corpus."""

    name: str
    cloud: NDArray[np.float32]
    """[P, 3] z up, around the centroid, in the unit ball."""
    colours: NDArray[np.uint8]
    """[P, 3]."""
    pictures: NDArray[np.uint8]
    """[V, S, S, 3] on white."""
    group: str
    """Shared with near-duplicates."""
    kind: str = ""
    """Its class; '' where it is not known."""
    fold: int = -1
    """In which it is held out; −1 for none."""
    size: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Metres along x, y, z; 0 where they are not known."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Things, in the same order in every array."""

    clouds: NDArray[np.float32]
    """[M, P, 3] z up, around the centroid, in the unit ball."""
    colours: NDArray[np.uint8]
    """[M, P, 3]."""
    pictures: NDArray[np.uint8]
    """[M, V, S, S, 3]."""
    names: list[str]
    groups: list[str]
    classes: list[str]
    """'' where it is not known."""
    folds: NDArray[np.int64]
    """[M] −1 for what is in none."""
    sizes: NDArray[np.float64]
    """[M, 3] metres, 0 where they are not known."""
    source: str
    """What made it, for model cards."""

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def open(cls, path: Path) -> Corpus:
        """Maps a folder that `write` made. Raises InvalidInput for one that it did not."""
        try:
            about = json.loads((path / "about.json").read_text())
            arrays = {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
            corpus = cls(
                **arrays,
                names=about["names"],
                groups=about["groups"],
                classes=about["classes"],
                folds=np.array(about["folds"], np.int64),
                sizes=np.array(about["sizes"], np.float64).reshape(-1, 3),
                source=about["source"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidInput.of("corpus", received=path.name, accepted="a folder of a corpus") from error
        kinds = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
        columns = (*arrays.values(), corpus.groups, corpus.classes, corpus.folds, corpus.sizes)
        if kinds != ARRAYS or any(len(column) != len(corpus) for column in columns):
            raise InvalidInput.of("corpus", received=path.name, accepted="arrays that fit each other")
        return corpus


def pictured(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    face_colours: NDArray[np.uint8],
    *,
    points: int,
    count: int,
    side: int,
    random: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Cloud [points, 3] in the unit ball, colours [points, 3] and pictures [count, side, side, 3] of a mesh, z up.

    Raises InvalidInput for a mesh without any area.
    """
    places, chosen = spread(vertices, faces, points, random)
    ball = normalised(places)
    pictures = views((vertices - ball.centre) / ball.scale, faces, face_colours, count, side)
    return ball.points, face_colours[chosen], pictures


def write(path: Path, things: Iterable[Thing], count: int, source: str) -> None:
    """Writes `count` things as a corpus; the folder is there whole or not at all.

    Raises InvalidInput where a folder that is not empty stands there, or for fewer things.
    """
    if not path.parent.is_dir() or (path.exists() and any(path.iterdir())):
        raise InvalidInput.of("output", received=path.name, accepted="a new folder in one that exists")
    with placed(path) as folder:
        folder.mkdir()
        arrays: dict[str, np.memmap] = {}
        columns: dict[str, list[object]] = {"names": [], "groups": [], "classes": [], "folds": [], "sizes": []}
        for index, thing in enumerate(things):
            for name, sample in zip(ARRAYS, (thing.cloud, thing.colours, thing.pictures), strict=True):
                if not index:
                    shape = (count, *sample.shape)
                    arrays[name] = open_memmap(folder / f"{name}.npy", "w+", ARRAYS[name][0], shape)
                arrays[name][index] = sample
            row = (thing.name, thing.group, thing.kind, thing.fold, thing.size)
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
        if len(columns["names"]) != count:
            raise InvalidInput.of("things", received=len(columns["names"]), accepted=f"{count}")
        for array in arrays.values():
            array.flush()
        (folder / "about.json").write_text(json.dumps({"source": source, **columns}))
