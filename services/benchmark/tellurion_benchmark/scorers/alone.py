"""What variants have in common whose items are scored one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from tellurion_benchmark.scoring import NOTHING, Json, Scored


class Alone:
    """No statistics of a whole corpus, nothing to gather, and mostly nothing to load."""

    pooled: ClassVar[Mapping[str, Callable[[Sequence[float]], float]]] = NOTHING
    shown: ClassVar[Mapping[str, Callable[[Sequence[float]], float]]] = NOTHING

    def prepare(self, kinds: Collection[str]) -> None:
        """Nothing is loaded."""

    def finish(self, gathered: Sequence[Json]) -> Sequence[Scored]:
        """Nothing, since nothing is gathered."""
        return ()
