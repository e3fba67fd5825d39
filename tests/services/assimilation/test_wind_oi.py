"""Correlations of isotropic winds, and optimal interpolation with them."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_assimilation.localization import EARTH_RADIUS
from tellurion_assimilation.systems.winds import ERROR, Stations
from tellurion_assimilation.wind_oi import Positions, WindCorrelation, WindOI

from .small_winds import LATITUDE, LONGITUDE, winds

LENGTH = 900.0


def places(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(0, 360, count)


def matern(a, b):
    """Covariance of ψ between unit vectors: Matérn's, ν = 5/2."""
    x = np.linalg.norm(a - b, axis=-1) * EARTH_RADIUS / LENGTH
    return (1 + x + x**2 / 3) * np.exp(-x)


@pytest.mark.parametrize("divergent", [0.0, 0.3, 1.0])
def test_it_is_a_correlation(divergent):
    at = Positions.of(*places(40))
    found = WindCorrelation(LENGTH, divergent).between(at, at).reshape(80, 80)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    np.testing.assert_allclose(np.diag(found), 1.0)
    assert np.linalg.eigvalsh(found)[0] > -1e-10


@pytest.mark.parametrize("divergent", [0.0, 1.0])
def test_winds_are_those_of_a_streamfunction_or_a_potential(divergent):
    """Against finite differences of its covariance along the axes at both places."""
    (lat_a, lon_a), (lat_b, lon_b) = places(5, 1), places(5, 2)
    at, to, h = Positions.of(lat_a, lon_a), Positions.of(lat_b, lon_b), 1e-3

    def moved(up, axis, way):
        there = up + way * h * axis
        return there / np.linalg.norm(there, axis=-1, keepdims=True)

    def growth(g, k):
        pairs = [(i, j) for i in (1, -1) for j in (1, -1)]
        total = sum(i * j * matern(moved(at.up, g, i)[:, None], moved(to.up, k, j)[None]) for i, j in pairs)
        return total / (4 * h**2) * 3 * (LENGTH / EARTH_RADIUS) ** 2  # of unit variance: −∇² of Matérn's is 1/(3 ℓ²)

    found = WindCorrelation(LENGTH, divergent).between(at, to)
    u, v = ((1, "east"), (1, "north")) if divergent else ((-1, "north"), (1, "east"))
    for i, (sign_i, axis_i) in enumerate((u, v)):
        for j, (sign_j, axis_j) in enumerate((u, v)):
            expected = sign_i * sign_j * growth(getattr(at, axis_i), getattr(to, axis_j))
            np.testing.assert_allclose(found[i, :, j], expected, atol=1e-4)


def test_along_and_across_it_is_as_in_the_plane():
    """On the equator: f(r) along the wind, f + r f′ across it (von Kármán and Howarth 1938), for rotational winds."""
    here, east = Positions.of(np.zeros(1), np.zeros(1)), Positions.of(np.zeros(1), np.array([5.0]))
    found = WindCorrelation(LENGTH, 0.0).between(here, east)[:, 0, :, 0]
    x = np.radians(5.0) * EARTH_RADIUS / LENGTH
    assert found[0, 0] == pytest.approx((1 + x) * np.exp(-x), rel=1e-3)
    assert found[1, 1] == pytest.approx((1 + x - x**2) * np.exp(-x), rel=1e-2)
    assert found[0, 1] == pytest.approx(0, abs=1e-12)


def test_analyses_are_those_of_the_formula():
    rng = np.random.default_rng(3)
    scale = rng.uniform(1, 3, (2, 13, 16))
    stations = Stations.drawn(winds(1), 0.05, rng)
    correlation = WindCorrelation(2000.0, 0.2)
    backgrounds = rng.standard_normal((3, 2, 13, 16))
    values = rng.standard_normal((3, 2, len(stations.rows)))
    found = WindOI(correlation, LATITUDE, LONGITUDE, scale).analyses(backgrounds, stations, values)

    grid = Positions.of(LATITUDE.repeat(16), np.tile(LONGITUDE, 13))
    b = correlation.between(grid, grid).reshape(416, 416) * np.outer(scale, scale)
    h = stations.observations(values[0], np.ones_like(scale)).operator.toarray()
    flat, y = backgrounds.reshape(3, -1), values.reshape(3, -1)
    gain = b @ h.T @ np.linalg.inv(h @ b @ h.T + ERROR**2 * np.eye(len(h)))
    np.testing.assert_allclose(found.reshape(3, -1), flat + (y - flat @ h.T) @ gain.T, atol=1e-8)
