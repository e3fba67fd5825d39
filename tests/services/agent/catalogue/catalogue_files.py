"""Small NetCDF files as institutes write them, for the tests of the data library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from numpy.typing import ArrayLike

from tellurion_agent.catalogue.assembling import assembled
from tellurion_agent.catalogue.dataset import DataSet
from tellurion_agent.catalogue.derived import with_speeds
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.reading import records
from tellurion_agent.catalogue.walking import walk

LAT, LON = [-45.0, 45.0], [0.0, 120.0, 240.0]


def axis(values: ArrayLike, units: str = "", **attrs: Any) -> tuple[Any, dict[str, Any]]:
    """A coordinate: its values and attributes."""
    return np.asarray(values), {**({"units": units} if units else {}), **attrs}


def lat(values: ArrayLike = LAT) -> tuple[Any, dict[str, Any]]:
    return axis(values, "degrees_north", standard_name="latitude")


def lon(values: ArrayLike = LON) -> tuple[Any, dict[str, Any]]:
    return axis(values, "degrees_east", standard_name="longitude")


def months(first_year: int, count: int, calendar: str = "noleap", **attrs: Any) -> tuple[Any, dict[str, Any]]:
    """The middles of months, 30 days a month in a 360-day calendar, else 365/12."""
    length = 30.0 if calendar == "360_day" else 365 / 12
    return axis(
        (np.arange(count) + 0.5) * length,
        f"days since {first_year:04d}-01-01",
        standard_name="time",
        calendar=calendar,
        **attrs,
    )


def write(
    path: Path,
    name: str,
    values: ArrayLike,
    axes: Mapping[str, tuple[Any, dict[str, Any]]],
    *,
    fill: float | None = None,
    beside: Mapping[str, tuple[Sequence[str], Any, dict[str, Any]]] | None = None,
    attrs: Mapping[str, Any] | None = None,
    format: str = "NETCDF4",
    **variable_attrs: Any,
) -> Path:
    """One variable along axes that are its dimensions, in the order given; `beside` are other variables."""
    values = np.asarray(values)
    path.parent.mkdir(parents=True, exist_ok=True)
    with netCDF4.Dataset(path, "w", format=format) as file:
        file.setncatts(dict(attrs or {}))
        for dimension, (points, its) in axes.items():
            file.createDimension(dimension, len(points))
            file.createVariable(dimension, points.dtype, (dimension,))
            file[dimension].setncatts(its)
            file[dimension][:] = points
        for other, (dimensions, points, its) in (beside or {}).items():
            points = np.asarray(points)
            for dimension, size in zip(dimensions, points.shape, strict=True):
                if dimension not in file.dimensions:
                    file.createDimension(dimension, size)
            file.createVariable(other, str if points.dtype.kind in "UO" else points.dtype, dimensions)
            file[other].setncatts(its)
            file[other][...] = points
        for dimension, size in zip(axes, values.shape, strict=False):
            assert len(file.dimensions[dimension]) == size
        dimensions = variable_attrs.pop("dimensions", tuple(axes))
        variable = file.createVariable(name, values.dtype, dimensions, fill_value=fill)
        variable.set_auto_maskandscale(False)
        variable.setncatts(variable_attrs)
        variable[...] = values
    return path


def cmip6(
    folder: Path,
    name: str,
    values: ArrayLike,
    axes: Mapping[str, tuple[Any, dict[str, Any]]],
    *,
    source: str = "MODEL-A",
    experiment: str = "historical",
    member: str = "r1i1p1f1",
    table: str = "Amon",
    version: str = "v20190101",
    years: str = "185001-185012",
    attributes: bool = True,
    **variable_attrs: Any,
) -> Path:
    """A file in CMIP6's folders and with its name; with its attributes too if so wished."""
    stem = f"{name}_{table}_{source}_{experiment}_{member}_gn_{years}.nc"
    ids = {"source_id": source, "experiment_id": experiment, "variant_label": member, "grid_label": "gn"}
    attrs = {"mip_era": "CMIP6", "table_id": table, "frequency": "mon", **ids} if attributes else {}
    path = folder / "CMIP6/CMIP/INSTITUTE" / source / experiment / member / table / name / "gn" / version / stem
    return write(path, name, values, axes, attrs=attrs, **variable_attrs)


def catalogue(folder: Path) -> Catalogue:
    """Of a folder of whole files, read in this process."""
    found = sorted(walk([folder]), key=lambda each: each.path)
    read = ((each, record) for each in found for record in records(Path(each.path)))
    return Catalogue(tuple(with_speeds(assembled(read))), {})


def dataset(path: Path, name: str | None = None) -> DataSet:
    """The only data set of a file, or that of the variable of this name in it."""
    (found,) = (data for data in catalogue(path.parent).datasets if name in (None, data.name))
    return found
