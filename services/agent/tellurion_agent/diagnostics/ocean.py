"""Heat and overturning of the ocean."""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.cells import widths
from tellurion_agent.diagnostics.levels import thicknesses

DENSITY = 1026.0
"""kg m⁻³, of sea water, taken as constant."""
HEAT_CAPACITY = 3991.86795711963
"""J kg⁻¹ K⁻¹, exact by definition of conservative temperature (IOC, SCOR and IAPSO 2010, TEOS-10)."""
SVERDRUP = 1e6
"""m³ s⁻¹."""


def heat_content(temperature: xr.DataArray, upper: float, lower: float) -> xr.DataArray:
    """J m⁻² between two depths, relative to 0 °C: ρ cp Σ θ Δz, the cells clipped to the layer and to what is water.

    NaN where the column has no water in the layer. Raises NoAnswer when the levels do not reach the layer.
    """
    dz = thicknesses(temperature.level, upper, lower)
    content = DENSITY * HEAT_CAPACITY * (temperature * dz).sum("level", min_count=1)
    return content.assign_attrs(units="J m-2", long_name=f"ocean heat content, {upper:g}–{lower:g} m")


ATLANTIC = (
    (-35.0, -10.0, 292.0, 380.0),
    (-10.0, 10.0, 305.0, 375.0),
    (10.0, 20.0, 278.0, 353.0),
    (20.0, 80.0, 262.0, 355.0),
)
"""South, north, west and east of the basin, by latitude: coast to coast, without the Pacific."""


def atlantic(field: xr.DataArray, latitude: float) -> xr.DataArray:
    """Cells of one parallel in the Atlantic, from west to east.

    Raises ValueError outside 35°S–80°N.
    """
    west, east = next((w, e) for south, north, w, e in ATLANTIC if south <= latitude <= north)
    angle = (field.lon.values - west) % 360.0
    within = np.flatnonzero(angle <= east - west)
    return field.isel(lon=within[np.argsort(angle[within])])


def overturning(velocity: xr.DataArray, width: xr.DataArray) -> xr.DataArray:
    """Streamfunction [level, …] in Sv at the bottom of each level: ∫ v R cos φ dλ, summed from the surface down.

    `velocity` [level, lon, …] in m s⁻¹ on one parallel, NaN in rock, `width` [lon] in m.
    """
    level = velocity.level
    dz = _depths(level)
    transport = (velocity.fillna(0.0) * width).sum("lon") * dz
    return (transport.cumsum("level") / SVERDRUP).assign_coords(level=level).assign_attrs(units="Sv")


def heat_transport(velocity: xr.DataArray, temperature: xr.DataArray) -> xr.DataArray:
    """Northward heat transport [lat, …] in PW: ρ cp ∫∫ v (θ − ⟨θ⟩) dx dz.

    ⟨θ⟩ is the section's mean, so that a net flow through an open or unbalanced section carries no heat of its own.
    """
    level = velocity.level
    dz = _depths(level)
    both = velocity.notnull() & temperature.notnull()
    section = (widths(velocity) * dz).where(both, 0.0)
    mean = (temperature.fillna(0.0) * section).sum(("lon", "level")) / section.sum(("lon", "level")).where(
        section.sum(("lon", "level")) > 0
    )
    flux = (velocity.fillna(0.0) * (temperature.fillna(0.0) - mean) * section).sum(("lon", "level"))
    return (DENSITY * HEAT_CAPACITY * flux / 1e15).where(mean.notnull()).assign_attrs(units="PW")


def implied_transport(flux: xr.DataArray, area: xr.DataArray) -> xr.DataArray:
    """[lat] PW northward through each cell's southern edge that a downward surface flux [lat, lon] in W m⁻² implies.

    The global mean is taken off, for a steady ocean stores nothing (Trenberth and Caron 2001).
    """
    there = area.where(flux.notnull(), 0.0)
    balanced = flux - (flux * there).sum() / there.sum()
    gain = (balanced * there).sum("lon")
    return (-gain[::-1].cumsum("lat")[::-1] / 1e15).assign_coords(lat=flux.lat).assign_attrs(units="PW")


def _depths(level: xr.DataArray) -> xr.DataArray:
    """[level] thicknesses of the cells of a whole column."""
    return thicknesses(level, 0.0, float(level.max()) * 2 if level.size == 1 else float(2 * level[-1] - level[-2]))
