"""Every method is called the same way, refuses the same mistakes, and stops when told to."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tellurion_core.errors import Cancelled, InvalidInput, ResourceExhausted
from tellurion_ocean.calibration import amplitude
from tellurion_ocean.departures import departures
from tellurion_ocean.gp import OBSERVATION_LIMIT
from tellurion_ocean.methods import (
    DEFAULT_STEPS,
    EVALUATION_LIMIT,
    LEARNED,
    METHODS,
    analyse,
    check_evaluations,
    evaluations,
)
from tellurion_ocean.observations import INNOVATION_LIMIT, Observations
from tellurion_ocean.posterior import STEP_LIMIT


@pytest.mark.parametrize("method", METHODS)
def test_an_analysis_covers_the_ocean_and_nothing_else(small_prior, observe, learned, method):
    prior = small_prior()
    analysis = analyse(method, prior, observe(prior, 5, 60)[0], 5, members=2, **learned(method))
    np.testing.assert_array_equal(np.isfinite(analysis.mean), prior.wet)
    np.testing.assert_array_equal(np.isfinite(analysis.std), prior.wet)
    assert analysis.members.shape == (2, *prior.grid.shape)
    assert np.all(analysis.std[prior.wet] > 0)


@pytest.mark.parametrize("method", METHODS)
def test_without_observations_every_method_is_the_climatology(small_prior, method):
    prior = small_prior()
    none = Observations.of([], [], [], [], [])
    np.testing.assert_array_equal(analyse(method, prior, none, 5).mean, analyse("climatology", prior, none, 5).mean)


@pytest.mark.parametrize("method", ["oi", "eof_oi", "gp", "hybrid", "posterior"])
def test_a_single_observation_is_enough(small_prior, observe, learned, method):
    prior = small_prior()
    one, cells = observe(prior, 5, 1)
    analysis = analyse(method, prior, one, 5, **learned(method))
    assert analysis.mean[prior.wet][cells[0]] == pytest.approx(one.temperature[0], abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_a_cancelled_analysis_stops(small_prior, observe, learned, method):
    prior = small_prior()
    observations, _ = observe(prior, 5, 60)
    with pytest.raises(Cancelled):
        analyse(method, prior, observations, 5, members=1, cancelled=lambda: True, **learned(method))


@pytest.mark.parametrize("method", ["oi", "eof_oi", "gp", "hybrid", "posterior", "reconmost"])
def test_progress_grows_to_the_end(small_prior, observe, learned, method):
    prior = small_prior()
    observations, _ = observe(prior, 5, 60)
    seen: list[float] = []
    analyse(method, prior, observations, 5, progress=lambda fraction, _: seen.append(fraction), **learned(method))
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("method", {"method": "kriging"}),
        ("month", {"month": 13}),
        ("month", {"month": 0}),
        ("members", {"members": -1}),
        ("members", {"members": 10**6}),
        ("seed", {"seed": -1}),
        ("steps", {"steps": 4}),
        ("steps", {"method": "posterior", "steps": -1}),
        ("steps", {"method": "posterior", "steps": STEP_LIMIT + 1}),
        ("steps", {"method": "posterior", "steps": 0}),
        ("steps", {"method": "reconmost", "steps": 0}),
    ],
)
def test_a_bad_option_is_refused_by_name(small_prior, observe, small_network, field, changed):
    prior = small_prior()
    options = {"method": "oi", "month": 5, "members": 0, "seed": 0} | changed
    if options["method"] in LEARNED:
        options["network"] = small_network
    with pytest.raises(InvalidInput) as refused:
        analyse(options.pop("method"), prior, observe(prior, 5, 5)[0], options.pop("month"), **options)
    assert refused.value.violations[0].field == field


@pytest.mark.parametrize("method", ["posterior", "reconmost"])
@pytest.mark.parametrize("members", [0, 3, 9])
def test_evaluations_are_those_that_the_network_is_shown(small_prior, observe, small_network, method, members):
    prior, shown = small_prior(), []
    hook = small_network.unet.register_forward_pre_hook(lambda _, inputs: shown.append(len(inputs[0])))
    try:
        analyse(method, prior, observe(prior, 5, 20)[0], 5, members=members, steps=4, network=small_network)
    finally:
        hook.remove()
    assert sum(shown) == evaluations(method, members, 4)


@pytest.mark.parametrize(
    ("method", "members", "steps", "field", "accepted"),
    [
        ("posterior", 8, 501, "steps", "at most 500, "),
        ("posterior", 9, 500, "members", "at most 8 with 500 steps, "),
        ("reconmost", 9, 1000, "members", "at most 8 with 1000 steps, "),
    ],
)
def test_more_evaluations_than_ten_minutes_allow_are_refused_by_what_there_is_too_much_of(
    method, members, steps, field, accepted
):
    with pytest.raises(InvalidInput) as refused:
        check_evaluations(method, members, steps)
    (violation,) = refused.value.violations
    assert violation.field == field
    assert violation.accepted.startswith(accepted)
    assert f"{EVALUATION_LIMIT} network evaluations" in violation.accepted


@pytest.mark.parametrize("method", DEFAULT_STEPS)
def test_what_a_method_does_by_itself_is_allowed(method):
    check_evaluations(method, 8, DEFAULT_STEPS[method])


def test_a_network_is_refused_by_a_method_that_learns_nothing(small_prior, observe, small_network):
    prior = small_prior()
    with pytest.raises(InvalidInput) as refused:
        analyse("oi", prior, observe(prior, 5, 5)[0], 5, network=small_network)
    assert refused.value.violations[0].field == "weights"


def test_gp_refuses_too_many_observations_before_it_allocates(small_prior):
    prior = small_prior()
    rng = np.random.default_rng(0)
    many = Observations.of(rng.uniform(-20, 20, OBSERVATION_LIMIT + 1), 180.0, 0.0, 20.0)
    tracemalloc.start()
    with pytest.raises(ResourceExhausted, match="eof_oi"):
        analyse("gp", prior, many, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_observations_on_land_must_not_reach_a_method(small_prior):
    prior = small_prior()
    on_land = Observations.of(prior.grid.lat[5], prior.grid.lon[6], 0.0, 20.0)
    with pytest.raises(InvalidInput, match="quality control"):
        analyse("oi", prior, on_land, 5)


def factor_of(prior, observations, *, stray=1.0, **options):
    """The amplitude found when the departures from the climatology are `stray` [N] times as large."""
    usual = departures(prior, observations, 5)
    temperature = observations.temperature + (stray - 1) * usual.values * usual.std
    places = observations.latitude, observations.longitude, observations.depth
    seen = departures(prior, Observations.of(*places, temperature, observations.uncertainty), 5)
    return amplitude(seen, prior.hyperparameters, residual_variance=0.7, **options)


@pytest.fixture(scope="module")
def months(small_prior, observe):
    prior = small_prior(residual_variance=0.7)
    return prior, [observe(prior, 5, 300, seed=seed, uncertainty=0.0)[0] for seed in range(8)]


def test_the_amplitude_of_months_drawn_from_the_prior_is_one(months):
    prior, drawn = months
    assert np.mean([factor_of(prior, month) for month in drawn]) == pytest.approx(1.0, abs=0.15)


def test_the_amplitude_of_a_month_that_strays_twice_as_far_is_four_times_as_large(months):
    prior, drawn = months
    for month in drawn:
        usual, doubled = (factor_of(prior, month, stray=stray, prior_weight=0.0) for stray in (1.0, 2.0))
        assert doubled == pytest.approx(4 * usual, rel=0.01)
        assert 1.0 < factor_of(prior, month, stray=2.0) < doubled


def test_a_single_place_as_far_off_as_the_background_check_allows_does_not_rule_the_amplitude(months):
    prior, drawn = months
    for month in drawn:
        stray = np.ones(300)
        stray[150] = INNOVATION_LIMIT / departures(prior, month, 5).values[150]
        alone = factor_of(prior, month, stray=stray, prior_weight=0.0)
        assert alone > 2.5
        assert factor_of(prior, month, stray=stray) < 1 + 0.3 * (alone - 1)
