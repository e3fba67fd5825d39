"""What happens when in a fit, from its mode and its length alone.

With 30 000 iterations a schedule is that of the release of the method: Kerbl et al. (2023) for `3dgs`, Ref-Unlock's
own for `ref-unlock`. Their times are absolute, and a short fit would end in the middle of them, so below 30 000
iterations of `3dgs` and 6000 of `ref-unlock` the times are ours: densification ends half-way, degrees rise by one each
sixth of the fit, no opacity is reset that has no time to recover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["3dgs", "ref-unlock"]
MODES: tuple[Mode, ...] = ("3dgs", "ref-unlock")

MEANS_RATE = 1.6e-4, 1.6e-6
"""Learning rate of the means at the start and the end, in extents of the scene."""
SHORTEST = 20
"""Iterations between densifications, of a short fit too."""
DEPTH_WEIGHT = 1.0, 0.01
"""λ of the depth prior at the start and the end."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Times in iterations that have been done; `done` is 1 after the first."""

    iterations: int
    densify_from: int
    densify_every: int
    densify_until: int
    """Of densification and of resets."""
    reset_every: int
    degree_every: int
    """After so many the degree of the spherical harmonics rises by one."""
    mse_until: int
    """As long the transmitted image is also held to the clean one by its mean square error."""

    @classmethod
    def of(cls, mode: Mode, iterations: int) -> Schedule:
        """That of a fit of this length."""
        first, every, until, reset = (500, 100, 15_000, 3000) if mode == "3dgs" else (50, 20, 2500, 500)
        densify_from, densify_until = min(first, iterations // 6), min(until, iterations // 2)
        times = (until - first) // every
        return cls(
            iterations=iterations,
            densify_from=densify_from,
            densify_every=min(every, max(SHORTEST, (densify_until - densify_from) // times)),
            densify_until=densify_until,
            reset_every=reset,
            degree_every=max(1, min(1000, iterations // 6)),
            mse_until=min(1000, iterations // 3),
        )

    def densifies(self, done: int) -> bool:
        """Whether Gaussians are now cloned, split and pruned."""
        return self.densify_from < done < self.densify_until and done % self.densify_every == 0

    def resets(self, done: int) -> bool:
        """Whether opacities are now reset: not without two more intervals to recover in."""
        in_time = done < self.densify_until and self.iterations - done >= 2 * self.reset_every
        return in_time and done % self.reset_every == 0

    def prunes_large(self, done: int) -> bool:
        """Whether Gaussians are pruned that are too large: not before those in a camera's way could be reset."""
        return done > self.reset_every

    def degree(self, done: int, highest: int) -> int:
        """Of the spherical harmonics in the next iteration."""
        return min(highest, done // self.degree_every)

    def means_rate(self, done: int) -> float:
        """The learning rate of the means in the next iteration, in extents of the scene."""
        return self._falling(done, MEANS_RATE)

    def depth_weight(self, done: int) -> float:
        """λ in the next iteration."""
        return self._falling(done, DEPTH_WEIGHT)

    def _falling(self, done: int, between: tuple[float, float]) -> float:
        start, end = between
        return start * (end / start) ** (done / self.iterations)
