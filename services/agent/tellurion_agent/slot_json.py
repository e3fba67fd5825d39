"""Values of slots as JSON holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from tellurion_agent.slots import Level, Period, Region, Season
from tellurion_core.errors import DataCorrupted

_TYPES = {kind.__name__.lower(): kind for kind in (Region, Period, Level, Season)}


def to_json(slots: Mapping[str, Any]) -> dict[str, Any]:
    """Slots as JSON: each of the types in `slots` as an object that names its type."""
    return {name: _stored(value) for name, value in slots.items()}


def from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The slots again. Raises DataCorrupted where an object is none of the types."""
    return {name: _value(name, value) for name, value in stored.items()}


def _stored(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__.lower(), **asdict(value)}
    return list(value) if isinstance(value, tuple) else value


def _value(name: str, stored: Any) -> Any:
    if not isinstance(stored, Mapping):
        return tuple(stored) if isinstance(stored, list) else stored
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()}
    try:
        return _TYPES[fields.pop("type")](**fields)
    except (KeyError, TypeError) as error:
        raise DataCorrupted(f"the slot {name} holds {stored}, which is no value of a slot") from error
