"""A Gaussian prior and its linear update by observations: `eof_oi`, `hybrid`, and the anchor of `posterior`.

x̂ = G d with one gain G for any data d: a ridge fit of the EOFs to all observations, b̂ = (FᵀV⁻¹F + I/a)⁻¹FᵀV⁻¹d, with F
the EOFs at the observations and V diagonal but inflated, since neighbours err alike; then a local analysis of what they
leave, d − F b̂. With C the covariance of the fit's error and w a cell's local weights, the error variance is that of the
local analysis plus (φ − Fᵀw)ᵀ C (φ − Fᵀw): universal kriging's form (Cressie, Statistics for Spatial Data, 1993, eq.
3.4.17). A draw x of the prior, which would be read as Hx + e, becomes one of the posterior by Matheron's rule,
x + G (y − (Hx + e)): Wilson et al. (2020).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.cancellation import never
from tellurion_ocean.departures import Departures, departures
from tellurion_ocean.eof_fit import fit_eofs
from tellurion_ocean.local import TILE, LocalWeights, Patterns
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import PriorDraws, draw


@dataclass(frozen=True, eq=False)
class Anchor:
    """The Gaussian prior and the gain for one set of observations, in units of the prior's std."""

    prior: Prior
    seen: Departures
    pattern_share: float
    """Part of the residual variance that the localised patterns carry (`tellurion_ocean.local.Patterns`)."""
    amplitude: float
    """The factor on the covariance that the observations show."""
    fit: NDArray[np.float64]
    """[K, N] from data to EOF amplitudes."""
    local: LocalWeights
    """From what the EOFs leave of the data to the cells."""
    variance: NDArray[np.float64]
    """[P] of the analysis's error."""

    @classmethod
    def of(
        cls,
        prior: Prior,
        observations: Observations,
        month: int,
        *,
        pattern_share: float,
        cancelled: CancelCheck = never,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Anchor:
        """The anchor for observations that passed quality control. Raises Cancelled."""
        hyper = prior.hyperparameters
        residual, share = hyper.residual_variance, pattern_share
        seen = departures(prior, observations, month)
        a = amplitude(seen, hyper, residual_variance=residual, pattern_share=share, cancelled=cancelled)
        noise = a * hyper.eof_fit_variance + seen.error_variance
        fit, fit_error = fit_eofs(seen.modes, noise, amplitude=a)
        local = LocalWeights.solve(
            prior.cell_positions,
            seen.positions,
            seen.error_variance,
            variance=a * (1 - share) * residual,
            neighbours=hyper.neighbours,
            patterns=Patterns.sharing(prior.patterns, seen.patterns, a * share * residual, hyper.localisation),
            cancelled=cancelled,
            progress=progress,
        )
        variance = local.remaining + _variance_of_fit(prior.modes, seen.modes, local, fit_error)
        return cls(prior, seen, share, a, fit, local, variance)

    def draw(self, draws: Sequence[int], seed: int, *, cancelled: CancelCheck = never) -> PriorDraws:
        """The draws of these numbers from the prior, at the cells and as the instruments would read them."""
        hyper = self.prior.hyperparameters
        return draw(
            self.prior,
            self.seen,
            draws,
            seed,
            amplitude=self.amplitude,
            residual_variance=hyper.residual_variance,
            pattern_share=self.pattern_share,
            cancelled=cancelled,
        )

    def increment(self, misfit: NDArray[np.floating]) -> NDArray[np.floating]:
        """G d, [P, V], of several misfits d [N, V] between the observations and what was expected to be read."""
        fitted = self.fit @ misfit
        return self.prior.modes @ fitted + self.local @ (misfit - self.seen.modes @ fitted)

    @property
    def unit(self) -> float:
        """Root of the amplitude: in multiples of unit · std the prior is that of amplitude 1."""
        return float(np.sqrt(self.amplitude))

    @property
    def mean(self) -> NDArray[np.floating]:
        """[P] the posterior's."""
        return self.increment(self.seen.values[:, None])[:, 0]

    def members(self, count: int, seed: int, *, cancelled: CancelCheck = never) -> NDArray[np.floating]:
        """[P, count] draws from the posterior."""
        draws = self.draw(range(count), seed, cancelled=cancelled)
        return draws.at_cells + self.increment(self.seen.values[:, None] - draws.observed)


def _variance_of_fit(
    modes: NDArray[np.float64],  # [P, K] at the cells
    seen_modes: NDArray[np.float64],  # [N, K] at the observations
    local: LocalWeights,
    fit_error: NDArray[np.float64],  # [K, K]
) -> NDArray[np.float64]:
    """(φ − Fᵀw)ᵀ C (φ − Fᵀw) of every cell, [P]; no more than a tile of cells by modes is in memory."""
    variance, seen_modes = np.empty(len(modes)), seen_modes.astype(np.float32)
    for start in range(0, len(modes), TILE):
        tile = slice(start, start + TILE)
        unseen = modes[tile] - local[tile] @ seen_modes
        variance[tile] = np.einsum("pk,kl,pl->p", unseen, fit_error, unseen, optimize=True)
    return variance


def analyse(
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    pattern_share: float,
    members: int,
    seed: int,
    cancelled: CancelCheck,
    progress: Progress,
) -> Analysis:
    """The Gaussian posterior; a member is a draw from the prior, made one of the posterior by the same gain."""
    anchor = Anchor.of(
        prior,
        observations,
        month,
        pattern_share=pattern_share,
        cancelled=cancelled,
        progress=lambda fraction: progress(fraction, "interpolation of what the EOFs leave"),
    )
    sampled = anchor.members(members, seed, cancelled=cancelled)
    return Analysis.of_scaled(prior, month, anchor.mean, anchor.variance, sampled)
