"""Localised patterns beside the Matérn covariance: in the local analysis, and in the draws from the prior."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import Cancelled
from tellurion_ocean.departures import departures
from tellurion_ocean.local import LocalWeights, Patterns, interpolate_locally
from tellurion_ocean.samples import draw

VARIANCE = 0.6
MONTH = 8


class Case:
    """Scattered places with patterns, and the dense matrices of their local analysis."""

    def __init__(self, matern) -> None:
        rng = np.random.default_rng(0)
        self.targets, self.sources = rng.normal(size=(50, 4)), rng.normal(size=(40, 4))
        self.noise = rng.uniform(0.05, 0.2, 40)
        self.patterns = Patterns(0.4 * rng.normal(size=(50, 3)), 0.4 * rng.normal(size=(40, 3)), 2.5)
        wide = 1 / self.patterns.localisation
        of_targets, of_sources = self.patterns.targets, self.patterns.sources

        def hybrid(a, a_patterns, b, b_patterns):
            return VARIANCE * matern(a, b) + matern(a * wide, b * wide) * (a_patterns @ b_patterns.T)

        self.k = hybrid(self.targets, of_targets, self.sources, of_sources)
        self.matrix = hybrid(self.sources, of_sources, self.sources, of_sources) + np.diag(self.noise)
        self.before = VARIANCE + np.sum(of_targets**2, axis=1)

    def solve(self, neighbours: int, **options) -> LocalWeights:
        options = {"variance": VARIANCE, "patterns": self.patterns} | options
        return LocalWeights.solve(self.targets, self.sources, self.noise, neighbours=neighbours, **options)

    def interpolate(self, values, neighbours: int, **options):
        options = {"variance": VARIANCE, "patterns": self.patterns} | options
        return interpolate_locally(self.targets, self.sources, self.noise, values, neighbours=neighbours, **options)


@pytest.fixture(scope="module")
def case(matern) -> Case:
    return Case(matern)


def dense(found: LocalWeights, sources: int) -> np.ndarray:
    """[G, N] weights, zero for what is not near."""
    weights = np.zeros((len(found.nearest), sources))
    np.put_along_axis(weights, found.nearest.astype(np.int64), found.weights.astype(np.float64), axis=1)
    return weights


def test_from_all_observations_it_is_the_dense_analysis_of_the_hybrid_covariance(case):
    found = case.solve(neighbours=100)
    expected = np.linalg.solve(case.matrix, case.k.T).T
    np.testing.assert_allclose(dense(found, 40), expected, atol=1e-6)
    np.testing.assert_allclose(found.remaining, case.before - np.sum(expected * case.k, axis=1), atol=1e-12)


def test_from_a_few_it_is_the_dense_analysis_of_the_nearest(case):
    found = case.solve(neighbours=5)
    for g in range(50):
        near = np.argsort(np.linalg.norm(case.sources - case.targets[g], axis=1))[:5]
        np.testing.assert_array_equal(np.sort(found.nearest[g]), np.sort(near))
        weights = np.linalg.solve(case.matrix[np.ix_(near, near)], case.k[g, near])
        np.testing.assert_allclose(dense(found, 40)[g, near], weights, atol=1e-6)
        assert found.remaining[g] == pytest.approx(case.before[g] - weights @ case.k[g, near], abs=1e-12)


@pytest.mark.parametrize("neighbours", [1, 7, 40])
def test_kept_weights_interpolate_as_the_interpolation_does(case, neighbours):
    values = np.random.default_rng(1).normal(size=(40, 6))
    found = case.solve(neighbours)
    estimate, remaining = case.interpolate(values, neighbours)
    np.testing.assert_allclose(found @ values, estimate, atol=5e-6)
    np.testing.assert_array_equal(found.remaining, remaining)


def test_without_patterns_it_is_the_analysis_of_the_matern_covariance_alone(case, matern):
    values = np.random.default_rng(2).normal(size=(40, 2))
    matrix = VARIANCE * matern(case.sources, case.sources) + np.diag(case.noise)
    k = VARIANCE * matern(case.targets, case.sources)
    estimate, remaining = case.interpolate(values, 40, patterns=None)
    np.testing.assert_allclose(estimate, k @ np.linalg.solve(matrix, values), atol=1e-11)
    np.testing.assert_allclose(remaining, VARIANCE - np.sum(k * np.linalg.solve(matrix, k.T).T, axis=1), atol=1e-12)


def test_a_share_of_zero_is_no_patterns():
    assert Patterns.sharing(np.ones((2, 1)), np.ones((3, 1)), 0.0, 2.0) is None
    shared = Patterns.sharing(np.ones((2, 1)), np.ones((3, 1)), 0.25, 2.0)
    np.testing.assert_array_equal(shared.targets @ shared.sources.T, np.full((2, 3), 0.25))


def test_solving_tells_its_progress_and_stops_when_cancelled(case):
    told: list[float] = []
    case.solve(5, progress=told.append)
    assert told[-1] == 1.0
    with pytest.raises(Cancelled):
        case.solve(5, cancelled=lambda: True)


def test_draws_have_the_hybrid_covariance(small_prior, observe, matern):
    prior = small_prior(eof_variance=0.005)  # else the EOFs' part would hide the others
    seen = departures(prior, observe(prior, MONTH, 5)[0], MONTH)
    amplitude, residual, share, count = 2.0, 0.7, 0.8, 1200
    cells = np.arange(0, len(prior.std), 13)
    places, modes, patterns = prior.cell_positions[cells], prior.modes[cells], prior.patterns[cells]
    wide = places / prior.hyperparameters.localisation
    localised = matern(wide, wide) * (patterns @ patterns.T)
    expected = amplitude * (modes @ modes.T + residual * ((1 - share) * matern(places, places) + share * localised))
    # several seeds, for each has frequencies of its own
    drawn = [
        draw(
            prior, seen, range(count // 8), seed, amplitude=amplitude, residual_variance=residual, pattern_share=share
        ).at_cells[cells]
        for seed in range(8)
    ]
    found = np.cov(np.hstack(drawn))
    # an entry's variance over n draws is (cᵢⱼ² + cᵢᵢ cⱼⱼ) / n, and the waves' frequencies add a tenth of that
    variance = np.diag(expected)
    scatter = (expected**2 + np.outer(variance, variance)) / count
    assert np.mean((found - expected) ** 2) < 1.5 * np.mean(scatter)
    unmixed = amplitude * (modes @ modes.T + residual * matern(places, places))
    assert np.mean((unmixed - expected) ** 2) > 3 * np.mean(scatter)


def test_a_draw_does_not_depend_on_the_others(small_prior, observe):
    prior = small_prior()
    seen = departures(prior, observe(prior, MONTH, 30)[0], MONTH)
    options = {"amplitude": 1.0, "residual_variance": 0.7, "pattern_share": 0.3}
    many, alone = draw(prior, seen, [2, 5, 9], 4, **options), draw(prior, seen, [5], 4, **options)
    np.testing.assert_allclose(alone.at_cells[:, 0], many.at_cells[:, 1], atol=1e-5)
    np.testing.assert_allclose(alone.observed[:, 0], many.observed[:, 1], atol=1e-5)
    assert np.abs(many.at_cells[:, 0] - many.at_cells[:, 1]).max() > 1


def test_what_instruments_read_of_a_draw_is_the_draw_at_their_places_with_their_error(small_prior, observe):
    prior = small_prior(representativeness=0.04)
    observations, cells = observe(prior, MONTH, 200, uncertainty=0.0)
    seen = departures(prior, observations, MONTH)
    draws = draw(prior, seen, range(40), 4, amplitude=1.0, residual_variance=0.7, pattern_share=0.3)
    error = draws.observed - draws.at_cells[cells]
    assert np.mean(error**2) == pytest.approx(np.mean(seen.error_variance), rel=0.06)  # 8000 of them: 4 standard errors
