"""What a scene is built of: flat parallelograms, matte or luminous, in metres, z upwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Texture = Callable[[Array, Array], Array]
"""Colours [..., 3] at positions [...] along and up a face, metres from its corner: linear albedo, or radiance."""
Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Face:
    """A parallelogram that is seen from where `across` × `up` points to; from behind it is black."""

    corner: Array
    """[3]."""
    across: Array
    """[3], the edge along which a texture's first coordinate runs."""
    up: Array
    """[3], the other edge."""
    texture: Texture
    """The albedo, or of a luminous face the radiance."""
    luminous: bool = False

    @property
    def normal(self) -> Array:
        """[3], of unit length."""
        normal = np.cross(self.across, self.up)
        return normal / np.linalg.norm(normal)

    @property
    def area(self) -> float:
        """Square metres."""
        return float(np.linalg.norm(np.cross(self.across, self.up)))

    @property
    def to_world(self) -> Array:
        """[4, 4] takes the square [−1, 1]² at z = 0 to the face, and z to its normal."""
        matrix = np.eye(4)
        matrix[:3] = np.column_stack(
            [self.across / 2, self.up / 2, self.normal, self.corner + (self.across + self.up) / 2]
        )
        return matrix

    def texels(self, per_metre: float, least: int = 1) -> tuple[int, int]:
        """Rows and columns of a map of the face."""
        rows, columns = (max(least, math.ceil(per_metre * np.linalg.norm(edge))) for edge in (self.up, self.across))
        return rows, columns

    def colours(self, shape: tuple[int, int]) -> Array:
        """[rows, columns, 3] the texture at the centres of a map's texels, the corner's first."""
        y, x = (
            (np.arange(n) + 0.5) / n * np.linalg.norm(e) for n, e in zip(shape, (self.up, self.across), strict=True)
        )
        return self.texture(*np.meshgrid(x, y))


def face(corner: Vector, across: Vector, up: Vector, texture: Texture, *, luminous: bool = False) -> Face:
    """A face from plain tuples."""
    return Face(np.asarray(corner, float), np.asarray(across, float), np.asarray(up, float), texture, luminous)


def box(base: Vector, size: Vector, texture: Texture, *, turn: float = 0.0) -> list[Face]:
    """The six sides of a box that stands with the centre of its bottom at `base`, turned by degrees about z."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    x, y, z = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]]) * np.asarray(size)[:, None]
    low = np.asarray(base) - (x + y) / 2
    sides = [(low, x, z), (low + x, y, z), (low + x + y, -x, z), (low + y, -y, z), (low + z, x, y), (low + y, x, -y)]
    return [Face(*side, texture) for side in sides]


def hexagon(base: Vector, radius: float, height: float, texture: Texture, *, turn: float = 0.0) -> list[Face]:
    """A hexagonal column without a bottom; its top is three rhombi."""
    angles = np.radians(turn + 60 * np.arange(6))
    centre, z = np.asarray(base, float), np.array([0.0, 0.0, height])
    rim = radius * np.column_stack([np.cos(angles), np.sin(angles), np.zeros(6)])
    sides = [Face(centre + rim[i], rim[(i + 1) % 6] - rim[i], z, texture) for i in range(6)]
    return sides + [Face(centre + z, rim[i], rim[(i + 2) % 6], texture) for i in (0, 2, 4)]


def frame(corner: Vector, width: float, height: float, bar: float, depth: float, texture: Texture) -> list[Face]:
    """Four bars round an opening of the plane y = corner's, which stand out of it towards −y by `depth`."""
    x, y, z = corner
    middle, y = x + width / 2, y - depth / 2
    long, tall = (width + 2 * bar, depth, bar), (bar, depth, height)
    bars = [((middle, y, z - bar), long), ((middle, y, z + height), long)]
    bars += [((x - bar / 2, y, z), tall), ((x + width + bar / 2, y, z), tall)]
    return [side for base, size in bars for side in box(base, size, texture)]


def surface_points(faces: Sequence[Face], count: int, rng: np.random.Generator) -> Array:
    """[count, 3] points spread evenly over the faces' area."""
    area = np.array([face.area for face in faces])
    chosen = rng.choice(len(faces), count, p=area / area.sum())
    corner, across, up = (np.stack([getattr(f, name) for f in faces])[chosen] for name in ("corner", "across", "up"))
    along, upwards = rng.random((2, count, 1))
    return corner + along * across + upwards * up
