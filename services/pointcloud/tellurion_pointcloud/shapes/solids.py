"""Single solids of random proportions, and heaps of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.shapes.palette import colour
from tellurion_pointcloud.shapes.parts import (
    Part,
    box,
    frustum,
    lathe,
    slab,
    superquadric,
    torus,
)

Random = np.random.Generator


def polyhedron(random: Random) -> list[Part]:
    """A box, prism, pyramid or stump of one."""
    if random.random() < 0.4:
        return [box(random.uniform(0.15, 1, 3), (0, 0, 0), colour(random))]
    sides, top = int(random.integers(3, 9)), random.choice([0, 1, random.uniform(0.2, 1.3)])
    return [frustum(1, top, random.uniform(0.2, 3), (0, 0, 0), colour(random), sides)]


def rounded(random: Random) -> list[Part]:
    """A cylinder, cone, stump, ball or capsule, upright or lying."""
    paint, height = colour(random), random.uniform(0.1, 4)
    if random.random() < 0.3:
        slope = np.linspace(0, np.pi / 2, 6)
        cap = np.stack([np.sin(slope), -np.cos(slope)], 1)
        profile = np.concatenate([cap, cap[::-1] * [1, -1] + [0, height * random.integers(0, 2)]])
        part = lathe(profile, (0, 0, 0), paint)
    else:
        part = frustum(1, random.choice([0, 1, random.uniform(0.2, 1)]), height, (0, 0, 0), paint, 24)
    return [part.turned(0, np.pi / 2) if random.random() < 0.3 else part]


def ring(random: Random) -> list[Part]:
    """A torus or an arc of one, lying, leaning or upright."""
    arc = 2 * np.pi if random.random() < 0.6 else random.uniform(1, 6)
    part = torus(1, random.uniform(0.05, 0.6), (0, 0, 0), colour(random), arc)
    return [
        part.scaled((1, random.uniform(0.5, 1), 1)).turned(0, random.choice([0, np.pi / 2, random.uniform(0, 1.5)]))
    ]


def spindle(random: Random) -> list[Part]:
    """A superquadric: between ellipsoid, rounded box, octahedron and pillow."""
    squareness = (float(random.uniform(0.1, 2.2)), float(random.uniform(0.1, 2.2)))
    return [superquadric(random.uniform(0.25, 1, 3), (0, 0, 0), colour(random), squareness)]


def outline(random: Random, count: int, roughness: float) -> NDArray[np.float64]:
    """A closed line [count, 2] around the origin, a regular polygon where it is not rough."""
    angle = 2 * np.pi * (np.arange(count) + roughness * random.uniform(-0.4, 0.4, count)) / count
    radius = 1 + roughness * random.uniform(-0.6, 0.6, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def extrusion(random: Random) -> list[Part]:
    """A random polygon, a star, or a letter-like outline drawn up to a plate or a column, lying or upright."""
    line = outline(random, int(random.integers(3, 13)), random.uniform(0.2, 1))
    if random.random() < 0.3:
        points = int(random.integers(3, 9))
        line = outline(random, 2 * points, 0) * np.tile([1, random.uniform(0.3, 0.8)], points)[:, None]
    part = slab(line * [1, random.uniform(0.4, 1)], random.uniform(0.05, 2.5), (0, 0, 0), colour(random))
    return [part.turned(0, random.choice([0, np.pi / 2]))]


def profile(random: Random, count: int = 14) -> NDArray[np.float64]:
    """Radii and heights [count, 2] of a smooth outline between heights 0 and 1, closed at the bottom."""
    height = np.linspace(0, 1, count)
    waves = sum(random.normal(0, 0.5 / k) * np.cos(np.pi * k * height + random.uniform(0, 6)) for k in (1, 2, 3))
    radius = np.exp(0.7 * waves) * random.uniform(0.15, 0.8)
    return np.concatenate([[(0, 0)], np.stack([radius, height], 1)])


def revolution(random: Random) -> list[Part]:
    """A vase, bottle, bowl, bell or column: any smooth outline turned."""
    line = profile(random)
    if random.random() < 0.4:
        line = np.concatenate([line, [(0, 1)]])
    return [lathe(line, (0, 0, 0), colour(random), int(random.choice([6, 20, 24])))]


SINGLE = (polyhedron, rounded, ring, spindle, extrusion, revolution)


def heap(random: Random) -> list[Part]:
    """Two to six solids stacked on, or grown into, each other."""
    parts: list[Part] = []
    for _ in range(random.integers(2, 7)):
        (part,) = SINGLE[random.integers(len(SINGLE))](random)
        part = part.scaled(random.uniform(0.3, 1) / np.ptp(part.vertices, axis=0).max())
        part = part.turned(2, random.uniform(0, 2 * np.pi))
        if parts:
            base = parts[random.integers(len(parts))].vertices
            low, high = base.min(0), base.max(0)
            at = random.uniform(low, high)
            axis = random.choice(3, p=[0.2, 0.2, 0.6])
            at[axis] = high[axis] - part.vertices[:, axis].min() * random.uniform(0.3, 1)
            part = part.moved(at)
        parts.append(part)
    return parts
