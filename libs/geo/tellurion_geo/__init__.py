"""Grids of the sphere and what stands on them: CF files, area weights, wet masks, regridding, observation operators."""

from tellurion_geo.analysis import WrittenAnalysis, read_analysis, write_analysis, write_zarr
from tellurion_geo.atmosphere import AtmosphereStates, read_states, write_states
from tellurion_geo.atmosphere_observations import (
    AtmosphereObservations,
    read_atmosphere_observations,
    write_atmosphere_observations,
)
from tellurion_geo.curvilinear import Curvilinear
from tellurion_geo.fields import Field, read_field
from tellurion_geo.grid import Grid
from tellurion_geo.instants import Times
from tellurion_geo.longitudes import normalised_longitude
from tellurion_geo.masks import wet_mask
from tellurion_geo.operators import point_operator
from tellurion_geo.points import Points, read_points
from tellurion_geo.regridding import Regridding, regridding, suited_method
from tellurion_geo.sigma_grid import SigmaGrid
from tellurion_geo.sigma_operators import sigma_operator
from tellurion_geo.weights import area_weights

__all__ = [
    "AtmosphereObservations",
    "AtmosphereStates",
    "Curvilinear",
    "Field",
    "Grid",
    "Points",
    "Regridding",
    "SigmaGrid",
    "Times",
    "WrittenAnalysis",
    "area_weights",
    "normalised_longitude",
    "point_operator",
    "read_analysis",
    "read_atmosphere_observations",
    "read_field",
    "read_points",
    "read_states",
    "regridding",
    "sigma_operator",
    "suited_method",
    "wet_mask",
    "write_analysis",
    "write_atmosphere_observations",
    "write_states",
    "write_zarr",
]
