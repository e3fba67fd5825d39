"""How often one question is asked, and how long after: bounded, exponential, with full jitter.

Source: M. Brooker (2015), Exponential backoff and jitter, AWS Architecture Blog.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from tellurion_benchmark.scoring import NoAnswer
from tellurion_core.endpoints.troubles import Busy, Failed, Trouble


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is borne."""

    failures: int = 5
    """Failed requests after which a question is asked once more, and no more."""
    waits: int = 20
    """Times that a busy endpoint is waited for."""
    first: float = 1.0
    """Longest first pause, s; each further one may be twice as long."""
    longest: float = 60.0
    """Longest pause that the endpoint does not ask for, s."""
    vain: int = 16
    """Questions given up on one after another, after which an endpoint is asked no more."""


class Tries:
    """What one question has met with so far."""

    def __init__(self, patience: Patience, rng: random.Random) -> None:
        self._patience = patience
        self._rng = rng
        self._left = {Busy: patience.waits, Failed: patience.failures}
        self._longest = patience.first

    def pause(self, trouble: Trouble) -> float:
        """Seconds after which the question is asked again.

        Raises:
            NoAnswer: it is not.
        """
        kind = next((kind for kind in self._left if isinstance(trouble, kind)), None)
        if kind is None or not self._left[kind]:
            raise NoAnswer(trouble.reason) from trouble
        self._left[kind] -= 1
        pause = self._rng.uniform(0, self._longest)
        self._longest = min(2 * self._longest, self._patience.longest)
        return max(pause, trouble.after or 0.0)
