"""Where land is, for fields that do not say it themselves.

``land.png`` holds the majority of the GLOBE elevation model's 30″ cells (Hastings et al. 1999, NOAA, public domain; by
way of Karin 2018, global-land-mask, MIT) in each 0.25° cell, from 90°N 180°W south and east: white is land.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

STEP = 0.25


@cache
def _globe() -> NDArray[np.bool_]:
    from PIL import Image  # comes with Matplotlib

    with Image.open(Path(__file__).with_name("land.png")) as image:
        return np.asarray(image.convert("1"), dtype=bool)


def land(field: xr.DataArray) -> xr.DataArray:
    """[lat, lon] whether the centre of each cell of a field lies on land; lakes count as land, ice shelves too."""
    globe = _globe()
    rows = np.clip(((90.0 - field.lat.values) // STEP).astype(int), 0, globe.shape[0] - 1)
    columns = ((np.asarray(field.lon.values) + 180.0) % 360.0 // STEP).astype(int) % globe.shape[1]
    return xr.DataArray(globe[np.ix_(rows, columns)], coords={"lat": field.lat, "lon": field.lon}, dims=("lat", "lon"))


def over_ocean(standard_name: str) -> bool:
    """Whether a variable has values in the sea alone, so that its own missing values are the coast."""
    return standard_name.startswith(("sea_", "ocean_", "surface_downward_heat_flux_in_sea", "northward_ocean"))
