"""Writes a field as a NetCDF file of a published layout, with the traps that real files hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cftime
import netCDF4
import numpy as np

from .fields import Array, Field
from .ocean import layers

STANDARD: Mapping[str, tuple[str, str, str]] = {
    "tas": ("air_temperature", "Near-Surface Air Temperature", "degC"),
    "tasmax": ("air_temperature", "Daily Maximum Near-Surface Air Temperature", "degC"),
    "tasa": ("air_temperature_anomaly", "Near-Surface Air Temperature Anomaly", "K"),
    "tos": ("sea_surface_temperature", "Sea Surface Temperature", "degC"),
    "pr": ("precipitation_flux", "Precipitation", "mm day-1"),
    "evspsbl": ("water_evapotranspiration_flux", "Evaporation Including Sublimation and Transpiration", "mm day-1"),
    "mrro": ("runoff_flux", "Total Runoff", "mm day-1"),
    "psl": ("air_pressure_at_mean_sea_level", "Sea Level Pressure", "hPa"),
    "uas": ("eastward_wind", "Eastward Near-Surface Wind", "m s-1"),
    "vas": ("northward_wind", "Northward Near-Surface Wind", "m s-1"),
    "sfcWind": ("wind_speed", "Near-Surface Wind Speed", "m s-1"),
    "ta": ("air_temperature", "Air Temperature", "degC"),
    "zg": ("geopotential_height", "Geopotential Height", "m"),
    "rsdt": ("toa_incoming_shortwave_flux", "TOA Incident Shortwave Radiation", "W m-2"),
    "rsut": ("toa_outgoing_shortwave_flux", "TOA Outgoing Shortwave Radiation", "W m-2"),
    "rlut": ("toa_outgoing_longwave_flux", "TOA Outgoing Longwave Radiation", "W m-2"),
    "rsutcs": (
        "toa_outgoing_shortwave_flux_assuming_clear_sky", "TOA Outgoing Clear-Sky Shortwave Radiation", "W m-2"
    ),
    "rlutcs": ("toa_outgoing_longwave_flux_assuming_clear_sky", "TOA Outgoing Clear-Sky Longwave Radiation", "W m-2"),
    "rsds": ("surface_downwelling_shortwave_flux_in_air", "Surface Downwelling Shortwave Radiation", "W m-2"),
    "rsus": ("surface_upwelling_shortwave_flux_in_air", "Surface Upwelling Shortwave Radiation", "W m-2"),
    "siconc": ("sea_ice_area_fraction", "Sea-Ice Area Percentage (Ocean Grid)", "%"),
    "thetao": ("sea_water_potential_temperature", "Sea Water Potential Temperature", "degC"),
    "so": ("sea_water_salinity", "Sea Water Salinity", "1e-3"),
    "sos": ("sea_surface_salinity", "Sea Surface Salinity", "1e-3"),
    "uo": ("sea_water_x_velocity", "Sea Water X Velocity", "m s-1"),
    "vo": ("sea_water_y_velocity", "Sea Water Y Velocity", "m s-1"),
    "wo": ("upward_sea_water_velocity", "Sea Water Vertical Velocity", "m s-1"),
    "hfds": ("surface_downward_heat_flux_in_sea_water", "Downward Heat Flux at Sea Water Surface", "W m-2"),
    "msftmz": (
        "ocean_meridional_overturning_mass_streamfunction", "Ocean Meridional Overturning Mass Streamfunction", "Sv"
    ),
    "soi": ("", "Southern Oscillation Index", "1"),
}  # fmt: skip
"""Standard name, long name and the world's units, by CMIP's name."""

_WRITTEN: Mapping[tuple[str, str], tuple[float, float]] = {
    ("degC", "K"): (1, 273.15),
    ("hPa", "Pa"): (100, 0),
    ("hPa", "mb"): (1, 0),
    ("mm day-1", "kg m-2 s-1"): (1 / 86400, 0),
    ("%", "1"): (0.01, 0),
    ("Sv", "kg s-1"): (1.03e9, 0),
}


@dataclass(frozen=True)
class Style:
    """How a file departs from the world's canonical form."""

    units: str = ""
    """Units written; by default the world's."""
    calendar: str = "standard"
    west: float = 0.0
    """The longitude that the axis begins from: 0, -180 or 20."""
    descending: bool = False
    packed: bool = True
    """Short integers with scale_factor and add_offset."""
    name: str = ""
    """The variable's name in the file, where it is not CMIP's."""
    axes: tuple[str, str, str] = ("time", "lat", "lon")
    columns: bool = True
    """Whether latitude and longitude are dimensions; a station's are scalars."""
    level: str = "depth"
    basins: bool = False
    """A stream function: in place of longitudes it has basins, of which the Atlantic is the second."""
    bounds: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=64)
