"""Localization: which observations the analysis of a grid point sees, and how much each of them counts there.

A taper multiplies the inverse of the observations' error variance; it falls from 1 at the grid point to 0 at a distance
beyond which nothing is seen. Sources: Gaspari and Cohn (1999), Construction of correlation functions in two and three
dimensions; Hunt, Kostelich and Szunyogh (2007), section 2.3; Sakov and Bertino (2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from tellurion_core.errors import InvalidInput

HALF_WIDTH = 1.82
"""Half-width of the taper over the localization radius: about √(10/3), with which it looks like exp(−½ (r/radius)²)."""
EARTH_RADIUS = 6371.0
"""Kilometres; the mean one."""
TILE = 4096
"""Grid points whose observations are found at once, at most."""
PAIRS = 2**20
"""Grid points times local observations that are held at once, at most, unless a single point has more."""


def gaspari_cohn(distance: ArrayLike) -> NDArray[np.float64]:
    """The taper at distances ≥ 0 in units of the half-width: 1 at 0, 5/24 at 1, 0 from 2 on; eq. 4.10."""
    near = np.minimum(distance, 1.0)
    far = np.clip(distance, 1.0, 2.0)
    inner = np.polyval([-1 / 4, 1 / 2, 5 / 8, -5 / 3, 0.0, 1.0], near)
    outer = np.polyval([1 / 12, -1 / 2, 5 / 8, 5 / 3, -5.0, 4.0], far) - 2 / (3 * far)
    return np.where(np.less_equal(distance, 1.0), inner, np.maximum(outer, 0.0))


class Neighbourhoods(NamedTuple):
    """The local observations of grid points `first`, …, `first` + G − 1, row after row (compressed sparse rows)."""

    first: int
    starts: NDArray[np.int64]
    """[G + 1]: those of grid point first + g are the entries starts[g] to starts[g + 1]."""
    observations: NDArray[np.int32]
    """[E] their indices."""
    tapers: NDArray[np.float64]
    """[E] 0…1."""


class Domain(Protocol):
    """Where the grid points are, and what the distance of an observation is from them."""

    @property
    def points(self) -> int:
        """Number of grid points M."""

    def near(self, positions: NDArray[np.float64] | None, radius: float) -> Iterator[Neighbourhoods]:
        """What the grid points see of observations at `positions` [p, d], some of them at a time and all in order.

        `radius` may be infinite: then each observation counts fully everywhere. Raises InvalidInput for positions that
        are missing, or outside the domain.
        """


@dataclass(frozen=True)
class Circle:
    """Grid points 0, 1, …, points − 1 of a periodic line; a distance of 1 is that of two neighbours."""

    points: int

    def __post_init__(self) -> None:
        if self.points < 1:
            raise InvalidInput.of("points", received=self.points, accepted="at least 1")

    def near(self, positions: NDArray[np.float64] | None, radius: float) -> Iterator[Neighbourhoods]:
        """See `Domain`; positions [p, 1] in grid units."""
        (x,) = _columns(positions, 1)
        _check("coordinate of observations.positions", x, 0.0, self.points)
        half_width = HALF_WIDTH * radius
        grid, turned = np.arange(self.points, dtype=np.float64), x % self.points

        def taper(distance: NDArray[np.float64]) -> NDArray[np.float64]:
            return gaspari_cohn(distance / half_width)

        return _near(grid[:, None], turned[:, None], 2 * half_width, taper, period=self.points)


@dataclass(frozen=True, eq=False)
class Sphere:
    """Grid points on the Earth; distances are in kilometres along great circles."""

    latitude: NDArray[np.float64]
    """[M] degrees north."""
    longitude: NDArray[np.float64]
    """[M] degrees east, -180…360."""

    def __post_init__(self) -> None:
        shapes = np.shape(self.latitude), np.shape(self.longitude)
        if len(shapes[0]) != 1 or shapes[0] != shapes[1] or not shapes[0][0]:
            received = f"shapes {shapes[0]} and {shapes[1]}"
            raise InvalidInput.of("latitude, longitude", received=received, accepted="two arrays of one shape [M]")
        _check_degrees(self.latitude, self.longitude)

    @property
    def points(self) -> int:
        """See `Domain`."""
        return len(self.latitude)

    @cached_property
    def _grid(self) -> NDArray[np.float64]:
        return _unit_vectors(self.latitude, self.longitude)

    def near(self, positions: NDArray[np.float64] | None, radius: float) -> Iterator[Neighbourhoods]:
        """See `Domain`; positions [p, 2] are latitude and longitude in degrees."""
        latitude, longitude = _columns(positions, 2)
        _check_degrees(latitude, longitude, " of observations.positions")
        half_width = HALF_WIDTH * radius / EARTH_RADIUS
        reach = 2 * math.sin(half_width) if half_width < math.pi / 2 else math.inf  # the chord of twice as long an arc

        def taper(chord: NDArray[np.float64]) -> NDArray[np.float64]:
            return gaspari_cohn(2 * np.arcsin(np.minimum(chord / 2, 1.0)) / half_width)

        return _near(self._grid, _unit_vectors(latitude, longitude), reach, taper)


def _near(
    points: NDArray[np.float64],  # [M, d]
    positions: NDArray[np.float64],  # [p, d]
    reach: float,
    taper: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    period: float | None = None,
) -> Iterator[Neighbourhoods]:
    seen = cKDTree(positions, boxsize=period)
    pending = [(start, min(start + TILE, len(points))) for start in range(0, len(points), TILE)][::-1]
    while pending:
        start, stop = pending.pop()
        grid = cKDTree(points[start:stop], boxsize=period)
        if stop - start > 1 and (stop - start) * seen.n > PAIRS < grid.count_neighbors(seen, reach):
            middle = (start + stop) // 2
            pending += [(middle, stop), (start, middle)]
            continue
        found = grid.sparse_distance_matrix(seen, reach, output_type="coo_matrix").tocsr()
        indices = found.indptr.astype(np.int64), found.indices.astype(np.int32)
        yield Neighbourhoods(start, *indices, taper(found.data))


def _unit_vectors(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 3]."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)


def _columns(positions: NDArray[np.float64] | None, count: int) -> NDArray[np.float64]:
    """[d, p], one row a coordinate."""
    if positions is None or positions.ndim != 2 or positions.shape[1] != count:
        received = "none" if positions is None else f"shape {positions.shape}"
        raise InvalidInput.of("observations.positions", received=received, accepted=f"[p, {count}]")
    return positions.T


def _check_degrees(latitude: NDArray[np.float64], longitude: NDArray[np.float64], of: str = "") -> None:
    _check(f"latitude{of}", latitude, -90.0, 90.0)
    _check(f"longitude{of}", longitude, -180.0, 360.0)


def _check(name: str, values: NDArray[np.float64], low: float, high: float) -> None:
    outside = np.flatnonzero(~((values >= low) & (values <= high)))
    if outside.size:
        where = f"{name}[{outside[0]}]"
        raise InvalidInput.of(where, received=f"{values[outside[0]]:g}", accepted=f"{low:g}…{high:g}")
