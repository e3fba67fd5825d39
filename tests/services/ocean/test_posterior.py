"""The sampled posterior: exact where the prior is Gaussian, and otherwise what its network makes of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_diffusion import weights
from tellurion_geo import Grid
from tellurion_ocean import hybrid, posterior
from tellurion_ocean.anchor import Anchor
from tellurion_ocean.cancellation import never
from tellurion_ocean.departures import departures
from tellurion_ocean.network import Network, spec_of
from tellurion_ocean.observations import Observations
from tellurion_ocean.posterior import LARGEST, SMALLEST, STEP_LIMIT, STEPS, Sampler
from tellurion_ocean.prior import smoothed

MONTH = 4
COUNT = 70


@pytest.fixture(scope="module")
def case(small_prior, observe):
    prior = small_prior()
    return prior, observe(prior, MONTH, COUNT)[0]


@pytest.fixture
def analyse(case, small_network):
    """The posterior of the case, in a few steps."""

    def run(network=small_network, steps=3, **options):
        return posterior.analyse(*case, MONTH, network=network, steps=steps, **options)

    return run


def anchor_of(prior, observations):
    return Anchor.of(prior, observations, MONTH, pattern_share=prior.hyperparameters.pattern_share)


def sampler_of(case, network, steps, seed=0):
    prior, observations = case
    anchor = anchor_of(prior, observations)
    correction = network if callable(network) else network.correction(prior, MONTH, anchor.unit)
    return Sampler(anchor, correction, steps, seed, never), anchor


def levels(steps: int) -> list[float]:
    """σ, evenly spaced in σ^(1/7): Karras et al. (2022), eq. 5."""
    ends = LARGEST ** (1 / 7), SMALLEST ** (1 / 7)
    return [(ends[0] + i / max(steps - 1, 1) * (ends[1] - ends[0])) ** 7 for i in range(steps)]


@pytest.mark.parametrize("steps", [1, 3, 12])
def test_without_a_correction_members_are_draws_of_the_anchor_whatever_the_steps(case, zero_network, steps):
    """All the noise that a member has met adds up to one draw of the prior, which Matheron's rule conditions."""
    sampler, anchor = sampler_of(case, zero_network, steps)
    members, mirrored, twins = sampler.run(range(2, 4), lambda fraction: None)
    np.testing.assert_array_equal(members, twins)
    np.testing.assert_allclose((members + mirrored) / 2, np.stack([anchor.mean] * 2), atol=2e-5)
    for row, member in zip(members, (2, 3), strict=True):
        numbers = [2 * STEP_LIMIT * member + k for k in range(2 * steps)]
        drawn = anchor.draw(numbers, 0)
        eta = np.concatenate([drawn.at_cells, drawn.observed]).T
        state = eta[0]
        for level, (sigma, after) in enumerate(itertools.pairwise([*levels(steps), 0.0])):
            total = state / np.hypot(1, sigma) + sigma / np.hypot(1, sigma) * eta[2 * level + 1]
            if level + 1 < steps:
                state = (total + after * eta[2 * level + 2]) / np.hypot(1, after)
        field, read = total[: len(row)], total[len(row) :]
        expected = field + anchor.increment((anchor.seen.values - read)[:, None])[:, 0]
        np.testing.assert_allclose(row, expected, atol=2e-5)


def test_with_a_gaussian_prior_mean_variance_and_members_are_those_of_exact_optimal_interpolation(
    small_prior, observe, matern, zero_network, monkeypatch
):
    prior = small_prior(neighbours=COUNT, eof_count=0)
    observations, cells = observe(prior, MONTH, COUNT)
    a, hyper = anchor_of(prior, observations).amplitude, prior.hyperparameters
    places, share = prior.cell_positions, hyper.pattern_share
    localised = matern(places / hyper.localisation, places / hyper.localisation) * (prior.patterns @ prior.patterns.T)
    covariance = a * hyper.residual_variance * ((1 - share) * matern(places, places) + share * localised)
    covariance *= np.outer(prior.std, prior.std)
    r = observations.uncertainty**2 + hyper.representativeness * prior.std[cells] ** 2
    gain = covariance[:, cells] @ np.linalg.inv(covariance[np.ix_(cells, cells)] + np.diag(r))
    climatology = prior.climatology(MONTH)
    mean = climatology + gain @ (observations.temperature - climatology[cells])
    variance = np.diag(covariance - gain @ covariance[cells])

    count = 600
    monkeypatch.setattr(posterior, "BATCH", 200)
    analysis = posterior.analyse(prior, observations, MONTH, network=zero_network, steps=2, members=count)
    np.testing.assert_allclose(analysis.mean[prior.wet], mean, atol=1e-5)
    np.testing.assert_allclose(analysis.std[prior.wet], np.sqrt(variance), atol=1e-5)
    members = analysis.members[:, prior.wet].astype(np.float64)
    z = (members.mean(axis=0) - mean) / np.sqrt(variance / count)
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.5)  # cells are correlated, so the mean square strays
    assert np.mean(members.var(axis=0, ddof=1) / variance) == pytest.approx(1.0, abs=0.1)