def _times(year: tuple[int, ...], month: tuple[int, ...], day: tuple[int, ...], calendar: str) -> tuple[Array, Array]:
    """Middles and bounds of the months (or days), days since 1850."""

    def number(y: int, m: int, d: int) -> float:
        return float(cftime.date2num(cftime.datetime(y, m, d, calendar=calendar), "days since 1850-01-01", calendar))

    if day:
        first = number(year[0], month[0], day[0])
        starts = first + np.arange(len(day))
        return starts + 0.5, np.stack([starts, starts + 1], axis=1)
    starts = np.array([number(y, m, 1) for y, m in zip(year, month, strict=True)])
    ends = np.array([number(y + m // 12, m % 12 + 1, 1) for y, m in zip(year, month, strict=True)])
    return (starts + ends) / 2, np.stack([starts, ends], axis=1)


def write(path: Path, variable: str, data: Field, style: Style, attributes: Mapping[str, str]) -> None:
    """Write one variable of a field."""
    path.parent.mkdir(parents=True, exist_ok=True)
    standard, long, canonical = STANDARD[variable]
    units = style.units or canonical
    factor, offset = _WRITTEN.get((canonical, units), (1, 0))
    values, lat, lon = data.values * factor + offset, data.lat, (data.lon - style.west) % 360 + style.west
    order = np.argsort(lon)
    values, lon = values[..., order], lon[order]
    if style.descending:
        values, lat = values[..., ::-1, :], lat[::-1]
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts({"Conventions": "CF-1.8", **attributes, **style.attributes})
        t, y, x = style.axes
        dimensions = [t]
        _time(file, t, data, style)
        if data.lev is not None:
            dimensions.append(_levels(file, data.lev, style))
        if style.basins:
            _basins(file)
            _horizontal(file, y, lat, "north", style.bounds)
            dimensions = [t, "basin", style.level, y]
            values = np.stack([0.7 * values[..., 0] - 3e9, values[..., 0]], axis=1)
        elif style.columns:
            for axis, centres, kind in ((y, lat, "north"), (x, lon, "east")):
                _horizontal(file, axis, centres, kind, style.bounds)
            dimensions += [y, x]
        else:
            values = values[..., 0, 0]
        target = file.createVariable(
            style.name or variable, "i2" if style.packed else "f4", dimensions, zlib=True, complevel=1,
            fill_value=-32768 if style.packed else 1e20,
        )  # fmt: skip
        target.setncatts({"long_name": long, "units": units, "cell_methods": "area: time: mean"})
        if style.basins:
            target.coordinates = "sector"
        if standard:
            target.standard_name = standard
        if style.packed:
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            target.scale_factor, target.add_offset = (high - low) / 65000 or 1.0, (high + low) / 2
        target[:] = np.ma.array(np.nan_to_num(values, nan=float(np.nanmin(values))), mask=np.isnan(values))


def _time(file: netCDF4.Dataset, name: str, data: Field, style: Style) -> None:
    days = () if data.day is None else tuple(data.day.tolist())
    middles, bounds = _times(tuple(data.year.tolist()), tuple(data.month.tolist()), days, style.calendar)
    file.createDimension(name, len(middles))
    time = file.createVariable(name, "f8", (name,))
    time.setncatts({"units": "days since 1850-01-01", "calendar": style.calendar, "standard_name": "time", "axis": "T"})
    time[:] = middles
    if style.bounds:
        file.createDimension("bnds", 2)
        time.bounds = f"{name}_bnds"
        file.createVariable(time.bounds, "f8", (name, "bnds"))[:] = bounds


def _levels(file: netCDF4.Dataset, levels: Array, style: Style) -> str:
    pressure = style.level == "plev"
    file.createDimension(style.level, levels.size)
    axis = file.createVariable(style.level, "f8", (style.level,))
    axis[:] = levels * 100 if pressure else levels
    named = {"standard_name": "air_pressure", "units": "Pa"} if pressure else {"standard_name": "depth", "units": "m"}
    axis.setncatts({**named, "positive": "down", "axis": "Z"})
    if style.bounds and not pressure:
        edges = layers(levels)
        axis.bounds = f"{style.level}_bnds"
        file.createVariable(axis.bounds, "f8", (style.level, "bnds"))[:] = np.stack([edges[:-1], edges[1:]], axis=1)
    return style.level


def _basins(file: netCDF4.Dataset) -> None:
    names = netCDF4.stringtochar(np.array(["global_ocean", "atlantic_arctic_ocean"], dtype="S21"))
    file.createDimension("basin", 2)
    file.createDimension("strlen", names.shape[1])
    sector = file.createVariable("sector", "S1", ("basin", "strlen"))
    sector.setncatts({"standard_name": "region", "long_name": "ocean basin"})
    sector[:] = names


def _horizontal(file: netCDF4.Dataset, name: str, centres: Array, kind: str, bounds: bool) -> None:
    file.createDimension(name, centres.size)
    axis = file.createVariable(name, "f8", (name,))
    axis[:] = centres
    standard = "latitude" if kind == "north" else "longitude"
    axis.setncatts({"units": f"degrees_{kind}", "standard_name": standard, "axis": "Y" if kind == "north" else "X"})
    if bounds and centres.size > 1:
        half = np.diff(centres)[0] / 2
        axis.bounds = f"{name}_bnds"
        file.createVariable(axis.bounds, "f8", (name, "bnds"))[:] = np.stack([centres - half, centres + half], axis=1)
