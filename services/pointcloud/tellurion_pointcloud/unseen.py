"""What weights were shown, as their model cards say, and that it is none of what judges them.

A card names the `folds` of labelled things and the `groups` of near-duplicates in rooms that a training was shown, and
those of all weights that it began from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights


def shown(kind: str, own: Iterable[Any], *before: Path | None) -> list[Any]:
    """The `folds` or `groups` that a training is shown, and those of the weights files that it begins from."""
    return sorted({*own, *(each for path in before if path is not None for each in weights.card(path).get(kind, ()))})


def check_unseen(field: str, card: Mapping[str, Any], kind: str, judged: Iterable[Any]) -> None:
    """Raises InvalidInput where a card names `folds` or `groups` among those that judge."""
    if seen := sorted({*card.get(kind, ())} & {*judged}):
        received = f"one that was shown the {kind} {seen}"
        raise InvalidInput.of(field, received=received, accepted="one that was not shown what is held out")
