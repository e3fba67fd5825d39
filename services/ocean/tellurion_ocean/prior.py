"""What is known of the ocean before an observation: a climatology, its error, EOFs and a covariance, on one grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tellurion_geo import Grid, point_operator
from tellurion_ocean.covariance import positions
from tellurion_ocean.eofs import eofs
from tellurion_ocean.harmonics import fit_harmonics, harmonic_design


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that is tuned, by leaving one training month out (`tellurion_ocean.training.tune`)."""

    harmonics: int
    """Harmonics of the year in the climatology."""
    harmonic_ridge: float
    """Months; shrinks the second and higher harmonics."""
    std_smoothing: float
    """Degrees; width of the Gaussian that smooths the standard deviation of the left-out residuals."""
    std_floor: float
    """°C; added in quadrature to that standard deviation."""
    eof_count: int
    eof_variance: float
    """Prior variance of each EOF's amplitude, relative to its variance over the year."""
    residual_variance: float
    """Variance of what the EOFs leave, in units of the standard deviation's square."""
    length_scale: float
    """Degrees of arc."""
    depth_scale: float
    """√metre."""
    representativeness: float
    """Variance, in units of std², of what a point shows and the grid does not; added to every observation's error."""
    eof_fit_variance: float
    """Error variance, in units of std², that an observation counts with in the EOF fit of `eof_oi`: above the true one,
    because the errors of neighbours are correlated."""
    neighbours: int
    """Observations that one cell's local analysis uses."""
    pattern_share: float
    """Part of the residual variance that `hybrid` gives to the residuals seen in the training months."""
    localisation: float
    """Distance over which those residuals vary together, as a multiple of the length and depth scale."""

    @classmethod
    def shipped(cls) -> Hyperparameters:
        """The tuned values of weights/hyperparameters.json."""
        text = resources.files("tellurion_ocean").joinpath("weights", "hyperparameters.json").read_text()
        return cls(**json.loads(text)["hyperparameters"])


@dataclass(frozen=True, eq=False)
class Prior:
    """A Gaussian prior of the month's temperature: x = climatology + std · (modes b + g).

    b ~ N(0, I) are the EOF amplitudes and g ~ N(0, residual variance · Matérn) is what they leave. P counts the wet
    cells in the order of the flattened grid; K the EOFs.
    """

    grid: Grid
    wet: NDArray[np.bool_]
    """[Z, Y, X] cells that are ocean in every month."""
    coefficients: NDArray[np.float64]
    """[1 + 2·harmonics, P] °C; the first is the mean of the year."""
    std: NDArray[np.float64]
    """[P] °C, standard deviation of a month that the climatology has not seen."""
    modes: NDArray[np.float64]
    """[P, K] in units of `std`; each EOF times the prior standard deviation of its amplitude."""
    patterns: NDArray[np.float64]
    """[P, M] in units of `std`; what each month showed when it was left out of the climatology, over √M."""
    months: tuple[int, ...]
    """The months it was fitted to."""
    hyperparameters: Hyperparameters

    @classmethod
    def fit(
        cls,
        fields: NDArray[np.float64],  # [M, Z, Y, X] °C, land NaN
        months: Sequence[int],  # [M] 1…12
        grid: Grid,
        hyperparameters: Hyperparameters,
    ) -> Prior:
        """The prior that these months' fields show; under a second for ten months on the 2° grid."""
        wet = np.isfinite(fields).all(axis=0)
        values = fields[:, wet].astype(np.float64)
        coefficients, left_out = fit_harmonics(
            values, months, hyperparameters.harmonics, ridge=hyperparameters.harmonic_ridge
        )
        spread = smoothed(np.mean(left_out**2, axis=0), wet, grid, hyperparameters.std_smoothing)
        std = np.sqrt(spread + hyperparameters.std_floor**2)
        patterns = eofs((values - coefficients[0]) / std, hyperparameters.eof_count)
        modes = np.ascontiguousarray(patterns * np.sqrt(hyperparameters.eof_variance))
        residuals = np.ascontiguousarray((left_out / std).T / np.sqrt(len(left_out)))
        return cls(grid, wet, coefficients, std, modes, residuals, tuple(months), hyperparameters)

    def climatology(self, month: int) -> NDArray[np.float64]:
        """[P] °C, the expected field at the middle of `month` 1…12."""
        return (harmonic_design([month], self.hyperparameters.harmonics) @ self.coefficients)[0]

    @cached_property
    def scaled_variance(self) -> NDArray[np.float64]:
        """[P] prior variance in units of std²."""
        return self.hyperparameters.residual_variance + np.sum(self.modes**2, axis=1)

    @cached_property
    def cell_positions(self) -> NDArray[np.float64]:
        """[P, 4] positions of the wet cells for the covariance."""
        return self.positions(*self._wet_places())

    def positions(
        self, latitude: NDArray[np.float64], longitude: NDArray[np.float64], depth: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """[N, 4] positions for the covariance; degrees, degrees, metres."""
        scales = self.hyperparameters.length_scale, self.hyperparameters.depth_scale
        return positions(latitude, longitude, depth, length_scale=scales[0], depth_scale=scales[1])

    def to_field(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """[Z, Y, X] of values at the wet cells [P]; land NaN."""
        field = np.full(self.grid.shape, np.nan, dtype=values.dtype)
        field[self.wet] = values
        return field

    def on_grid(self, grid: Grid) -> Prior:
        """The same prior interpolated to another grid, whose cells are wet where at least half of the weight is."""
        z, y, x = np.indices(grid.shape).reshape(3, -1)
        places = grid.lat[y], grid.lon[x], grid.depth[z]
        share, _ = point_operator(self.grid, np.ones_like(self.wet), *places)
        wet = share @ self.wet.ravel().astype(np.float64) >= 0.5
        operator, _ = point_operator(self.grid, self.wet, *(place[wet] for place in places))
        operator = operator[:, self.wet.ravel()]
        return Prior(
            grid,
            wet.reshape(grid.shape),
            np.ascontiguousarray((operator @ self.coefficients.T).T),
            operator @ self.std,
            operator @ self.modes,
            operator @ self.patterns,
            self.months,
            self.hyperparameters,
        )

    def _wet_places(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        z, y, x = np.nonzero(self.wet)
        return self.grid.lat[y], self.grid.lon[x], self.grid.depth[z]


def smoothed(values: NDArray[np.floating], wet: NDArray[np.bool_], grid: Grid, width: float) -> NDArray[np.float64]:
    """Values at wet cells [P], smoothed over wet cells of their level by a Gaussian of `width` degrees."""
    widths = (0.0, width / np.diff(grid.lat).mean(), width / np.diff(grid.lon).mean())
    modes = ("nearest", "nearest", "nearest" if grid.open_step is not None else "wrap")
    field = np.zeros(wet.shape)
    field[wet] = values
    smooth = gaussian_filter(field, widths, mode=modes)
    share = gaussian_filter(wet.astype(np.float64), widths, mode=modes)
    return smooth[wet] / share[wet]
