"""How rooms are changed at random before they are shown: so that their boxes and views stay exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.rooms import Rooms

STRETCH, BRIGHTNESS = 0.1, 0.2
"""Greatest relative change of lengths and of brightness."""


def some_points(rooms: Rooms, index: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Indices [count] of a room's points, repeated only where it has fewer."""
    there = len(rooms.points[index])
    return random.choice(there, count, replace=there < count)


def turn(random: np.random.Generator) -> NDArray[np.float64]:
    """[3, 3] that points [N, 3] are multiplied by: a symmetry and a stretch."""
    return symmetry(random) * random.uniform(1 - STRETCH, 1 + STRETCH)


def symmetry(random: np.random.Generator) -> NDArray[np.float64]:
    """[3, 3] one of the eight symmetries of an upright box on a square: quarter turns about z, mirrored or not."""
    turned = np.diag([*random.choice([-1.0, 1.0], 2), 1.0])
    return turned[[1, 0, 2]] if random.random() < 0.5 else turned


def light(random: np.random.Generator) -> float:
    """What colours are multiplied by."""
    return random.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS)


def lit(colours: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Colours in another light."""
    return (colours * factor).clip(0, 255).astype(np.uint8)
