"""Indices of climate variability from time series of boxes and stations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.recipes.recipe import NoAnswer

REACH = 5.0
"""Degrees from a place within which a cell must be centred to stand for it, unless cells are larger."""


def standardised(series: xr.DataArray, base: slice | None = None) -> xr.DataArray:
    """Departures from each calendar month's mean, divided by that month's standard deviation, over `base` years."""
    reference = series if base is None else series.sel(time=_years(series, base))
    months = reference.groupby("time.month")
    mean, deviation = months.mean("time"), months.std("time")
    month = series.time.dt.month
    return ((series - mean.sel(month=month)) / deviation.sel(month=month)).drop_vars("month")


def standardised_difference(first: xr.DataArray, second: xr.DataArray, base: slice | None = None) -> xr.DataArray:
    """Difference of two standardised series, divided by its own standard deviation over the base years.

    With the pressures of Tahiti and Darwin it is the Southern Oscillation Index (Trenberth 1984; CPC), with 40°S and
    65°S the Southern Annular Mode's (Gong and Wang 1999), with the Azores and Iceland the NAO's (Hurrell 1995).
    """
    difference = standardised(first, base) - standardised(second, base)
    reference = difference if base is None else difference.sel(time=_years(difference, base))
    return difference / reference.std("time")


def at_place(field: xr.DataArray, name: str, lat: float, lon: float) -> xr.DataArray:
    """Series at a place, bilinear between the cells around it, Greenwich crossed; the nearest where one is missing.

    Raises NoAnswer when the cells do not reach it.
    """
    north, east = field.lat.values - lat, (field.lon.values - lon + 180.0) % 360.0 - 180.0
    for away, centres in ((north, field.lat.values), (east, field.lon.values)):
        if np.abs(away).min() > max(REACH, np.median(np.diff(centres)) / 2 if centres.size > 1 else 0.0):
            raise NoAnswer(f"the data do not reach {name}")
    rows, columns = (np.argsort(np.abs(away))[:4] for away in (north, east))
    rows, columns = rows[np.argsort(north[rows])], columns[np.argsort(east[columns])]
    near = field.isel(lat=rows, lon=columns).assign_coords(lat=north[rows], lon=east[columns]).compute()
    nearest = near.sel(lat=0.0, lon=0.0, method="nearest", drop=True)
    if near.sizes["lat"] < 2 or near.sizes["lon"] < 2:
        return nearest
    return near.interp(lat=0.0, lon=0.0).drop_vars(["lat", "lon"]).fillna(nearest)


def on_parallel(field: xr.DataArray, lat: float) -> xr.DataArray:
    """Mean along a parallel, linear between the rows beside it.

    Raises NoAnswer when the longitudes do not go round the Earth.
    """
    gaps = np.diff(np.r_[field.lon.values, field.lon.values[0] + 360.0])
    if gaps.size < 2 or gaps.max() > 2 * np.median(gaps):
        raise NoAnswer("a mean along a parallel needs values all round the Earth, and the data have a part of it")
    rows = np.sort(np.argsort(np.abs(field.lat.values - lat), kind="stable")[:3])
    zonal = field.isel(lat=rows).mean("lon").compute()
    return zonal.interp(lat=lat).drop_vars("lat") if zonal.sizes["lat"] > 1 else zonal.isel(lat=0, drop=True)


def running_mean(yearly: xr.DataArray, steps: int) -> xr.DataArray:
    """Centred mean over `steps` years in a row, of an even number with half weights at its ends; NaN where one is not.

    `yearly` [year] may lack years.
    """
    whole = yearly.reindex(year=np.arange(yearly.year[0], yearly.year[-1] + 1))
    if steps % 2:
        return whole.rolling(year=steps, center=True).mean().sel(year=yearly.year)
    weights = xr.DataArray(np.r_[0.5, np.ones(steps - 1), 0.5] / steps, dims="window")
    windows = whole.rolling(year=steps + 1, center=True).construct("window")
    return xr.dot(windows, weights, dim="window").sel(year=yearly.year)


def _years(series: xr.DataArray, base: slice) -> xr.DataArray:
    year = series.time.dt.year
    return series.time[((year >= base.start) & (year <= base.stop)).values]
