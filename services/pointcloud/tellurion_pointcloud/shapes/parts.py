"""Coloured pieces of surface, of which procedural things are put together; z is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[int, int, int]
SIDES = 16
"""Of a round piece."""


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh of one colour."""

    vertices: NDArray[np.float64]
    """[V, 3]."""
    faces: NDArray[np.int64]
    """[F, 3] of vertices."""
    colour: Colour

    def moved(self, offset: ArrayLike) -> Part:
        """The same elsewhere."""
        return Part(self.vertices + np.asarray(offset), self.faces, self.colour)

    def turned(self, axis: int, angle: float) -> Part:
        """The same turned by radians about the x, y or z axis (0, 1, 2)."""
        return Part(self.vertices @ turn(axis, angle).T, self.faces, self.colour)

    def scaled(self, factors: ArrayLike) -> Part:
        """The same, each axis scaled."""
        return Part(self.vertices * np.asarray(factors), self.faces, self.colour)


def turn(axis: int, angle: float) -> NDArray[np.float64]:
    """The rotation [3, 3] by radians about an axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first] = np.sin(angle)
    matrix[first, second] = -matrix[second, first]
    return matrix


def beside(places: ArrayLike, offset: ArrayLike) -> NDArray[np.float64]:
    """Places [..., 3] so far from others."""
    return np.add(places, offset)


def lattice(points: NDArray[np.float64], colour: Colour) -> Part:
    """The surface through a grid of points [H, W, 3]."""
    rows, columns = points.shape[:2]
    corner = (columns * np.arange(rows - 1)[:, None] + np.arange(columns - 1)).ravel()
    right, below = corner + 1, corner + columns
    faces = np.concatenate([np.stack([corner, right, below], 1), np.stack([right, below + 1, below], 1)])
    return Part(points.reshape(-1, 3), faces, colour)


def box(size: Sequence[float], at: ArrayLike, colour: Colour) -> Part:
    """A box of a size along x, y, z around a point."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    quads = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return Part(corners * np.asarray(size) + np.asarray(at), faces, colour)


def lathe(profile: ArrayLike, at: ArrayLike, colour: Colour, sides: int = SIDES) -> Part:
    """A surface of revolution, a prism of few sides: radii and heights [K, 2] turned about the vertical of a point."""
    radius, height = np.asarray(profile, np.float64).T[:, :, None]
    angle = 2 * np.pi * (np.arange(sides + 1) + 0.5) / sides
    points = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), np.broadcast_to(height, (len(radius), sides + 1))], 2
    )
    return lattice(points + np.asarray(at), colour)


def frustum(bottom: float, top: float, height: float, at: ArrayLike, colour: Colour, sides: int = SIDES) -> Part:
    """A closed cylinder, cone or prism that stands on a point."""
    return lathe([(0, 0), (bottom, 0), (top, height), (0, height)], at, colour, sides)


def superquadric(
    size: Sequence[float], at: ArrayLike, colour: Colour, squareness: tuple[float, float] = (1, 1)
) -> Part:
    """An ellipsoid of exponents (1, 1), the rounder box the smaller they are, a spindle where they are 2."""
    latitude, longitude = np.linspace(-np.pi / 2, np.pi / 2, 13)[:, None], np.linspace(-np.pi, np.pi, SIDES + 5)

    def power(value: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
        return np.sign(value) * np.abs(value) ** exponent

    ring = power(np.cos(latitude), squareness[0])
    points = np.stack(
        [
            ring * power(np.cos(longitude), squareness[1]),
            ring * power(np.sin(longitude), squareness[1]),
            np.broadcast_to(power(np.sin(latitude), squareness[0]), (13, SIDES + 5)),
        ],
        2,
    )
    return lattice(points * np.asarray(size) / 2 + np.asarray(at), colour)


def torus(major: float, minor: float, at: ArrayLike, colour: Colour, arc: float = 2 * np.pi) -> Part:
    """A ring about the vertical through a point, or an arc of one."""
    around, across = np.linspace(0, arc, 25)[:, None], np.linspace(0, 2 * np.pi, 11)
    radius = major + minor * np.cos(across)
    points = [radius * np.cos(around), radius * np.sin(around), np.broadcast_to(minor * np.sin(across), (25, 11))]
    return lattice(np.stack(points, 2) + np.asarray(at), colour)


def tube(path: ArrayLike, radii: float | Sequence[float], colour: Colour, sides: int = 8) -> Part:
    """A closed tube along a path [K, 3], of one radius or of one at each point."""
    path = np.asarray(path, np.float64)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    # a fixed direction that the path nowhere follows, so that rings do not turn against each other
    aside = np.eye(3)[np.abs(along).max(0).argmin()]
    first = np.cross(along, aside)
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-12
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[:, None]
    ring = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    points = path[:, None] + np.broadcast_to(radii, len(path))[:, None, None] * ring
    ends = [np.broadcast_to(path[end], (1, sides + 1, 3)) for end in (0, -1)]
    return lattice(np.concatenate([ends[0], points, ends[1]]), colour)


def slab(outline: ArrayLike, height: float, at: ArrayLike, colour: Colour) -> Part:
    """An outline [N, 2] in x and y, which its mean sees whole, drawn up from a point."""
    flat = np.asarray(outline, np.float64)
    ring = np.concatenate([flat, flat[:1]])
    middle = np.broadcast_to(flat.mean(0), ring.shape)
    levels = [(middle, 0), (ring, 0), (ring, height), (middle, height)]
    points = np.stack([np.column_stack([line, np.full(len(line), level)]) for line, level in levels])
    return lattice(points + np.asarray(at), colour)


def leaf(path: ArrayLike, width: float, colour: Colour) -> Part:
    """A blade along a path [K, 3], widest in the middle, as level as it can be."""
    path = np.asarray(path, np.float64)
    along = path[-1] - path[0]
    aside = np.array([-along[1], along[0], 0.0])
    aside /= np.linalg.norm(aside) + 1e-12
    half = width / 2 * np.sin(np.linspace(0.15, np.pi - 0.02, len(path)))[:, None] * aside
    return lattice(np.stack([path - half, path + half], 1), colour)
