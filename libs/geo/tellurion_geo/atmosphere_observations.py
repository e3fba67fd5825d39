"""Observations of the atmosphere as CF point features: winds, temperature and surface pressure, read and written."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.atmosphere import (
    PRESSURE_AT_TOP,
    QUANTITIES,
    SIGMA,
    SIGMA_NAME,
    Quantity,
    attributes,
    in_units,
    sigma_attributes,
    time_variable,
)
from tellurion_geo.datasets import check_size, numbers, opened
from tellurion_geo.identification import LATITUDE, LONGITUDE, TIME, Coordinate, text
from tellurion_geo.instants import Times
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.units import check_degrees
from tellurion_geo.writing import write_netcdf

MAX_POINTS = 5_000_000
FIELD = "observations"
FILL = 9.969209968386869e36
"""The NetCDF library's own fill value, declared."""


@dataclass(frozen=True, eq=False)
class AtmosphereObservations:
    """P values that were observed; there may be none."""

    value: NDArray[np.float64]
    """[P] m/s, K or Pa."""
    error: NDArray[np.float64]
    """[P] standard errors in the same units, above 0."""
    latitude: NDArray[np.float64]
    """[P] degrees north."""
    longitude: NDArray[np.float64]
    """[P] degrees east within [0, 360)."""
    variable: NDArray[np.uint8]
    """[P] which of QUANTITIES: 0 eastward wind, 1 northward wind, 2 temperature, 3 surface pressure."""
    sigma: NDArray[np.float64]
    """[P] σ of the level; 1 for surface pressure."""
    sigma_bounds: NDArray[np.float64] | None = None
    """[P, 2] σ of the layer that was observed; 1 for surface pressure."""
    time: Times | None = None
    """[P]; None where it is not known."""

    def __len__(self) -> int:
        return len(self.value)


def read_atmosphere_observations(path: str | PathLike[str]) -> AtmosphereObservations:
    """The observations in a CF file of points: dimension `obs`, or whatever the one of the latitudes is called.

    Variables are recognised by standard name, then by name: eastward_wind, northward_wind, air_temperature,
    surface_air_pressure, each with its standard error (an ancillary variable, or `<name>_error`); latitude, longitude,
    the atmosphere sigma coordinate with bounds where layers were observed, and time, as far as it is known. NaN and
    fill values are what was not observed.

    Raises InvalidInput naming the variable under `observations` when the file is not whole, a value has no error, no σ,
    no place or one that is none, a number is infinite, an error not positive, or time goes backwards.
    """
    with opened(path, FIELD) as dataset:
        return _Reading(dataset).observations()


