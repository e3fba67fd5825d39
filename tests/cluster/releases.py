"""The chart as it is installed here: the value set of laptops, with HTTPS and stores of this machine (values.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..chart.rendering import Object, objects_of, values_of


def values(**more: Any) -> dict[str, Any]:
    """Those of the laptop, of values.yaml, and these."""
    return merged(
        merged(values_of("laptop"), yaml.safe_load(Path(__file__).with_name("values.yaml").read_text())), more
    )


def rendered(**more: Any) -> list[Object]:
    """The objects that Helm renders from them."""
    return objects_of(values(**more))


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm merges value files: key by key, later ones before earlier ones."""
    both = {key: merged(values[key], new) for key, new in more.items() if isinstance(new, Mapping) and key in values}
    return {**values, **more, **both}
