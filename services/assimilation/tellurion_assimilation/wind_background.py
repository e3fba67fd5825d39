"""What is known of a month's winds before they are observed: what is usual in it, and what lasts of the month before.

The background is c + α a: the mean c of its calendar month, and a share of what the month before departed from its own.
A month that a mean includes departs from it too little; departures of the training months are therefore those from the
mean of the other years.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.winds import Winds

Array = NDArray[np.float64]

HELD_BACK = 20
"""Months at the end of those for training, from which it is learned how much lasts: from the climatology of the others,
as later months will be."""


@dataclass(frozen=True, eq=False)
class WindBackground:
    """Made of the training months."""

    winds: Winds
    """Those."""

    @cached_property
    def climatology(self) -> Array:
        """[12, 2, Y, X] the mean c of each calendar month, m/s."""
        return self.winds.climatology()

    @cached_property
    def lasting(self) -> float:
        """α, by regression."""
        first, last = self.winds.part(slice(-HELD_BACK)), self.winds.part(slice(-HELD_BACK - 1, None))
        departures = last.anomalies(first.climatology()) * np.sqrt(self.winds.area)[:, None]
        before, after = departures[:-1], departures[1:]
        return float((before * after).sum() / (before**2).sum())

    @cached_property
    def departures(self) -> Array:
        """[T, 2, Y, X] of the training months from the mean of the other years, m/s."""
        months = self.winds.calendar
        count = np.bincount(months)[months][:, None, None, None]
        return self.winds.anomalies(self.climatology) * count / (count - 1)

    def errors(self, lasting: float | None = None) -> Array:
        """[T − 1, 2, Y, X] truth less background of the training months but the first, m/s; with another α if given."""
        return self.departures[1:] - (self.lasting if lasting is None else lasting) * self.departures[:-1]

    @cached_property
    def scale(self) -> Array:
        """[2, Y, X] standard deviation of the errors, m/s: their variance, moved half-way to its mean along the row.

        A hundred months tell a cell's variance with an error of a seventh.
        """
        variance = (self.errors() ** 2).mean(axis=0)
        return np.sqrt((variance + variance.mean(axis=2, keepdims=True)) / 2)


@dataclass(frozen=True, eq=False)
class SampledErrors:
    """A `BackgroundErrors` of no more than what was seen: the samples' own covariance."""

    samples: NDArray[np.floating]
    """[k, n], of no mean."""

    @property
    def control_size(self) -> int:
        """Their number k."""
        return len(self.samples)

    def root(self, v: NDArray[np.floating], /) -> NDArray[np.floating]:
        """Their combination by white numbers [..., k], as [..., n]."""
        return v @ self.samples / np.sqrt(len(self.samples))

    def root_adjoint(self, x: NDArray[np.floating], /) -> NDArray[np.floating]:
        """[..., k] of [..., n]."""
        return x @ self.samples.T / np.sqrt(len(self.samples))
