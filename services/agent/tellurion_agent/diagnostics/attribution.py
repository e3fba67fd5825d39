"""Telling forced change from the climate's own variability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_agent.diagnostics.samples import effective_size, lag1, t_quantile
from tellurion_agent.recipes.recipe import NoAnswer


def control_trends(control: NDArray[np.float64], years: int) -> NDArray[np.float64]:
    """Slopes per year of all pieces of `years` in a control run, its own drift removed, that overlap by half.

    Raises NoAnswer when there are fewer than five.
    """
    x = np.arange(control.size)
    y = control - np.polyval(np.polyfit(x, control, 1), x)
    starts = range(0, control.size - years + 1, max(years // 2, 1))
    if len(starts) < 5:
        raise NoAnswer(
            f"the control run of {control.size} years has {len(starts)} pieces of {years}; at least 5 are needed"
        )
    return np.array([np.polyfit(x[:years], y[s : s + years], 1)[0] for s in starts])


@dataclass(frozen=True)
class Scaling:
    """Of one forcing's simulated response in the observed change."""

    factor: float
    low: float
    high: float

    @property
    def detected(self) -> bool:
        """Whether no response at all can be excluded."""
        return self.low > 0

    @property
    def consistent(self) -> bool:
        """Whether the response as simulated is within the interval."""
        return self.low <= 1 <= self.high


def scalings(observed: NDArray[np.float64], responses: NDArray[np.float64]) -> list[Scaling]:
    """Ordinary least squares of yearly means [T] on responses [K, T] (Allen and Tett 1999, without their whitening).

    Intervals are of 95 %, with the residuals' autocorrelation regarded.
    Raises NoAnswer for fewer than three times as many years as responses, or responses that depend on each other.
    """
    k, n = responses.shape
    if n < 3 * (k + 1):
        raise NoAnswer(f"{n} years are too few to tell {k} responses apart")
    x = responses - responses.mean(axis=1, keepdims=True)
    y = observed - observed.mean()
    gram = x @ x.T
    if np.linalg.cond(gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))) > 1e6:
        raise NoAnswer("the simulated responses are multiples of each other: they cannot be told apart")
    inverse = np.linalg.inv(gram)
    factor = inverse @ x @ y
    rest = y - factor @ x
    exact = np.sum(rest**2) < 1e-18 * np.sum(y**2)
    size = effective_size(n, 0.0 if exact else max(lag1(rest), 0.0))
    free = size - k - 1
    error = np.sqrt(np.diag(inverse) * np.sum(rest**2) / max(free, 1e-9))
    half = 0.0 * error if exact else t_quantile(free) * error
    return [Scaling(float(f), float(f - h), float(f + h)) for f, h in zip(factor, half, strict=True)]
