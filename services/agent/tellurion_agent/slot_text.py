"""Values of slots as people write them."""

from __future__ import annotations

import math
from typing import Any

from tellurion_agent.slots import Level, Period, Region, Season


def text(value: Any) -> str:
    """``1991–2020``, ``0–700 m``, ``Niño 3.4 (5°S–5°N, 190–240°E)``."""
    match value:
        case Period(first, last):
            return f"{first}" if first == last else f"{first}–{last}"
        case Level(upper, lower, units) if math.isinf(lower):
            return f"{upper:g} {units} to the bottom"
        case Level(upper, lower, units):
            return f"{upper:g} {units}" if upper == lower else f"{upper:g}–{lower:g} {units}"
        case Season(name=name):
            return name
        case Region():
            return _region(value)
        case float():
            return f"{value:g}"
        case tuple() | list():
            return ", ".join(map(text, value))
    return str(value).replace("_", " ")


def _region(region: Region) -> str:
    box = f"{_latitude(region.south)}–{_latitude(region.north)}"
    if region.east > 360 > region.east - region.west:  # over Greenwich
        box += f", {360 - region.west:g}°W–{region.east - 360:g}°E"
    elif region.east - region.west < 360:
        box += f", {region.west:g}–{region.east:g}°E"
    return f"{region.name} ({box}{', ' + region.surface if region.surface else ''})"


def _latitude(degrees: float) -> str:
    return f"{abs(degrees):g}°{'S' if degrees < 0 else 'N' if degrees > 0 else ''}"
