"""Real data, asked about in plain language, against direct computations: NumPy on what netCDF4 reads.

Planner, catalogue, laboratory and sandbox are as they are; nothing of the agent computes what is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import esmvaltool_sample_data
import iris_sample_data
import netCDF4
import numpy as np
import pytest
from asked_plainly import Asked, Asking
from numpy.typing import NDArray
from real_data import atlas, write_atlas
from scipy.signal import detrend, welch
from scipy.spatial import KDTree

from tellurion_agent.planning.planner import Planner

Array = NDArray[np.float64]
Ask = Callable[[str], Asked]
IRIS = Path(iris_sample_data.path)
MIROC6 = Path(esmvaltool_sample_data.__file__).parent / "data/timeseries/CMIP6/CMIP/MIROC/MIROC6"
DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@pytest.fixture(scope="module")
def iris(offline: Planner, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return Asking(IRIS, tmp_path_factory.mktemp("iris"), planner=offline)


@pytest.fixture(scope="module")
def ocean(offline: Planner, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Before the World Ocean Atlas."""
    folder = tmp_path_factory.mktemp("ocean")
    write_atlas(folder / "ocean_atlas_subset.nc")
    return Asking(folder, tmp_path_factory.mktemp("asked"), planner=offline)


def values(asked: Asked) -> list[dict[str, Any]]:
    assert asked.document["status"] == "answered", asked.document
    answer = asked.document["answer"]
    return answer if isinstance(answer, list) else [answer]


def headline(asked: Asked, units: str) -> Any:
    first = values(asked)[0]
    assert first["units"] == units
    return first["value"]


def reason(asked: Asked) -> str:
    assert asked.document["status"] == "abstained", asked.document
    return str(asked.document["reason"])


def read(path: Path, *names: str) -> list[Array]:
    """Variables as float64, NaN where they have no value."""
    with netCDF4.Dataset(path) as file:
        return [np.ma.filled(file[name][:].astype(float), np.nan) for name in names]


def area_mean(field: Array, lat: Array) -> Array:
    """[..., lat, lon] over both, by the cosine of the latitude, missing values left out."""
    weights = np.broadcast_to(np.cos(np.radians(lat))[:, None], field.shape)
    return np.nansum(field * weights, axis=(-2, -1)) / np.sum(weights * np.isfinite(field), axis=(-2, -1))


def north_america(scenario: str) -> tuple[Array, Array]:
    """Years, and the mean temperature in °C of the cells between 15 and 75°N, 170 and 50°W."""
    field, lat, lon = read(IRIS / f"{scenario}_north_america.nc", "air_temperature", "latitude", "longitude")
    rows, columns = (lat >= 15) & (lat <= 75), (lon >= 190) & (lon <= 310)
    return np.arange(1860, 2100), area_mean(field[:, rows][:, :, columns], lat[rows]) - 273.15


@pytest.mark.slow
def test_the_warming_over_north_america_in_a_scenario(iris: Ask) -> None:
    found = iris("By how much does it warm over North America between 1961-1990 and 2070-2099 in the A1B scenario?")
    year, mean = north_america("A1B")
    late, early = (mean[(year >= first) & (year <= first + 29)].mean() for first in (2070, 1961))
    assert headline(found, "K") == pytest.approx(late - early, rel=1e-4)
    assert any("63 %" in note for note in found.notes)  # the data reach neither Alaska nor beyond 60°N


def test_how_much_warmer_one_scenario_is_than_the_other(iris: Ask) -> None:
    found = iris("How much warmer is North America in 2070-2099 under A1B than under E1?")
    year, high = north_america("A1B")
    assert headline(found, "K") == pytest.approx((high - north_america("E1")[1])[year >= 2070].mean(), rel=1e-4)


@pytest.mark.slow
def test_the_trend_over_north_america(iris: Ask) -> None:
    found = iris("Linear trend of air temperature over North America in E1, 2000-2099, per decade")
    year, mean = north_america("E1")
    late = year >= 2000
    assert headline(found, "K decade-1") == pytest.approx(10 * np.polyfit(year[late], mean[late], 1)[0], rel=1e-4)


@pytest.mark.slow
def test_the_trend_of_a_model_over_seven_files_of_its_months(offline: Planner, tmp_path: Path) -> None:
    found = Asking(MIROC6, tmp_path, planner=offline)("Trend of air temperature at 925 hPa in MIROC6, 1950-2014")
    parts = [read(path, "ta", "plev", "lat") for path in sorted(MIROC6.rglob("historical/**/Amon/ta/**/*.nc"))]
    plev, lat = parts[0][1:]
    monthly = area_mean(np.concatenate([ta for ta, _, _ in parts])[:, plev == 92500][:, 0], lat).reshape(-1, 12)
    leap = np.array([year % 4 == 0 for year in range(1950, 2015)])
    days = DAYS + np.where(leap[:, None], np.eye(12)[1], 0)
    yearly = (monthly * days).sum(1) / days.sum(1)
    assert headline(found, "K decade-1") == pytest.approx(10 * np.polyfit(np.arange(65), yearly, 1)[0], rel=1e-3)


