"""A data set opened in the one form that recipes read: named ascending axes, canonical units, NaN for missing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_agent.catalogue.axes import Axes, axes
from tellurion_agent.catalogue.dataset import DataSet, File
from tellurion_agent.catalogue.derived import speed
from tellurion_agent.catalogue.horizontal import Rectilinear, Regridded, horizontal
from tellurion_agent.catalogue.lazy import lazy_numbers
from tellurion_agent.catalogue.levels import Levels, levels
from tellurion_agent.catalogue.stamps import climatological, coordinate, stamped
from tellurion_agent.catalogue.times import TimeAxis
from tellurion_agent.catalogue.units import conversion
from tellurion_agent.catalogue.variables import named
from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import UNREADABLE, opened
from tellurion_geo.identification import text

CHUNK_BYTES = 64 << 20
"""Of float64 values."""
FIELD = "dataset"
DIFFERENCE = re.compile(r"anomal|departure|difference|\brange\b", re.IGNORECASE)
SPREADS = frozenset({"standard_deviation", "range"})
"""Statistics in which an offset of the units cancels."""
HOURS = {"1hr": 1.0, "3hr": 3.0, "6hr": 6.0, "day": 24.0}
"""Of a step."""


@dataclass(frozen=True, eq=False)
class _Part:
    """What one file adds to a series."""

    field: xr.DataArray
    """Along the canonical dimensions, in the file's order."""
    stamps: NDArray[np.object_] | None
    """[T]."""
    levels: Levels | None
    cells: Rectilinear | Regridded
    axes: Axes


def canonical(dataset: DataSet, *, chunks: int = CHUNK_BYTES) -> xr.DataArray:
    """A data set along `time`, `level`, `lat`, `lon`, of those it has, in dask chunks of up to `chunks` bytes.

    Latitudes and longitudes (0…360) ascend, each meridian once; levels are metres downwards (`positive` is ``up`` where
    they are heights) or hPa, and ascend; time ascends, each stamp once (see `stamps`), in the files' calendar; units
    are those of the variable's entry in `variables`, those of the file where it has none; missing values are NaN.
    Curvilinear grids are regridded, which the attribute `regridded` says; a climatology has one called so.

    Raises InvalidInput naming the file when one is damaged, gone, or differs from the others in its grid or levels.
    """
    if dataset.refused:
        raise InvalidInput.of(FIELD, received=dataset.refused, accepted="data on a grid or along time")
    if chunks < 1 << 16:
        raise InvalidInput.of("chunks", received=chunks, accepted="at least 65536 bytes")
    if dataset.parts:
        return speed(*(canonical(part, chunks=chunks) for part in dataset.parts))
    parts = [_part(file, dataset, chunks) for file in dataset.files]
    first = parts[0]
    for file, part in zip(dataset.files, parts, strict=True):
        if part.axes.dimensions != first.axes.dimensions or not _same_place(part, first):
            received = f"other cells or levels than {dataset.files[0].path.name}"
            raise InvalidInput.of(file.path.name, received=received, accepted="files of one series on one grid")
    field = _series(parts)
    if first.levels is not None:
        attrs = {"units": first.levels.units, "positive": first.levels.positive}
        field = field.assign_coords(level=("level", first.levels.values, attrs)).isel(level=_slice(first.levels.order))
    field = first.cells.arranged(field)
    return _described(field, dataset, first)


def _part(file: File, dataset: DataSet, chunks: int) -> _Part:
    path = file.path
    try:
        # The context ends before the values are read: the file is opened again then, and as few are open as can be.
        with opened(path, path.name) as source:
            return _read(source, dataset, path.name, chunks)
    except UNREADABLE as error:
        raise InvalidInput.of(path.name, received="a damaged file", accepted="a readable file") from error


