"""What a state would show where an instrument was: rows that interpolate, pick and average."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_geo import SigmaGrid, sigma_operator

GRID = SigmaGrid([0.1, 0.3, 0.5, 0.7, 0.9], np.arange(-80.0, 81, 20), np.arange(0.0, 360, 30))
U, V, T, PS = range(4)


def operator(kind: str = "interpolation", grid: SigmaGrid = GRID, **columns: Any) -> np.ndarray:
    """H as a dense array, of one observation unless columns say otherwise."""
    bounds = columns.pop("sigma_bounds", None)
    count = max((len(np.atleast_1d(column)) for column in columns.values()), default=1)
    usual = {"latitude": 0.0, "longitude": 0.0, "variable": U, "sigma": 0.5}
    arrays = {name: np.broadcast_to(np.atleast_1d(columns.get(name, value)), count) for name, value in usual.items()}
    bounds = None if bounds is None else np.asarray(bounds, float).reshape(-1, 2)
    h = sigma_operator(
        grid,
        kind,
        latitude=arrays["latitude"].astype(float),
        longitude=arrays["longitude"].astype(float),
        variable=arrays["variable"].astype(np.uint8),
        sigma=arrays["sigma"].astype(float),
        sigma_bounds=bounds,
    )
    return h.toarray().reshape(count, *grid.shape)


def linear(grid: SigmaGrid = GRID) -> np.ndarray:
    """[C, Y, X] a state that is linear in latitude and σ: channel 10 v + 3 lat / 20 + 5 σ."""
    state = np.zeros(grid.shape)
    for number in range(3):
        rows = slice(number * grid.sigma.size, (number + 1) * grid.sigma.size)
        state[rows] = 10 * number + 5 * grid.sigma[:, None, None] + 3 * grid.lat[:, None] / 20
    state[-1] = 1000 + grid.lat[:, None]
    return state


def test_interpolation_is_exact_for_what_is_linear() -> None:
    rng = np.random.default_rng(2)
    lat, lon, sigma = rng.uniform(-80, 80, 50), rng.uniform(-180, 540, 50), rng.uniform(0.1, 0.9, 50)
    variable = rng.integers(0, 3, 50)
    seen = np.einsum("pcyx,cyx->p", operator(latitude=lat, longitude=lon, variable=variable, sigma=sigma), linear())
    np.testing.assert_allclose(seen, 10 * variable + 5 * sigma + 3 * lat / 20, rtol=1e-12)


def test_surface_pressure_is_read_from_the_last_channel_whatever_its_sigma() -> None:
    h = operator(variable=PS, latitude=[10.0], sigma=np.nan)
    assert np.einsum("pcyx,cyx->p", h, linear()) == pytest.approx(1010)
    assert not h[0, :-1].any()


@pytest.mark.parametrize("kind", ["point", "interpolation"])
def test_an_observation_in_a_cells_centre_reads_that_cell_alone(kind: str) -> None:
    h = operator(kind, latitude=-40.0, longitude=330.0, sigma=0.7, variable=[V])
    expected = np.zeros(GRID.shape)
    expected[5 + 3, 2, 11] = 1
    np.testing.assert_allclose(h[0], expected, atol=1e-12)


def test_a_point_is_the_nearest_cell_round_the_globe() -> None:
    h = operator("point", latitude=[9.0], longitude=-14.0, sigma=0.39)
    assert np.argwhere(h[0]).tolist() == [[1, 4, 0]]
    h = operator("point", latitude=[11.0], longitude=-16.0, sigma=0.41)
    assert np.argwhere(h[0]).tolist() == [[2, 5, 11]]


def test_a_layer_is_averaged_by_mass() -> None:
    h = operator("layer_mean", variable=[T], sigma_bounds=[0.15, 0.6])
    np.testing.assert_allclose(h[0, 10:15, 4, 0], np.array([0.05, 0.2, 0.2, 0, 0]) / 0.45, atol=1e-12)
    upside_down = operator("layer_mean", variable=[T], sigma_bounds=[0.6, 0.15])
    np.testing.assert_array_equal(upside_down, h)
    ground = operator("layer_mean", variable=[PS], sigma_bounds=[1.0, 1.0])
    assert ground[0, -1, 4, 0] == ground.sum() == 1


def test_beyond_the_outermost_centres_the_outermost_counts() -> None:
    top, ground = operator(sigma=[0.01]), operator(sigma=[1.0])
    assert (top[0, 0, 4, 0], ground[0, 4, 4, 0]) == (1, 1)
    poles = operator(latitude=[-90.0, 90.0])
    assert (poles[0, 2, 0, 0], poles[1, 2, -1, 0]) == (1, 1)


@pytest.mark.parametrize("kind", ["point", "interpolation"])
def test_every_row_sums_to_one(kind: str) -> None:
    rng = np.random.default_rng(3)
    places = {"latitude": rng.uniform(-90, 90, 200), "longitude": rng.uniform(0, 360, 200)}
    h = operator(kind, **places, variable=rng.integers(0, 4, 200), sigma=rng.uniform(0.01, 1, 200))
    np.testing.assert_allclose(h.sum(axis=(1, 2, 3)), 1, rtol=1e-12)


@pytest.mark.parametrize("kind", ["point", "interpolation", "layer_mean"])
def test_there_may_be_no_observation(kind: str) -> None:
    bounds = {"sigma_bounds": np.zeros((0, 2))} if kind == "layer_mean" else {}
    empty = {"latitude": [], "longitude": [], "variable": [], "sigma": []}
    arrays = {name: np.array(values, np.uint8 if name == "variable" else float) for name, values in empty.items()}
    assert sigma_operator(GRID, kind, **arrays, **bounds).shape == (0, np.prod(GRID.shape))


def many(count: int, levels: int) -> tuple[SigmaGrid, dict[str, np.ndarray]]:
    """A grid of four cells on so many levels, and so many observations."""
    rng = np.random.default_rng(4)
    places = {"latitude": rng.uniform(-45, 45, count), "longitude": rng.uniform(0, 360, count)}
    kinds = {"variable": rng.integers(0, 4, count).astype(np.uint8), "sigma": rng.uniform(0.1, 0.9, count)}
    grid = SigmaGrid((np.arange(levels) + 0.5) / levels, [-45.0, 45.0], [0.0, 180.0])
    return grid, places | kinds


@pytest.mark.parametrize("kind", ["point", "interpolation", "layer_mean"])
def test_memory_does_not_grow_with_the_levels(kind: str) -> None:
    peaks = []
    for levels in (10, 1000):
        grid, columns = many(5000, levels)
        width = 0.8 / levels  # of layers, so that they hold as many levels
        bounds = {"sigma_bounds": columns["sigma"][:, None] + [0, width]} if kind == "layer_mean" else {}
        tracemalloc.start()
        sigma_operator(grid, kind, **columns, **bounds)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_more_layers_than_memory_allows_are_refused() -> None:
    grid, columns = many(16_000, 1000)
    whole = np.tile([0.0, 1.0], (16_000, 1))
    with pytest.raises(InvalidInput, match=r"observations\.sigma_bounds: received layers with 16000000 levels in all"):
        sigma_operator(grid, "layer_mean", **columns | {"variable": np.full(16_000, 2, np.uint8)}, sigma_bounds=whole)


REGION = SigmaGrid([0.5], np.arange(30.0, 61, 10), np.arange(0.0, 41, 10))


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"kind": "nearest"}, "operator"),
        ({"latitude": [0.0, 91.0]}, "observations.latitude[1]"),
        ({"latitude": [np.nan]}, "observations.latitude[0]"),
        ({"sigma": [0.5, 0.0]}, "observations.sigma[1]"),
        ({"sigma": [1.1]}, "observations.sigma[0]"),
        ({"sigma": [np.nan]}, "observations.sigma[0]"),
        ({"variable": [0, 4]}, "observations.variable[1]"),
        ({"kind": "layer_mean"}, "observations.sigma_bounds"),
        ({"kind": "layer_mean", "sigma_bounds": [0.5, 0.5]}, "observations.sigma_bounds[0]"),
        ({"kind": "layer_mean", "sigma_bounds": [0.5, 1.5]}, "observations.sigma_bounds[0]"),
        ({"grid": REGION, "latitude": [45.0, 20.0]}, "observations.latitude[1]"),
        ({"grid": REGION, "latitude": [45.0], "longitude": [50.0]}, "observations.latitude[0]"),
    ],
)
def test_what_cannot_be_observed_is_named(columns: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        operator(**columns)
    assert refused.value.violations[0].field == field
