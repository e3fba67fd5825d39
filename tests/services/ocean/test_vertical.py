"""Water columns come to other levels."""

from __future__ import annotations

import numpy as np

from tellurion_ocean.training.vertical import Columns


def test_columns_are_linear_between_levels_and_end_where_they_end() -> None:
    source, target = np.array([5.0, 15, 35]), np.array([0.0, 5, 10, 20, 35.0000001, 36])
    columns = Columns.between(source, target)
    assert columns.span == slice(0, 3)
    np.testing.assert_allclose(columns(2 * source), [10, 10, 20, 40, 70, np.nan])
    np.testing.assert_allclose(columns(np.array([10.0, 30, np.nan])), [10, 10, 20, np.nan, np.nan, np.nan])
    deep = Columns.between(source, np.array([20.0, 30]))
    assert deep.span == slice(1, 3)
    np.testing.assert_allclose(deep(2 * source[deep.span]), [40, 60])
    assert Columns.between(source, np.array([100.0])).span == slice(0, 0)
