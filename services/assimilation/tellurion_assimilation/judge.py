"""Errors of states of the atmosphere: by area, over all channels, in units of the climate's standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.scores import Scores, assess, rmse
from tellurion_assimilation.scoring import Balance, balance
from tellurion_assimilation.systems.atmosphere import Layout

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judge:
    """Of states flattened to [n]."""

    layout: Layout
    scale: Array
    """[C] standard deviations of the climate."""

    def rmse(self, state: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
        """Of one state [n]."""
        return rmse(self._scaled(state), self._scaled(truth)[0], self._weights)

    def assess(self, members: NDArray[np.floating], truth: NDArray[np.floating]) -> Scores:
        """Of members [N, n]."""
        return assess(self._scaled(members), self._scaled(truth)[0], self._weights)

    def balance(self, members: NDArray[np.floating], truth: NDArray[np.floating]) -> Balance | None:
        """Of members [N, n]."""
        return balance(self.layout, members.reshape(-1, *self.layout.shape), truth.reshape(self.layout.shape))

    def climate(self, states: NDArray[np.floating]) -> float:
        """Standard deviation of states [R, C, Y, X] far apart in time, about the mean of their circle of latitude.

        The climate is the same around every one, so that the cells of one count as so many times.
        """
        variance = (states / self.scale[:, None, None]).var(axis=(0, 3))  # [C, Y]
        return float(np.sqrt((variance @ self.layout.area).mean()))

    def _scaled(self, states: NDArray[np.floating]) -> Array:
        """[N, n]."""
        scaled = states.reshape(-1, *self.layout.shape) / self.scale[:, None, None]
        return scaled.reshape(-1, self.layout.size)

    @cached_property
    def _weights(self) -> Array:
        """[n], which sum to 1."""
        c, _, x = self.layout.shape
        return np.broadcast_to(self.layout.area[:, None] / (c * x), self.layout.shape).ravel()
