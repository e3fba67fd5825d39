"""From one grid to another: nearest, bilinear and conservative, each a sparse matrix that knows about land.

A matrix W [targets, sources] whose rows sum to the share of the target that the source covers is all that a linear
method is. Land is left out by renormalising over the wet sources, so a constant stays that constant up to the coast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import Delaunay, cKDTree
from threadpoolctl import threadpool_limits

from tellurion_core.errors import InvalidInput
from tellurion_geo.curvilinear import Curvilinear, on_sphere
from tellurion_geo.grid import Grid
from tellurion_geo.operators import point_operator
from tellurion_geo.overlaps import overlaps

BEYOND_EQUATOR = 0.34
"""Sine of the latitude, about 20°, up to which the other hemisphere's cells help to triangulate one hemisphere."""
METHODS = ("nearest", "bilinear", "conservative")


@dataclass(frozen=True, eq=False)
class Regridding:
    """A linear map between the horizontal cells of two grids."""

    weights: sparse.csr_array
    """[targets, sources]; a row sums to at most 1, but for cells that the source repeats."""
    source_shape: tuple[int, int]
    target_shape: tuple[int, int]

    def __call__(self, values: NDArray[np.floating], *, least_wet: float = 0.5) -> NDArray[np.float64]:
        """Values [..., Y, X] on the source, NaN on land, as values [..., Y', X'] on the target.

        A target cell of which the wet source cells cover less than `least_wet` is land.
        """
        if values.shape[-2:] != self.source_shape:
            received, accepted = f"shape {values.shape}", f"[..., {self.source_shape[0]}, {self.source_shape[1]}]"
            raise InvalidInput.of("values", received=received, accepted=accepted)
        layers = values.reshape(-1, self.weights.shape[1]).astype(np.float64)
        out = np.empty((len(layers), self.weights.shape[0]))
        for layer, target in zip(layers, out, strict=True):
            wet = np.isfinite(layer)
            share = self.weights @ wet
            enough = (share > 0) & (share >= least_wet)
            total = self.weights @ np.where(wet, layer, 0.0)
            target[:] = np.divide(total, share, out=np.full(share.size, np.nan), where=enough)
        return out.reshape(*values.shape[:-2], *self.target_shape)


def regridding(source: Grid | Curvilinear, target: Grid, method: str) -> Regridding:
    """The map from `source` to `target`; only their horizontal cells matter.

    - nearest: the source centre nearest on the sphere, if it is within the source's own spacing;
    - bilinear: between the four centres around, round the globe when the source spans it; on a curvilinear source
      linear within the triangles of the sphere's Delaunay triangulation, each in stereographic projection;
    - conservative: first order, the area-weighted mean of what a target cell covers, exact on the sphere (Jones 1999,
      doi 10.1175/1520-0493(1999)127<2204:FASOCR>2.0.CO;2); from a curvilinear source the overlaps are counted.

    Raises InvalidInput for an unknown method, or a conservative one from a curvilinear source without corners.
    """
    offered = METHODS[:2] if isinstance(source, Curvilinear) and not source.has_corners else METHODS
    if method not in offered:
        raise InvalidInput.of("method", received=method, accepted=", ".join(offered))
    if method == "nearest":
        weights = _nearest(_centres(source), target)
    elif isinstance(source, Curvilinear):
        weights = _triangular(source, target) if method == "bilinear" else overlaps(source, target)
    elif method == "bilinear":
        weights = _bilinear(source, target)
    else:
        weights = _conservative(source, target)
    return Regridding(weights, _centres(source).lat.shape, (target.lat.size, target.lon.size))


def suited_method(source: Grid | Curvilinear, target: Grid) -> str:
    """Conservative where the source's cells are the smaller ones and have known bounds, else bilinear."""
    if isinstance(source, Curvilinear):
        smaller = source.has_corners and source.side <= np.radians(np.median(np.diff(target.lat)))
    else:
        axes = ((source.lat, target.lat), (source.lon, target.lon))
        smaller = all(np.median(np.diff(cells)) <= np.median(np.diff(wanted)) for cells, wanted in axes)
    return "conservative" if smaller else "bilinear"


def _bilinear(source: Grid, target: Grid) -> sparse.csr_array:
    surface = Grid(np.zeros(1), source.lat, source.lon)
    at = _centres(target)
    everywhere = np.ones(surface.shape, dtype=bool)
    return point_operator(surface, everywhere, at.lat.ravel(), at.lon.ravel(), np.zeros(at.lat.size))[0]


