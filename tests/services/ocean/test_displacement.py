"""A displaced climatology is the same field read elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tellurion_geo import Grid
from tellurion_ocean.prior import Prior
from tellurion_ocean.training.displacement import ContinuedClimatology, Scales, displaced_anomalies, displacement_seen

MONTH = 6


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid(depth=np.arange(0.0, 310.0, 10.0), lat=np.arange(-31.0, 32.0, 2.0), lon=np.arange(0.0, 360.0, 12.0))


@pytest.fixture(scope="module")
def ocean(grid):
    """The climatology of an ocean without land from a function of depth, latitude and longitude."""

    def of(function) -> ContinuedClimatology:
        z, y, x = np.meshgrid(grid.depth, grid.lat, grid.lon, indexing="ij")
        return ContinuedClimatology(grid, np.ones(grid.shape, bool), function(z, y, x))

    return of


@pytest.fixture(scope="module")
def fronted(small_prior):
    """The prior of the small ocean with another climatology, a function of depth, latitude and longitude, and std 1."""

    def of(function) -> Prior:
        prior = small_prior()
        z, y, x = np.nonzero(prior.wet)
        coefficients = np.zeros_like(prior.coefficients)
        coefficients[0] = function(prior.grid.depth[z], prior.grid.lat[y], prior.grid.lon[x])
        return replace(prior, coefficients=coefficients, std=np.ones(len(prior.std)))

    return of


def moved(climatology: ContinuedClimatology, *, east=0.0, north=0.0, down=0.0):
    """[Z, Y, X] of the climatology displaced by the same everywhere."""
    shape = climatology.grid.shape
    by = (np.broadcast_to(np.asarray(one, float), shape).ravel() for one in (east, north, down))
    return climatology.displaced(*by).reshape(shape)


def test_without_displacement_it_is_the_field(ocean):
    climatology = ocean(lambda z, y, x: 20 - z / 30 + np.sin(np.radians(9 * y)) * np.cos(np.radians(3 * x)))
    np.testing.assert_allclose(moved(climatology), climatology.filled, atol=1e-6)


@pytest.mark.parametrize("north", [-1.3, 0.4, 2.0])
def test_a_field_linear_in_latitude_changes_by_its_slope_times_the_displacement(ocean, north):
    climatology = ocean(lambda z, y, x: 5 - 0.3 * y + 0 * z)
    change = moved(climatology, north=north) - climatology.filled
    inside = slice(10, -10)  # far from the first and last row, where there is nothing to read beyond
    np.testing.assert_allclose(change[:, inside], -0.3 * north, atol=1e-4)


@pytest.mark.parametrize("down", [-7.0, 3.0, 25.0])
def test_a_field_linear_in_depth_changes_by_its_slope_times_the_heave_whatever_the_levels(down):
    depth = np.array([0.0, 30.0, 40.0, 90.0, 200.0, 250.0])
    grid = Grid(depth=depth, lat=np.array([-1.0, 1.0]), lon=np.arange(0.0, 360.0, 30.0))
    field = np.broadcast_to(20 - 0.05 * depth[:, None, None], grid.shape)
    climatology = ContinuedClimatology(grid, np.ones(grid.shape, bool), field)
    change = moved(climatology, down=down) - field
    np.testing.assert_allclose(change[1:-1], -0.05 * down, atol=1e-9)
    within = np.clip(depth + down, 0, 250) - depth
    np.testing.assert_allclose(change[:, 0, 0], -0.05 * within, atol=1e-9)


def test_a_field_of_one_level_is_displaced_sideways_alone(grid):
    surface = Grid(depth=np.array([0.0]), lat=grid.lat, lon=grid.lon)
    field = np.sin(np.radians(grid.lon)) * np.ones((1, len(grid.lat), 1))
    climatology = ContinuedClimatology(surface, np.ones(surface.shape, bool), field)
    east = 12.0 * np.cos(np.radians(grid.lat))[:, None]
    np.testing.assert_allclose(moved(climatology, east=east, down=30.0), np.roll(field, -1, axis=2), atol=1e-6)


def test_eastward_is_in_degrees_of_arc_and_goes_round_the_seam(ocean, grid):
    """One grid step of 12 degrees of longitude is 12 cos φ degrees of arc; half a step is read between."""
    climatology = ocean(lambda z, y, x: np.sin(np.radians(x)) + np.cos(np.radians(2 * x)))
    cosine = np.cos(np.radians(grid.lat))[:, None]
    step = moved(climatology, east=12.0 * cosine)
    np.testing.assert_allclose(step, np.roll(climatology.filled, -1, axis=2), atol=1e-4)
    longitude = grid.lon - 6.0
    expected = np.sin(np.radians(longitude)) + np.cos(np.radians(2 * longitude))
    between = moved(climatology, east=-6.0 * cosine)
    np.testing.assert_allclose(between, np.broadcast_to(expected, between.shape), atol=2e-3)


def test_nothing_is_read_beyond_the_grid(ocean):
    climatology = ocean(lambda z, y, x: 20 - 0.05 * z + 0.2 * y)
    north, up = moved(climatology, north=100.0), moved(climatology, down=-1000.0)
    np.testing.assert_allclose(north, climatology.filled[:, -1:] + 0 * north, atol=1e-4)
    np.testing.assert_allclose(up, climatology.filled[:1] + 0 * up, atol=1e-4)


def test_land_holds_the_nearest_ocean_of_its_level_and_the_ocean_is_untouched(small_prior):
    prior = small_prior()
    climatology = ContinuedClimatology.of(prior, MONTH)
    expected = prior.to_field(prior.climatology(MONTH))
    np.testing.assert_array_equal(climatology.filled[prior.wet], expected[prior.wet])
    for level, field, filled in zip(prior.wet, expected, climatology.filled, strict=True):
        wet = np.argwhere(level)
        for place in np.argwhere(~level):
            step = np.abs(wet - place)
            step[:, 1] = np.minimum(step[:, 1], level.shape[1] - step[:, 1])  # the nearest may lie over the seam
            distance = np.sum(step**2, axis=1)
            nearest = wet[distance == distance.min()]
            assert filled[tuple(place)] in field[tuple(nearest.T)]


def test_an_ocean_that_is_everywhere_alike_has_no_anomalies(fronted):
    prior = fronted(lambda z, y, x: 0 * z + 15.0)
    anomalies = displaced_anomalies(prior, MONTH, np.random.default_rng(0), 2)
    np.testing.assert_allclose(anomalies, 0.0, atol=1e-5)


def test_water_that_does_not_move_has_no_anomalies(fronted):
    prior = fronted(lambda z, y, x: np.sin(y) - z / 30)
    still = Scales(sideways=0.0, heave=0.0)
    np.testing.assert_array_equal(displaced_anomalies(prior, MONTH, np.random.default_rng(0), 2, still), 0.0)


def test_sideways_anomalies_have_the_slope_times_half_a_degree_for_a_standard_deviation(fronted):
    prior = fronted(lambda z, y, x: 0.3 * y)
    anomalies = displaced_anomalies(prior, MONTH, np.random.default_rng(0), 300)
    _, y, x = np.nonzero(prior.wet)
    far_from_land = (y == 5) & (x > 12)
    assert anomalies[:, far_from_land].std() == pytest.approx(0.3 * 0.5, rel=0.1)


def test_water_heaves_by_eight_hundredths_of_its_depth_and_at_most_eight_metres(fronted):
    """For a standard deviation; at the last level, below which nothing is read, only what comes from above is seen."""
    prior = fronted(lambda z, y, x: -0.02 * z)
    anomalies = displaced_anomalies(prior, MONTH, np.random.default_rng(1), 400)
    z, _, _ = np.nonzero(prior.wet)
    rms = [np.sqrt(np.mean(anomalies[:, z == level].astype(float) ** 2)) for level in range(3)]
    assert rms == pytest.approx([0.0, 0.02 * 0.08 * 30, 0.02 * 8 / np.sqrt(2)], rel=0.1, abs=1e-6)


def test_beside_a_front_anomalies_are_as_skewed_as_the_front_is_bent(fronted):
    """f(φ + v) − f(φ) of f = tanh, v normal with a standard deviation of 4°: moments by Gauss–Hermite quadrature."""
    prior = fronted(lambda z, y, x: np.tanh(y / 8))
    anomalies = displaced_anomalies(
        prior, MONTH, np.random.default_rng(0), 400, Scales(sideways=4.0, heave=0.0, sideways_length=4.0)
    )
    points, mass = np.polynomial.hermite_e.hermegauss(40)
    _, y, x = np.nonzero(prior.wet)
    for row in (4, 6):  # 4° south and 4° north of the front, far from the land
        latitude = prior.grid.lat[row]
        exact = np.tanh((latitude + 4.0 * points) / 8) - np.tanh(latitude / 8)
        mean = np.average(exact, weights=mass)
        skewness = np.average((exact - mean) ** 3, weights=mass) / np.average((exact - mean) ** 2, weights=mass) ** 1.5
        found = anomalies[:, (y == row) & (x > 11)].astype(np.float64)
        found = found.ravel() - found.mean()
        assert np.mean(found**3) / np.mean(found**2) ** 1.5 == pytest.approx(skewness, abs=0.15)
        assert abs(skewness) > 0.5


@pytest.mark.parametrize(("sideways", "heave"), [(0.8, 0.0), (0.0, 6.0), (0.6, 4.0)])
def test_the_displacement_that_residuals_were_made_with_is_seen_beside_other_variance(small_prior, sideways, heave):
    """The climatology bends so little that the first order is nearly all, and hardly slopes at the last level."""
    depth = np.array([0.0, 100, 200, 300, 1200])
    grid = Grid(depth=depth, lat=np.arange(-20.0, 21.0, 4.0), lon=np.arange(0.0, 360.0, 15.0))
    z, y, _ = (one.ravel() for one in np.meshgrid(grid.depth, grid.lat, grid.lon, indexing="ij"))
    coefficients = np.zeros((5, z.size))
    coefficients[0] = 20 * np.exp(-z / 300) * (1 + 0.2 * np.sin(np.radians(6 * y)))
    nothing, wet, std = np.empty((z.size, 0)), np.ones(grid.shape, bool), np.ones(z.size)
    prior = Prior(grid, wet, coefficients, std, nothing, nothing, (), small_prior().hyperparameters)
    rng = np.random.default_rng(2)
    anomalies = displaced_anomalies(prior, MONTH, rng, 200, Scales(sideways=sideways, heave=heave)).astype(np.float64)
    anomalies += np.interp(z, depth, [0.3, 0.1, 0.1, 0.05, 0.05]) * rng.normal(size=anomalies.shape)
    shown = replace(prior, patterns=anomalies.T / np.sqrt(200), months=(MONTH,) * 200)
    found = displacement_seen(shown)
    assert found == (pytest.approx(sideways, rel=0.1, abs=0.1), pytest.approx(heave, rel=0.1, abs=0.5))
