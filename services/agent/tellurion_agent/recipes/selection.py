"""The part of a field that a request speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.averages import box_share, covered_mean
from tellurion_agent.diagnostics.cells import areas
from tellurion_agent.diagnostics.land import land, over_ocean
from tellurion_agent.diagnostics.levels import at_level, layer_mean
from tellurion_agent.diagnostics.times import ALL_MONTHS, season_years
from tellurion_agent.recipes.recipe import Inputs, NoAnswer
from tellurion_agent.regions import mask
from tellurion_agent.slots import Level, Period, Region, Season

NOTICED = 0.01
"""Share of an area without any value that is told."""
Notes = list[str]
"""To which is added what a careful reader should know."""


def part(
    field: xr.DataArray, slots: Mapping[str, Any], notes: Notes, *, fraction: xr.DataArray | None = None
) -> xr.DataArray:
    """Level, years and region of a field that the slots of those names say, lazily; years are those of the season.

    It has the coordinate `area` [lat, lon] in m², 0 outside the region; `fraction` is that of land, in percent.
    Raises NoAnswer when the data do not hold the part, or less than half of it.
    """
    field = at(field, slots.get("level"), notes)
    season: Season | None = slots.get("season")
    field = years(field, slots.get("period"), notes, season.months if season else ALL_MONTHS)
    return within(field, slots.get("region"), notes, fraction)


def at(field: xr.DataArray, level: Level | None, notes: Notes) -> xr.DataArray:
    """A field at a level or as the mean of a layer; the uppermost of the ocean's where none is asked for."""
    if "level" not in field.dims:
        return field
    units = field.level.attrs.get("units", "m")
    if level is None:
        if field.sizes["level"] > 1 and (units == "hPa" or field.level.attrs.get("positive") == "up"):
            z = field.level.values
            raise NoAnswer(
                f"the data have {z.size} levels, {z.min():g}–{z.max():g} {units}: it must be said which is meant"
            )
        if field.sizes["level"] > 1:
            notes.append(f"No level was named: taken is the uppermost, {float(field.level[0]):g} {units}.")
        return field.isel(level=0, drop=True)
    if level.units != units:
        raise NoAnswer(f"the data's levels are in {units}, the level asked for in {level.units}")
    if level.upper != level.lower:
        return layer_mean(field, level.upper, level.lower)
    found = at_level(field, level.upper)
    if not np.isclose(float(found.level), level.upper):
        notes.append(f"Taken is the level {float(found.level):g} {units}, the nearest to {level.upper:g} {units}.")
    return found.drop_vars("level")


def years(field: xr.DataArray, period: Period | None, notes: Notes, months: Sequence[int] = ALL_MONTHS) -> xr.DataArray:
    """All months of the years of a period; a winter counts to the year of its January, and a year begins with it.

    Raises NoAnswer when the data lack more than half of the years, or nobody knows of which years they are.
    """
    if period is None:
        return field
    if "time" not in field.dims or field.time.dt.year.values.max() <= 1:
        raise NoAnswer(f"the data are a climatology without dates: {period.first}–{period.last} cannot be chosen in it")
    year = season_years(field.time, months)
    keep = (year >= period.first) & (year <= period.last)
    there, asked = np.unique(year[keep]).size, period.last - period.first + 1
    span = f"{field.time.dt.year.values.min()}–{field.time.dt.year.values.max()}"
    if 2 * there < asked:
        raise NoAnswer(f"the data cover {span}; that is {there} of the {asked} years {period.first}–{period.last}")
    if there < asked:
        notes.append(f"The data, {span}, hold {there} of the {asked} years {period.first}–{period.last}.")
    return field if keep.all() else field.isel(time=np.flatnonzero(keep))


def within(
    field: xr.DataArray, region: Region | None, notes: Notes, fraction: xr.DataArray | None = None
) -> xr.DataArray:
    """The rows and columns of a region, counted eastwards from its western edge, with the coordinate `area`.

    A point is the cell that holds it. Raises NoAnswer when the cells cover less than half of the region.
    """
    if not {"lat", "lon"} <= set(field.dims):
        if region is not None:
            notes.append(f"The data have no latitudes and longitudes: that they are of {region.name} is not checked.")
        return field
    area = areas(field)
    if region is None:
        return field.assign_coords(area=area)
    if region.south == region.north or region.west == region.east:
        inside = _nearest(field, region)
    else:
        inside = mask(region, field.lat, field.lon)
        if not inside.any():
            raise NoAnswer(f"the data have no cells in {region.name}")
        if field.sizes["lat"] > 1 and field.sizes["lon"] > 1 and not region.shape:
            _check_cover(area.where(inside, 0.0), region, notes)
    if region.surface:
        inside = inside & _surface(field, region.surface, notes, fraction)
        if not inside.any():
            raise NoAnswer(f"no cell of the data in {region.name} is {region.surface}")
    rows, columns = (np.flatnonzero(inside.any(other).values) for other in ("lon", "lat"))
    lon = (field.lon.values[columns] - region.west + 1e-9) % 360.0
    columns = columns[np.argsort(lon)]
    east = region.west + np.sort(lon) - 1e-9
    return (
        field.assign_coords(area=area.where(inside, 0.0))
        .isel(lat=rows, lon=columns)
        .assign_coords(lon=("lon", np.round(east, 9), field.lon.attrs))
    )


