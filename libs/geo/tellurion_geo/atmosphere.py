"""States of the atmosphere on σ levels as CF files: backgrounds and ensembles read, analyses written.

Source: CF Conventions 1.11 (atmosphere sigma coordinate, appendix D; standard error, appendix C; realization).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.coordinates import Coordinates
from tellurion_geo.datasets import check_size, numbers, opened
from tellurion_geo.identification import TIME, Coordinate, text
from tellurion_geo.instants import Times
from tellurion_geo.sigma_grid import SigmaGrid
from tellurion_geo.units import spelling
from tellurion_geo.writing import COMPRESSION, Attribute, write_netcdf

MAX_VALUES = 500_000_000
ABSOLUTE = ("K", "Pa")
"""Units of what is above zero."""
"""Values of one variable that are read, 2 GB."""
SIGMA_NAME = "atmosphere_sigma_coordinate"
SIGMA = Coordinate(frozenset({SIGMA_NAME}), frozenset(), "Z", frozenset({"sigma"}))
METRES_PER_SECOND = {
    "m s-1": 1.0,
    "m/s": 1.0,
    "m s^-1": 1.0,
    "m s**-1": 1.0,
    "metre second-1": 1.0,
    "meter second-1": 1.0,
}
KELVIN = {"k": 1.0, "kelvin": 1.0}
PASCAL = {"pa": 1.0, "pascal": 1.0, "hpa": 100.0, "mbar": 100.0, "millibar": 100.0, "millibars": 100.0}


PRESSURE_AT_TOP = (
    (),
    0.0,
    {"standard_name": "air_pressure_at_top_of_atmosphere_model", "long_name": "pressure at σ = 0", "units": "Pa"},
)
"""The variable `ptop` of the formula p = ptop + σ (ps − ptop)."""


@dataclass(frozen=True)
class Quantity:
    """One of the variables of a state."""

    standard_name: str
    name: str
    """As CMIP calls it, and so the files that are written."""
    units: str
    factors: Mapping[str, float]
    """By the spelling of a unit, how many of ours it is."""


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "u": Quantity("eastward_wind", "ua", "m s-1", METRES_PER_SECOND),
        "v": Quantity("northward_wind", "va", "m s-1", METRES_PER_SECOND),
        "t": Quantity("air_temperature", "ta", "K", KELVIN),
        "ps": Quantity("surface_air_pressure", "ps", "Pa", PASCAL),
    }
)
"""In the order of their channels."""


@dataclass(frozen=True, eq=False)
class AtmosphereStates:
    """States of the atmosphere at one time."""

    grid: SigmaGrid
    values: NDArray[np.float32]
    """[N, C, Y, X], finite; channels as the grid has them."""
    time: Times | None
    """[1]; None where the file gives none."""


def read_states(path: str | PathLike[str], field: str, *, members: bool = False) -> AtmosphereStates:
    """The state in a CF file, or with `members` its ensemble, along a dimension whose coordinate is a realization.

    Variables are recognised by standard name, then by name (ua, va, ta, ps); their dimensions come in any order, those
    of one element may be there or not. Axes are brought to ascend, pressure to Pa.

    Raises InvalidInput naming the variable under `field` when the file is not whole, a variable, its units or an axis
    cannot be used, a value is missing or not finite, or time goes backwards.
    """
    with opened(path, field) as dataset:
        return _Reading(dataset, field, members).states()


class _Reading:
    """One file on its way to states."""

    def __init__(self, dataset: xr.Dataset, field: str, members: bool) -> None:
        self.dataset, self.field, self.members = dataset, field, members
        self.realization = next(
            (
                str(variable.dims[0])
                for variable in dataset.variables.values()
                if text(variable.attrs, "standard_name") == "realization" and variable.ndim == 1
            ),
            "realization",
        )

    def states(self) -> AtmosphereStates:
        names = {key: self._name(quantity) for key, quantity in QUANTITIES.items()}
        coordinates = Coordinates(self.dataset, names["u"], self.field, largest=MAX_VALUES)
        time_name = coordinates.find(TIME)
        time = None
        if time_name is not None:
            time = Times.read(self.dataset, time_name, coordinates.path(time_name), largest=MAX_VALUES)
            if len(time) != 1:
                received = f"{len(time)} times"
                raise InvalidInput.of(coordinates.path(time_name), received=received, accepted="one time")
        lat, lon, horizontal = coordinates.horizontal()
        if lat.ndim != 1:
            raise InvalidInput.of(f"{self.field}.latitude", received="a curvilinear grid", accepted="a rectilinear one")
        sigma_name = coordinates.name(SIGMA)
        sigma = np.atleast_1d(coordinates.numbers(sigma_name))
        if sigma.ndim != 1:
            raise InvalidInput.of(coordinates.path(sigma_name), received=f"shape {sigma.shape}", accepted="[L]")
        level = str(self.dataset[sigma_name].dims[0]) if self.dataset[sigma_name].dims else sigma_name
        order = np.argsort(sigma), np.argsort(lat), np.unique(lon, return_index=True)[1]
        grid = SigmaGrid(sigma[order[0]], lat[order[1]], lon[order[2]])
        parts = []
        for key, name in names.items():
            layered = key != "ps" and (sigma.size > 1 or level in self.dataset[name].dims)
            dimensions = (self.realization, *((level,) if layered else ()), *horizontal)
            values = self._values(name, QUANTITIES[key], dimensions)
            values = values[:, order[0]] if layered else values[:, None]
            parts.append(values[:, :, order[1]][..., order[2]])
        counts = {len(part) for part in parts}
        if len(counts) > 1:
            received = f"{' and '.join(map(str, sorted(counts)))} members"
            raise InvalidInput.of(self.field, received=received, accepted="as many of each variable")
        return AtmosphereStates(grid, np.concatenate(parts, axis=1), time)

    def _name(self, quantity: Quantity) -> str:
        """The variable of a quantity, along realizations where members are wanted."""
        known = [str(name) for name in self.dataset.variables]
        attrs = {name: self.dataset[name].attrs for name in known}
        named = [name for name in known if text(attrs[name], "standard_name") == quantity.standard_name]
        named = named or [name for name in known if name == quantity.name]
        fitting = [name for name in named if (self.realization in self.dataset[name].dims) == self.members]
        if fitting:
            return fitting[0]
        received = f"{named[0]}{self.dataset[named[0]].dims}" if named else f"variables {', '.join(known) or 'none'}"
        along = "along a realization" if self.members else "of one state, without a realization"
        accepted = f"a variable with standard_name {quantity.standard_name} {along}"
        raise InvalidInput.of(f"{self.field}.{quantity.standard_name}", received=received, accepted=accepted)

    def _values(self, name: str, quantity: Quantity, dimensions: tuple[str, ...]) -> NDArray[np.float32]:
        """[N, …] in our units, along these dimensions; one member where there is none."""
        variable, path = self.dataset[name], f"{self.field}.{name}"
        check_size(variable, MAX_VALUES, path)
        spare = [d for d, size in variable.sizes.items() if d not in dimensions and size == 1]
        values = xr.Variable(variable.dims, numbers(variable, path)).squeeze(spare)
        wanted = dimensions if self.members else dimensions[1:]
        if set(values.dims) != set(wanted):
            received = f"dimensions ({', '.join(map(str, variable.dims))})"
            raise InvalidInput.of(path, received=received, accepted=f"({', '.join(wanted)})")
        ordered = values.transpose(*wanted).values
        positive = quantity.units in ABSOLUTE
        good = np.isfinite(ordered) & ((ordered > 0) | (not positive))
        if not good.all():
            first = np.argwhere(~good)[0]
            where, received = ", ".join(map(str, first)), f"{ordered[tuple(first)]:g}"
            accepted = f"a finite value{' above 0' if positive else ''} in every cell"
            raise InvalidInput.of(f"{path}[{where}]", received=received, accepted=accepted)
        converted = in_units(ordered, quantity, variable.attrs.get("units"), path).astype(np.float32)
        return converted if self.members else converted[None]


def in_units(values: NDArray[np.float64], quantity: Quantity, units: object, field: str) -> NDArray[np.float64]:
    """Values in the quantity's own units. Raises InvalidInput for `<field>.units` when it knows no such units."""
    factor = quantity.factors.get(spelling(units)) if units is not None else None
    if factor is None:
        received = "no units" if units is None else str(units)
        raise InvalidInput.of(f"{field}.units", received=received, accepted=quantity.units)
    return values * factor


