"""Observation operators of the atmosphere: what a state on σ levels would show where an instrument was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tellurion_core.errors import InvalidInput
from tellurion_geo.operators import point_operator
from tellurion_geo.sigma_grid import UPPER_AIR, SigmaGrid

OPERATORS = ("point", "interpolation", "layer_mean")
SURFACE_PRESSURE = len(UPPER_AIR)
"""Number of the surface pressure among the observed variables; those before it are u, v and t."""
FIELD = "observations"
MAX_WEIGHTS = 15_000_000
"""Of levels in all observed layers together, each at four corners: 3 GB while the operator is made."""

Weights = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""[K] of which observation, on which level, how much."""


def sigma_operator(
    grid: SigmaGrid,
    kind: str,
    *,
    latitude: NDArray[np.float64],  # [P] degrees north
    longitude: NDArray[np.float64],  # [P] degrees east, any turn
    variable: NDArray[np.integer],  # [P] 0 u, 1 v, 2 t, 3 surface pressure
    sigma: NDArray[np.float64],  # [P]; that of surface pressure is not looked at
    sigma_bounds: NDArray[np.float64] | None = None,  # [P, 2] of the layer observed, for layer means
) -> sparse.csr_array:
    """The linear operator H [P, C·Y·X] from a state [C, Y, X] to observations; each row sums to 1.

    - `interpolation`: bilinear in the horizontal, linear in σ; the outermost level counts beyond its centre, and the
      outermost row of latitudes as far as the pole where the grid ends less than a step from it.
    - `point`: the cell that has most weight in that, the nearest.
    - `layer_mean`: bilinear in the horizontal, the mean over a layer of σ, which is one by mass.

    Time and memory grow with the observations, for layers with the levels in them. Raises InvalidInput, naming field
    and index, for an unknown kind, an observation outside the grid and more layers than memory allows.
    """
    if kind not in OPERATORS:
        raise InvalidInput.of("operator", received=kind, accepted=", ".join(OPERATORS))
    _check(variable <= SURFACE_PRESSURE, "variable", variable, f"0…{SURFACE_PRESSURE}")
    upper = variable < SURFACE_PRESSURE
    above, ground = np.flatnonzero(upper), np.flatnonzero(~upper)
    _check(~upper | ((sigma > 0) & (sigma <= 1)), "sigma", sigma, "above 0, up to 1")
    horizontal = _horizontal(grid, latitude, longitude)
    if kind != "layer_mean":
        which, level, weight = _levels(grid, sigma[upper])
    elif sigma_bounds is None:
        raise InvalidInput.of(f"{FIELD}.sigma_bounds", received="nothing", accepted="the layer of each observation")
    else:
        low, high = np.sort(sigma_bounds, axis=1).T
        possible = ~upper | ((low >= 0) & (high <= 1) & (high > low))
        _check(possible, "sigma_bounds", low, "two different values, 0…1")
        which, level, weight = _layers(grid, low[upper], high[upper])
    channel = variable[above[which]].astype(np.int64) * grid.sigma.size + level
    at = np.r_[above[which], ground], np.r_[channel, np.full(ground.size, grid.shape[0] - 1)]
    channels = sparse.csr_array((np.r_[weight, np.ones(ground.size)], at), shape=(len(variable), grid.shape[0]))
    h = _row_products(channels, horizontal)
    return _nearest(h) if kind == "point" else h