@pytest.mark.slow
def test_the_spectrum_of_the_southern_oscillation(iris: Ask) -> None:
    found = iris("At which period does the power spectrum of the Southern Oscillation Index peak?")
    (index,) = read(IRIS / "SOI_Darwin.nc", "SOI_Darwin")
    monthly = index.reshape(-1, 12)
    anomalies = np.nan_to_num(monthly - np.nanmean(monthly, axis=0)).ravel()
    piece = 2 * anomalies.size // 3
    frequency, power = welch(detrend(anomalies), 12, "hann", piece, piece // 2, nfft=1 << 16)
    slow = frequency > 1 / 50
    assert headline(found, "years") == pytest.approx(1 / frequency[slow][np.argmax(power[slow])], rel=0.02)
    assert values(found)[1]["value"] == "significant"


@pytest.mark.slow
def test_the_seasonal_cycle_of_the_equatorial_pacific(iris: Ask) -> None:
    found = iris("Seasonal cycle of surface temperature in the Niño 3.4 region, by OSTIA")
    field, lat, lon = read(IRIS / "ostia_monthly.nc", "surface_temperature", "latitude", "longitude")
    mean = area_mean(field[:, np.abs(lat) <= 5][:, :, (lon >= 190) & (lon <= 240)], lat[np.abs(lat) <= 5])
    month = (3 + np.arange(54)) % 12  # from April 2006
    cycle = np.array([mean[month == each].mean() for each in range(12)])
    assert (np.argmax(cycle), np.argmin(cycle)) == (4, 0)
    assert headline(found, "K") == pytest.approx(np.ptp(cycle), rel=1e-3)
    labels = [each["label"] for each in values(found)]
    assert any(label.startswith("maximum, in May") for label in labels)
    assert any(label.startswith("minimum, in January") for label in labels)


@pytest.mark.slow
def test_a_curvilinear_grid(iris: Ask) -> None:
    found = iris("What is the mean sea surface temperature of the North Atlantic in NEMO, January 2015?")
    file = IRIS / "NEMO" / "nemo_1m_20150101-20150201_grid-T.nc"
    field, lat, lon = (array.squeeze().ravel() for array in read(file, "tos", "nav_lat", "nav_lon"))
    fine = [array.ravel() for array in np.meshgrid(np.arange(0.25, 65, 0.5), np.arange(280.25, 360, 0.5))]
    nearest = KDTree(on_sphere(lat, lon)).query(on_sphere(*fine))[1]
    weights = np.cos(np.radians(fine[0])) * np.isfinite(field[nearest])
    assert headline(found, "degC") == pytest.approx(np.nansum(field[nearest] * weights) / weights.sum(), abs=0.05)


def on_sphere(lat: Array, lon: Array) -> Array:
    """[N, 3] unit vectors."""
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)


@pytest.mark.slow
def test_profiles_without_dates(iris: Ask) -> None:
    found = iris("What is the area-weighted mean salinity at 500 m?")
    salinity, depth, lat = read(IRIS / "atlantic_profiles.nc", "salinity", "depth", "lat")
    below = int(np.searchsorted(depth, 500))
    share = (500 - depth[below - 1]) / (depth[below] - depth[below - 1])
    at_500 = (1 - share) * salinity[below - 1] + share * salinity[below]
    assert headline(found, values(found)[0]["units"]) == pytest.approx(area_mean(at_500, lat), rel=1e-5)
    assert "The data have no time: it is not said of which years they are." in found.notes
    assert "cannot be chosen" in reason(iris("Mean salinity at 500 m depth, 1981-2010"))


@pytest.mark.slow
def test_the_heat_content_of_the_atlas(ocean: Ask) -> None:
    found = ocean("Ocean heat content of the upper 700 m of the World Ocean Atlas")
    field = atlas()
    theta = np.einsum("m,mzyx->zyx", DAYS / 365, field.values)  # land and bottom are the same in all months
    depth, lat = field.depth.values, field.lat.values
    edges = np.clip([0, *(depth[1:] + depth[:-1]) / 2, depth[-1]], 0, 700)
    column = np.nansum(theta * np.diff(edges)[:, None, None], axis=0)
    area = 6.371e6**2 * np.radians(2) * (np.sin(np.radians(lat + 1)) - np.sin(np.radians(lat - 1)))
    assert headline(found, "J") == pytest.approx(1026 * 3991.868 * (column * area[:, None]).sum(), rel=1e-3)


def test_the_thermocline_of_the_atlas(ocean: Ask) -> None:
    found = ocean("Depth of the 20 °C isotherm in the equatorial Pacific in the World Ocean Atlas")
    part = atlas().sel(lat=slice(-20, 20), lon=slice(120, 280))
    theta, z = np.einsum("m,mzyx->zyx", DAYS / 365, part.values), part.depth.values
    crossed = (theta[:-1] >= 20) & (theta[1:] < 20)
    first = np.argmax(crossed, axis=0)[None]
    above, below = (np.take_along_axis(each, first, axis=0)[0] for each in (theta[:-1], theta[1:]))
    depth = z[first[0]] + (above - 20) / (above - below) * np.diff(z)[first[0]]
    image = np.where(crossed.any(axis=0), depth, np.nan)
    assert headline(found, "m") == pytest.approx(area_mean(image, part.lat.values), rel=1e-3)


@pytest.mark.slow
def test_the_seasonal_cycle_of_the_atlas_where_longitudes_begin_at_20_degrees(ocean: Ask) -> None:
    found = ocean("What is the seasonal cycle of sea temperature at 50 m depth in the North Atlantic?")
    field = atlas().sel(depth=50.0)
    part = field.sel(lat=slice(0, 65), lon=slice(280, 360))
    cycle = area_mean(part.values, part.lat.values)
    assert headline(found, "K") == pytest.approx(np.ptp(cycle), rel=1e-3)


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ("Mean precipitation over Europe, 1981-2010", "precipitation flux"),
        ("Mean air pressure at sea level over Europe", "grid_latitude alone"),
    ],
)
def test_what_is_not_there_or_not_on_a_grid_is_named(iris: Ask, request_: str, named: str) -> None:
    assert named in reason(iris(request_))
