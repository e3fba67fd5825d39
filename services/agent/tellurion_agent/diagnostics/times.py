"""Calendars: the lengths of months, the seasons that pass the turn of the year, climatologies and anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core.groupby import DataArrayGroupBy

from tellurion_agent.recipes.recipe import NoAnswer

ALL_MONTHS = tuple(range(1, 13))
BLOCK = 20_000_000
"""Values that are read at once for a mean that needs a pass of its own."""
DAYS_PRESENT = 0.9
"""Share of a season's days that must be there in daily data for the season to count."""
FILLED = 1 - 15.5 / 365
"""Share of a season's values that a count or an extreme needs: 15 days of a year may be missing (Zhang et al. 2011)."""


class Step(StrEnum):
    """Of a time axis."""

    HOURLY = "hourly"
    DAILY = "daily"
    MONTHLY = "monthly"
    YEARLY = "yearly"


def step(time: xr.DataArray) -> Step:
    """From the median distance of the values; a lone value counts as a month.

    Raises NoAnswer for steps between these.
    """
    gaps = np.diff(time.values[:2000])
    if not gaps.size:
        return Step.MONTHLY
    if np.issubdtype(gaps.dtype, np.timedelta64):
        days = float(np.median(gaps / np.timedelta64(1, "s"))) / 86400
    else:
        days = float(np.median([gap.total_seconds() for gap in gaps])) / 86400
    for kind, low, high in (
        (Step.HOURLY, 0.0, 0.9),
        (Step.DAILY, 0.9, 1.1),
        (Step.MONTHLY, 27.0, 32.0),
        (Step.YEARLY, 355.0, 370.0),
    ):
        if low < days <= high:
            return kind
    raise NoAnswer(f"the data have a value every {days:g} days; hourly, daily, monthly or yearly values are needed")


def decimal_years(time: xr.DataArray) -> NDArray[np.float64]:
    """Year and the part of it that has passed, for an axis."""
    return np.asarray(time.dt.year + (time.dt.dayofyear - 1 + time.dt.hour / 24) / 365.25, dtype=float)


def season_years(time: xr.DataArray, months: Sequence[int]) -> NDArray[np.int_]:
    """The year that each value counts to: the December of DJF is that of the following January's year."""
    turn = next((i for i in range(1, len(months)) if months[i] < months[i - 1]), 0)
    return np.asarray(time.dt.year.values + np.isin(time.dt.month.values, months[:turn]))