def bands(field: xr.DataArray, values: int = 40_000_000) -> Iterator[slice]:
    """Rows of a field [time, lat, lon] with no more than so many values, for what needs all of the time at once."""
    rows = max(1, values // max(1, field.size // field.sizes["lat"]))
    for first in range(0, field.sizes["lat"], rows):
        yield slice(first, first + rows)


def masked(field: xr.DataArray) -> xr.DataArray:
    """NaN in the cells of the box that are not of the region, for a map."""
    return field.where(field.area > 0)


def mean_series(inputs: Inputs, role: str, slots: Mapping[str, Any], notes: Notes) -> xr.DataArray:
    """Area mean of the part of a role's field that the slots say, computed; NaN where most of the area has none.

    Raises NoAnswer when there are no values, or fewer than half.
    """
    field = part(inputs[role], slots, notes, fraction=inputs.get("land_fraction"))
    return averaged(field, notes)


def averaged(field: xr.DataArray, notes: Notes) -> xr.DataArray:
    """Area mean of a part, with what is missing told."""
    name = str(field.attrs.get("long_name") or field.name or "the field")
    if "area" not in field.coords:
        mean, share = field.compute(), field.notnull().astype(float).compute()
    else:
        mean, share, covered = covered_mean(field, field.area)
        empty = 1 - float(covered.mean())
        if empty > NOTICED and not over_ocean(str(field.attrs.get("standard_name", field.name))):
            notes.append(f"{100 * empty:.0f} % of the area never has a value of {name}: the mean is of the rest.")
    if not mean.notnull().any():
        raise NoAnswer(f"{name} has no values there")
    present = float(share.mean())
    if present < 0.5:
        raise NoAnswer(f"only {100 * present:.0f} % of the values of {name} are there")
    scarce = share < 0.5
    if present < 0.9995:
        few = f"; {int(scarce.sum())} means with less than half of the area are left out"
        left_out = few if scarce.any() and "area" in field.coords else ""
        notes.append(f"{100 * (1 - present):.2g} % of the values of {name} are missing{left_out}.")
    return mean.where(~scarce).drop_vars("area", errors="ignore").assign_attrs(field.attrs)


def told_left_out(yearly: xr.DataArray, notes: Notes) -> xr.DataArray:
    """Yearly values that are there, with how many are not among the notes. Raises NoAnswer when there are none."""
    there = yearly.dropna("year")
    if not there.size:
        raise NoAnswer("too many values of each year are missing")
    if there.size < yearly.size:
        few = "for most of the area too many of their values are missing"
        notes.append(f"{yearly.size - there.size} of {yearly.size} years are left out: {few}.")
    return there


def several(inputs: Inputs, role: str, fewest: int = 2) -> dict[str, xr.DataArray]:
    """The data sets of a role that takes many, by label. Raises NoAnswer for fewer than `fewest`."""
    found = {key.partition(":")[2]: value for key, value in inputs.items() if key.startswith(f"{role}:")}
    if len(found) < fewest:
        names = ", ".join(found) or "none"
        raise NoAnswer(f"at least {fewest} data sets are needed; found: {names}")
    return dict(sorted(found.items()))


def _nearest(field: xr.DataArray, region: Region) -> xr.DataArray:
    """The row or column, or both, that a point or a line lies in."""
    lat, lon = field.lat.values, field.lon.values
    rows = (lat >= region.south) & (lat <= region.north)
    if region.south == region.north:
        rows = np.arange(lat.size) == np.argmin(np.abs(lat - region.south))
        if lat.size > 1 and np.abs(lat - region.south).min() > np.diff(lat).max():
            raise NoAnswer(f"the data do not reach {region.name}")
    round_east = (lon - region.west) % 360.0
    columns = round_east <= region.east - region.west
    if region.west == region.east:
        away = np.minimum(round_east, 360.0 - round_east)
        columns = np.arange(lon.size) == np.argmin(away)
        if lon.size > 1 and away.min() > np.diff(lon).max():
            raise NoAnswer(f"the data do not reach {region.name}")
    return xr.DataArray(np.outer(rows, columns), coords={"lat": field.lat, "lon": field.lon}, dims=("lat", "lon"))


def _check_cover(area: xr.DataArray, region: Region, notes: Notes) -> None:
    share = box_share(area, region.south, region.north, region.west, region.east)
    if share < 0.5:
        raise NoAnswer(f"the data cover {100 * share:.0f} % of {region.name}")
    if share < 0.85:
        notes.append(f"The cells whose centres lie in {region.name} cover {100 * share:.0f} % of it.")


def _surface(field: xr.DataArray, surface: str, notes: Notes, fraction: xr.DataArray | None) -> xr.DataArray:
    """[lat, lon] whether a cell is of a surface: by the field's own coast, the land fraction, or a map of the land."""
    if over_ocean(str(field.attrs.get("standard_name", field.name))):
        if surface == "land":
            raise NoAnswer("the variable is one of the sea: it has no values on land")
        return xr.ones_like(field.lat * field.lon, dtype=bool)  # missing values are its coast
    if (
        fraction is not None
        and fraction.sizes["lat"] == field.sizes["lat"]
        and fraction.sizes["lon"] == field.sizes["lon"]
    ):
        whole = fraction.squeeze(drop=True).compute()
        is_land = (whole > 50).assign_coords(lat=field.lat, lon=field.lon)
        notes.append("A cell is land where the model's land fraction exceeds 50 %.")
    else:
        is_land = land(field)
        notes.append("A cell is land where its centre is, by the GLOBE elevation model at 0.25°.")
    return is_land if surface == "land" else ~is_land
