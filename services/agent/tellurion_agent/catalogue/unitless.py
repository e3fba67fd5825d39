"""Temperatures of the sea that a file gives without units: what sea water can be tells °C from kelvin."""

from __future__ import annotations

from math import ceil, prod

import numpy as np
import xarray as xr

from tellurion_agent.catalogue.axes import axes
from tellurion_agent.catalogue.lazy import lazy_numbers
from tellurion_agent.catalogue.levels import levels
from tellurion_agent.catalogue.variables import Kind, meant
from tellurion_core.errors import InvalidInput
from tellurion_geo.identification import text

SEA_WATER = {"degC": (-3.0, 45.0), "K": (270.0, 318.0)}
"""What liquid sea water can have in each."""
FREEZES_FAHRENHEIT = 27.0
"""Sea water is never as cold in °F: a field of °C reaches it somewhere."""
ENOUGH = 1_000_000
"""Values that are looked at."""
CHUNK_BYTES = 1 << 24


def sea_temperature_units(dataset: xr.Dataset, name: str) -> tuple[str, str]:
    """Units that the values of a temperature along depths can only have, and why; both empty where they tell none."""
    data = dataset[name]
    if not data.size or not _is_sea_temperature(dataset, name):
        return "", ""
    step = ceil((prod(data.shape[-2:]) / ENOUGH) ** 0.5)
    of_surface = tuple(slice(None, None, step) if d in data.dims[-2:] else 0 for d in data.dims)
    try:
        values = lazy_numbers(data, name, CHUNK_BYTES)[of_surface].compute()
    except InvalidInput:
        return "", ""
    if not np.isfinite(values).any():
        return "", ""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    for units, (least, most) in SEA_WATER.items():
        if least <= low <= high <= most and not (units == "degC" and low >= FREEZES_FAHRENHEIT):
            return units, f"the file names no units; sea water of {low:.1f} to {high:.1f} can only be in {units}"
    return "", ""


def _is_sea_temperature(dataset: xr.Dataset, name: str) -> bool:
    called = (name, text(dataset[name].attrs, "standard_name"), text(dataset[name].attrs, "long_name"))
    variables = [variable for each in called for variable in meant(each)]
    if not any(v.kind is Kind.TEMPERATURE and v.standard_name.startswith("sea_water") for v in variables):
        return False
    try:
        found = axes(dataset, name, name)
        along = levels(dataset, found.level, name) if found.level else None
    except InvalidInput:
        return False
    if along is None or (along.units, along.positive) != ("m", "down"):
        return False
    said = dataset[found.level].attrs
    return text(said, "positive").casefold() == "down" or text(said, "standard_name") == "depth"