def write_states(
    path: str | PathLike[str],
    grid: SigmaGrid,
    mean: NDArray[np.floating],  # [C, Y, X]
    std: NDArray[np.floating] | None = None,  # [C, Y, X]
    members: NDArray[np.floating] | None = None,  # [N, C, Y, X]
    *,
    time: Times | None = None,
    attrs: Mapping[str, Attribute] | None = None,
) -> None:
    """Write a state, its standard error and its members as a CF-1.11 NetCDF-4 file.

    The variables are `ua`, `va`, `ta`, `ps`, with `_std` and `_member`; `attrs` are global attributes. The file appears
    under its name whole or not at all, and the same input gives the same bytes. `read_states` reads it back.

    Raises InvalidInput when shapes disagree with the grid, and for `output` when the file cannot be written.
    """
    dataset = _described(grid, mean, std, members, time, attrs or {})
    compressed = {name: {"_FillValue": None, **COMPRESSION} for name in dataset.data_vars if dataset[name].ndim > 1}
    write_netcdf(dataset, path, compressed)


def _described(
    grid: SigmaGrid,
    mean: NDArray[np.floating],
    std: NDArray[np.floating] | None,
    members: NDArray[np.floating] | None,
    time: Times | None,
    attrs: Mapping[str, Attribute],
) -> xr.Dataset:
    variables: dict[str, tuple[object, ...]] = {}
    kinds = (("", mean, ()), ("_std", std, ()), ("_member", members, ("realization",)))
    for ending, values, leading in kinds:
        if values is None:
            continue
        if values.ndim != len(leading) + 3 or values.shape[-3:] != grid.shape:
            accepted = f"[…, {', '.join(map(str, grid.shape))}]"
            raise InvalidInput.of(f"states{ending}", received=f"shape {values.shape}", accepted=accepted)
        for index, (key, quantity) in enumerate(QUANTITIES.items()):
            levels = grid.sigma.size
            part = values[..., -1, :, :] if key == "ps" else values[..., index * levels : (index + 1) * levels, :, :]
            dimensions = (*leading, *(() if key == "ps" else ("sigma",)), "lat", "lon")
            beside = f"{quantity.name}_std" if std is not None and not ending else ""
            timed = "" if time is None else "time"
            about = attributes(quantity, error=ending == "_std", ancillary_variables=beside, coordinates=timed)
            variables[f"{quantity.name}{ending}"] = (dimensions, np.asarray(part, np.float32), about)
    if members is not None:
        numbers_of_members = np.arange(1, len(members) + 1, dtype=np.int32)
        about_members = {"standard_name": "realization", "long_name": "ensemble member", "units": "1"}
        variables["realization"] = ("realization", numbers_of_members, about_members)
    about_file = {
        "Conventions": "CF-1.11",
        "title": "State of the atmosphere on sigma levels",
        "source": "Tellurion: data assimilation",
        "history": "assimilated by Tellurion; no date, so that the same input gives the same file",
    }
    dataset = xr.Dataset(variables | _coordinates(grid, time), attrs=about_file | dict(attrs))
    return dataset.set_coords(["time"] if time is not None else [])


