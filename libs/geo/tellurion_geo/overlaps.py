"""What each cell of a grid shares with the cells of a curvilinear one, counted in small pieces."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tellurion_geo.curvilinear import Curvilinear
from tellurion_geo.grid import Grid

SAMPLES = 16
"""Pieces along each side of a target cell, in which overlaps are counted."""


def overlaps(source: Curvilinear, target: Grid) -> sparse.csr_array:
    """[targets, sources] share of each target cell that lies in each source cell; none in cells without corners.

    A source cell is cut into pieces of its bilinear patch P(u, v), SAMPLES along the side of a target cell; each counts
    with its solid angle, P · (∂P/∂u × ∂P/∂v) / |P|³, wholly in the target cell that holds its middle: no part of the
    source is lost or used twice, and how much of a target cell is covered comes out to some percent. Where a tripolar
    grid repeats cells at its seam both count, and a row sums to more than 1: their values are the same, or one of them
    is missing, and the mean is over what is there.
    """
    cells, corners = source.quadrangles
    pieces = int(np.ceil(SAMPLES * source.side / np.radians(np.median(np.diff(target.lat)))))
    angles = sparse.csr_array((target.lat.size * target.lon.size, source.lat.size))
    for u, v in product((np.arange(pieces) + 0.5) / pieces, repeat=2):
        middle, angle = _piece(np.moveaxis(corners, 1, 0), u, v)
        holder, held = _holders(middle, target)
        angles += sparse.csr_array((angle[held] / pieces**2, (holder, cells[held])), shape=angles.shape)
    height = np.diff(np.sin(np.radians(target.lat_bounds)))
    width = np.diff(np.radians(target.lon_bounds), axis=1)[:, 0]
    window = _polar_window(target)
    return sparse.csr_array(sparse.diags_array(1 / (window @ (height * width).ravel())) @ (window @ angles))


def _piece(
    corners: NDArray[np.float64],  # [4, N, 3]
    u: float,
    v: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """P [N, 3] of the patches at (u, v), and the solid angle [N] for a unit of u and v."""
    shares = np.array([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v])
    at = np.tensordot(shares, corners, axes=1)
    along_u = (1 - v) * (corners[1] - corners[0]) + v * (corners[2] - corners[3])
    along_v = (1 - u) * (corners[3] - corners[0]) + u * (corners[2] - corners[1])
    return at, np.abs(np.sum(at * np.cross(along_u, along_v), axis=-1)) / np.linalg.norm(at, axis=-1) ** 3


def _holders(at: NDArray[np.float64], target: Grid) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The target cells that hold points [N, 3], for those points that one holds, and which points those are."""
    west_of_first = target.lon_bounds[0, 0]
    west, east = (target.lon_bounds - west_of_first).T
    south, north = target.lat_bounds.T
    lat = np.degrees(np.arctan2(at[:, 2], np.hypot(at[:, 0], at[:, 1])))
    lon = np.mod(np.degrees(np.arctan2(at[:, 1], at[:, 0])) - west_of_first, 360.0)
    y = np.clip(np.searchsorted(south, lat, side="right") - 1, 0, None)
    x = np.searchsorted(west, lon, side="right") - 1
    held = np.flatnonzero((lat >= south[y]) & (lat < north[y]) & (lon < east[x]))
    return y[held] * target.lon.size + x[held], held


def _polar_window(target: Grid) -> sparse.csr_array:
    """[targets, targets] ones for the cells on a parallel over which one cell's mean is taken.

    It is the cell itself; on a global grid, where meridians converge to a quarter of their distance, beyond 75°, also
    as many neighbours as keep the window at least that wide: a cell there is narrower than a model can tell.
    """
    columns = np.arange(target.lon.size)
    beside = np.floor(0.25 / np.cos(np.radians(target.lat))) if target.open_step is None else np.zeros(target.lat.size)
    bands = []
    for reach in np.minimum(beside, (target.lon.size - 1) // 2).astype(int):
        neighbours = (columns[:, None] + np.arange(-reach, reach + 1)) % target.lon.size
        rows = np.broadcast_to(columns[:, None], neighbours.shape)
        bands.append(
            sparse.coo_array((np.ones(rows.size), (rows.ravel(), neighbours.ravel())), shape=(columns.size,) * 2)
        )
    return sparse.csr_array(sparse.block_diag(bands, format="csr"))