def _conservative(source: Grid, target: Grid) -> sparse.csr_array:
    """Overlap of cells as a share of the target cell; on a rectilinear grid it factors into latitude and longitude."""
    south_north = _overlap(np.sin(np.radians(target.lat_bounds)), np.sin(np.radians(source.lat_bounds)))
    west_east = sum(_overlap(target.lon_bounds, source.lon_bounds + turn) for turn in (-360.0, 0.0, 360.0))
    return sparse.csr_array(sparse.kron(sparse.csr_array(south_north), sparse.csr_array(west_east), format="csr"))


def _overlap(target: NDArray[np.float64], source: NDArray[np.float64]) -> NDArray[np.float64]:
    """[targets, sources] length shared by intervals [n, 2], as a share of the target's."""
    shared = np.minimum(target[:, None, 1], source[:, 1]) - np.maximum(target[:, None, 0], source[:, 0])
    return np.clip(shared, 0.0, None) / np.diff(target, axis=1)


def _centres(source: Grid | Curvilinear) -> Curvilinear:
    if isinstance(source, Curvilinear):
        return source
    lat, lon = np.broadcast_arrays(source.lat[:, None], source.lon)
    return Curvilinear(lat, lon)


def _nearest(source: Curvilinear, target: Grid) -> sparse.csr_array:
    at, to = source.centres, on_sphere(target.lat[:, None], target.lon)
    placed = np.flatnonzero(np.isfinite(at).all(axis=-1))
    flat = at.reshape(-1, 3)[placed]
    distance, nearest = cKDTree(flat).query(to.reshape(-1, 3))
    near = np.flatnonzero(distance <= _spacing(at))
    return sparse.csr_array((np.ones(near.size), (near, placed[nearest[near]])), shape=(to.size // 3, source.lat.size))


def _triangular(source: Curvilinear, target: Grid) -> sparse.csr_array:
    at = source.centres
    to = on_sphere(target.lat[:, None], target.lon).reshape(-1, 3)
    longest = 2 * _spacing(at)
    flat = at.reshape(-1, 3)
    halves = [_hemisphere(flat, to, pole, longest) for pole in (1, -1)]
    rows, columns, weights = (np.concatenate(part) for part in zip(*halves, strict=True))
    return sparse.csr_array((weights, (rows, columns)), shape=(len(to), len(flat)))


def _hemisphere(
    at: NDArray[np.float64],  # [sources, 3]
    to: NDArray[np.float64],  # [targets, 3]
    pole: int,
    longest: float,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Rows, columns and weights of the targets in one hemisphere, 1 the northern and -1 the southern.

    The stereographic projection keeps circles, so the plane's Delaunay triangulation is the sphere's, with no seam and
    no pole in it.
    """
    sources = np.flatnonzero(pole * at[:, 2] > -BEYOND_EQUATOR)  # False where a cell has no position
    targets = np.flatnonzero(to[:, 2] >= 0 if pole == 1 else to[:, 2] < 0)
    if sources.size < 4 or not targets.size:
        nothing = np.zeros(0, dtype=np.intp)
        return nothing, nothing, np.zeros(0)
    triangles = Delaunay(_stereographic(at[sources], pole))
    with threadpool_limits(1, "blas"):  # a hundred thousand 2 × 2 systems: many threads take ten times as long
        affine = triangles.transform
    plane = _stereographic(to[targets], pole)
    triangle = triangles.find_simplex(plane)
    corners = sources[triangles.simplices[triangle]]
    shares = np.einsum("nij,nj->ni", affine[triangle, :2], plane - affine[triangle, 2])
    shares = np.column_stack([shares, 1 - shares.sum(axis=1)])
    # Long triangles fill the hull between parts of a grid that are no neighbours.
    edges = np.linalg.norm(at[corners] - at[np.roll(corners, 1, axis=1)], axis=-1).max(axis=1)
    inside = (triangle >= 0) & np.isfinite(shares).all(axis=1) & (edges <= longest)
    return np.repeat(targets[inside], 3), corners[inside].ravel(), np.clip(shares[inside].ravel(), 0.0, 1.0)


def _stereographic(at: NDArray[np.float64], pole: int) -> NDArray[np.float64]:
    """[n, 2] projection of unit vectors [n, 3] from the other pole onto the equator's plane."""
    return at[:, :2] / (1 + pole * at[:, 2:])


def _spacing(at: NDArray[np.float64]) -> float:
    """Chord between neighbouring cells [Y, X, 3] of the unit sphere, the largest but for outliers."""
    chords = [np.linalg.norm(np.diff(at, axis=axis), axis=-1).ravel() for axis in (0, 1)]
    return float(np.nanquantile(np.concatenate(chords), 0.99))
