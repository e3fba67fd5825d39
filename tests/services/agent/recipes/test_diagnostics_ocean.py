"""Heat, overturning and ice of an ocean that is simple enough to be summed by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from tellurion_agent.diagnostics.cells import EARTH_RADIUS, areas, widths
from tellurion_agent.diagnostics.ocean import (
    DENSITY,
    HEAT_CAPACITY,
    atlantic,
    heat_content,
    heat_transport,
    implied_transport,
    overturning,
)
from tellurion_agent.diagnostics.sea_ice import extent, ice_area

LEVEL = np.array([5.0, 15.0, 35.0])  # cells 0–10, 10–25, 25–45 m
LAT, LON = np.array([-60.0, 0.0, 60.0]), np.arange(0.0, 360, 90)


def ocean(value: np.ndarray | float) -> xr.DataArray:
    coords = {"level": ("level", LEVEL, {"units": "m", "positive": "down"}), "lat": LAT, "lon": LON}
    values = np.broadcast_to(value, (3, 3, 4)).astype(float).copy()
    return xr.DataArray(values, coords, ("level", "lat", "lon"))


def test_heat_is_the_temperature_of_the_water_in_the_layer() -> None:
    theta = ocean(np.array([20.0, 10.0, 5.0])[:, None, None])
    theta[2, 0, 0] = np.nan  # rock
    theta[:, 1, 1] = np.nan  # land
    found = heat_content(theta, 0, 35)
    constant = DENSITY * HEAT_CAPACITY
    assert float(found[2, 2]) == pytest.approx(constant * (20 * 10 + 10 * 15 + 5 * 10))
    assert float(found[0, 0]) == pytest.approx(constant * (20 * 10 + 10 * 15))
    assert np.isnan(found[1, 1])


def test_layers_add_up() -> None:
    theta = ocean(np.random.default_rng(0).normal(10, 3, (3, 3, 4)))
    whole, upper, lower = (heat_content(theta, *ends) for ends in ((0, 40), (0, 12), (12, 40)))
    assert np.allclose(whole, upper + lower)


def test_a_uniform_northward_flow_overturns_with_depth() -> None:
    v = ocean(np.array([0.1, -0.02, -0.02])[:, None, None])
    psi = overturning(v.sel(lat=60.0), widths(v).sel(lat=60.0))
    length = 2 * np.pi * EARTH_RADIUS * 0.5  # cos 60°
    flows = np.array([0.1 * 10, -0.02 * 15, -0.02 * 20])
    assert psi.values == pytest.approx(np.cumsum(flows) * length / 1e6)


@pytest.mark.parametrize(
    ("latitude", "inside", "outside"),
    [
        (26.5, [300.0, 330.0], [240.0, 180.0, 60.0]),
        (-30.0, [320.0, 0.0], [280.0, 60.0]),
        (0.0, [330.0, 0.0], [270.0, 60.0]),
    ],
)
def test_the_atlantic_has_its_meridians_from_west_to_east(
    latitude: float, inside: list[float], outside: list[float]
) -> None:
    found = atlantic(xr.DataArray(np.zeros(36), {"lon": np.arange(0.0, 360, 10)}, ("lon",)), latitude).lon.values
    assert set(inside) <= set(found)
    assert not set(outside) & set(found)
    assert (np.diff(found) % 360 == 10).all()


def test_warm_water_north_and_cold_water_south_carry_heat() -> None:
    v = ocean(np.array([0.1, 0.0, -0.05])[:, None, None])  # 0.1 · 10 = 0.05 · 20: no net flow
    theta = ocean(np.array([20.0, 10.0, 5.0])[:, None, None])
    expected = DENSITY * HEAT_CAPACITY * 0.1 * 10 * (20 - 5) * 2 * np.pi * EARTH_RADIUS / 1e15
    assert float(heat_transport(v, theta).sel(lat=0.0)) == pytest.approx(expected)


def test_a_net_flow_of_uniform_water_carries_no_heat() -> None:
    assert np.abs(heat_transport(ocean(0.1), ocean(15.0))).max() < 1e-9


def test_a_steady_ocean_that_gains_in_the_south_carries_north() -> None:
    flux = xr.DataArray(np.array([[100.0], [0.0], [-100.0]]) * np.ones(4), {"lat": LAT, "lon": LON}, ("lat", "lon"))
    found = implied_transport(flux, areas(flux))
    polar = 100 * 2 * np.pi * EARTH_RADIUS**2 * 0.5 / 1e15  # south of 30°: sin 90° − sin 30°
    assert found.values == pytest.approx([0.0, polar, polar], abs=1e-12)


def test_extent_counts_cells_area_their_ice() -> None:
    ice = xr.DataArray([[0.1, 0.15, 1.0, np.nan]] * 2, {"lat": [60.0, 80.0], "lon": LON}, ("lat", "lon"))
    area = areas(ice)
    one = float(area.isel(lon=0).sum()) / 1e12
    assert float(extent(ice, area)) == pytest.approx(2 * one)
    assert float(ice_area(ice, area)) == pytest.approx(1.25 * one)
