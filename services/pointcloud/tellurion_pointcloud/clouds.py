"""A cloud as a model takes it: checked, of one size and place, and of as many points as it wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.kernels import compiled
from tellurion_pointcloud.geometry import farthest_points

LARGEST = 1e9
"""Of a coordinate, either way; beyond it 64-bit floats tell no tenth of a micrometre apart."""
MOST = 1 << 24
"""Points of one cloud; longer ones come in tiles."""
DIRECT = 1 << 16
"""Points of which a sample is chosen one by one; of more, one stands for each small cube first."""
PER_CHOSEN = 8
"""Cubes for each point of a sample."""
CUBES = (64, 128, 256)
"""Along the side of the space around a cloud; the fewest that are enough."""
ASIDE = 0.29289321881345254
"""Of a cube's side, that the cubes stand aside of the centroid: 1 − √½, so that points of a grid lie on no face."""


@dataclass(frozen=True, eq=False)
class Normalised:
    """A cloud around its centroid, its farthest point at distance 1."""

    points: NDArray[np.float32]
    """[N, 3]"""
    centre: NDArray[np.float64]
    """[3] the centroid, in the units of the cloud."""
    scale: float
    """Distance of the farthest point, in the same units; 1 where all points are equal."""

    def restored(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Points [..., 3] back in the place and units of the cloud."""
        return points.astype(np.float64) * self.scale + self.centre


def check_points(points: Any, field: str, *, least: int = 1, most: int = MOST) -> NDArray[np.float64]:
    """The points [N, 3] as 64-bit floats.

    Raises InvalidInput unless N is from `least` to `most` and all coordinates are finite and at most `LARGEST`.
    """
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "iuf":
        received = f"{list(points.shape)} of {points.dtype}"
        raise InvalidInput.of(field, received=received, accepted="[N, 3] of numbers")
    if not least <= len(points) <= most:
        raise InvalidInput.of(field, received=f"{len(points)} points", accepted=f"{least} to {most} points")
    points = points.astype(np.float64)
    usable = np.abs(points) <= LARGEST  # which NaN is not
    if not usable.all():
        row, column = np.argwhere(~usable)[0]
        received = f"{points[row, column]:g}"
        accepted = f"finite coordinates of at most {LARGEST:g}"
        raise InvalidInput.of(f"{field}[{row}, {column}]", received=received, accepted=accepted)
    return points


def normalised(points: NDArray[np.float64]) -> Normalised:
    """The cloud [N, 3], the same wherever it stands and whatever its size, in any order of its points, to 1e-6."""
    columns = np.ascontiguousarray(points.T, np.float64)
    middle = (columns.min(axis=1) + columns.max(axis=1)) / 2
    columns -= middle[:, None]  # first, so that a mean of small numbers is taken
    mean = columns.mean(axis=1)
    columns -= mean[:, None]
    extent = np.abs(columns).max() or 1.0
    columns /= extent  # so that no square is too small for a float
    radius = float(np.sqrt((columns**2).sum(axis=0).max())) or 1.0
    return Normalised((columns.T / radius).astype(np.float32), middle + mean, float(extent * radius))


def sampled(points: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Indices [count] of a sample that is even in space, of points [N, 3] in the unit ball.

    The places do not depend on the order of the points: each is the farthest from those before it, among all points
    or, where there are more than `DIRECT`, among those nearest to the middles of small cubes. Where there are fewer
    than `count`, all are taken again in that order.
    """
    among = np.arange(len(points)) if len(points) <= DIRECT else _thinned(points, PER_CHOSEN * count)
    chosen = farthest_points(points[among][None], min(count, len(among)))[0]
    return np.resize(among[chosen], count)


def _thinned(points: NDArray[np.float32], enough: int) -> NDArray[np.int64]:
    """Indices of one point for each cube that has some, of the largest cubes of which `enough` do."""
    for cubes in CUBES:
        index = np.full(cubes**3, -1, np.int32)
        _keep_middle(points, cubes, index)
        index = index[index >= 0]
        if len(index) >= enough:
            break
    return index.astype(np.int64)


@compiled()
def _keep_middle(points: Any, cubes: int, index: Any) -> None:
    """Sets `index` [cubes³] to the point nearest to the middle of each cube, of equals the first by x, y, z."""
    for i in range(len(points)):
        cell, distance = _cube(points, i, cubes)
        j = index[cell]
        if j < 0:
            index[cell] = i
            continue
        held = _cube(points, j, cubes)[1]
        if distance > held:
            continue
        if distance < held or _before(points, i, j):
            index[cell] = i


@compiled(inline="always")
def _cube(points: Any, i: int, cubes: int) -> Any:
    """The cube of a point, and its squared distance from the middle, in cubes."""
    cell, squared = 0, 0.0
    for axis in range(3):
        place = (float(points[i, axis]) + 1.0) / 2.0 * (cubes - 1) + ASIDE
        whole = min(max(int(place), 0), cubes - 1)
        cell = cell * cubes + whole
        squared += (place - whole - 0.5) ** 2
    return cell, squared


@compiled(inline="always")
def _before(points: Any, i: int, j: int) -> bool:
    """Whether point i comes before point j by x, y, z."""
    for axis in range(3):
        if points[i, axis] != points[j, axis]:
            return points[i, axis] < points[j, axis]
    return False
