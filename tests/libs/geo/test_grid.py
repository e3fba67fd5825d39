"""A grid knows its cells, whether it goes round the globe, and what is not a grid."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_geo import Grid, area_weights

LAT, LON = np.arange(-89.0, 90, 2), np.arange(1.0, 360, 2)


def test_shape_is_depth_latitude_longitude() -> None:
    assert Grid([0, 10], LAT, LON).shape == (2, 90, 180)


def test_axes_become_read_only_float64() -> None:
    grid = Grid([0, 10], [0, 1], [0, 1])
    assert grid.lat.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        grid.lat[0] = 5


def test_the_callers_array_stays_writable() -> None:
    lat = LAT.copy()
    Grid([0], lat, LON)
    lat[0] = -88


@pytest.mark.parametrize(
    ("depth", "lat", "lon", "field"),
    [
        ([10, 0], LAT, LON, "grid.depth[1]"),
        ([-1, 0], LAT, LON, "grid.depth[0]"),
        ([0, np.nan], LAT, LON, "grid.depth[1]"),
        ([], LAT, LON, "grid.depth"),
        ([0], LAT[::-1], LON, "grid.lat[1]"),
        ([0], [0, 91], LON, "grid.lat[1]"),
        ([0], [[0, 1]], LON, "grid.lat"),
        ([0], LAT, [0, 360], "grid.lon[1]"),
        ([0], LAT, [-1, 5], "grid.lon[0]"),
        ([0], LAT, [5], "grid.lon"),
    ],
)
def test_what_is_not_a_grid_is_refused_by_axis(depth: list, lat: list, lon: list, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        Grid(depth, lat, lon)
    assert error.value.violations[0].field == field


def test_bounds_are_midway_and_stop_at_surface_and_poles() -> None:
    grid = Grid([0, 10, 30], [-89.5, 0, 89.5], [0, 120, 240])
    np.testing.assert_allclose(grid.depth_bounds, [[0, 5], [5, 20], [20, 40]])
    np.testing.assert_allclose(grid.lat_bounds, [[-90, -44.75], [-44.75, 44.75], [44.75, 90]])
    np.testing.assert_allclose(grid.lon_bounds, [[-60, 60], [60, 180], [180, 300]])


def test_a_single_level_reaches_from_the_surface_as_far_below() -> None:
    np.testing.assert_allclose(Grid([5], [0, 1], [0, 1]).depth_bounds, [[0, 10]])


@pytest.mark.parametrize(
    ("lon", "open_step"),
    [
        (LON, None),
        ([0, 90, 180, 270], None),
        ([10, 11, 12], 2),  # from 12 round to 10
        ([0, 1, 2, 358, 359], 2),  # a region across Greenwich is open inside its axis
    ],
)
def test_a_regional_grid_is_open_at_one_step(lon: list, open_step: int | None) -> None:
    assert Grid([0], LAT, lon).open_step == open_step


def test_cells_of_a_region_across_greenwich_stay_beside_their_centres() -> None:
    bounds = Grid([0], LAT, [0, 1, 2, 358, 359]).lon_bounds
    np.testing.assert_allclose(bounds, [[-0.5, 0.5], [0.5, 1.5], [1.5, 2.5], [357.5, 358.5], [358.5, 359.5]])


def test_area_weights_have_mean_one_and_the_grids_shape() -> None:
    weights = area_weights(Grid([0, 10], LAT, LON))
    assert weights.shape == (90, 180)
    assert weights.mean() == pytest.approx(1, abs=1e-14)


def test_area_of_a_band_is_the_difference_of_sines() -> None:
    # Bands 0…30 and 30…60: sin 30° = 1/2, sin 60° = √3/2.
    weights = area_weights(Grid([0], [15, 45], [0, 180]))
    assert weights[1, 0] / weights[0, 0] == pytest.approx(np.sqrt(3) - 1)


def test_wider_cells_weigh_more() -> None:
    weights = area_weights(Grid([0], [-1, 1], [0, 1, 3]))
    assert weights[0, 1] / weights[0, 0] == pytest.approx(1.5)


def test_mean_of_sine_squared_over_the_sphere_is_a_third() -> None:
    grid = Grid([0], np.arange(-89.75, 90, 0.5), LON)
    sine = np.sin(np.radians(grid.lat))[:, None]
    assert (area_weights(grid) * sine**2).mean() == pytest.approx(1 / 3, abs=1e-4)
