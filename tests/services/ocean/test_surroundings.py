"""What the network is told of the climatology is its slopes, as calculus gives them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tellurion_geo import Grid
from tellurion_ocean.atlas import TRAINING_MONTHS
from tellurion_ocean.prior import Prior
from tellurion_ocean.surroundings import HIGHEST, RISE, RUN, STEEPEST, season, surroundings

STD = 0.5


@pytest.fixture(scope="module")
def slopes(small_prior):
    """The slopes downward, northward and eastward [3, Z, Y, X] of a climatology [Z, Y, X] with a std of STD."""

    def of(field):
        prior = small_prior()
        coefficients = np.zeros_like(prior.coefficients)
        coefficients[0] = np.broadcast_to(field, prior.grid.shape)[prior.wet]
        sloping = replace(prior, coefficients=coefficients, std=np.full(len(prior.std), STD))
        levels = len(prior.grid.depth)
        return surroundings(sloping, 3)[levels : 4 * levels].reshape(3, *prior.grid.shape)

    return of


@pytest.fixture(scope="module")
def axes(small_grid):
    """Depth [Z, 1, 1], latitude [Y, 1] and longitude [X], metres and degrees."""
    return small_grid.depth[:, None, None], small_grid.lat[:, None], small_grid.lon


@pytest.fixture(scope="module")
def inner(small_prior):
    """[Z, Y, X] wet cells whose neighbours to all sides are wet too."""
    wet = small_prior().wet
    padded = np.pad(wet, ((1, 1), (1, 1), (0, 0)), mode="edge")
    sideways = padded[1:-1, 2:] & padded[1:-1, :-2] & np.roll(wet, 1, axis=2) & np.roll(wet, -1, axis=2)
    return wet & sideways & padded[2:, 1:-1] & padded[:-2, 1:-1]


def test_a_linear_field_has_its_slope_times_the_run_or_the_rise_over_its_std(slopes, axes, inner, small_grid):
    depth, lat, _ = axes
    down, north, east = slopes(0.02 * lat - 0.01 * depth)
    rise = np.minimum(RISE * small_grid.depth, HIGHEST)
    for level in range(3):
        np.testing.assert_allclose(north[level][inner[level]], 0.02 * RUN / STD, rtol=1e-5)
        np.testing.assert_allclose(down[level][inner[level]], -0.01 * rise[level] / STD, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(east[inner], 0.0, atol=1e-5)


def test_eastward_it_is_the_difference_over_the_arc_round_the_seam(slopes, axes, inner):
    _, lat, lon = axes
    _, _, east = slopes(np.sin(np.radians(lon)) * np.ones_like(lat))
    # a central difference of a sine is its cosine times sin(h) / h, here over steps of 15 degrees
    slope = np.cos(np.radians(lon)) * np.sin(np.radians(15)) / 15 * RUN / np.cos(np.radians(lat)) / STD
    slope = np.broadcast_to(slope, inner.shape)
    np.testing.assert_allclose(east[inner], slope[inner], atol=1e-5)
    assert inner[:, :, [0, -1]].any()


def test_beside_land_and_on_it_there_is_no_slope(slopes, axes, small_prior):
    _, lat, _ = axes
    wet = small_prior().wet
    _, north, _ = slopes(0.02 * lat)
    beside = wet.copy()
    beside[:, 1:-1] &= ~(wet[:, 2:] & wet[:, :-2])
    beside[:, [0, -1]] = False
    assert beside.any()
    np.testing.assert_array_equal(north[beside | ~wet], 0.0)


def test_a_region_of_one_level_has_no_slope_downward_nor_across_its_open_side(
    slopes, axes, small_prior, small_grid, small_fields
):
    depth, lat, lon = axes
    whole = small_prior()
    region = Grid(depth=small_grid.depth[:1], lat=small_grid.lat, lon=lon[:6])
    prior = Prior.fit(small_fields[:, :1, :, :6], TRAINING_MONTHS, region, whole.hyperparameters)
    field = np.broadcast_to(0.02 * lon - 0.01 * depth + 0 * lat, whole.grid.shape)
    coefficients = np.zeros_like(prior.coefficients)
    coefficients[0] = field[:1, :, :6][prior.wet]
    down, _, east = surroundings(replace(prior, coefficients=coefficients, std=np.full(len(prior.std), STD)), 3)[1:4]
    np.testing.assert_array_equal(down, 0.0)
    np.testing.assert_array_equal(east[:, [0, -1]], 0.0)
    np.testing.assert_allclose(east[:, 1:-1], slopes(field)[2][0, :, 1:5], atol=1e-6)
    assert np.abs(east).max() > 0


def test_a_cliff_is_cut(slopes, axes):
    _, lat, _ = axes
    _, north, _ = slopes(100.0 * np.sign(lat + 2.0))
    assert north.max() == STEEPEST


def test_the_other_channels_are_land_or_ocean_and_the_latitude(small_prior, axes):
    prior = small_prior()
    channels = surroundings(prior, 3)
    assert channels.shape == (4 * 3 + 2, *prior.grid.shape[1:])
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[:3], prior.wet)
    _, lat, lon = axes
    flat = np.ones_like(lon)
    np.testing.assert_allclose(channels[-2], np.sin(np.radians(lat)) * flat, atol=1e-6)
    np.testing.assert_allclose(channels[-1], np.cos(np.radians(lat)) * flat, atol=1e-6)


def test_the_season_goes_round_the_year():
    year = np.array([season(month) for month in range(1, 13)])
    angle = np.degrees(np.unwrap(np.arctan2(year[:, 1], year[:, 0])))
    np.testing.assert_allclose(angle, 15.0 + 30.0 * np.arange(12), atol=1e-4)