def complete(time: xr.DataArray, months: Sequence[int]) -> NDArray[np.bool_]:
    """Which values belong to a season of which nothing is missing on the time axis.

    Raises NoAnswer when a season is asked of yearly values.
    """
    if (kind := step(time)) is Step.YEARLY:
        if set(months) != set(ALL_MONTHS):
            raise NoAnswer("the data are yearly means: they have no seasons")
        return np.ones(time.size, bool)
    month, year = time.dt.month.values, season_years(time, months)
    inside = np.isin(month, months)
    key = year * 12 + month - 1 if kind is Step.MONTHLY else (year * 12 + month - 1) * 31 + time.dt.day.values - 1
    seen = np.unique(key[inside])  # twelve or 372 to a year
    per_year = 12 if kind is Step.MONTHLY else 372
    years, counts = np.unique(seen // per_year, return_counts=True)
    needed = len(months) if kind is Step.MONTHLY else DAYS_PRESENT * 30.4 * len(months)
    return inside & np.isin(year, years[counts >= needed])


def seasons(field: xr.DataArray, months: Sequence[int]) -> xr.DataArray:
    """The values in complete seasons.

    A climatology of no more than a year has no winter in a row: there all months of the season are taken.
    Raises NoAnswer when there are none.
    """
    whole = complete(field.time, months)
    if not whole.any() and field.sizes["time"] <= 12 and step(field.time) is Step.MONTHLY:
        inside = np.isin(field.time.dt.month.values, months)
        whole = inside if inside.sum() == len(months) else whole
    if not whole.any():
        raise NoAnswer("the data hold no complete season or year of those asked for")
    return field.isel(time=np.flatnonzero(whole))


def in_season(field: xr.DataArray, months: Sequence[int]) -> xr.DataArray:
    """The values in the months of a season, whether it is complete or not.

    Raises NoAnswer when there are none, or the values are of years.
    """
    if set(months) == set(ALL_MONTHS):
        return field
    if step(field.time) is Step.YEARLY:
        raise NoAnswer("the data are yearly means: they have no seasons")
    inside = np.isin(field.time.dt.month.values, months)
    if not inside.any():
        raise NoAnswer("the data have no values in the months asked for")
    return field.isel(time=np.flatnonzero(inside))


def by_season(field: xr.DataArray, months: Sequence[int]) -> DataArrayGroupBy:
    """The values of a season by `year`, a winter's by that of its January; of a climatology all together."""
    dated = complete(field.time, months).any()
    year = season_years(field.time, months) if dated else field.time.dt.year.values
    return field.groupby(xr.DataArray(year, coords={"time": field.time}, dims="time", name="year"))


def filled(field: xr.DataArray, months: Sequence[int]) -> xr.DataArray:
    """[year, …] whether a season's values on the time axis are all there but for a few."""
    return by_season(field.notnull(), months).mean() >= FILLED


def climate_mean(field: xr.DataArray, months: Sequence[int] = ALL_MONTHS) -> xr.DataArray:
    """Mean over the complete seasons: of the calendar months' means, weighed with their lengths.

    A gap in one winter so does not make the climate warmer. Raises NoAnswer when no season is complete.
    """
    if step(field.time) is Step.YEARLY:
        return seasons(field, months).mean("time", keep_attrs=True)
    used = seasons(field, months)
    length = used.time.dt.days_in_month.groupby(used.time.dt.month).mean()
    return monthly_climatology(used).weighted(length.astype(float)).mean("month", keep_attrs=True)


def monthly_climatology(field: xr.DataArray) -> xr.DataArray:
    """[month, …] means of each calendar month."""
    return field.groupby("time.month").mean("time", keep_attrs=True)


def anomalies(field: xr.DataArray, normal: xr.DataArray) -> xr.DataArray:
    """Departures from a monthly climatology [month, …], lazily where the field is chunked.

    Raises NoAnswer when the climatology lacks a month that the field has.
    """
    if lacking := set(map(int, np.unique(field.time.dt.month))) - set(map(int, normal.month.values)):
        raise NoAnswer(f"the base period has no values in month {min(lacking)}")
    nth = np.searchsorted(normal.month.values, field.time.dt.month.values)
    if field.chunks is not None:  # or all of the repeated climatology would be in memory at once
        normal = normal.chunk()
    repeated = normal.isel(month=nth).drop_vars("month").rename(month="time").assign_coords(time=field.time)
    return (field - repeated).assign_attrs(field.attrs).transpose(*field.dims)


def departures(series: xr.DataArray) -> xr.DataArray:
    """Monthly departures from the calendar months' means, of yearly values the values.

    Means of years are compared by these: in a leap year the longer February would else make a year colder.
    """
    if step(series.time) is Step.YEARLY:
        return series
    monthly = monthly_means(series)
    return anomalies(monthly, monthly_climatology(monthly))


def season_means(field: xr.DataArray, months: Sequence[int] = ALL_MONTHS) -> xr.DataArray:
    """[year, …] means of complete seasons, months weighed with their lengths.

    Where a value is missing, the season's departure from climatology is the mean of those that are there, so that a
    gap in summer does not make a cold year; NaN where less than half is there.
    Raises NoAnswer when no season is complete on the time axis, or months are there twice.
    """
    used = field.isel(time=np.flatnonzero(complete(field.time, months)))
    if not used.sizes["time"]:
        raise NoAnswer("the data hold no complete season or year of those asked for")
    if step(field.time) is Step.YEARLY:
        return used.assign_coords(time=used.time.dt.year).rename(time="year")
    whole = np.unique(season_years(used.time, months))
    if step(field.time) is not Step.MONTHLY:
        used = in_season(monthly_means(used), months)
        used = used.isel(time=np.flatnonzero(np.isin(season_years(used.time, months), whole)))
    if used.sizes["time"] != whole.size * len(months):
        raise NoAnswer("some months are there more than once")
    length = xr.DataArray(used.time.dt.days_in_month.values.reshape(whole.size, -1).astype(float), dims=("year", "nth"))
    values = used.drop_vars("time").coarsen(time=len(months)).construct(time=("year", "nth"))
    usual = _mean_over_years(values)
    if values.chunks is not None:  # or what every year has of the climatology would be in memory at once
        usual, length = usual.chunk(), length.chunk(year=values.chunksizes["year"])
    there, total = length.where(values.notnull(), 0.0).sum("nth"), length.sum("nth")
    departure = ((values - usual) * length).sum("nth") / there.where(there >= total / 2)
    mean = departure + (usual.fillna(0.0) * length).sum("nth") / total
    return mean.assign_coords(year=whole).transpose("year", ...).assign_attrs(field.attrs).rename(field.name)


def _mean_over_years(values: xr.DataArray) -> xr.DataArray:
    """Mean of [year, …] values that are there, in memory, a block of years at a time.

    In one graph every year's partial sum, as large as the year itself, may be held at once.
    """
    total, count = 0.0, 0
    years = max(1, BLOCK * values.sizes["year"] // values.size)
    for first in range(0, values.sizes["year"], years):
        block = values.isel(year=slice(first, first + years)).compute()
        total, count = total + block.sum("year", dtype=float), count + block.notnull().sum("year")
    return total / xr.where(count > 0, count, np.nan)


def monthly_means(field: xr.DataArray) -> xr.DataArray:
    """Monthly values as they are; daily and hourly ones averaged.

    Raises NoAnswer for yearly values.
    """
    kind = step(field.time)
    if kind is Step.YEARLY:
        raise NoAnswer("the data are yearly means: months are needed")
    return field if kind is Step.MONTHLY else field.resample(time="MS").mean()
