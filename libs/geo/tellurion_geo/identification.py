"""Which variable of a CF dataset is the temperature, and which are its coordinates."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import xarray as xr

from tellurion_core.errors import InvalidInput
from tellurion_geo.units import spelling

TEMPERATURES = (
    "sea_water_temperature",
    "sea_water_potential_temperature",
    "sea_water_conservative_temperature",
    "sea_surface_temperature",
)
"""CF standard names, the preferred first."""
TEMPERATURE_NAMES = ("temperature", "thetao", "temp", "votemper", "tos", "sst")
"""Variable names, case aside, where no standard name says it."""


def text(attrs: Mapping[Hashable, object], name: str) -> str:
    """An attribute as text, empty when absent: a file may hold numbers where CF has words."""
    return str(attrs.get(name, ""))


@dataclass(frozen=True)
class Coordinate:
    """How a coordinate is recognised: by standard name, else units, else axis, else its variable's name."""

    standard_names: frozenset[str]
    units: frozenset[str]
    axis: str
    names: frozenset[str]

    def found(self, dataset: xr.Dataset, variable: str) -> str | None:
        """Name of this coordinate of `variable`; those that its dimensions and attributes name come first."""
        data = dataset[variable]
        named = [*map(str, data.dims), *text(data.attrs, "coordinates").split()]
        everything = dict.fromkeys([*named, *map(str, dataset.variables)])
        candidates = [name for name in everything if name in dataset.variables and name != variable]
        tests = (
            lambda attrs, _: text(attrs, "standard_name") in self.standard_names,
            lambda attrs, _: spelling(text(attrs, "units")) in self.units,
            lambda attrs, _: text(attrs, "axis") == self.axis or (self.axis == "Z" and "positive" in attrs),
            lambda _, name: name.casefold() in self.names,
        )
        for test in tests:
            for name in candidates:
                if test(dataset[name].attrs, name):
                    return name
        return None


LATITUDE = Coordinate(
    frozenset({"latitude"}),
    frozenset({"degrees north", "degree north", "degrees n", "degree n", "degreesn", "degreen"}),
    "Y",
    frozenset({"latitude", "lat", "nav_lat"}),
)
LONGITUDE = Coordinate(
    frozenset({"longitude"}),
    frozenset({"degrees east", "degree east", "degrees e", "degree e", "degreese", "degreee"}),
    "X",
    frozenset({"longitude", "lon", "nav_lon"}),
)
DEPTH = Coordinate(
    frozenset({"depth", "height"}), frozenset(), "Z", frozenset({"depth", "deptht", "z", "lev", "level"})
)
TIME = Coordinate(frozenset({"time"}), frozenset(), "T", frozenset({"time", "juld"}))


def temperature_name(dataset: xr.Dataset, variable: str | None, field: str) -> str:
    """Name of the temperature: `variable` if given, else by standard name, else by name.

    Raises InvalidInput for `<field>.temperature` when there is none.
    """
    names = [str(name) for name in dataset.variables]
    if variable is not None:
        if variable in names:
            return variable
        raise InvalidInput.of(f"{field}.{variable}", received=_listed(names), accepted="a variable of this name")
    for standard_name in TEMPERATURES:
        matching = [name for name in names if text(dataset[name].attrs, "standard_name") == standard_name]
        if matching:
            return next((name for name in matching if name.casefold() == "temperature"), matching[0])
    by_name = {name.casefold(): name for name in names}
    for name in TEMPERATURE_NAMES:
        if name in by_name:
            return by_name[name]
    accepted = f"a variable `temperature`, or one with standard_name {', '.join(TEMPERATURES)}"
    raise InvalidInput.of(f"{field}.temperature", received=_listed(names), accepted=accepted)


def _listed(names: Iterable[str]) -> str:
    return f"variables {', '.join(names) or 'none'}"


def downward(attrs: Mapping[Hashable, object], name: str, field: str) -> bool:
    """Whether a vertical coordinate counts downward.

    Raises InvalidInput for `<field>.positive` when neither its `positive` attribute nor its name says so.
    """
    positive = text(attrs, "positive").casefold()
    if positive in ("up", "down"):
        return positive == "down"
    if text(attrs, "standard_name") == "depth" or name.casefold().startswith("depth"):
        return True
    if text(attrs, "standard_name") == "height":
        return False
    raise InvalidInput.of(f"{field}.positive", received=positive or "no attribute", accepted="`up` or `down`")
