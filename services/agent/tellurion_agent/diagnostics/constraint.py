"""Emergent constraints: what an observation says of a projection through the spread of models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_agent.diagnostics.samples import t_probability, t_quantile

ACCEPTED = 0.7
"""|r| beyond which a relation between models is taken for a constraint."""


@dataclass(frozen=True)
class Constraint:
    """Of a projection y by a factor x that can be observed."""

    r: float
    p: float
    constrained: float
    """The relation's y at the observed x."""
    low: float
    """Ends of the 66 % interval: of the prediction, with the observation's uncertainty."""
    high: float

    @property
    def accepted(self) -> bool:
        """Whether the relation is strong enough."""
        return abs(self.r) > ACCEPTED


def constrain(
    factor: NDArray[np.float64],  # [M]
    projected: NDArray[np.float64],  # [M]
    observed: float,
    uncertainty: float = 0.0,
) -> Constraint:
    """Regression over models, its prediction error and the observation's uncertainty (Cox et al. 2013)."""
    m = factor.size
    r = float(np.corrcoef(factor, projected)[0, 1]) if np.ptp(factor) > 0 and np.ptp(projected) > 0 else 0.0
    slope, intercept = np.polyfit(factor, projected, 1) if np.ptp(factor) > 0 else (0.0, projected.mean())
    rest = projected - intercept - slope * factor
    variance = float(np.sum(rest**2)) / (m - 2)
    leverage = 1 + 1 / m + (observed - factor.mean()) ** 2 / max(float(np.sum((factor - factor.mean()) ** 2)), 1e-300)
    error = np.sqrt(variance * leverage + (slope * uncertainty) ** 2)
    half = t_quantile(m - 2, 0.83) * error
    at = float(intercept + slope * observed)
    t = r * np.sqrt((m - 2) / max(1 - r**2, 1e-12))
    return Constraint(r, t_probability(t, m - 2), at, at - half, at + half)
