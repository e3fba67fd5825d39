"""The anchor of the learned methods: a Gaussian prior of EOFs, Matérn and localised residuals, and its exact update.

The covariance is that of `eof_oi`, of which a share is given to the residuals that the training months showed when the
climatology was fitted without them, each modulated by a slowly varying random field: a hybrid of a static and an
ensemble covariance (Hamill and Snyder 2000; Lorenc 2003). Their patterns know what distances do not: which way fronts
run, how deep a season reaches. The update is linear, x̂ = G d, with one gain G for any data, so that a draw from the
prior becomes one from the posterior by Matheron's rule: x + G (y − (Hx + e)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.predictor import CancelCheck
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.cancellation import never
from tellurion_ocean.departures import Departures, departures
from tellurion_ocean.eof_fit import fit_eofs
from tellurion_ocean.local import LocalWeights, Patterns
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import PriorDraws, draw


@dataclass(frozen=True, eq=False)
class Anchor:
    """The Gaussian prior and the gain of one set of observations, in units of the prior's std."""

    prior: Prior
    seen: Departures
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
        cancelled: CancelCheck = never,
        progress: Callable[[float], None] = lambda fraction: None,
    ) -> Anchor:
        """The anchor for observations that passed quality control. Raises Cancelled."""
        hyper = prior.hyperparameters
        residual, share = hyper.residual_variance, hyper.pattern_share
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
        unseen_modes = prior.modes - local @ seen.modes
        variance = local.remaining + np.einsum("pk,kl,pl->p", unseen_modes, fit_error, unseen_modes, optimize=True)
        return cls(prior, seen, a, fit, local, variance)

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
            pattern_share=hyper.pattern_share,
            cancelled=cancelled,
        )

    def increment(self, misfit: NDArray[np.floating]) -> NDArray[np.floating]:
        """G d, [P, V], of several misfits d [N, V] between the observations and what was expected to be read."""
        fitted = self.fit @ misfit
        return self.prior.modes @ fitted + self.local @ (misfit - self.seen.modes @ fitted)
