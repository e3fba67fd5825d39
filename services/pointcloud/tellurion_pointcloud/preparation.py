"""Clouds as they came, made ready for a model: checked, in the unit ball about their centre, sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import LARGEST
from tellurion_pointcloud.clouds import COMPARED, check_points, resampled
from tellurion_pointcloud.gaussian2scene.model import GREY
from tellurion_pointcloud.received import Received

Floats = NDArray[np.floating[Any]]
LIGHT_POINTS, LIGHT_DISTANCES = 1 << 20, 1 << 28
"""Points that a cloud may have, and distances that may be worked out to sample it, before it is heavy."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A cloud as a model takes it."""

    inputs: Mapping[str, NDArray[Any]]
    """`points [P, 3]` of float32 and, where the model reads them, `colours [P, 3]`."""
    centre: Floats
    """[3] where the origin of `points` is in the cloud's own coordinates."""
    scale: float
    """Length of their unit there."""
    label: str
    """Its class; empty where it has none."""
    received: int
    """Points that came."""

    def placed(self, points: Floats) -> NDArray[np.float64]:
        """Points [M, 3] of the model in the cloud's own coordinates."""
        return points.astype(np.float64) * self.scale + self.centre


def prepared(received: Received, count: int, *, coloured: bool = False, metres: bool = False) -> Prepared:
    """`count` points of a cloud, the same whatever their order; grey where they are to be `coloured` and are not.

    In the unit ball; in `metres` moved alone. Raises InvalidInput for points that cannot be used.
    """
    field = f"clouds[{received.index}].points"
    check_points(received.points, field)
    if metres and (extent := float(np.ptp(received.points, axis=0).max())) > LARGEST:
        raise InvalidInput.of(field, received=f"an extent of {extent:g}", accepted=f"at most {LARGEST:g} m")
    index, ball = resampled(received.points, count)
    unit = ball.scale if metres else 1.0
    inputs: dict[str, NDArray[Any]] = {"points": ball.points * np.float32(unit)}
    if coloured:
        of = received.colours
        inputs["colours"] = np.full((count, 3), GREY, np.uint8) if of is None else of[index]
    return Prepared(inputs, ball.centre, ball.scale / unit, received.label, len(received.points))


def is_heavy(points: int, count: int) -> bool:
    """Whether it takes 100 MiB, or a tenth of a second and more, to prepare `count` of so many points."""
    return points > LIGHT_POINTS or count * min(points, COMPARED) > LIGHT_DISTANCES
