"""Fields that are in no file but follow from two that are: the speed of a wind from its components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from tellurion_agent.catalogue.dataset import DataSet

SPEED = "wind_speed"
COMPONENTS = ("eastward_wind", "northward_wind")


def with_speeds(datasets: Iterable[DataSet]) -> Iterator[DataSet]:
    """The data sets, and the wind speed of each product that has both components and no speed of its own."""
    datasets = list(datasets)
    yield from datasets
    by_place = {(data.variable, *_place(data)): data for data in datasets if not data.refused}
    for data in datasets:
        other = by_place.get((COMPONENTS[1], *_place(data)))
        if data.variable == COMPONENTS[0] and not data.refused and other and (SPEED, *_place(data)) not in by_place:
            yield replace(
                data,
                variable=SPEED,
                name=f"{data.name}, {other.name}",
                long_name="speed of the mean wind",
                files=(*data.files, *other.files),
                parts=(data, other),
            )


def _place(data: DataSet) -> tuple[object, ...]:
    """What two components must share."""
    return *data.identity, data.dimensions, data.levels, data.box, data.units


def speed(east: xr.DataArray, north: xr.DataArray) -> xr.DataArray:
    """√(u² + v²) where both have a value: of means less than the mean of the speeds."""
    east, north = xr.align(east, north, join="inner")
    attrs = {**east.attrs, "standard_name": SPEED, "long_name": "speed of the mean wind"}
    found = xr.apply_ufunc(np.hypot, east, north, dask="allowed")
    return east.copy(data=found.data).assign_attrs(attrs).rename(SPEED)
