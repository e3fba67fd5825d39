"""What variants have in common whose items are scored one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from tellurion_benchmark.scoring import NOTHING, Json, Scored


class Alone:
    """No statistics of a whole corpus, and nothing to gather."""

    pooled: ClassVar[Mapping[str, Callable[[Sequence[float]], float]]] = NOTHING
    shown: ClassVar[Mapping[str, Callable[[Sequence[float]], float]]] = NOTHING

    def finish(self, gathered: Sequence[Json]) -> Sequence[Scored]:
        """Nothing, since nothing is gathered."""
        return ()
