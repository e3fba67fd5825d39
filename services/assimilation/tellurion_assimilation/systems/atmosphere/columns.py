"""What a radiosonde network would see of the atmosphere: whole columns of air at some cells, every channel of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tellurion_assimilation.observations import Observations
from tellurion_assimilation.systems.atmosphere.layout import Layout
from tellurion_core.errors import InvalidInput

ERRORS = {"u": 1.0, "v": 1.0, "t": 0.5, "ps": 100.0}
"""Standard errors in m/s, K and Pa, about those of radiosondes: Dirksen et al. (2014)."""


def observation_errors(layout: Layout) -> NDArray[np.float64]:
    """[C] standard errors of the channels."""
    return np.array([ERRORS[name.rstrip("0123456789")] for name in layout.channels])


def check_observed(observed: float, layout: Layout) -> None:
    """Raises InvalidInput for a share of the cells that is less than one."""
    _, y, x = layout.shape
    if not observed * y * x > 0.5:  # which rounds to one
        accepted = f"at least {1 / (y * x):.2g}, one of {y * x} cells"
        raise InvalidInput.of("observed", received=observed, accepted=accepted)


@dataclass(frozen=True, eq=False)
class Columns:
    """Observed columns of air."""

    layout: Layout
    rows: NDArray[np.intp]
    """[P] of the grid."""
    columns: NDArray[np.intp]
    """[P]."""
    values: NDArray[np.float64]
    """[P, C]."""

    @classmethod
    def of(cls, truth: NDArray[np.floating], layout: Layout, fraction: float, rng: np.random.Generator) -> Columns:
        """A share of all cells, drawn without regard to their area, of a state [C, Y, X]; normal errors.

        Raises InvalidInput for a fraction outside 0…1, and for a state of another layout.
        """
        layout.check(truth, "truth")
        if not 0 <= fraction <= 1:
            raise InvalidInput.of("fraction", received=fraction, accepted="0 to 1")
        _, y, x = layout.shape
        cells = np.sort(rng.choice(y * x, size=round(fraction * y * x), replace=False))
        rows, columns = np.divmod(cells, x)
        exact = truth[:, rows, columns].T.astype(np.float64)
        return cls(layout, rows, columns, exact + observation_errors(layout) * rng.standard_normal(exact.shape))

    def observations(self) -> Observations:
        """The same for states flattened to [n]: all channels of one column, then those of the next."""
        c, y, x = self.layout.shape
        cells = np.arange(c) * (y * x) + (self.rows * x + self.columns)[:, None]  # [P, C]
        h = sparse.csr_array(
            (np.ones(cells.size), cells.ravel(), np.arange(cells.size + 1)), (cells.size, self.layout.size)
        )
        positions = np.stack([self.layout.latitude[self.rows], self.layout.longitude[self.columns]], axis=1)
        errors = np.tile(observation_errors(self.layout), len(self.rows))
        return Observations(self.values.ravel(), errors, h, positions.repeat(c, axis=0))
