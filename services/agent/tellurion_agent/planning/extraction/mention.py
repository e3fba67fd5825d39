"""A part of a request that names something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tellurion_agent.slots import Kind


class Role(StrEnum):
    """What a mention is for, as the words about it tell."""

    PLAIN = ""
    BASE = "base"
    """What something is compared with: ``relative to 1961–1990``."""
    NOT = "not"
    """Not this: ``the Pacific, not the Atlantic``."""
    LEFT_OUT = "left out"
    """All but this: ``without the Arctic``."""


@dataclass(frozen=True)
class Mention:
    """What it names, and where."""

    kind: Kind
    value: Any
    """Of `tellurion_agent.slots`, or as the file that reads this kind states."""
    start: int
    end: int
    role: Role = Role.PLAIN
