"""Water columns interpolated linearly in depth to the levels of a grid, never beyond what a column holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAME_LEVEL = 1e-3
"""Part of a step between levels within which two depths are one: files round them, some to float32."""


@dataclass(frozen=True, eq=False)
class Columns:
    """The map from K source levels to Z target levels."""

    upper: NDArray[np.intp]
    """[Z] index of the source level above, or of the very one."""
    share: NDArray[np.float64]
    """[Z] weight in [0, 1) of the source level below `upper`; NaN where the source does not reach."""

    @classmethod
    def between(
        cls,
        source: NDArray[np.float64],  # [K ≥ 2] metres, ascending
        target: NDArray[np.float64],  # [Z] metres, ascending
    ) -> Columns:
        """Levels by linear interpolation in depth.

        A column's shallowest cell is well mixed: its value holds above its centre, as far as one step of the levels.
        Below the deepest level there is nothing.
        """
        upper = np.clip(np.searchsorted(source, target, side="right") - 1, 0, source.size - 2)
        share = (target - source[upper]) / (source[upper + 1] - source[upper])
        whole = np.round(share)
        share = np.where(np.abs(share - whole) < SAME_LEVEL, whole, share)
        upper, share = np.where(share == 1, upper + 1, upper), np.where(share == 1, 0.0, share)
        reached = (share >= -1) & (share < 1)
        return cls(upper, np.where(reached, np.maximum(share, 0.0), np.nan))

    @property
    def span(self) -> slice:
        """The source levels that matter, empty when none is within reach."""
        reached = np.isfinite(self.share)
        if not reached.any():
            return slice(0, 0)
        return slice(int(self.upper[reached].min()), int((self.upper + (self.share > 0))[reached].max()) + 1)

    def __call__(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values [levels of `span`, ...] as values [Z, ...]; NaN where a source cell that is needed is NaN."""
        first = self.span.start
        out = np.full((self.upper.size, *values.shape[1:]), np.nan, dtype=values.dtype)
        for level, (upper, share) in enumerate(zip(self.upper - first, self.share, strict=True)):
            if share == 0:
                out[level] = values[upper]
            elif share > 0:
                out[level] = (1 - share) * values[upper] + share * values[upper + 1]
        return out