def _horizontal(
    grid: SigmaGrid, latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> sparse.csr_array:  # [P, Y·X]
    surface = grid.surface
    south, north = surface.lat_bounds[0, 0], surface.lat_bounds[-1, 1]
    first, last = np.diff(surface.lat)[[0, -1]]
    _check(np.abs(latitude) <= 90, "latitude", latitude, "-90…90 degrees north")
    # The next row would lie beyond the pole: the cap is the last row's.
    capped = np.clip(latitude, south if south - first < -90 else -90.0, north if north + last > 90 else 90.0)
    everywhere = np.ones(surface.shape, dtype=bool)
    h, usable = point_operator(surface, everywhere, capped, longitude, np.zeros(len(latitude)))
    if not usable.all():
        first_outside = int(np.argmin(usable))
        received = f"{latitude[first_outside]:g}° N {longitude[first_outside]:g}° E"
        accepted = f"a place on the grid, which is {south:g}…{north:g}° N {grid.lon[0]:g}…{grid.lon[-1]:g}° E"
        raise InvalidInput.of(f"{FIELD}.latitude[{first_outside}]", received=received, accepted=accepted)
    return h


def _levels(grid: SigmaGrid, sigma: NDArray[np.float64]) -> Weights:
    """Of linear interpolation between the levels around each σ [P]; beyond the outermost, of that one."""
    at = np.interp(sigma, grid.sigma, np.arange(grid.sigma.size))
    level = np.stack([np.floor(at), np.ceil(at)]).astype(np.int64)
    share = at - level[0]
    weight = np.stack([1.0 - share, share])
    which = np.broadcast_to(np.arange(sigma.size), level.shape)
    return which[weight > 0], level[weight > 0], weight[weight > 0]


def _layers(grid: SigmaGrid, low: NDArray[np.float64], high: NDArray[np.float64]) -> Weights:
    """Share of each observed layer [P] that lies in each of the grid's; mass is proportional to Δσ."""
    top, bottom = grid.sigma_bounds.T
    first = np.searchsorted(bottom, low, side="right")
    counts = np.searchsorted(top, high) - first
    if (total := int(counts.sum())) > MAX_WEIGHTS:
        received = f"layers with {total} levels in all"
        raise InvalidInput.of(f"{FIELD}.sigma_bounds", received=received, accepted=f"at most {MAX_WEIGHTS}")
    which = np.repeat(np.arange(low.size), counts)
    level = first[which] + _numbered(counts)
    overlap = np.minimum(high[which], bottom[level]) - np.maximum(low[which], top[level])
    return which, level, overlap / (high - low)[which]


def _row_products(a: sparse.csr_array, b: sparse.csr_array) -> sparse.csr_array:
    """[P, A·B] Kronecker product of row p of `a` [P, A] with row p of `b` [P, B], for all p."""
    of_a, of_b = np.diff(a.indptr), np.diff(b.indptr)
    row = np.repeat(np.arange(a.shape[0]), of_a)
    copies = of_b[row]
    at = np.repeat(b.indptr[row], copies) + _numbered(copies)
    columns = np.repeat(a.indices.astype(np.int64) * b.shape[1], copies) + b.indices[at]
    starts = np.r_[0, np.cumsum(of_a * of_b)]
    values = np.repeat(a.data, copies) * b.data[at]
    return sparse.csr_array((values, columns, starts), shape=(a.shape[0], a.shape[1] * b.shape[1]))


def _numbered(counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """0…n − 1 for each n of some counts, one after another."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _nearest(h: sparse.csr_array) -> sparse.csr_array:
    """1 at the largest weight of each row, the first of equal ones; none is empty."""
    row = np.repeat(np.arange(h.shape[0]), np.diff(h.indptr))
    largest = np.flatnonzero(h.data == np.maximum.reduceat(h.data, h.indptr[:-1])[row])
    cells = h.indices[largest[np.flatnonzero(np.diff(row[largest], prepend=-1))]]
    return sparse.csr_array((np.ones(h.shape[0]), cells, np.arange(h.shape[0] + 1)), shape=h.shape)


def _check(good: NDArray[np.bool_], name: str, values: NDArray[np.generic], accepted: str) -> None:
    if not good.all():
        first = int(np.argmin(good))
        raise InvalidInput.of(f"{FIELD}.{name}[{first}]", received=f"{values[first]:g}", accepted=accepted)
