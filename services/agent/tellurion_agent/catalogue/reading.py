"""The records of one file: what variables it holds, where, when and whose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr

from tellurion_agent.catalogue.axes import Axes, axes
from tellurion_agent.catalogue.levels import levels
from tellurion_agent.catalogue.naming import Naming, naming, plain
from tellurion_agent.catalogue.record import Box, Extent, Record
from tellurion_agent.catalogue.times import STEPS, TimeAxis, frequency_of
from tellurion_agent.catalogue.unitless import sea_temperature_units
from tellurion_agent.catalogue.units import conversion
from tellurion_agent.catalogue.variables import meant, named
from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import UNREADABLE, check_size, numbers, opened
from tellurion_geo.identification import text

FIELD = "file"
MOST_VARIABLES = 500
"""Of one file that are looked at."""
LARGEST_AXIS = 1_000_000
"""Values of a latitude or longitude of one dimension."""
STATISTICS = re.compile(
    r"(?:time|time_counter|month|year)\s*:\s*(mean|maximum|minimum|sum|point|standard_deviation|variance|range)"
)
BESIDE = frozenset(
    {"time", "latitude", "longitude", "depth", "height", "air_pressure", "grid_latitude", "grid_longitude", "region"}
    | {"forecast_period", "forecast_reference_time", "projection_x_coordinate", "projection_y_coordinate"}
)
"""Standard names of coordinates."""


def records(path: Path) -> list[Record]:
    """What a NetCDF file or Zarr store holds, without reading its data.

    Raises InvalidInput with the reason when it is damaged or holds no variable.
    """
    if not _is_unicode(path):
        raise InvalidInput.of(FIELD, received="a name that is no Unicode", accepted="a name that the library can open")
    try:
        with opened(path, FIELD) as dataset:
            names = list(_data_variables(dataset))
            found = [_record(dataset, name, path, alone=len(names) == 1) for name in names]
    except UNREADABLE as error:
        raise InvalidInput.of(FIELD, received="a damaged file", accepted="a readable file") from error
    if not found:
        raise InvalidInput.of(FIELD, received="no data variable", accepted="a variable on a grid or along time")
    return found


def _is_unicode(path: Path) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in str(path))


def _data_variables(dataset: xr.Dataset) -> Iterator[str]:
    """Variables that are no coordinate, bounds, mapping or measure of another."""
    beside = {str(d) for d in dataset.dims}
    for variable in list(dataset.variables.values())[:MOST_VARIABLES]:
        for attribute in ("bounds", "climatology", "coordinates", "grid_mapping", "ancillary_variables"):
            beside.update(text(variable.attrs, attribute).split())
    for name, variable in list(dataset.variables.items())[:MOST_VARIABLES]:
        standard = text(variable.attrs, "standard_name")
        if name in beside or variable.dtype.kind not in "iuf" or not variable.ndim or standard in BESIDE:
            continue
        if (
            "axis" not in variable.attrs
            and "grid_mapping_name" not in variable.attrs
            and "cf_role" not in variable.attrs
        ):
            yield str(name)


def _record(dataset: xr.Dataset, name: str, path: Path, *, alone: bool) -> Record:
    attrs = dataset[name].attrs
    names = naming(dataset.attrs, attrs, path, alone=name if alone else "")
    units, assumed = plain(attrs.get("units", "")), ""
    if not units:
        units, assumed = sea_temperature_units(dataset, name)
    known = Record(
        variable=_variable(dataset, name, units),
        name=plain(name),
        units=units,
        long_name=plain(attrs.get("long_name", "")),
        statistic=next(iter(STATISTICS.findall(text(attrs, "cell_methods"))), ""),
        dimensions=(),
        calendar="",
        frequency="",
        first=0,
        last=0,
        steps=0,
        levels=None,
        box=Box(()),
        naming=names,
        assumed=assumed,
    )
    try:
        found = axes(dataset, name, name)
        known = replace(known, dimensions=found.dimensions, box=_box(dataset, found, name))
        known = _timed(known, dataset, found, names)
        conversion(known.units, named(known.variable), difference=False, field=name)
        return replace(known, levels=_extent(dataset, found))
    except InvalidInput as error:
        return replace(known, refused=plain(error))


def _variable(dataset: xr.Dataset, name: str, units: str) -> str:
    """By standard name, else by the name in the file where its units are those of what the name usually means."""
    attrs = dataset[name].attrs
    standard = plain(text(attrs, "standard_name").split(" ")[0])
    if standard:
        return variable.standard_name if (variable := named(standard)) is not None else standard
    for variable in (each for called in (name, plain(attrs.get("long_name", ""))) for each in meant(called)):
        try:
            conversion(units, variable, difference=False, field=name)
        except InvalidInput:
            continue
        return variable.standard_name
    return plain(name)


def _timed(record: Record, dataset: xr.Dataset, found: Axes, names: Naming) -> Record:
    said = STEPS.get(names.table.removesuffix("Pt"), "") or _table_step(names.table)
    if not found.time:
        return replace(record, frequency="fx")
    axis = TimeAxis.of(dataset, found.time, found.time)
    size = dataset.sizes[found.time_dimension]
    if not size:
        raise InvalidInput.of(found.time, received="no time", accepted="at least one")
    if axis.climatology and " since " not in axis.units:
        return replace(record, calendar=axis.calendar, frequency="clim", steps=size)
    dates = axis.dates(axis.middles(dataset, found.time, sorted({0, min(1, size - 1), size - 1})), found.time)
    first, last = dates[0], dates[-1]
    if size > 1:
        said = frequency_of(abs((dates[1] - first).total_seconds()) / 86400)
    elif axis.bounds:
        start, end = axis.dates(numbers(dataset[axis.bounds][0], axis.bounds), axis.bounds)
        said = frequency_of((end - start).total_seconds() / 86400)
    old = first.year <= 1 and last.year <= 1 and size == 12 and not names.experiment
    return replace(
        record,
        calendar=axis.calendar,
        frequency="clim" if axis.climatology or old else said,
        first=min(first, last).year * 12 + min(first, last).month - 1,
        last=max(first, last).year * 12 + max(first, last).month - 1,
        steps=size,
    )


def _table_step(table: str) -> str:
    """The step of CMIP's table: ``Amon``, ``CFday``, ``6hrLev``."""
    return next((step for step in ("mon", "day", "yr", "6hr", "3hr", "1hr", "fx") if step in table), "")


def _box(dataset: xr.Dataset, found: Axes, name: str) -> Box:
    shape = tuple(dataset.sizes[d] for d in found.horizontal)
    if found.curvilinear or not shape:
        return Box(shape, curvilinear=found.curvilinear)
    ends: dict[str, float | None] = {}
    for coordinate, low, high in ((found.lat, "south", "north"), (found.lon, "west", "east")):
        if coordinate:
            check_size(dataset[coordinate], LARGEST_AXIS, coordinate)
            values = numbers(dataset[coordinate], coordinate)
            if not np.isfinite(values).all():
                raise InvalidInput.of(coordinate, received="missing values", accepted="a coordinate for each cell")
            ends |= {low: float(values.min()), high: float(values.max())}
    return Box(shape, **ends)


def _extent(dataset: xr.Dataset, found: Axes) -> Extent | None:
    if not found.level:
        return None
    read = levels(dataset, found.level, found.level)
    return Extent(read.values.size, float(read.values.min()), float(read.values.max()), read.units)
