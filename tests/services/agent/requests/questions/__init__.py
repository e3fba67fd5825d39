"""The questions, by field."""

from __future__ import annotations

from ..request import Request
from ..wording import DEVELOPMENT_SEED, LOOKED_AT_SEEDS, REPORTING_SEEDS
from ..world import World
from . import air, enso, means, ocean, patterns, refusals, sensitivity, trends

__all__ = ["DEVELOPMENT_SEED", "LOOKED_AT_SEEDS", "REPORTING_SEEDS", "examination"]


def examination(world: World) -> list[Request]:
    """All requests about a world."""
    fields = (means, trends, enso, patterns, sensitivity, ocean, air, refusals)
    return [request for field in fields for request in field.questions(world)]