def _read(source: xr.Dataset, dataset: DataSet, path: str, chunks: int) -> _Part:
    if dataset.name not in source.variables:
        raise InvalidInput.of(path, received=f"no variable {dataset.name}", accepted="the file as it was catalogued")
    data, found = source[dataset.name], axes(source, dataset.name, path)
    values = xr.DataArray(lazy_numbers(data, path, chunks), dims=data.dims, name=dataset.name)
    values = values.isel(dict(found.selected))
    renamed = dict(zip(found.horizontal, [d for d in ("lat", "lon") if d in found.dimensions], strict=True))
    for dimension, name in ((found.time_dimension, "time"), (found.level_dimension, "level")):
        renamed |= {dimension: name} if dimension else {}
    values = values.rename(renamed)
    if found.level and not found.level_dimension:
        values = values.expand_dims("level")  # one level of pressure, beside the variable
    values = values.transpose(*found.dimensions)
    units = data.attrs.get("units") or dataset.units
    to = conversion(
        units,
        named(dataset.variable),
        difference=_is_difference(data),
        field=path,
        monthly=dataset.frequency in ("mon", "clim"),
    )
    values = values if to.identity else values * to.scale + to.offset
    stamps = _stamps(source, found.time, dataset, path) if found.time else None
    if to.for_the_step:
        days = np.array([_days(stamp, dataset.frequency) for stamp in stamps]) if stamps is not None else np.zeros(1)
        if not (days > 0).all():
            received = f"{units}, of a time that the file does not say"
            raise InvalidInput.of(f"{path}.units", received=received, accepted="an amount for a time")
        values = values / xr.DataArray(days, dims="time")
    return _Part(
        field=values,
        stamps=stamps,
        levels=levels(source, found.level, f"{path}.{found.level}") if found.level else None,
        cells=horizontal(source, found, path),
        axes=found,
    )


def _is_difference(data: xr.DataArray) -> bool:
    attrs = data.attrs
    statistic = text(attrs, "cell_methods")
    return (
        text(attrs, "units_metadata") == "temperature: difference"
        or bool(DIFFERENCE.search(f"{text(attrs, 'long_name')} {text(attrs, 'standard_name')}".replace("_", " ")))
        or any(word in statistic for word in SPREADS)
    )


def _stamps(source: xr.Dataset, name: str, dataset: DataSet, path: str) -> NDArray[np.object_]:
    """[T]."""
    axis = TimeAxis.of(source, name, f"{path}.{name}")
    values = axis.middles(source, f"{path}.{name}")
    if dataset.frequency == "clim":
        months = np.arange(1, 13)
        if " since " in axis.units:
            months = np.array([date.month for date in axis.dates(values, path)])
        return climatological(months)
    return stamped(axis.dates(values, f"{path}.{name}"), dataset.frequency)


def _days(stamp: cftime.datetime, frequency: str) -> float:
    """Length of a step; 0 where it is not known."""
    if frequency in ("mon", "clim"):
        return float(stamp.daysinmonth)
    if frequency == "yr":
        return float((stamp.replace(year=stamp.year + 1) - stamp).days)
    if frequency in HOURS:
        return HOURS[frequency] / 24
    return float(frequency.removesuffix(" d")) if frequency.endswith(" d") else 0.0


def _same_place(part: _Part, first: _Part) -> bool:
    if type(part.cells) is not type(first.cells) or not part.cells.same(first.cells):
        return False
    if part.levels is None or first.levels is None:
        return part.levels is first.levels
    mine, others = part.levels, first.levels
    return (
        mine.units == others.units
        and mine.values.shape == others.values.shape
        and np.allclose(mine.values, others.values)
    )


def _series(parts: list[_Part]) -> xr.DataArray:
    """All files one after the other in time; of a stamp that comes twice the first."""
    if parts[0].stamps is None:
        if len(parts) > 1:
            received = f"{len(parts)} files of one variable without time"
            raise InvalidInput.of(FIELD, received=received, accepted="one file, or a time in each")
        return parts[0].field
    field = parts[0].field if len(parts) == 1 else xr.concat([part.field for part in parts], "time")
    stamps = np.concatenate([part.stamps for part in parts if part.stamps is not None])
    order = np.unique(stamps, return_index=True)[1]
    return field.isel(time=_slice(order)).assign_coords(time=coordinate(stamps[order]))


def _slice(order: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """A slice where the order is one: dask keeps its chunks."""
    if np.array_equal(order, np.arange(order.size)):
        return slice(0, order.size)
    return slice(None, None, -1) if np.array_equal(order, np.arange(order.size)[::-1]) else order


def _described(field: xr.DataArray, dataset: DataSet, first: _Part) -> xr.DataArray:
    variable = named(dataset.variable)
    attrs = {
        "standard_name": dataset.variable,
        "long_name": variable.words[0] if variable is not None else dataset.long_name or dataset.name,
        "units": _units(dataset),
        "source": dataset.source,
        "experiment": dataset.experiment,
        "member": dataset.member,
        "frequency": dataset.frequency,
    }
    if dataset.frequency == "clim":
        attrs["climatology"] = "months of a mean over years"
    if first.axes.basin:
        attrs["basin"] = first.axes.basin
    return field.assign_attrs({**field.attrs, **attrs}).rename(dataset.name)


def _units(dataset: DataSet) -> str:
    return conversion(dataset.units, named(dataset.variable), difference=False, field=FIELD).units
