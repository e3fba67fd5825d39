"""The seam between the runner and a benchmark: what a model is asked about an item, and what its answer is worth.

A benchmark comes in variants, since two scorers of one benchmark are two benchmarks; each is a `Variant`. It asks
and judges through `Ask`, and knows nothing of endpoints, files, retries or costs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

Json = Any
"""What JSON can say: None, bool, int, float, str, lists and string-keyed mappings of these."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Item:
    """One question, read and validated."""

    id: str
    """As the benchmark names it; unique in the data set."""
    kind: str
    """Which of the benchmark's protocols it falls under: `mcq`, `boxes`, `open`, …"""
    record: Mapping[str, Json]
    """The published fields."""
    images: tuple[Path, ...]
    """Its images, in the order in which they are shown."""
    groups: Mapping[str, str]
    """What its scores are averaged by: discipline, sphere, tier, task."""
    cluster: str
    """The document or image that it was made from; items that share one are not independent."""
    fault: str | None = None
    """Why one of its images cannot be shown, in words that many items share; it is not among them then."""
    faulty: str = ""
    """Name of that image; empty where all can be shown."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    """Who speaks."""
    text: str
    """What is said."""
    images: tuple[Path, ...] = ()
    """What is shown before the text."""


class Ask(Protocol):
    """A model, or a judge, that can be asked; what was answered before is not asked again."""

    async def __call__(
        self, messages: Sequence[Message], *, max_tokens: int, temperature: float = 0.0, sample: int = 0
    ) -> str:
        """The model's reply; `sample` tells repeated questions at a temperature above zero apart.

        Raises:
            NoAnswer: the endpoint gave none, after retries.
        """


class NoAnswer(Exception):
    """There is no answer to this question; the message says why, and is shown in the report."""


@dataclass(frozen=True, slots=True)
class Unscored:
    """In place of a score: there is none, which is not the same as zero."""

    reason: str
    """Why, in a few words that many items share."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What one answer is worth."""

    extracted: str | None
    """What the scorer read out of the answer; None where it found nothing."""
    score: float | Unscored
    """The item's value in the headline metric of its kind."""
    metrics: Mapping[str, float | Unscored] = field(default_factory=lambda: NOTHING)
    """Every metric whose denominator this item is in, the headline too; each is averaged over items."""
    pooled: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: NOTHING)
    """Statistics that add up over items, for metrics of a whole corpus (`Variant.pooled`)."""
    reason: str = ""
    """What a reader of the report should know of the score: the judge's words, what failed."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """An answer that can be scored only beside the others: `Variant.finish` takes all of them."""

    payload: Json
    """What scoring needs of it."""


class Variant(Protocol):
    """One benchmark under one of its scorers."""

    suite: str
    """`sfe`, `omniearth`, `msearth` or `earthse`."""
    name: str
    """`official`, `corrected` or `vlmevalkit`."""
    prompt_version: str
    """Which prompts are used, as `Prompts.version` says it."""
    unavailable: Mapping[str, str]
    """Metrics that the benchmark has and this installation cannot compute, with the reason."""
    pooled: Mapping[str, Callable[[Sequence[float]], float]]
    """Metrics of a whole corpus: from the sum of the items' statistics to the value; NaN where it has none."""
    shown: Mapping[str, Callable[[Sequence[float]], float]]
    """Of those, the ones that the benchmark shows rounded: the value that is shown, from the same sum."""

    def prepare(self, kinds: Collection[str]) -> None:
        """Loads what the first score of these kinds of question would wait for, which may take seconds."""

    async def answer(self, item: Item, model: Ask) -> Json:
        """Asks the model; what it answers is JSON that a file of predictions could hold. Raises NoAnswer."""

    async def score(self, item: Item, prediction: Json, judge: Ask | None) -> Scored | Gathered:
        """What a prediction is worth. Raises NoAnswer where the judge gave none; without a judge it is Unscored."""

    def finish(self, gathered: Sequence[Json]) -> Sequence[Scored]:
        """The scores of the answers that were gathered, in their order."""
