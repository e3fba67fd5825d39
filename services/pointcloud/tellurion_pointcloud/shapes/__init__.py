"""Procedural things of sixteen and more kinds, of random proportions and colours: as many as wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.shapes import boards, cushions, devices, living, solids, vehicles
from tellurion_pointcloud.shapes.parts import Part

KINDS: Mapping[str, tuple[Callable[[np.random.Generator], list[Part]], int]] = {
    **{make.__name__: (make, 1) for make in solids.SINGLE},
    "heap": (solids.heap, 3),
    **{
        make.__name__: (make, 3)
        for make in (
            boards.table,
            cushions.seat,
            cushions.upholstered,
            cushions.bed,
            boards.storage,
            boards.opening,
            devices.lamp,
            living.plant,
            living.tree,
            vehicles.wheeled,
            living.figure,
        )
    },
    **{
        make.__name__: (make, 2)
        for make in (vehicles.cycle, living.animal, devices.vessel, devices.device, devices.railing)
    },
}
"""What makes one of each kind, and how often it is drawn."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A thing, z up."""

    kind: str
    """One of `KINDS`."""
    vertices: NDArray[np.float64]
    """[V, 3]."""
    faces: NDArray[np.int64]
    """[F, 3] of vertices."""
    face_colours: NDArray[np.uint8]
    """[F, 3]."""


def shape(seed: int, index: int) -> Shape:
    """Thing `index` of a seed: a function of these two alone."""
    random = np.random.default_rng([seed, index])
    often = np.array([weight for _, weight in KINDS.values()])
    kind = str(random.choice(list(KINDS), p=often / often.sum()))
    parts = KINDS[kind][0](random)
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    vertices = np.concatenate([part.vertices for part in parts])
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=True)])
    colours = np.repeat(
        np.array([part.colour for part in parts], np.uint8), [len(part.faces) for part in parts], axis=0
    )
    # no two of a kind are of one build
    stretched = vertices * np.exp(random.normal(0, 0.12, 3))
    return Shape(kind, stretched, faces, colours)
