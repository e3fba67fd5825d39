"""How rooms are changed at random before they are shown: so that their boxes and views stay exact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_pointcloud.geometry import farthest_points
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.training.draws import DENSER

STRETCH, BRIGHTNESS = 0.1, 0.2
"""Greatest relative change of lengths and of brightness."""


def some_points(rooms: Rooms, index: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Indices [count] of a room's points: of those drawn the ones farthest from each other, as scenes are encoded."""
    there = len(rooms.points[index])
    drawn = random.choice(there, max(count, min(DENSER * count, there)), replace=there < count)
    return drawn[farthest_points(rooms.points[index][drawn][None], count)[0]]


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
