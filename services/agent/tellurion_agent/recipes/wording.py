"""How answers are worded: labels, units of differences, outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import ALL_MONTHS, complete, season_years
from tellurion_agent.recipes.asked import ANNUAL
from tellurion_agent.recipes.recipe import NoAnswer, Outcome, Value
from tellurion_agent.slots import Region


def name_of(field: xr.DataArray) -> str:
    """A variable as people write it: its standard name's words, or its long name."""
    return str(field.attrs.get("standard_name") or field.attrs.get("long_name") or field.name or "field").replace(
        "_", " "
    )


def units_of(field: xr.DataArray) -> str:
    """Units of a field, 1 where it has none."""
    return str(field.attrs.get("units", "1"))


def difference_units(units: str) -> str:
    """Of a difference: kelvin between temperatures."""
    return "K" if units in ("degC", "celsius", "°C") else units


def subject(field: xr.DataArray, slots: Mapping[str, Any]) -> str:
    """What is spoken of: ``sea surface temperature, Niño 3.4, DJF, 1991–2020``."""
    region, level, season = slots.get("region"), slots.get("level"), slots.get("season")
    words = [name_of(field)]
    if region is not None:
        words.append(region.name)
    if level is not None:
        depth = f"{level.upper:g}" if level.upper == level.lower else f"{level.upper:g}–{level.lower:g}"
        words.append(f"{depth} {level.units}")
    if season is not None and season.months != ANNUAL.months:
        words.append(season.name)
    if covered := span(field, season.months if season else ALL_MONTHS):
        words.append(covered)
    return ", ".join(words)


def place(region: Region | None) -> str:
    """The name of a region asked for, or that it is all there is."""
    return region.name if region is not None else "all that the data cover"


def span(field: xr.DataArray, months: Sequence[int] = ALL_MONTHS) -> str:
    """First and last year of the data, of the complete winters where the season is one: ``1991–2020``; or what else.

    A climatology's months stand in year 1 (see `catalogue.stamps`).
    """
    if "year" in field.dims:
        year = field.year.values
    elif "time" in field.dims:
        whole = complete(field.time, months) if set(months) != set(ALL_MONTHS) else np.ones(field.sizes["time"], bool)
        year = season_years(field.time, months)[whole if whole.any() else slice(None)]
    else:
        return ""
    if year.max() <= 1:
        return "climatology"
    return f"{year.min()}" if year.min() == year.max() else f"{year.min()}–{year.max()}"


def as_value(label: str, value: Any, units: str, low: Any = None, high: Any = None) -> Value:
    """One number of an answer, an interval that is not finite left out."""
    ends = [None if end is None or not np.isfinite(end) else float(end) for end in (low, high)]
    return Value(
        label, value if isinstance(value, str) else float(value), units, *(ends if None not in ends else (None, None))
    )


def headline(asked: str, values: Mapping[str, Value]) -> list[Value]:
    """The value that was asked for, then the others. Raises NoAnswer where the data do not give it."""
    if asked not in values:
        raise NoAnswer(f"the {asked} cannot be had from these data")
    return [values[asked], *(value for name, value in values.items() if name != asked)]


def asked_first(values: Mapping[str, Sequence[Value]], asked: str) -> list[Value]:
    """All values, those of the choice that was asked for before the others."""
    return [value for name in sorted(values, key=lambda name: name != asked) for value in values[name]]


def written(array: xr.DataArray, long_name: str, units: str) -> xr.DataArray:
    """An array with what the axes and a NetCDF file need."""
    return array.drop_vars("area", errors="ignore").assign_attrs(long_name=long_name, units=units)


def outcome(title: str, values: list[Value], notes: list[str], **data: xr.DataArray) -> Outcome:
    """What a recipe has computed; every array in memory."""
    kept = {name: array.drop_vars("area", errors="ignore").rename(name) for name, array in data.items()}
    dataset = xr.merge(kept.values(), compat="override", join="outer", combine_attrs="drop").compute()
    for name, array in kept.items():
        dataset[name].attrs = dict(array.attrs)
    return Outcome(tuple(values), dataset.assign_attrs(title=title), tuple(dict.fromkeys(notes)))


def month_name(month: int) -> str:
    """``January`` for 1."""
    names = "January February March April May June July August September October November December"
    return names.split()[month - 1]