class _Reading:
    """One file on its way to observations."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self.dataset = dataset
        names = {key: self._named(quantity) for key, quantity in QUANTITIES.items()}
        self.names = {key: name for key, name in names.items() if name is not None}
        if not self.names:
            accepted = f"a variable {', '.join(quantity.standard_name for quantity in QUANTITIES.values())}"
            received = f"variables {', '.join(map(str, dataset.variables)) or 'none'}"
            raise InvalidInput.of(FIELD, received=received, accepted=accepted)
        self.first = next(iter(self.names.values()))
        self.dimensions = dataset[self.first].dims
        if len(self.dimensions) != 1:
            received = f"dimensions ({', '.join(map(str, self.dimensions))})"
            raise InvalidInput.of(f"{FIELD}.{self.first}", received=received, accepted="one dimension, of points")

    def observations(self) -> AtmosphereObservations:
        latitude = self._place(LATITUDE, "latitude", -90, 90)
        longitude = normalised_longitude(self._place(LONGITUDE, "longitude", -180, 540))
        sigma, bounds = self._sigma()
        columns = [self._quantity(number, key) for number, key in enumerate(QUANTITIES) if key in self.names]
        value, error, variable, points = (np.concatenate(column) for column in zip(*columns, strict=True))
        upper = variable < len(QUANTITIES) - 1
        self._check_sigma(sigma, points[upper])
        time = self._time()
        return AtmosphereObservations(
            value=value,
            error=error,
            latitude=latitude[points],
            longitude=longitude[points],
            variable=variable,
            sigma=np.where(upper, sigma[points], 1.0),
            sigma_bounds=None if bounds is None else np.where(upper[:, None], bounds[points], 1.0),
            time=None if time is None else Times(time.values[points], time.units, time.calendar),
        )

    def _quantity(self, number: int, key: str) -> tuple[NDArray[np.generic], ...]:
        """Values, errors, number of the quantity, and points [P of this quantity]."""
        name, quantity = self.names[key], QUANTITIES[key]
        values = self._column(name)
        points = np.flatnonzero(~np.isnan(values))
        self._check(name, np.isfinite(values), values, points, "a finite number, or NaN where nothing was observed")
        error_name, accepted = self._error_name(name), f"a standard error above 0 {quantity.units}"
        if error_name is None:
            raise InvalidInput.of(f"{FIELD}.{name}_error", received="no such variable", accepted=accepted)
        errors = self._column(error_name)
        self._check(error_name, np.isfinite(errors) & (errors > 0), errors, points, accepted)
        path = f"{FIELD}.{name}"
        units = self.dataset[name].attrs.get("units")
        error_units = self.dataset[error_name].attrs.get("units", units)
        return (
            in_units(values[points], quantity, units, path),
            in_units(errors[points], quantity, error_units, f"{FIELD}.{error_name}"),
            np.full(points.size, number, np.uint8),
            points,
        )

    def _named(self, quantity: Quantity) -> str | None:
        known = [str(name) for name in self.dataset.variables]
        for name in known:
            if text(self.dataset[name].attrs, "standard_name") == quantity.standard_name:
                return name
        return next((name for name in known if name in (quantity.standard_name, quantity.name)), None)

    def _error_name(self, name: str) -> str | None:
        for beside in text(self.dataset[name].attrs, "ancillary_variables").split():
            if beside in self.dataset and text(self.dataset[beside].attrs, "standard_name").endswith("standard_error"):
                return beside
        return f"{name}_error" if f"{name}_error" in self.dataset else None

    def _place(self, coordinate: Coordinate, plain: str, low: float, high: float) -> NDArray[np.float64]:
        name = coordinate.found(self.dataset, self.first)
        if name is None:
            raise InvalidInput.of(f"{FIELD}.{plain}", received="no such variable", accepted=f"{plain} in degrees")
        check_degrees(self.dataset[name].attrs.get("units"), f"{FIELD}.{name}")
        values = self._column(name)
        everywhere = np.arange(values.size)
        self._check(name, (values >= low) & (values <= high), values, everywhere, f"{low:g}…{high:g} degrees")
        return values

    def _sigma(self) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """σ [points], NaN where there is none, and its bounds [points, 2] where the file has them."""
        name = SIGMA.found(self.dataset, self.first)
        if name is None:
            return np.full(self.dataset.sizes[self.dimensions[0]], np.nan), None
        beside = text(self.dataset[name].attrs, "bounds")
        if not beside:
            return self._column(name), None
        if beside not in self.dataset or self.dataset[beside].shape != (self.dataset.sizes[self.dimensions[0]], 2):
            accepted = f"bounds of {name} on ({self.dimensions[0]}, 2)"
            raise InvalidInput.of(f"{FIELD}.{beside}", received="no such variable", accepted=accepted)
        check_size(self.dataset[beside], 2 * MAX_POINTS, f"{FIELD}.{beside}")
        bounds = numbers(self.dataset[beside], f"{FIELD}.{beside}")
        return self._column(name), np.sort(bounds, axis=1)

    def _check_sigma(self, sigma: NDArray[np.float64], points: NDArray[np.generic]) -> None:
        name, accepted = SIGMA.found(self.dataset, self.first), "above 0, up to 1"
        if name is None and points.size:
            raise InvalidInput.of(f"{FIELD}.{SIGMA_NAME}", received="no such variable", accepted=accepted)
        self._check(name or SIGMA_NAME, (sigma > 0) & (sigma <= 1), sigma, points, accepted)

    def _time(self) -> Times | None:
        name = TIME.found(self.dataset, self.first)
        if name is None:
            return None
        self._column(name)
        return Times.read(self.dataset, name, f"{FIELD}.{name}", largest=MAX_POINTS)

    def _column(self, name: str) -> NDArray[np.float64]:
        """A variable along the points."""
        variable, path = self.dataset[name], f"{FIELD}.{name}"
        if variable.dims != self.dimensions:
            received = f"dimensions ({', '.join(map(str, variable.dims))})"
            raise InvalidInput.of(path, received=received, accepted=f"({self.dimensions[0]})")
        check_size(variable, MAX_POINTS, path)
        return numbers(variable, path)

    def _check(
        self,
        name: str,
        good: NDArray[np.bool_],
        values: NDArray[np.float64],
        points: NDArray[np.generic],
        accepted: str,
    ) -> None:
        if not good[points].all():
            first = int(points[np.argmin(good[points])])
            raise InvalidInput.of(f"{FIELD}.{name}[{first}]", received=f"{values[first]:g}", accepted=accepted)


def write_atmosphere_observations(path: str | PathLike[str], observations: AtmosphereObservations) -> None:
    """Write observations as a CF-1.11 NetCDF-4 file of points, which `read_atmosphere_observations` reads back.

    They are written in the order of their quantities. Raises InvalidInput for `output` when it cannot be written.
    """
    order = np.argsort(observations.variable, kind="stable")
    pressure = QUANTITIES["ps"].standard_name
    variables: dict[str, tuple[object, ...]] = {"ptop": PRESSURE_AT_TOP}
    for name, units in (("latitude", "degrees_north"), ("longitude", "degrees_east")):
        about = {"standard_name": name, "long_name": name, "units": units}
        variables[name] = ("obs", getattr(observations, name)[order], about)
    variables["sigma"] = ("obs", observations.sigma[order], sigma_attributes(pressure))
    coordinates = ["latitude", "longitude", "sigma"]
    if observations.sigma_bounds is not None:
        variables["sigma"][2]["bounds"] = "sigma_bnds"
        about = {"formula_terms": f"sigma: sigma_bnds ps: {pressure} ptop: ptop"}
        variables["sigma_bnds"] = (("obs", "bnds"), observations.sigma_bounds[order], about)
    if observations.time is not None:
        values, about = time_variable(observations.time)
        variables["time"] = ("obs", values[order], about)
        coordinates.append("time")
    for number, quantity in enumerate(QUANTITIES.values()):
        seen, name = observations.variable[order] == number, quantity.standard_name
        values, errors = (np.where(seen, column[order], np.nan) for column in (observations.value, observations.error))
        at = {"coordinates": " ".join(coordinates)}
        variables[name] = ("obs", values, attributes(quantity, ancillary_variables=f"{name}_error", **at))
        variables[f"{name}_error"] = ("obs", errors, attributes(quantity, error=True, **at))
    attrs = {
        "Conventions": "CF-1.11",
        "featureType": "point",
        "title": "Observations of the atmosphere",
        "source": "Tellurion",
        "history": "written by Tellurion; no date, so that the same input gives the same file",
    }
    dataset = xr.Dataset(variables, attrs=attrs).set_coords(coordinates)
    fills = {quantity.standard_name: {"_FillValue": FILL} for quantity in QUANTITIES.values()}
    fills |= {f"{name}_error": fill for name, fill in fills.items()}
    write_netcdf(dataset, path, fills)
