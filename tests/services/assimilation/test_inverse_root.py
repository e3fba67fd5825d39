import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tellurion_assimilation.methods.inverse_root import quadrature, times_inverse_root


def by_eigenvectors(g: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    values, basis = np.linalg.eigh(np.eye(len(g)) + g)
    return (vectors @ basis / np.sqrt(values)) @ basis.T


def by_resolvents(g: NDArray[np.float64], vectors: NDArray[np.float64], octaves: int) -> NDArray[np.float64]:
    n, (shifts, weights) = len(g), quadrature(octaves)
    result = vectors.copy()
    times_inverse_root(g.copy(), result, shifts, weights, np.empty((3, n)), np.empty((2, n, shifts.size)))
    return result


@pytest.mark.parametrize("octaves", [0, 1, 5, 10, 20, 30, 40, 44])
def test_the_quadrature_is_the_inverse_root_over_all_its_octaves(octaves):
    shifts, weights = quadrature(octaves)
    x = np.geomspace(1, 2.0**octaves, 1001)
    np.testing.assert_allclose((weights / (shifts + x[:, None])).sum(axis=1) * np.sqrt(x), 1, rtol=0, atol=2e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 45), st.integers(0, 60), st.integers(1, 5))
def test_it_is_that_of_the_eigen_decomposition(seed, n, rank, count):
    rng = np.random.default_rng(seed)
    y, vectors = rng.standard_normal((rank, n)), rng.standard_normal((count, n))
    found = by_resolvents(y.T @ y, vectors, octaves=10)
    np.testing.assert_allclose(found, by_eigenvectors(y.T @ y, vectors), rtol=0, atol=1e-11)


@pytest.mark.parametrize("strength", [1e-200, 1e-9, 1.0, 1e3])
def test_it_is_that_of_a_diagonal_whose_reflections_have_nothing_to_do(strength):
    diagonal = strength * np.arange(6.0)
    found = by_resolvents(np.diag(diagonal), np.eye(6), octaves=13)
    np.testing.assert_allclose(found, np.diag((1 + diagonal) ** -0.5), rtol=0, atol=1e-12)


def test_a_direction_seen_a_million_million_times_better_than_another_leaves_that_one_as_it_is():
    sharp = np.array([3.0, 4.0, 0.0]) / 5
    found = by_resolvents(1e12 * np.outer(sharp, sharp), np.array([[0.0, 0.0, 1.0], sharp]), octaves=41)
    np.testing.assert_allclose(found, [[0, 0, 1], sharp * 1e-6], rtol=0, atol=1e-9)