def attributes(quantity: Quantity, *, error: bool = False, **more: str) -> dict[str, str]:
    """Attributes of a variable that holds this quantity, or its standard error; empty ones of `more` are left out."""
    words = quantity.standard_name.replace("_", " ")
    about = {
        "standard_name": quantity.standard_name + (" standard_error" if error else ""),
        "long_name": f"standard error of the {words}" if error else words,
        "units": quantity.units,
    }
    if quantity.units == "K":
        about["units_metadata"] = f"temperature: {'difference' if error else 'on_scale'}"
    return about | {name: value for name, value in more.items() if value}


def sigma_attributes(surface_pressure: str) -> dict[str, str]:
    """Attributes of the coordinate `sigma`, in a file with `ptop` and this variable of surface pressure."""
    return {
        "standard_name": SIGMA_NAME,
        "long_name": "pressure over surface pressure",
        "units": "1",
        "positive": "down",
        "computed_standard_name": "air_pressure",
        "formula_terms": f"sigma: sigma ps: {surface_pressure} ptop: ptop",
    }


def time_variable(time: Times) -> tuple[NDArray[np.float64], dict[str, str]]:
    """Values and attributes of the coordinate `time`."""
    about = {"standard_name": "time", "long_name": "time", "units": time.units, "calendar": time.calendar}
    if time.calendar in ("standard", "proleptic_gregorian", "julian"):
        about["units_metadata"] = "leap_seconds: unknown"
    return time.values, about


def _coordinates(grid: SigmaGrid, time: Times | None) -> dict[str, tuple[object, ...]]:
    surface = grid.surface
    found: dict[str, tuple[object, ...]] = {
        "sigma": ("sigma", grid.sigma, sigma_attributes("ps") | {"axis": "Z"}),
        "ptop": PRESSURE_AT_TOP,
    }
    for name, long_name, units, axis in (
        ("lat", "latitude", "degrees_north", "Y"),
        ("lon", "longitude", "degrees_east", "X"),
    ):
        about = {
            "standard_name": long_name,
            "long_name": long_name,
            "units": units,
            "axis": axis,
            "bounds": f"{name}_bnds",
        }
        found[name] = (name, getattr(grid, name), about)
        found[f"{name}_bnds"] = ((name, "bnds"), getattr(surface, f"{name}_bounds"))
    if time is not None:
        values, about_time = time_variable(time)
        found["time"] = ((), values[0], about_time)
    return found
