"""The generated ensemble: reproducible sample by sample, Gaussian where it says so, and heavy-tailed beyond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tellurion_ocean.training import generated
from tellurion_ocean.training.generated import GeneratedEnsemble, displaced_truth


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    """Blocks of few draws, which last for few samples."""
    sizes = {"GAUSSIAN": 6, "DISPLACED": 1, "STRETCHES": 2, "BLOCKS": 3, "SAMPLES_PER_BLOCK": 4}
    for name, size in sizes.items():
        monkeypatch.setattr(generated, name, size)


@pytest.fixture(scope="module")
def wide_blocks() -> Iterator[None]:
    """Blocks of so many draws that their statistics are those of the distribution."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in {"GAUSSIAN": 300, "DISPLACED": 2, "STRETCHES": 100}.items():
            patch.setattr(generated, name, size)
        yield


@pytest.fixture(scope="module")
def fronted(small_prior):
    """The prior of the small ocean with a sharp front at 4° north that anomalies of about std are displaced from."""
    prior = small_prior()
    _, y, _ = np.nonzero(prior.wet)
    coefficients = np.zeros_like(prior.coefficients)
    coefficients[0] = np.tanh((prior.grid.lat[y] - 4.0) / 3.0)
    return replace(prior, coefficients=coefficients, std=np.full(len(prior.std), 0.05))


@pytest.fixture(scope="module")
def gaussian(wide_blocks, small_prior):
    """The prior, and clean states and noise [800, P] without a displaced part."""
    prior = small_prior(eof_variance=0.01)
    ensemble = GeneratedEnsemble(prior, 5, most_displaced=0.0)
    samples = [ensemble.sample(index) for index in range(800)]
    return prior, *(np.stack([getattr(s, name) for s in samples]).astype(np.float64) for name in ("clean", "noise"))


def same(a, b) -> bool:
    return a.month == b.month and np.array_equal(a.clean, b.clean) and np.array_equal(a.noise, b.noise)


def test_a_sample_is_a_function_of_the_seed_and_its_number_alone(small_blocks, small_prior):
    prior = small_prior()
    ahead = GeneratedEnsemble(prior, 3)
    expected = {index: ahead.sample(index) for index in range(30)}  # eight blocks, of which three are kept
    back = GeneratedEnsemble(prior, 3)
    for index in (29, 2, 17, 2, 0, 28, 11):
        assert same(back.sample(index), expected[index]), index
        assert same(ahead.sample(index), expected[index]), index
    assert same(GeneratedEnsemble(prior, 3).sample(23), expected[23])


def test_samples_and_seeds_differ(small_blocks, small_prior):
    prior = small_prior()
    first, second = (GeneratedEnsemble(prior, 3).sample(index) for index in (0, 1))
    other = GeneratedEnsemble(prior, 4).sample(0)
    for a, b in ((first, second), (first, other)):
        assert np.corrcoef(a.noise, b.noise)[0, 1] < 0.9
        assert np.corrcoef(a.clean, b.clean)[0, 1] < 0.9
    assert np.abs(first.clean - first.noise).max() > 0.5


def test_no_more_blocks_are_kept_than_a_sample_needs(small_blocks, small_prior):
    ensemble = GeneratedEnsemble(small_prior(), 3)
    for index in (0, 100, 50, 3):
        ensemble.sample(index)
        assert len(ensemble._blocks) == generated.BLOCKS


def test_every_month_occurs_and_one_member_in_four_has_no_displaced_part(small_blocks, fronted, monkeypatch):
    monkeypatch.setattr(generated, "SAMPLES_PER_BLOCK", 240)
    ensemble, plain = (GeneratedEnsemble(fronted, 0, most_displaced=share) for share in (0.9, 0.0))
    months, undisplaced = [], 0
    for index in range(240):
        sample = ensemble.sample(index)
        months.append(sample.month)
        undisplaced += np.array_equal(sample.clean, plain.sample(index).clean)
    counts = np.bincount(months, minlength=13)[1:]
    assert counts.min() >= 5  # of 20 expected
    assert undisplaced == pytest.approx(60, abs=4 * np.sqrt(240 * 0.25 * 0.75))


