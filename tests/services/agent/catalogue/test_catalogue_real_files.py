"""Files as institutes publish them: the sample data of Iris and of ESMValTool, against direct readings."""

from __future__ import annotations

from pathlib import Path

import catalogue_files as files
import esmvaltool_sample_data
import iris_sample_data
import netCDF4
import numpy as np
import pytest

from tellurion_agent.catalogue.canonical import canonical
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.slots import Period

IRIS = Path(iris_sample_data.path)
CMIP6 = Path(esmvaltool_sample_data.__file__).parent / "data" / "timeseries" / "CMIP6" / "CMIP"


@pytest.fixture(scope="module")
def iris() -> Catalogue:
    return files.catalogue(IRIS)


def test_what_is_on_no_grid_says_so(iris: Catalogue) -> None:
    refused = {data.files[0].path.name for data in iris.datasets if data.refused}
    assert {"hybrid_height.nc", "rotated_pole.nc", "mesh_C4_synthetic_float.nc"} <= refused


@pytest.mark.parametrize("experiment", ["A1B", "E1"])
def test_scenarios_of_yearly_temperature_in_a_calendar_of_360_days(iris: Catalogue, experiment: str) -> None:
    (data,) = iris.find("air_temperature", experiment=experiment)
    field = canonical(data)
    assert (data.frequency, data.calendar, data.kind, field.shape) == ("yr", "360_day", "model", (240, 37, 49))
    np.testing.assert_array_equal(field.time.dt.year, np.arange(1860, 2100))
    with netCDF4.Dataset(data.files[0].path) as file:
        np.testing.assert_allclose(field.isel(time=100), file["air_temperature"][100] - 273.15, rtol=1e-6)


def test_the_southern_oscillation_since_1866(iris: Catalogue) -> None:
    (data,) = iris.find("SOI")
    field = canonical(data)
    assert (data.dimensions, data.frequency, data.period) == (("time",), "mon", Period(1866, 2013))
    with netCDF4.Dataset(data.files[0].path) as file:
        np.testing.assert_allclose(field, np.ma.filled(file["SOI_Darwin"][:].astype(float), np.nan))


def test_the_surface_temperature_of_ostia(iris: Catalogue) -> None:
    (data,) = iris.find("surface_temperature", source="ostia")
    field = canonical(data)
    assert (field.shape, data.kind) == ((54, 18, 432), "observation")
    assert 15 < float(field.min()) < float(field.max()) < 33


def test_profiles_of_the_atlantic_in_kelvin(iris: Catalogue) -> None:
    (data,) = iris.find("sea_water_potential_temperature", source="atlantic_profiles")
    field = canonical(data)
    assert (field.dims, data.levels.units) == (("level", "lat", "lon"), "m")
    with netCDF4.Dataset(data.files[0].path) as file:
        direct = np.ma.filled(file["theta"][:].astype(float), np.nan) - 273.15
        # The file begins with the easternmost meridians, before Greenwich.
        np.testing.assert_allclose(field, direct[..., np.argsort(file["lon"][:] % 360)], rtol=1e-5)


def test_three_months_of_nemo_are_one_series_on_its_curvilinear_grid(iris: Catalogue) -> None:
    (data,) = iris.find("sea surface temperature", source="nemo")
    assert (len(data.files), data.frequency, data.box.curvilinear, data.box.shape) == (3, "mon", True, (330, 360))


@pytest.mark.parametrize(
    ("model", "files_of_it", "years"),
    [("EC-Earth-Consortium/EC-Earth3", 65, (1950, 2014)), ("MIROC/MIROC6", 7, (1950, 2014))],
)
def test_cmip6_files_are_one_series(model: str, files_of_it: int, years: tuple[int, int]) -> None:
    (data,) = files.catalogue(CMIP6 / model / "historical" / "r1i1p1f1" / "Amon").datasets
    assert (data.project, data.source, data.experiment) == ("CMIP6", Path(model).name, "historical")
    assert (data.variable, data.levels.units, data.grid_label[0], data.version[0]) == (
        "air_temperature",
        "hPa",
        "g",
        "v",
    )
    assert (len(data.files), data.period, data.covered(Period(*years))) == (files_of_it, Period(*years), 1.0)


def test_cmip6_levels_ascend_and_every_month_is_there_once() -> None:
    (data,) = files.catalogue(CMIP6 / "MIROC/MIROC6/historical/r1i1p1f1/Amon").datasets
    field = canonical(data)
    months = np.asarray(field.time.dt.year * 12 + field.time.dt.month)
    np.testing.assert_array_equal(np.diff(months), 1)
    assert field.sizes["time"] == 65 * 12
    with netCDF4.Dataset(data.files[0].path) as file:
        direct = file["ta"][0].filled(np.nan)[::-1] - 273.15  # from the ground upwards, and in kelvin
        np.testing.assert_allclose(field.level, file["plev"][::-1] / 100)
    np.testing.assert_allclose(field.isel(time=0), direct, rtol=1e-5, atol=1e-5)
