"""Regridding keeps constants constant, linear fields linear and means what they were, and knows land."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tellurion_core.errors import InvalidInput
from tellurion_geo import Curvilinear, Grid, area_weights, regridding


def globe(step: float, start: float = 0.0) -> Grid:
    """A grid of the whole sphere with square cells of `step` degrees, the first meridian at `start`."""
    return Grid([0], np.arange(-90 + step / 2, 90, step), np.arange(start, start + 360, step) % 360)


def rotated(lat: np.ndarray, lon: np.ndarray, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of points whose pole has been tilted: a curvilinear grid in true coordinates."""
    phi, lam, a = np.radians(lat), np.radians(lon), np.radians(tilt)
    x, y, z = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    return np.degrees(np.arcsin(z)), np.degrees(np.arctan2(y, x))


LAT, LON = np.meshgrid(np.arange(-89.0, 90, 2), np.arange(1.0, 360, 2), indexing="ij")
TILTED = Curvilinear(*rotated(LAT, LON, 20))
"""A global 2° grid whose pole lies at 70°N, so that rows and columns are no parallels and meridians."""


@given(
    coarse=st.sampled_from([3.0, 4.5, 5.0, 10.0]),
    fine=st.sampled_from([1.5, 2.0, 2.5]),
    start=st.floats(0, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_conservative_keeps_the_area_weighted_mean(coarse: float, fine: float, start: float, seed: int) -> None:
    source, target = globe(fine), globe(coarse, start % coarse)
    values = np.random.default_rng(seed).normal(15, 10, size=source.shape[1:])
    for one, other in ((source, target), (target, source)):
        there = values if one is source else regridding(source, target, "conservative")(values)
        back = regridding(one, other, "conservative")(there)
        assert (area_weights(other) * back).mean() == pytest.approx((area_weights(one) * there).mean(), rel=1e-12)


def test_conservative_keeps_the_heat_of_a_sea_with_coasts() -> None:
    rng = np.random.default_rng(6)
    source, target = globe(2), globe(5)
    sea = rng.random(source.shape[1:]) < 0.6
    values = np.where(sea, rng.normal(15, 10, size=sea.shape), np.nan)
    regrid = regridding(source, target, "conservative")
    # What each target cell holds is its temperature times the sea within it.
    heat = regrid(values, least_wet=0) * regrid(sea.astype(float)) * area_weights(target)
    assert np.nansum(heat) / heat.size == pytest.approx(np.nansum(values * area_weights(source)) / sea.size, rel=1e-12)


def test_conservative_of_nested_cells_is_their_weighted_mean() -> None:
    source, target = globe(5), globe(10, 2.5)
    values = np.random.default_rng(7).normal(size=source.shape[1:])
    weights = area_weights(source)
    blocks = (weights * values).reshape(18, 2, 36, 2).sum(axis=(1, 3)) / weights.reshape(18, 2, 36, 2).sum(axis=(1, 3))
    np.testing.assert_allclose(regridding(source, target, "conservative")(values), blocks, rtol=1e-12)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "conservative"])
@pytest.mark.parametrize(("source", "target"), [(globe(2), globe(5, 1)), (globe(5, 1), globe(2)), (globe(2), globe(2))])
def test_a_constant_stays_that_constant_up_to_the_coast(method: str, source: Grid, target: Grid) -> None:
    sea = np.random.default_rng(8).random(source.shape[1:]) < 0.7
    result = regridding(source, target, method)(np.where(sea, 12.5, np.nan))
    wet = np.isfinite(result)
    assert 0.3 < wet.mean() < 1
    np.testing.assert_allclose(result[wet], 12.5, rtol=1e-12)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "conservative"])
def test_the_same_grid_is_the_identity(method: str) -> None:
    values = np.random.default_rng(9).normal(size=(2, 3, 36, 72))
    values[..., 5:9, 60:] = np.nan
    result = regridding(globe(5), globe(5), method)(values)
    assert result.shape == values.shape
    np.testing.assert_allclose(result, values, rtol=1e-10)


def test_bilinear_is_exact_on_linear_functions_between_centres() -> None:
    source = Grid([0], np.arange(-30.0, 31, 3), np.arange(100.0, 161, 4))
    target = Grid([0], np.linspace(-30, 30, 17), np.linspace(100, 160, 23))
    linear = lambda grid: 3 + 0.25 * grid.lat[:, None] - 0.5 * grid.lon  # noqa: E731
    np.testing.assert_allclose(regridding(source, target, "bilinear")(linear(source)), linear(target), rtol=1e-12)


