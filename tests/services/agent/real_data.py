"""Real data as they were published, in the layout in which they were, for requests about them."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

import tellurion_ocean

ATLAS = Path(tellurion_ocean.__file__).parent / "data"
FILL = np.float32(-1e34)


def atlas() -> xr.DataArray:
    """The World Ocean Atlas subset [month, depth, lat, lon] in °C, land NaN, as the ocean service ships it."""
    parts = []
    for name in ("atlas_train.nc", "atlas_eval.nc"):
        with xr.open_dataset(ATLAS / name) as opened:
            parts.append(opened["thetao"].load())
    return xr.concat(parts, "month").sortby("month")


def write_atlas(path: Path) -> Path:
    """The atlas as ferret-datasets has it: longitudes 20.5…378.5, hours since the year 0, a TEMP without units."""
    field = atlas()
    field = field.assign_coords(lon=np.where(field.lon < 20, field.lon + 360, field.lon)).sortby("lon")
    axes = (
        (
            "TIME",
            366 + 730.485 * np.arange(12),
            {"units": "hour since 0000-01-01 00:00:00", "modulo": " ", "axis": "T"},
        ),
        ("ZAXLEVIT19", field.depth.values, {"units": "METERS", "positive": "down", "axis": "Z"}),
        ("YAX_SUBSET", field.lat.values, {"units": "degrees_north", "axis": "Y"}),
        ("XAX_SUBSET", field.lon.values, {"units": "degrees_east", "modulo": 360.0, "axis": "X"}),
    )
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.setncatts({"history": "FERRET V6.08   28-Nov-07", "Conventions": "CF-1.0"})
        for name, values, attrs in axes:
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,)).setncatts(attrs)
            file[name][:] = values
        temp = file.createVariable("TEMP", "f4", [name for name, _, _ in axes], fill_value=FILL)
        temp.setncatts({"missing_value": FILL, "long_name": "Temperature"})
        temp[:] = np.ma.masked_invalid(field.values)
    return path
