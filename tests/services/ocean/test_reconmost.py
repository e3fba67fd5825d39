"""The released procedure: what its guidance does, and what it is without."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tellurion_core.errors import Cancelled
from tellurion_diffusion import ancestral, linear_beta, noise, respaced, signal
from tellurion_ocean import reconmost
from tellurion_ocean.departures import departures
from tellurion_ocean.observations import Observations
from tellurion_ocean.samples import draw

MONTH = 4
STEPS = 30


@pytest.fixture(scope="module")
def case(small_prior, observe):
    prior = small_prior()
    return prior, *observe(prior, MONTH, 70)


@pytest.fixture
def analyse(case, small_network):
    prior, observations, _ = case

    def run(network=small_network, observations=observations, steps=STEPS, **options):
        return reconmost.analyse(prior, observations, MONTH, network=network, steps=steps, **options)

    return run


def start_of(case, count, seed=0):
    """[P, count] where the sampling starts."""
    prior, observations, _ = case
    hyper = prior.hyperparameters
    residual, share = hyper.residual_variance, hyper.pattern_share
    seen = departures(prior, observations, MONTH)
    drawn = draw(prior, seen, range(count), seed, amplitude=1.0, residual_variance=residual, pattern_share=share)
    return drawn.at_cells


def in_degrees(prior, scaled):
    return prior.climatology(MONTH) + prior.std * scaled


def test_without_guidance_it_is_unguided_sampling_bit_for_bit(case, analyse, small_network):
    prior = case[0]
    correction = small_network.correction(prior, MONTH)

    def denoise(x, sigma):
        return signal(sigma) * x + noise(sigma) * correction(x, float(sigma))

    start = torch.from_numpy(start_of(case, 3).T.astype(np.float32))
    unguided = ancestral(denoise, start, respaced(linear_beta(), STEPS), step_noise=False).numpy()
    members = analyse(scale=0.0, members=3).members[:, prior.wet]
    np.testing.assert_array_equal(members, in_degrees(prior, unguided).astype(np.float32))


def test_without_guidance_the_observed_values_do_not_matter_by_a_bit(case, analyse):
    observations = case[1]
    places = observations.latitude, observations.longitude, observations.depth
    warmer = Observations.of(*places, observations.temperature + 1.0, observations.uncertainty)
    ours, theirs = (analyse(scale=0.0, members=2, observations=o) for o in (observations, warmer))
    for name in ("mean", "std", "members"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_without_guidance_and_correction_only_the_first_signal_is_left_of_the_start(case, analyse, zero_network):
    """For D = s x each step is x' = (s/s') x, since s'²β + n'² = n²: the product of all steps is the first s."""
    prior = case[0]
    first = np.sqrt(np.prod(1 - np.linspace(1e-4, 0.02, 1000)))
    members = analyse(zero_network, scale=0.0, members=2).members[:, prior.wet]
    np.testing.assert_allclose(members, in_degrees(prior, first * start_of(case, 2).T), atol=1e-5)


def test_guidance_moves_members_towards_the_observations(case, analyse):
    prior, observations, cells = case
    misfits = []
    for scale in (0.0, 1.0, 4.0):
        analysis = analyse(scale=scale * reconmost.STEPS / STEPS, members=2)
        fields = np.stack([analysis.mean, *analysis.members])[:, prior.wet][:, cells]
        misfits.append(np.sqrt(np.mean(((fields - observations.temperature) / prior.std[cells]) ** 2, axis=1)))
    assert np.all(misfits[1] < 0.8 * misfits[0])
    assert np.all(misfits[2] < misfits[1])


def test_guidance_reaches_over_the_seam_in_longitude(case, zero_network):
    """One warm cell beside Greenwich: the soft mask spreads it by exp(−½) to the neighbour on the other side."""
    prior = case[0]
    row, west = 0, len(prior.grid.lon) - 1
    assert prior.wet[0, row, [0, 1, west - 1, west]].all()
    cells = np.cumsum(prior.wet.ravel()).reshape(prior.wet.shape) - 1
    warm = prior.climatology(MONTH)[cells[0, row, 0]] + 1.0
    one = Observations.of(prior.grid.lat[row], prior.grid.lon[0], 0.0, warm)
    guided, unguided = (
        reconmost.analyse(prior, one, MONTH, network=zero_network, steps=STEPS, scale=scale) for scale in (0.5, 0.0)
    )
    gained = (guided.mean - unguided.mean)[prior.wet] / prior.std
    assert gained[cells[0, row, west]] == pytest.approx(np.exp(-0.5) * gained[cells[0, row, 0]], rel=1e-3)
    assert gained[cells[0, row, west]] == pytest.approx(gained[cells[0, row, 1]], rel=1e-3)
    assert gained[cells[0, row, 0]] > 0.01
    assert gained[cells[0, row, west - 2]] == pytest.approx(0.0, abs=1e-5)


def test_without_the_soft_mask_an_observation_moves_its_own_cell_alone(case, zero_network):
    prior = case[0]
    cell = int(np.flatnonzero(prior.wet.ravel()[: prior.wet[0].size])[0])
    y, x = np.unravel_index(cell, prior.wet[0].shape)
    one = Observations.of(prior.grid.lat[y], prior.grid.lon[x], 0.0, prior.climatology(MONTH)[0] + 1.0)
    options = {"network": zero_network, "steps": STEPS}
    hard, soft, free = (
        reconmost.analyse(prior, one, MONTH, scale=scale, soft_mask=soft_mask, **options).mean[prior.wet]
        for scale, soft_mask in ((0.5, False), (0.5, True), (0.0, True))
    )
    assert np.count_nonzero(np.abs(hard - free) > 1e-5) == 1
    assert np.count_nonzero(np.abs(soft - free) > 1e-5) > 3
    assert hard[0] - free[0] > 0.01


def test_the_gradient_can_be_taken_through_the_denoiser(case, analyse):
    prior, observations, cells = case
    through, beside = (analyse(scale=0.02, through_denoiser=chosen, members=2) for chosen in (True, False))
    assert np.all(np.isfinite(through.members[:, prior.wet]))
    assert np.nanmax(np.abs(through.mean - beside.mean)) > 1e-3
    free = analyse(scale=0.0)
    misfit, before = (np.mean((a.mean[prior.wet][cells] - observations.temperature) ** 2) for a in (through, free))
    assert misfit < before


def test_the_mean_and_the_spread_are_those_of_the_members(case, analyse):
    prior = case[0]
    analysis = analyse(members=4)
    members = analysis.members[:, prior.wet].astype(np.float64)
    np.testing.assert_allclose(analysis.mean[prior.wet], members.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(analysis.std[prior.wet], np.sqrt(5 / 4) * members.std(axis=0, ddof=1), atol=1e-5)


def test_the_same_seed_gives_the_same_answer_and_another_seed_another(analyse):
    first, again, other = (analyse(members=2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.members, again.members)
    np.testing.assert_array_equal(first.mean, again.mean)
    assert not np.array_equal(first.mean, other.mean, equal_nan=True)


def test_a_cancelled_sampling_stops_within_a_step(analyse, small_network):
    done: list[int] = []
    hook = small_network.unet.register_forward_hook(lambda *_: done.append(1))
    try:
        with pytest.raises(Cancelled):
            analyse(cancelled=lambda: len(done) >= 3)
    finally:
        hook.remove()
    assert len(done) == 3
