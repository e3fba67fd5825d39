"""Values of slots, as people write them."""

from __future__ import annotations

from typing import Any

from tellurion_agent.planning.extraction.periods import SaidPeriod
from tellurion_agent.slot_text import text
from tellurion_agent.slots import Level, Period


def shown(value: Any) -> str:
    """``1991–2020``, ``0–700 m``, ``Niño 3.4``."""
    match value:
        case SaidPeriod(years=None):
            return f"{value.first or 'the beginning'}–{value.last or 'the end'}"
        case SaidPeriod():
            return f"{value.years} years"
        case Period():
            return f"{value.first}–{value.last}"
        case Level():
            return text(value)
        case tuple():
            return ", ".join(map(shown, value))
    return str(getattr(value, "name", value)).replace("_", " ")
