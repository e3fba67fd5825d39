"""The furniture that rooms are composed of, in classes that each have models enough to hold some out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.furniture import Model
from tellurion_pointcloud.labels import Label

MERGED = {
    "cabinet": "cabinet",
    "chair": "chair",
    "plant": "plant or lamp",
    "lamp": "plant or lamp",
    "sofa": "sofa or bed",
    "bed": "sofa or bed",
    "table": "table",
}
"""Class of a room's object, by the class of the furniture's labels; what is not here stands in no room."""
CLASSES = tuple(sorted(set(MERGED.values())))
LARGEST = np.array([3.0, 3.0, 2.3])
"""Metres; what is larger belongs outdoors."""
LOWEST = 0.3
"""Metres; nothing lower is found in a room's cloud."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A model that can stand in a room: its front towards −y, the middle of its lowest side at the origin."""

    kind: int
    """Of CLASSES."""
    group: str
    """Shared with near-duplicates."""
    vertices: NDArray[np.float64]
    """[V, 3] metres, z up, each of some face."""
    faces: NDArray[np.int64]
    """[F, 3]."""
    face_colours: NDArray[np.uint8]
    """[F, 3]."""

    @property
    def size(self) -> NDArray[np.float64]:
        """[3] metres."""
        return np.ptp(self.vertices, axis=0)


def pieces(models: Iterable[tuple[Model, Label]], chosen: Callable[[Label], bool]) -> list[Piece]:
    """Those of the labelled models that are `chosen` and stand on floors of rooms."""
    return [
        _piece(model, label)
        for model, label in models
        if chosen(label) and label.kind in MERGED and model.entry.elevation == 0 and _fits(model.entry.size)
    ]


def _fits(size: tuple[float, float, float]) -> bool:
    return bool((np.array(size) <= LARGEST).all() and size[2] >= LOWEST)


def _piece(model: Model, label: Label) -> Piece:
    used, faces = np.unique(model.faces, return_inverse=True)
    kind = CLASSES.index(MERGED[label.kind])
    return Piece(kind, label.group, model.vertices[used], faces.reshape(-1, 3), model.face_colours)
