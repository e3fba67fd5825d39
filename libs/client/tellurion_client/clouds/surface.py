"""The surface of a mesh as points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_client.clouds.cloud import CHUNK, Cloud, check_count, check_points
from tellurion_core.errors import InvalidInput

FACES_PER_POINT = 4
"""Most faces of a mesh by the most vertices; a closed one of triangles has two for each."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices, and the polygons between them, where there are any."""

    vertices: Cloud
    corners: NDArray[np.int64]
    """[ΣK] vertices around each polygon, from 0."""
    sizes: NDArray[np.int64]
    """[F] corners of each polygon."""
    first: int = 0
    """Number of the first vertex, as the file counts them."""

    def cloud(self, count: int, seed: int, field: str) -> Cloud:
        """The vertices of what has no polygons; else `count` points, by area at random.

        Raises InvalidInput of coordinates that cannot be used, corners at no vertex and polygons without area.
        """
        check_points(self.vertices.points, field)
        if not len(self.sizes):
            return self.vertices
        outside = (self.corners < 0) | (self.corners >= len(self.vertices))
        if outside.any():
            received = f"a face at vertex {self.corners[outside][0] + self.first}"
            accepted = f"{self.first} to {len(self.vertices) - 1 + self.first}"
            raise InvalidInput.of(field, received=received, accepted=accepted)
        return _sampled(self.vertices, _triangles(self.corners, self.sizes), count, np.random.default_rng(seed), field)


def check_faces(count: int, most: int, field: str) -> None:
    """Raises InvalidInput of more faces than a mesh of `most` vertices has."""
    if count:
        check_count(count, FACES_PER_POINT * most, field, "faces")


def _triangles(corners: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """[T, 3] each polygon as a fan around its first corner; fewer than three corners are none."""
    fans = np.maximum(sizes - 2, 0)
    first = np.repeat(np.cumsum(sizes) - sizes, fans)
    step = np.arange(len(first)) - np.repeat(np.cumsum(fans) - fans, fans) + 1
    return np.stack([corners[first], corners[first + step], corners[first + step + 1]], axis=1)


def _sampled(vertices: Cloud, triangles: NDArray[np.int64], count: int, rng: np.random.Generator, field: str) -> Cloud:
    """Points uniform over the area. Source: Osada et al. 2002, Shape Distributions, equation 1."""
    reached = np.cumsum(_doubled_areas(vertices.points, triangles))
    if not (len(reached) and reached[-1] > 0):
        raise InvalidInput.of(field, received="faces without area", accepted="a mesh with a surface")
    chosen = triangles[np.searchsorted(reached, rng.random(count) * reached[-1], side="right")]
    root, along = np.sqrt(rng.random(count)), rng.random(count)
    shares = np.stack([1 - root, root * (1 - along), root * along], axis=1)
    colours = None
    if vertices.colours is not None:
        mixed = np.einsum("nk,nkc->nc", shares, vertices.colours[chosen])
        colours = np.rint(mixed).astype(np.uint8)
    return Cloud(np.einsum("nk,nkc->nc", shares, vertices.points[chosen]), colours)


def _doubled_areas(points: NDArray[np.float64], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    """[T] twice the area of each triangle; memory for corners is that of `CHUNK` of them."""
    doubled = np.empty(len(triangles))
    for first in range(0, len(triangles), CHUNK):
        one, two, three = points[triangles[first : first + CHUNK]].transpose(1, 0, 2)
        doubled[first : first + CHUNK] = np.linalg.norm(np.cross(two - one, three - one), axis=1)
    return doubled
