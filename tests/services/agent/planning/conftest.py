"""Data sets that nobody has written, and a planner of some of the recipes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tellurion_agent.catalogue.dataset import DataSet, File
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.catalogue.record import Box, Extent
from tellurion_agent.planning.planner import Planner
from tellurion_agent.recipes.registry import RECIPES

SOME = (
    "area_mean",
    "data_set_difference",
    "equilibrium_sensitivity",
    "index_correlation",
    "linear_trend",
    "ocean_heat_content",
    "period_anomaly",
    "period_difference",
    "scenario_change",
    "sea_ice_extent",
    "seasonal_cycle",
    "teleconnection_map",
    "threshold_count",
    "trend_map",
)
DEPTHS = Extent(30, 0.0, 2000.0, "m")


def data_set(
    variable: str,
    source: str = "Obs A",
    first: int = 1950,
    last: int = 2014,
    *,
    levels: Extent | None = None,
    experiment: str = "",
    kind: str = "",
    size: int = 10_000_000,
) -> DataSet:
    """Monthly values on a grid."""
    dimensions = ("time", "level", "lat", "lon") if levels else ("time", "lat", "lon")
    file = File(f"/{variable}/{source}/{experiment}.nc", size, 0, first * 12, last * 12 + 11, (last - first + 1) * 12)
    return DataSet(
        variable=variable,
        name=variable,
        units="1",
        long_name=variable,
        statistic="mean",
        dimensions=dimensions,
        calendar="standard",
        frequency="mon",
        levels=levels,
        box=Box((90, 180)),
        project="",
        source=source,
        experiment=experiment,
        member="",
        grid_label="",
        version="",
        kind=kind,
        title="",
        institution="",
        files=(file,),
    )


@pytest.fixture(scope="session")
def catalogue_of() -> Callable[..., Catalogue]:
    """Makes a catalogue of data sets, each as what `data_set` takes."""
    return lambda *datasets: Catalogue(tuple(datasets), {})


@pytest.fixture(scope="session")
def observed(catalogue_of) -> Catalogue:
    """One data set of each of several variables."""
    return catalogue_of(
        data_set("air_temperature"),
        data_set("sea_surface_temperature"),
        data_set("precipitation_flux", first=1979),
        data_set("sea_water_potential_temperature", levels=DEPTHS),
        data_set("sea_water_salinity", levels=DEPTHS),
        data_set("sea_ice_area_fraction", first=1979),
    )


@pytest.fixture(scope="session")
def made() -> Callable[..., DataSet]:
    """`data_set`."""
    return data_set


@pytest.fixture(scope="session")
def planner() -> Planner:
    """Of fourteen recipes: their phrases take a second to embed."""
    return Planner({name: RECIPES[name] for name in SOME})
