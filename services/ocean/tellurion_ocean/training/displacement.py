"""Displaced fronts and heaved thermoclines: a climatology read a little beside and above where it stands.

T(λ + u, φ + v, z + ζ) − T(λ, φ, z), with u, v, ζ smooth Gaussian random fields. Where the gradient bends within the
displacement, at fronts and in the thermocline, the anomaly is skewed and heavy-tailed: no Gaussian process draws it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, map_coordinates, spline_filter
from scipy.optimize import nnls

from tellurion_geo import Grid
from tellurion_ocean.covariance import positions
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import random_waves
from tellurion_ocean.surroundings import HIGHEST, RUN, surroundings

WAVES = 128
MARGIN = 12
"""Cells by which a field is continued over its seam in longitude."""


@dataclass(frozen=True)
class Scales:
    """How far and how coherently water is displaced; each field is Matérn in √depth and across the sphere.

    Set by hand; weights/README.md holds the amplitudes against what `displacement_seen` finds.
    """

    sideways: float = 0.5
    """Degrees of arc, root mean square, of u and of v: a front's meander within a month's mean."""
    sideways_length: float = 8.0
    """Degrees over which u and v vary."""
    heave: float = 8.0
    """Metres, root mean square of ζ at depth; near the surface it grows with depth as `heave_slope`."""
    heave_slope: float = 0.08
    """Metres a metre."""
    heave_length: float = 6.0
    """Degrees over which ζ varies."""
    depth_scale: float = 10.0
    """√metre: the upper 100 m move nearly together, and so does the thermocline."""


@dataclass(frozen=True, eq=False)
class ContinuedClimatology:
    """One month's expected field, continued over land so that it can be read anywhere."""

    grid: Grid
    wet: NDArray[np.bool_]
    filled: NDArray[np.float64]
    """[Z, Y, X] °C, on land that of the nearest ocean of the level."""

    @classmethod
    def of(cls, prior: Prior, month: int) -> ContinuedClimatology:
        """That of a prior."""
        field = prior.to_field(prior.climatology(month))
        filled = np.empty(field.shape)
        for level, out in zip(field, filled, strict=True):
            wide = np.pad(level, ((0, 0), (MARGIN, MARGIN)), mode="wrap")
            _, (rows, columns) = distance_transform_edt(np.isnan(wide), return_indices=True)
            out[:] = wide[rows, columns][:, MARGIN:-MARGIN]
        return cls(prior.grid, prior.wet, filled)

    @cached_property
    def _splines(self) -> NDArray[np.float64]:
        """[Z, Y, X + 2 MARGIN] the coefficients of each level's cubic spline."""
        wide = np.pad(self.filled, ((0, 0), (0, 0), (MARGIN, MARGIN)), mode="wrap")
        return np.stack([spline_filter(level, order=3, mode="mirror") for level in wide])

    def displaced(
        self,
        east: NDArray[np.float64],  # [P] degrees of arc
        north: NDArray[np.float64],  # [P] degrees
        down: NDArray[np.float64],  # [P] metres
    ) -> NDArray[np.float64]:
        """[P] °C at the wet cells, read at the displaced places; none beyond the grid's first and last level and row.

        Cubic in the horizontal, so that a shift of half a cell does not blur the field; linear between levels, whose
        distances differ.
        """
        grid = self.grid
        z, y, x = np.nonzero(self.wet)
        level = np.interp(grid.depth[z] + down, grid.depth, np.arange(len(grid.depth)))
        row = np.clip(y + north / np.diff(grid.lat).mean(), 0, len(grid.lat) - 1)
        step = np.diff(grid.lon).mean() * np.maximum(np.cos(np.radians(grid.lat[y])), 0.2)
        shift = np.clip(east / step, -MARGIN / 2, MARGIN / 2)
        column = x + shift + MARGIN
        above = np.minimum(level.astype(np.int64), max(len(grid.depth) - 2, 0))
        below = level - above  # the share of the next level
        values = np.zeros(len(z))
        for index, spline in enumerate(self._splines):
            for read, share in ((above == index, 1 - below), (above == index - 1, below)):
                places = row[read], column[read]
                values[read] += share[read] * map_coordinates(spline, places, order=3, prefilter=False, mode="mirror")
        return values


def displacement_seen(prior: Prior) -> tuple[float, float]:
    """Root mean square of the displacement sideways, degrees of arc, and of the heave, metres, that residuals show.

    The squares of what each month of the prior showed when it was left out, °C², are regressed on the squared slopes of
    its climatology, with a variance of its own for every level and weights std⁻⁴; no variance is negative. To first
    order displaced water makes such residuals. So does whatever else is larger where the climatology is steep, which
    counts as displacement: the amplitudes are what there is room for. The heave is that at depth, as in `Scales`.
    """
    level, (count, *_) = np.nonzero(prior.wet)[0], prior.wet.shape
    gram, moments = np.zeros((count + 2, count + 2)), np.zeros(count + 2)
    for month, residual in zip(prior.months, prior.patterns.T * np.sqrt(len(prior.months)), strict=True):
        slopes = surroundings(prior, month)[count : 4 * count].reshape(3, *prior.wet.shape)
        down, north, east = (slopes.astype(np.float64) ** 2)[:, prior.wet]
        design = np.zeros((len(level), count + 2))
        design[np.arange(len(level)), level] = prior.std**-2
        design[:, count], design[:, count + 1] = north + east, down
        gram += design.T @ design
        moments += design.T @ residual**2
    root = np.linalg.cholesky(gram)
    variances, _ = nnls(root.T, np.linalg.solve(root, moments))
    sideways, heave = np.sqrt(variances[count:])
    return float(RUN * sideways), float(HIGHEST * heave)


def displaced_anomalies(
    prior: Prior, month: int, rng: np.random.Generator, count: int, scales: Scales = Scales()
) -> NDArray[np.float32]:
    """[count, P] anomalies of the displaced climatology in units of std; about 0.3 s each on the 2° grid."""
    climatology = ContinuedClimatology.of(prior, month)
    z, y, x = np.nonzero(prior.wet)
    places = prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z]
    sideways = positions(*places, length_scale=scales.sideways_length, depth_scale=scales.depth_scale)
    upright = positions(*places, length_scale=scales.heave_length, depth_scale=scales.depth_scale)
    horizontal = scales.sideways * random_waves(sideways, rng, 2 * count, waves=WAVES)
    heave = np.minimum(scales.heave, scales.heave_slope * places[2])[:, None] * random_waves(
        upright, rng, count, waves=WAVES
    )
    still = climatology.displaced(*np.zeros((3, len(z))))
    anomalies = np.empty((count, len(z)), np.float32)
    for k in range(count):
        moved = climatology.displaced(horizontal[:, k], horizontal[:, count + k], heave[:, k])
        anomalies[k] = (moved - still) / prior.std
    return anomalies
