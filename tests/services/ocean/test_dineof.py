"""DINEOF in the small space of amplitudes is DINEOF on the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.dineof import FEWEST_CELLS, analyse, fill_gaps
from tellurion_ocean.observations import Observations


def filled_on_the_whole_matrix(training, observed, values, count):
    """Fill with zero, decompose, truncate, refill, until nothing changes."""
    column = np.zeros(len(training))
    column[observed] = values
    for _ in range(5000):
        u, s, v = np.linalg.svd(np.column_stack([training, column]), full_matrices=False)
        rebuilt = (u[:, :count] * s[:count]) @ v[:count, -1]
        change = np.abs(rebuilt[~observed] - column[~observed]).max()
        column[~observed] = rebuilt[~observed]
        if change < 1e-9:
            break
    return column


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_gaps_are_those_of_the_iterated_singular_value_decomposition(count):
    rng = np.random.default_rng(4)
    training = rng.normal(size=(60, 4)) * [5, 3, 2, 1]
    observed = rng.random(60) < 0.4
    values = training[observed] @ [0.5, -0.3, 0.8, 0.1] + 0.3 * rng.normal(size=observed.sum())
    amplitudes = fill_gaps(training[observed], values, training.T @ training, count)
    expected = filled_on_the_whole_matrix(training, observed, values, count)
    np.testing.assert_allclose((training @ amplitudes)[~observed], expected[~observed], atol=2e-3)


def test_a_month_made_of_eofs_is_found_from_half_of_it(small_prior):
    prior = small_prior()
    anomaly = prior.modes @ [1.0, -0.5, 0.7, 0.2]
    truth = prior.coefficients[0] + prior.std * anomaly
    cells = np.random.default_rng(0).choice(len(truth), len(truth) // 2, replace=False)
    z, y, x = (index[cells] for index in np.nonzero(prior.wet))
    observations = Observations.of(prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z], truth[cells])
    analysis = analyse(prior, observations, 4)
    np.testing.assert_allclose(analysis.mean[prior.wet], truth, atol=0.02 * np.abs(prior.std * anomaly).max())


def test_too_few_cells_are_refused(small_prior, observe):
    prior = small_prior()
    few, _ = observe(prior, 4, FEWEST_CELLS - 1)
    with pytest.raises(InvalidInput, match="dineof"):
        analyse(prior, few, 4)