def test_clean_states_and_noise_vary_as_the_anchor_does(gaussian):
    prior, clean, noise = gaussian
    hyper = prior.hyperparameters
    patterns = hyper.pattern_share * np.sum(prior.patterns**2, axis=1)
    variance = np.sum(prior.modes**2, axis=1) + hyper.residual_variance * (1 - hyper.pattern_share + patterns)
    for states in (clean, noise):
        assert np.mean(np.mean(states**2, axis=0) / variance) == pytest.approx(1.0, abs=0.08)


def test_noise_has_the_anchors_covariance(gaussian, matern):
    prior, _, noise = gaussian
    hyper = prior.hyperparameters
    cells = np.arange(0, len(prior.std), 13)
    places, modes, patterns = prior.cell_positions[cells], prior.modes[cells], prior.patterns[cells]
    wide = places / hyper.localisation
    localised = matern(wide, wide) * (patterns @ patterns.T)
    residual = (1 - hyper.pattern_share) * matern(places, places) + hyper.pattern_share * localised
    expected = modes @ modes.T + hyper.residual_variance * residual
    variance = np.diag(expected)
    # 800 samples are put together from some 1200 draws, and each block has frequencies of its own
    scatter = (expected**2 + np.outer(variance, variance)) * (1 / 800 + 1 / 1200)
    found = noise[:, cells].T @ noise[:, cells] / len(noise)
    assert np.mean((found - expected) ** 2) < 1.5 * np.mean(scatter)
    assert np.mean((np.diag(variance) - expected) ** 2) > 5 * np.mean(scatter)


def kurtosis(states) -> float:
    """Of each cell's values, pooled over cells after they are brought to unit variance; 3 for a normal distribution."""
    return float(np.mean((states / np.sqrt(np.mean(states**2, axis=0))) ** 4))


def test_stretching_makes_tails_heavier_by_the_factor_of_a_log_normal(gaussian):
    """E[f⁴] / E[f²]² = exp(4 s²) for a log-normal f with s = STRETCH_SPREAD."""
    _, clean, noise = gaussian
    assert kurtosis(noise) == pytest.approx(3.0, abs=0.2)
    assert kurtosis(clean) == pytest.approx(3.0 * np.exp(4 * generated.STRETCH_SPREAD**2), rel=0.12)


def test_displaced_fronts_are_skewed_and_heavy_tailed_beyond_the_gaussian_part(wide_blocks, fronted):
    ensemble = GeneratedEnsemble(fronted, 5)
    block = ensemble._blocks_of(0)[0]
    displaced = block.displaced.astype(np.float64)
    row = np.nonzero(fronted.wet)[1]
    north, south = (displaced[:, row == at] for at in (7, 5))
    assert np.mean(north**3) < 0 < np.mean(south**3)  # the front is as warm as it gets in the north
    clean, noise = (
        np.stack([getattr(ensemble.sample(index), name) for index in range(200)]) for name in ("clean", "noise")
    )
    pooled = [np.mean(states**4) / np.mean(states**2) ** 2 for states in (clean.astype(float), noise.astype(float))]
    assert pooled[0] > pooled[1] + 1.0


def test_a_truth_to_be_found_has_the_share_it_is_given(fronted):
    still, moved = (displaced_truth(fronted, 6, 10**7, share) for share in (0.0, 1.0))
    between = displaced_truth(fronted, 6, 10**7, 0.64)
    np.testing.assert_allclose(between, 0.6 * still + 0.8 * moved, atol=1e-5)
    _, y, _ = np.nonzero(fronted.wet)
    assert np.abs(moved[y == 6]).mean() > 3 * np.abs(moved[y == 0]).mean()
    assert not np.array_equal(still, displaced_truth(fronted, 6, 10**7 + 1, 0.0))
