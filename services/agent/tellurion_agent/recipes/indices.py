"""Monthly anomalies of boxes that indices are made of."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.times import anomalies, monthly_climatology, monthly_means
from tellurion_agent.recipes.bases import base_period, in_years, years_of
from tellurion_agent.recipes.recipe import Slots
from tellurion_agent.recipes.selection import Notes, at, averaged, within
from tellurion_agent.regions import named
from tellurion_agent.slots import Period


def box_anomaly(field: xr.DataArray, box: str, slots: Slots, notes: Notes) -> tuple[xr.DataArray, Period]:
    """Monthly anomalies [time] of a box of the gazetteer, relative to the base period, in the years asked for."""
    surface = at(field, slots.get("level"), notes)
    series = monthly_means(averaged(within(surface, named(box), notes), notes))
    base = base_period(slots.get("base"), years_of(series), notes)
    anomaly = anomalies(series, monthly_climatology(in_years(series, base)))
    return kept(anomaly, slots), base


def kept(series: xr.DataArray, slots: Slots) -> xr.DataArray:
    """The years of a monthly index that were asked for; all where none were."""
    period = slots.get("period")
    return series if period is None else in_years(series, period)


def season_values(series: xr.DataArray, months: tuple[int, ...]) -> xr.DataArray:
    """The months of a season alone."""
    return series.isel(time=np.flatnonzero(np.isin(series.time.dt.month.values, months)))


def seasonal(series: xr.DataArray, months: tuple[int, ...], period: Period | None) -> dict[str, float]:
    """Means of a season in each year in which its middle month lies, by its name: ``NDJ 1997/98``.

    Of two years that a season passes from one to the other, it is the one winter in both. Incomplete ones are left out.
    """
    nth = series.time.dt.year.values * 12 + series.time.dt.month.values - 1
    value = dict(zip(map(int, nth), map(float, series.values), strict=True))
    middle, found = len(months) // 2, {}
    for year in range(int(nth[0]) // 12, int(nth[-1]) // 12 + 1):
        first = year * 12 + months[middle] - 1 - middle
        begins, ends = first // 12, (first + len(months) - 1) // 12
        if period is not None and period.last - period.first == 1 and begins < ends:
            inside = (begins, ends) == (period.first, period.last)
        else:
            inside = period is None or period.first <= year <= period.last
        run = [value.get(month, np.nan) for month in range(first, first + len(months))]
        if inside and np.isfinite(run).all():
            found[f"{begins}" if begins == ends else f"{begins}/{ends % 100:02d}"] = float(np.mean(run))
    return found


def month_of(time: xr.DataArray) -> str:
    """``1997-11``."""
    return f"{time.dt.year.item()}-{time.dt.month.item():02d}"
