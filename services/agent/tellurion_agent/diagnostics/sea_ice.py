"""How much ice the sea bears."""

from __future__ import annotations

import xarray as xr

THRESHOLD = 0.15
"""Concentration from which a cell counts to the extent (NSIDC; Cavalieri et al. 1999)."""
MILLION_KM2 = 1e12
"""m²."""


def extent(concentration: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Area in 10⁶ km² of the cells with at least 15 % of ice; `concentration` is a share, 0…1."""
    return ((concentration >= THRESHOLD - 1e-9) * area).sum(("lat", "lon")).assign_attrs(units="1e6 km2") / MILLION_KM2


def ice_area(concentration: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """Area in 10⁶ km² that the ice itself covers."""
    return (concentration.fillna(0.0) * area).sum(("lat", "lon")).assign_attrs(units="1e6 km2") / MILLION_KM2
