"""What a method needs to know of a dynamical system."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class System(Protocol):
    """A deterministic system that is stepped forward in time."""

    @property
    def name(self) -> str:
        """As the registry has it."""

    @property
    def size(self) -> int:
        """Variables n of a state."""

    @property
    def dt(self) -> float:
        """Time of a step, in the system's own units."""

    def forecast(self, states: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
        """The states [N, n] some steps later; those given are left as they are."""

    def start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """A draw [n] from the distribution of initial states."""


@runtime_checkable
class Linearised(System, Protocol):
    """A system that knows its tangent-linear model."""

    def tangent(
        self, state: NDArray[np.float64], perturbations: NDArray[np.float64], steps: int
    ) -> NDArray[np.float64]:
        """M′w [K, n] of perturbations w [K, n] along the trajectory of some steps that begins at `state` [n]."""
