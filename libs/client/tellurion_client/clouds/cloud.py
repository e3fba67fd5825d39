"""A cloud of points, and what all files of clouds have to keep to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

CHUNK = 1 << 18
"""Points that are read at once from a file of any length."""
LARGEST = 1e9
"""Of a coordinate, either way; beyond it 64-bit floats tell no tenth of a micrometre apart."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """N points, and their colours where they are known."""

    points: NDArray[np.float64]
    """[N, 3]"""
    colours: NDArray[np.uint8] | None = None
    """[N, 3] red, green, blue."""

    def __len__(self) -> int:
        return len(self.points)

    def at(self, index: Any) -> Cloud:
        """The points of an index."""
        return Cloud(self.points[index], None if self.colours is None else self.colours[index])


def joined(clouds: Sequence[Cloud]) -> Cloud:
    """All points of several clouds, which have colours all or none."""
    colours = [cloud.colours for cloud in clouds if cloud.colours is not None]
    return Cloud(np.concatenate([cloud.points for cloud in clouds]), np.concatenate(colours) if colours else None)


def check_points(points: NDArray[np.float64], field: str) -> None:
    """Raises InvalidInput unless all coordinates [N, 3] are finite and at most `LARGEST`."""
    usable = np.abs(points) <= LARGEST  # which NaN is not
    if not usable.all():
        row, column = np.argwhere(~usable)[0]
        received = f"{'xyz'[column]} = {points[row, column]:g}"
        raise InvalidInput.of(field, received=received, accepted=f"finite coordinates of at most {LARGEST:g}")


def check_count(count: int, most: int, field: str, what: str = "points") -> None:
    """Raises InvalidInput unless there are some points, and no more than `most`."""
    if count < 1:
        raise InvalidInput.of(field, received=f"no {what}", accepted="at least one")
    if count > most:
        raise InvalidInput.of(field, received=f"{count} {what}", accepted=f"at most {most}", reason="TOO_LARGE")


def check_whole(held: int, needed: int, what: str, field: str) -> None:
    """Raises InvalidInput where a file holds less than it says."""
    if held < needed:
        raise InvalidInput.of(field, received=f"{held} of {needed} {what}", accepted="a whole file")


def white(values: NDArray[Any], field: str) -> float:
    """What full light is on the scale of these colours: 1 or 255 of fractions, 255 or 65535 of whole numbers.

    The smaller one unless a value is beyond it: files of 16-bit colours often hold 8-bit ones.
    Raises InvalidInput of colours that are negative or beyond both.
    """
    scales = (1.0, 255.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    usable = (values >= 0) & (values <= scales[1])
    if not usable.all():
        raise InvalidInput.of(
            field, received=f"a colour of {values[~usable][0]:g}", accepted=f"colours from 0 to {scales[1]:g}"
        )
    return scales[0] if values.max(initial=0) <= scales[0] else scales[1]


def shades(values: NDArray[Any], full: float) -> NDArray[np.uint8]:
    """Colours as bytes; `full` becomes 255."""
    return np.rint(values * (255 / full)).astype(np.uint8)
