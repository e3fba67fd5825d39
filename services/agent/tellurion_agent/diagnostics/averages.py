"""Means over areas and along parallels that know which cells have no value."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.cells import EARTH_RADIUS

HORIZONTAL = ("lat", "lon")


def area_mean(field: xr.DataArray, area: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean over the sphere of what has values, and the share of the area that has them, both computed.

    `area` [lat, lon] weighs the cells, 0 outside a region. The share is of the area that has a value at any time: land
    is not missing from an ocean's field; NaN where nothing ever has.
    """
    return covered_mean(field, area)[:2]


def covered_mean(field: xr.DataArray, area: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """`area_mean`, and the share of the whole area that has a value at any time; one pass over chunked data."""
    valid = field.notnull()
    when = [dim for dim in ("time", "year") if dim in field.dims]
    weighted = area.fillna(0.0)
    parts = xr.Dataset(
        {
            "total": (field.fillna(0.0) * weighted).sum(HORIZONTAL),
            "present": (valid * weighted).sum(HORIZONTAL),
            "ever": valid.any(when),
        }
    ).compute()
    ever = (parts.ever * weighted).sum(HORIZONTAL)
    mean = (parts.total / parts.present.where(parts.present > 0)).assign_attrs(field.attrs).rename(field.name)
    return mean, parts.present / ever.where(ever > 0), ever / weighted.sum(HORIZONTAL)


def zonal_mean(field: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Mean along each parallel of what has values; where none has, NaN."""
    return field.weighted(area.fillna(0.0)).mean("lon", keep_attrs=True)


def box_share(area: xr.DataArray, south: float, north: float, west: float, east: float) -> float:
    """Share of a box of the sphere that cells with an `area` [lat, lon] cover, by their areas; may exceed 1."""
    box = EARTH_RADIUS**2 * np.radians(east - west) * (np.sin(np.radians(north)) - np.sin(np.radians(south)))
    return float(area.sum()) / box
