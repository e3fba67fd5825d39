"""Observations say what they see, and refuse what cannot be observed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tellurion_assimilation.observations import Observations
from tellurion_core.errors import InvalidInput


def of(h, **changed):
    p = len(h)
    columns = {"values": np.zeros(p), "errors": np.ones(p), "operator": sparse.csr_array(h), "positions": None}
    return Observations(**columns | changed)


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(1, 6), st.lists(st.integers(1, 3), max_size=3), st.integers(0, 2**32 - 1))
def test_they_see_the_operator_times_the_state(p, n, batch, seed):
    rng = np.random.default_rng(seed)
    h, states = rng.standard_normal((p, n)), rng.standard_normal((*batch, n))
    seen = of(h).of(states)
    assert seen.shape == (*batch, p)
    np.testing.assert_allclose(seen, np.einsum("pn,...n->...p", h, states), rtol=1e-12, atol=1e-12)


def test_other_readings_of_the_same_instruments_keep_all_but_the_values():
    first = of(np.eye(3), errors=np.array([1.0, 2.0, 3.0]), positions=np.array([[0.0], [1.0], [2.0]]))
    other = first.reading(np.array([4.0, 5.0, 6.0]))
    assert other.values.tolist() == [4, 5, 6]
    assert first.values.tolist() == [0, 0, 0]
    assert other.errors is first.errors
    assert other.positions is first.positions


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"values": np.array([0.0, np.nan])}, "observations.values[1]"),
        ({"values": np.zeros(3)}, "observations.values"),
        ({"errors": np.array([1.0, 0.0])}, "observations.errors[1]"),
        ({"errors": np.array([-1.0, 1.0])}, "observations.errors[0]"),
        ({"errors": np.array([1.0, np.inf])}, "observations.errors[1]"),
        ({"errors": np.ones((2, 1))}, "observations.errors"),
        ({"positions": np.zeros(2)}, "observations.positions"),
        ({"positions": np.zeros((3, 1))}, "observations.positions"),
        ({"positions": np.array([[0.0], [np.nan]])}, "observations.positions[1, 0]"),
        ({"operator": sparse.csr_array(np.array([[1.0, 0.0], [np.inf, 1.0]]))}, "observations.operator[1]"),
    ],
)
def test_what_cannot_be_observed_is_refused_by_name(changed, field):
    with pytest.raises(InvalidInput) as error:
        of(np.eye(2), **changed)
    assert error.value.violations[0].field == field


def test_a_state_of_another_length_is_refused():
    with pytest.raises(InvalidInput, match=r"state: received shape \(3,\)"):
        of(np.eye(2)).of(np.zeros(3))


def test_a_reading_that_is_not_finite_is_refused():
    with pytest.raises(InvalidInput, match=r"observations.values\[0\]"):
        of(np.eye(2)).reading(np.array([np.inf, 0.0]))
