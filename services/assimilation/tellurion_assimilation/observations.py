"""Observations of a state: values, errors, and the linear operator that says what they see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tellurion_core.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class Observations:
    """y = H x + ε, ε ~ N(0, R) with R diagonal; there may be none (p = 0).

    Raises InvalidInput when shapes disagree, a number is not finite or an error is not positive.
    """

    values: NDArray[np.float64]
    """[p]."""
    errors: NDArray[np.float64]
    """[p] standard errors, above 0: R = diag(errors²)."""
    operator: sparse.csr_array
    """H [p, n]."""
    positions: NDArray[np.float64] | None = None
    """[p, d]: the coordinate on a circle in grid units [p, 1], or latitude and longitude in degrees [p, 2]; only a
    localised method needs them."""

    def __post_init__(self) -> None:
        h = sparse.csr_array(self.operator, dtype=np.float64)
        object.__setattr__(self, "operator", h)
        _check_finite("operator", h.data)
        object.__setattr__(self, "values", _column("values", self.values, h.shape[0]))
        object.__setattr__(self, "errors", _column("errors", self.errors, h.shape[0]))
        if (bad := np.flatnonzero(self.errors <= 0)).size:
            received = f"{self.errors[bad[0]]:g}"
            raise InvalidInput.of(f"observations.errors[{bad[0]}]", received=received, accepted="above 0")
        if self.positions is not None:
            positions = np.asarray(self.positions, dtype=np.float64)
            if positions.ndim != 2 or len(positions) != len(self):
                raise InvalidInput.of(
                    "observations.positions", received=f"shape {positions.shape}", accepted=f"[{len(self)}, d]"
                )
            _check_finite("positions", positions)
            object.__setattr__(self, "positions", positions)

    def __len__(self) -> int:
        return self.operator.shape[0]

    def of(self, states: NDArray[np.floating]) -> NDArray[np.float64]:
        """H x [..., p] of states [..., n]. Raises InvalidInput when the states have another length."""
        n = self.operator.shape[1]
        if states.shape[-1] != n:
            accepted = f"[..., {n}], as the observations' operator has it"
            raise InvalidInput.of("state", received=f"shape {states.shape}", accepted=accepted)
        seen = self.operator @ states.reshape(-1, n).T
        return seen.T.reshape(*states.shape[:-1], len(self))

    def reading(self, values: NDArray[np.float64]) -> Observations:
        """The same instruments, which read other values [p]; H is not checked again."""
        other = object.__new__(Observations)
        other.__dict__.update(self.__dict__, values=_column("values", values, len(self)))
        return other


def _column(name: str, values: NDArray[np.floating], length: int) -> NDArray[np.float64]:
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (length,):
        raise InvalidInput.of(
            f"observations.{name}", received=f"shape {column.shape}", accepted=f"[{length}], one for each row of H"
        )
    _check_finite(name, column)
    return column


def _check_finite(name: str, values: NDArray[np.float64]) -> None:
    if not np.isfinite(values).all():
        first = np.argwhere(~np.isfinite(values))[0]
        where = ", ".join(map(str, first))
        raise InvalidInput.of(
            f"observations.{name}[{where}]", received=f"{values[tuple(first)]}", accepted="a finite number"
        )
