"""The axes of one variable of a file, by what the file says of them; no values are read but of short lists of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from tellurion_core.errors import InvalidInput
from tellurion_geo.identification import LATITUDE, LONGITUDE, TIME, Coordinate, text

LEVEL = Coordinate(
    frozenset({"depth", "air_pressure", "height", "altitude"}),
    frozenset({"pa", "hpa", "mbar", "mb", "millibar", "millibars", "dbar", "decibar"}),
    "Z",
    frozenset({"depth", "deptht", "depthu", "depthv", "lev", "level", "levels", "plev", "pressure", "z", "isobaric"}),
)
BASINS = frozenset({"basin", "region"})
MOST_BASINS = 20
NAMES = frozenset({"time", *LEVEL.standard_names, *LATITUDE.standard_names, *LONGITUDE.standard_names})
"""Standard names of coordinates."""
CANONICAL = "time, level, lat, lon"


@dataclass(frozen=True)
class Axes:
    """Names of coordinate variables, each with its dimension; empty where the variable has none."""

    time: str = ""
    time_dimension: str = ""
    level: str = ""
    level_dimension: str = ""
    """Empty where the level is a scalar beside the variable."""
    lat: str = ""
    lon: str = ""
    horizontal: tuple[str, ...] = ()
    """Dimensions, latitude first."""
    curvilinear: bool = False
    selected: Mapping[str, int] = field(default_factory=dict)
    """Of other dimensions, which index is taken: all that there is, or the Atlantic among basins."""
    basin: str = ""
    """The basin that is taken among several, as the file calls it."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The canonical names of those that the variable has."""
        horizontal = {"lat", "lon"} if self.curvilinear else {word for word in ("lat", "lon") if getattr(self, word)}
        has = {"time": bool(self.time_dimension), "level": bool(self.level)}
        return tuple(d for d in ("time", "level", "lat", "lon") if has.get(d) or d in horizontal)


def axes(dataset: xr.Dataset, name: str, path: str) -> Axes:
    """The axes of a variable.

    Raises InvalidInput for `path` when it has dimensions that are none of these, or is not on a grid.
    """
    data = dataset[name]
    beside = dataset[[name, *_beside(dataset, name)]]
    time, level = TIME.found(beside, name), LEVEL.found(beside, name)
    lat, lon = LATITUDE.found(beside, name), LONGITUDE.found(beside, name)
    time_dimension = _along(dataset, time)
    level_dimension = _along(dataset, level)
    if level is not None and (level in (time, lat, lon) or _one_height(dataset, level)):
        level, level_dimension = None, ""
    horizontal, curvilinear = _horizontal(dataset, lat, lon, path)
    known = {time_dimension, level_dimension, *horizontal}
    selected, basins = {}, [""]
    for dimension in (str(d) for d in data.dims if d not in known):
        selected[dimension] = 0
        if dataset.sizes[dimension] > 1:
            selected[dimension], basin = _atlantic(dataset, dimension, path)
            basins.append(basin)
    return Axes(
        time=(time or "") if time_dimension else "",
        time_dimension=time_dimension,
        level=level or "",
        level_dimension=level_dimension,
        lat=lat or "" if curvilinear or (lat and dataset[lat].dims) else "",
        lon=lon or "" if curvilinear or (lon and dataset[lon].dims) else "",
        horizontal=horizontal,
        curvilinear=curvilinear,
        selected=selected,
        basin=basins[-1],
    )


def _beside(dataset: xr.Dataset, name: str) -> list[str]:
    """Variables that may be coordinates of this one."""
    data = dataset[name]
    named = {*map(str, data.dims), *text(data.attrs, "coordinates").split()}
    return [
        str(other)
        for other, variable in dataset.variables.items()
        if other != name
        and variable.ndim <= 2
        and set(variable.dims) <= set(data.dims)
        and variable.dtype.kind in "iuf"
        and (other in named or "axis" in variable.attrs or text(variable.attrs, "standard_name") in NAMES)
    ]


def _one_height(dataset: xr.Dataset, level: str) -> bool:
    """Whether it only says how high one measures, 2 m or 10 m, or how deep a single layer of soil is."""
    pressure = text(dataset[level].attrs, "standard_name") == "air_pressure"
    height = text(dataset[level].attrs, "standard_name") == "height"
    return (not pressure and not dataset[level].dims) or (height and dataset[level].size == 1)


def _along(dataset: xr.Dataset, coordinate: str | None) -> str:
    dimensions = dataset[coordinate].dims if coordinate is not None else ()
    return str(dimensions[0]) if len(dimensions) == 1 else ""


def _horizontal(dataset: xr.Dataset, lat: str | None, lon: str | None, path: str) -> tuple[tuple[str, ...], bool]:
    """Dimensions, and whether the grid is curvilinear."""
    found = [name for name in (lat, lon) if name is not None]
    for name in found:
        standard = text(dataset[name].attrs, "standard_name")
        if standard.startswith(("grid_", "projection_")):
            accepted = "latitudes and longitudes, of one or two dimensions"
            raise InvalidInput.of(path, received=f"{standard} alone", accepted=accepted)
    dimensions = [tuple(map(str, dataset[name].dims)) for name in found]
    if len(found) == 2 and dimensions[0] == dimensions[1] and dimensions[0]:
        if len(dimensions[0]) == 2:
            return dimensions[0], True
        received = f"an unstructured grid or points along {dimensions[0][0]}"
        raise InvalidInput.of(path, received=received, accepted="a grid of latitudes and longitudes")
    if any(len(each) > 1 for each in dimensions):
        raise InvalidInput.of(path, received=f"latitude and longitude along {dimensions}", accepted="a grid of both")
    return tuple(d for each in dimensions for d in each), False


def _atlantic(dataset: xr.Dataset, dimension: str, path: str) -> tuple[int, str]:
    """Where along a dimension of basins the Atlantic is, and what the file calls it."""
    size = dataset.sizes[dimension]
    for name, variable in dataset.variables.items():
        named = BASINS & {str(name), dimension, text(variable.attrs, "standard_name")}
        if named and variable.dims[:1] == (dimension,) and variable.dtype.kind in "SUO" and size <= MOST_BASINS:
            basins = [_text(row) for row in variable.values]
            if (nth := next((n for n, basin in enumerate(basins) if "atlantic" in basin.casefold()), None)) is not None:
                return nth, basins[nth]
    raise InvalidInput.of(path, received=f"dimension {dimension} of {size}", accepted=f"dimensions {CANONICAL}")


def _text(value: object) -> str:
    """A string, or one that is stored character by character."""
    letters = np.atleast_1d(np.asarray(value))
    return "".join(c.decode("utf-8", "replace") if isinstance(c, bytes) else str(c) for c in letters).strip()