@dataclass
class Wider:
    """The exact correction for a field with `factor` times the variance of the anchor's: it is linear in the state."""

    factor: float

    def __call__(self, cells, sigma):
        return cells * sigma * (self.factor - 1) / (self.factor + sigma**2)


@pytest.mark.parametrize("steps", [3, STEPS, 40])
def test_where_nothing_is_observed_members_vary_as_the_learned_prior_does(small_prior, steps):
    prior = small_prior(eof_count=0, pattern_share=0.0)
    observations = Observations.of(-20.0, 180.0, 0.0, 20.0)
    factor = 1.7
    sampler, _ = sampler_of((prior, observations), Wider(factor), steps)
    members, _, twins = sampler.run(range(48), lambda fraction: None)
    far = np.linalg.norm(prior.cell_positions - prior.positions(*np.array([[-20.0], [180.0], [0.0]])), axis=1) > 3
    ratio = members[:, far].var(axis=0).mean() / twins[:, far].var(axis=0).mean()
    variance = 1.0
    for sigma, after in itertools.pairwise([*levels(steps), 0.0]):
        s, n = 1 / np.hypot(1, sigma), sigma / np.hypot(1, sigma)
        drawn = (s * factor / (s**2 * factor + n**2)) ** 2 * variance + n**2
        variance = (drawn + after**2) / (1 + after**2)
    assert ratio == pytest.approx(drawn, rel=0.05)
    if steps >= STEPS:
        assert drawn == pytest.approx(factor, rel=0.06)


def test_twins_see_the_same_noise_and_no_network(case, small_network, zero_network):
    learned, _ = sampler_of(case, small_network, 3)
    plain, _ = sampler_of(case, zero_network, 3)
    members, _, twins = learned.run(range(3), lambda fraction: None)
    np.testing.assert_array_equal(twins, plain.run(range(3), lambda fraction: None)[2])
    assert np.abs(members - twins).max() > 0.01


def test_the_mean_is_that_of_mirrored_pairs_and_the_variance_of_members_against_twins(case, analyse, small_network):
    prior, _ = case
    sampler, anchor = sampler_of(case, small_network, 3)
    members, mirrored, twins = sampler.run(range(8), lambda fraction: None)
    pairs = (members + mirrored) / 2
    mean = pairs.mean(axis=0)
    ratio = smoothed(members.var(axis=0), prior.wet, prior.grid, 8.0)
    ratio /= smoothed(twins.var(axis=0), prior.wet, prior.grid, 8.0)
    analysis = analyse(members=2)
    np.testing.assert_allclose(analysis.mean[prior.wet], prior.climatology(MONTH) + prior.std * mean, atol=1e-5)
    variance = anchor.variance * ratio + pairs.var(axis=0, ddof=1) / 8
    std = prior.std * np.sqrt(variance)
    np.testing.assert_allclose(analysis.std[prior.wet], std, atol=1e-5)
    np.testing.assert_allclose(
        analysis.members[1][prior.wet], prior.climatology(MONTH) + prior.std * members[1], atol=1e-5
    )


def test_without_a_correction_mean_and_std_are_those_of_hybrid(case, analyse, zero_network):
    ours, theirs = analyse(zero_network), hybrid.analyse(*case, MONTH)
    np.testing.assert_allclose(ours.mean, theirs.mean, atol=1e-6)
    np.testing.assert_allclose(ours.std, theirs.std, atol=1e-6)