def test_bilinear_goes_round_the_globe() -> None:
    source, target = globe(10, 5), Grid([0], [-5, 5], [0, 180])
    values = np.broadcast_to(np.cos(np.radians(source.lon)), source.shape[1:])
    cosine_of_five_degrees = np.cos(np.radians(5))
    expected = [[cosine_of_five_degrees, -cosine_of_five_degrees]] * 2
    np.testing.assert_allclose(regridding(source, target, "bilinear")(values), expected, rtol=1e-12)


def test_nearest_takes_values_that_exist_from_the_cell_around() -> None:
    source, target = globe(10, 5), globe(2, 1)
    labels = np.arange(18 * 36, dtype=float).reshape(18, 36)
    result = regridding(source, target, "nearest")(labels)
    row, column = ((target.lat + 90) // 10)[:, None], target.lon // 10
    tropics = np.abs(target.lat) < 30  # nearer the poles a neighbour may be nearer on the sphere than on the map
    np.testing.assert_array_equal(result[tropics], (row * 36 + column)[tropics])


@pytest.mark.parametrize("method", ["nearest", "bilinear", "conservative"])
def test_outside_a_region_there_is_nothing(method: str) -> None:
    region = Grid([0], np.arange(-10.0, 11, 2), np.arange(100.0, 121, 2))
    result = regridding(region, globe(2, 1), method)(np.ones(region.shape[1:]))
    lat, lon = np.meshgrid(globe(2, 1).lat, globe(2, 1).lon, indexing="ij")
    inside = (np.abs(lat) < 10) & (lon > 100) & (lon < 120)
    far = (np.abs(lat) > 14) | (lon < 96) | (lon > 124)
    assert (result[inside] == pytest.approx(1)) and np.isnan(result[far]).all()  # noqa: PT018


HALF_DIAGONAL = np.radians(np.sqrt(2))
"""From the middle of a 2° cell to its corner, radians: the farthest that a place is from a centre of the grid."""


# The sine of latitude is the height of a place on the unit sphere. The nearest centre is no farther than the half
# diagonal, which bounds the difference in height. A flat triangle lies at most 1 - cos of it below the sphere, and the
# projection errs by as much again.
@pytest.mark.parametrize(
    ("method", "error"), [("nearest", HALF_DIAGONAL), ("bilinear", 2 * (1 - np.cos(HALF_DIAGONAL)))]
)
def test_from_a_curvilinear_grid_a_smooth_field_is_itself(method: str, error: float) -> None:
    target = globe(3, 0)
    result = regridding(TILTED, target, method)(np.sin(np.radians(TILTED.lat)))
    expected = np.broadcast_to(np.sin(np.radians(target.lat))[:, None], result.shape)
    np.testing.assert_allclose(result, expected, atol=error)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_from_a_curvilinear_grid_a_constant_stays_and_cells_without_position_are_left_out(method: str) -> None:
    lat, lon = TILTED.lat.copy(), TILTED.lon.copy()
    lat[40:44, 80:90] = lon[40:44, 80:90] = np.nan
    values = np.full(lat.shape, 4.0)
    values[40:44, 80:90] = 1e20
    result = regridding(Curvilinear(lat, lon), globe(3), method)(values)
    np.testing.assert_allclose(result[np.isfinite(result)], 4)
    assert np.isfinite(result).mean() > 0.95


def test_a_function_linear_in_the_projection_is_exact_on_a_sheared_grid() -> None:
    def linear(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        radius = np.tan(np.radians(90 - lat) / 2)  # northern stereographic projection
        return 3 + radius * (2 * np.cos(np.radians(lon)) - np.sin(np.radians(lon)))

    j, i = np.meshgrid(np.arange(20.0), np.arange(30.0), indexing="ij")
    sheared = Curvilinear(40 + j + 0.1 * i, 340 + i - 0.2 * j)
    target = Grid([0], np.linspace(46, 52, 9), np.linspace(0, 4, 11))
    result = regridding(sheared, target, "bilinear")(linear(sheared.lat, sheared.lon))
    np.testing.assert_allclose(result, linear(target.lat[:, None], target.lon), rtol=1e-10)


@pytest.mark.parametrize(("source", "method"), [(globe(5), "cubic"), (TILTED, "conservative")])
def test_a_method_that_is_not_offered(source: Grid | Curvilinear, method: str) -> None:
    with pytest.raises(InvalidInput) as error:
        regridding(source, globe(5), method)
    assert error.value.violations[0].field == "method"
    assert "nearest, bilinear" in error.value.violations[0].accepted


def test_values_of_another_grid_are_refused() -> None:
    with pytest.raises(InvalidInput, match="values"):
        regridding(globe(5), globe(2), "nearest")(np.zeros((36, 71)))
