"""The observation operator: linear interpolation that goes round the globe and never reads land."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from tellurion_core.errors import InvalidInput
from tellurion_geo import Grid, point_operator

GLOBE = Grid([0, 10, 30, 100], np.arange(-85.0, 90, 10), np.arange(5.0, 360, 10))
REGION = Grid([0, 10, 30, 100], np.arange(-10.0, 11, 5), np.arange(20.0, 61, 5))
SEA = np.ones(GLOBE.shape, dtype=bool)


def observed(grid: Grid, wet: np.ndarray, field: np.ndarray, lat: list, lon: list, depth: list) -> tuple:
    h, usable = point_operator(grid, wet, np.array(lat, float), np.array(lon, float), np.array(depth, float))
    return h @ field.ravel(), usable


def test_a_field_linear_in_all_three_directions_is_exact() -> None:
    rng = np.random.default_rng(1)
    z, y, x = np.meshgrid(REGION.depth, REGION.lat, REGION.lon, indexing="ij")
    lat, lon, depth = rng.uniform(-10, 10, 200), rng.uniform(20, 60, 200), rng.uniform(0, 100, 200)
    values, usable = observed(REGION, np.ones(REGION.shape, bool), 2 + 0.1 * z - 3 * y + 0.5 * x, lat, lon, depth)
    assert usable.all()
    np.testing.assert_allclose(values, 2 + 0.1 * depth - 3 * lat + 0.5 * lon, rtol=1e-12)


def test_it_agrees_with_an_independent_interpolator() -> None:
    rng = np.random.default_rng(2)
    field = rng.normal(size=REGION.shape)
    lat, lon, depth = rng.uniform(-10, 10, 500), rng.uniform(20, 60, 500), rng.uniform(0, 100, 500)
    reference = RegularGridInterpolator((REGION.depth, REGION.lat, REGION.lon), field)
    values, _ = observed(REGION, np.ones(REGION.shape, bool), field, lat, lon, depth)
    np.testing.assert_allclose(values, reference(np.stack([depth, lat, lon], axis=1)), rtol=1e-10, atol=1e-12)


def test_at_a_grid_point_it_reads_that_cell_alone() -> None:
    h, _ = point_operator(GLOBE, SEA, np.array([5.0]), np.array([15.0]), np.array([30.0]))
    assert h.nnz == 1
    assert h.indices[0] == np.ravel_multi_index((2, 9, 1), GLOBE.shape)


@pytest.mark.parametrize("turn", [-360, 0, 360])
def test_between_the_last_meridian_and_the_first_it_goes_round(turn: int) -> None:
    field = np.zeros(GLOBE.shape)
    field[..., -1], field[..., 0] = 8.0, 4.0  # at 355°E and 5°E
    values, usable = observed(GLOBE, SEA, field, [0, 0, 0], np.array([357.5, 0, 2.5]) + turn, [0, 0, 0])
    assert usable.all()
    np.testing.assert_allclose(values, [7, 6, 5])


def test_a_region_across_greenwich_is_one_region() -> None:
    grid = Grid([0], [0, 1], [0, 1, 358, 359])
    field = np.broadcast_to([0.0, 1.0, -2.0, -1.0], grid.shape)
    values, usable = observed(grid, np.ones(grid.shape, bool), field, [0.5] * 4, [-0.25, 359.5, 0.75, 100], [0] * 4)
    np.testing.assert_array_equal(usable, [True, True, True, False])
    np.testing.assert_allclose(values, [-0.25, -0.5, 0.75, 0])


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 1))
def test_rows_sum_to_one_where_usable_and_land_is_never_read(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    wet = rng.random(GLOBE.shape) < share
    h, usable = point_operator(
        GLOBE, wet, rng.uniform(-90, 90, 50), rng.uniform(-180, 360, 50), rng.uniform(0, 120, 50)
    )
    np.testing.assert_allclose(h.sum(axis=1), usable.astype(float), atol=1e-12)
    assert wet.ravel()[h.indices].all()
    assert (h.data > 0).all()


def test_weights_are_renormalised_over_wet_corners() -> None:
    wet, field = SEA.copy(), np.full(GLOBE.shape, 7.0)
    wet[0, 9, 1] = False
    field[0, 9, 1] = -1e34
    values, usable = observed(GLOBE, wet, field, [4.0], [14.0], [0.0])
    assert usable.all()
    assert values[0] == pytest.approx(7)


def test_a_point_among_dry_cells_is_not_usable_and_its_row_is_zero() -> None:
    wet = SEA.copy()
    wet[:, 8:11, 0:3] = False
    h, usable = point_operator(GLOBE, wet, np.array([5.0, 50]), np.array([15.0, 15]), np.array([5.0, 5]))
    np.testing.assert_array_equal(usable, [False, True])
    assert h[[0]].nnz == 0


def test_what_the_grid_does_not_reach_is_not_usable() -> None:
    grid, wet = REGION, np.ones(REGION.shape, bool)
    lat = np.array([0, 0, 12, 13, 0, 0, np.nan])
    lon = np.array([40, 40, 40, 40, 62, 63, 40.0])
    depth = np.array([100, 100.1, 0, 0, 0, 0, 0])
    usable = point_operator(grid, wet, lat, lon, depth)[1]
    np.testing.assert_array_equal(usable, [True, False, True, False, True, False, False])


def test_above_the_first_level_the_first_level_counts() -> None:
    grid = Grid([5, 15], [0, 1], [0, 1])
    field = np.broadcast_to(np.array([3.0, 9.0])[:, None, None], grid.shape)
    values, usable = observed(grid, np.ones(grid.shape, bool), field, [0.0], [0.0], [0.0])
    assert usable.all()
    assert values[0] == pytest.approx(3)


def test_below_the_sea_floor_the_deepest_wet_level_counts() -> None:
    wet = SEA.copy()
    wet[2:] = False
    field = np.broadcast_to(GLOBE.depth[:, None, None], GLOBE.shape)
    values, usable = observed(GLOBE, wet, field, [0.0, 0.0], [0.0, 0.0], [20.0, 50.0])
    np.testing.assert_array_equal(usable, [True, False])
    assert values[0] == pytest.approx(10)


def test_disagreeing_shapes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="wet"):
        point_operator(GLOBE, SEA[:1], np.zeros(1), np.zeros(1), np.zeros(1))
    with pytest.raises(InvalidInput, match="latitude"):
        point_operator(GLOBE, SEA, np.zeros(2), np.zeros(1), np.zeros(1))