def test_a_network_changes_the_answer(analyse, zero_network):
    learned, plain = analyse(members=1), analyse(zero_network, members=1)
    assert np.nanmax(np.abs(learned.mean - plain.mean)) > 0.01
    assert np.nanmax(np.abs(learned.members - plain.members)) > 0.01


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(analyse):
    first, again, other = (analyse(members=2, seed=seed) for seed in (1, 1, 2))
    for name in ("mean", "std", "members"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
        assert not np.array_equal(getattr(first, name), getattr(other, name), equal_nan=True)
    assert np.nanmax(np.abs(first.members[0] - first.members[1])) > 0.1


@pytest.mark.parametrize("batch", [3, 8])
def test_a_member_depends_neither_on_how_many_there_are_nor_on_its_batch(analyse, monkeypatch, batch):
    few = analyse(members=4)
    monkeypatch.setattr(posterior, "BATCH", batch)
    many = analyse(members=10)
    np.testing.assert_allclose(many.members[:4], few.members, atol=2e-5)


def test_noise_drawn_ahead_is_the_noise_drawn_step_by_step(analyse, monkeypatch):
    ahead = analyse(members=2)
    monkeypatch.setattr(posterior, "DRAWN_VALUES", 1)
    np.testing.assert_allclose(analyse(members=2).members, ahead.members, atol=2e-5)


def test_progress_rises_to_one_over_all_batches(analyse, monkeypatch):
    monkeypatch.setattr(posterior, "BATCH", 3)
    told: list[float] = []
    analyse(members=8, progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)
    assert len(set(told)) >= 3 * 3  # three batches of three steps


@pytest.mark.parametrize("evaluations", [1, 4])
def test_a_cancelled_sampling_stops_within_a_step(analyse, small_network, evaluations):
    done: list[int] = []
    hook = small_network.unet.register_forward_hook(lambda *_: done.append(1))
    try:
        with pytest.raises(Cancelled):
            analyse(steps=50, cancelled=lambda: len(done) >= evaluations)
    finally:
        hook.remove()
    assert len(done) == evaluations


def test_members_are_in_single_precision_and_as_many_as_asked_for(analyse, case):
    for count in (0, 1, 9):
        members = analyse(members=count).members
        assert (members.dtype, members.shape) == (np.float32, (count, *case[0].grid.shape))


def test_a_network_of_another_grid_is_refused(analyse, case, small_unet):
    ours = case[0].grid
    for theirs in (
        Grid(depth=ours.depth[:2], lat=ours.lat, lon=ours.lon),
        Grid(depth=ours.depth, lat=ours.lat + 1.0, lon=ours.lon),
    ):
        with pytest.raises(InvalidInput) as refused:
            analyse(Network(small_unet(0.1, theirs), theirs, "2" * 64))
        assert refused.value.violations[0].field == "weights"


def test_observations_between_cells_are_drawn_to(case, small_network):
    """Two thermometers between cells and levels that say 2 °C more than is expected there."""
    prior, _ = case
    places = np.array([3.3, -9.1]), np.array([187.0, 352.5]), np.array([11.0, 80.0])
    off = Observations.of(*places, [15.0, 15.0])
    unknown = departures(prior, off, MONTH)
    expected = off.temperature - unknown.values * unknown.std
    observed = Observations.of(*places, expected + 2.0, 0.01)
    analysis = posterior.analyse(prior, observed, MONTH, network=small_network, steps=3, members=3)
    weights = unknown.operator * unknown.std[:, None] / prior.std[None, :]
    for field in (analysis.mean, *analysis.members):
        departure = field[prior.wet] - prior.climatology(MONTH)
        # neighbouring cells are more than a length scale apart, so what is interpolated between them strays
        assert np.all(weights @ departure > 0.7)
        assert np.all(weights @ departure < 2.6)


def test_a_single_observation_is_met(case, small_network):
    prior, _ = case
    cell = 100
    z, y, x = (index[cell] for index in np.nonzero(prior.wet))
    there = prior.climatology(MONTH)[cell] + 1.0
    one = Observations.of(prior.grid.lat[y], prior.grid.lon[x], prior.grid.depth[z], there)
    analysis = posterior.analyse(prior, one, MONTH, network=small_network, steps=3, members=2)
    for field in (analysis.mean, *analysis.members):
        assert field[prior.wet][cell] == pytest.approx(there, abs=0.1)


def test_sampling_leaves_the_thread_able_to_take_gradients(analyse):
    analyse()
    assert torch.is_grad_enabled()


@pytest.mark.cuda
def test_a_gpu_gives_what_the_cpu_gives_to_tf32(analyse, small_unet, small_grid, tmp_path):
    unet = small_unet(0.05)
    weights.save(tmp_path / "weights.safetensors", unet, spec_of(unet.spec, small_grid), {})
    ours, theirs = (
        analyse(Network.load(tmp_path / "weights.safetensors", device=device), members=8) for device in ("cuda", "cpu")
    )
    for name in ("mean", "std", "members"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=5e-3)
