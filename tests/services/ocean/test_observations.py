"""Quality control: duplicates become one, wild values and land go, and the report counts everything once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.methods import analyse
from tellurion_ocean.observations import Observations, merge_duplicates, quality_control

MONTH = 3


def test_the_mean_of_duplicates_is_weighted_by_inverse_variance_and_more_certain():
    twice = Observations.of([10.0, 10.001], [359.999, 0.001], 5.0, [20.0, 23.0], [0.1, 0.2])
    merged = merge_duplicates(twice)
    assert len(merged) == 1
    assert merged.temperature[0] == pytest.approx((20 / 0.01 + 23 / 0.04) / (1 / 0.01 + 1 / 0.04))
    assert merged.uncertainty[0] == pytest.approx((1 / 0.01 + 1 / 0.04) ** -0.5)
    assert min(merged.longitude[0], 360 - merged.longitude[0]) < 0.002


def test_observations_at_different_depths_or_places_are_kept_apart():
    apart = Observations.of([10.0, 10.0, 10.1], 20.0, [5.0, 8.0, 5.0], 20.0)
    assert len(merge_duplicates(apart)) == 3


def test_a_million_observations_are_merged_within_half_a_gibibyte():
    rng = np.random.default_rng(0)
    latitude, longitude = np.round(rng.uniform(-5, 5, 10**6), 2), np.round(rng.uniform(0, 10, 10**6), 2)
    crowd = Observations.of(latitude, longitude, 0.0, 15.0, 0.5)
    tracemalloc.start()
    merged = merge_duplicates(crowd)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(merged) == len(set(zip(latitude.tolist(), longitude.tolist(), strict=True)))
    assert peak < 2**29


def test_a_wild_value_is_rejected_and_reported_and_does_not_spoil_its_duplicate(small_prior, observe):
    prior = small_prior()
    good, _ = observe(prior, MONTH, 50)
    wild = Observations.of(
        np.append(good.latitude, good.latitude[0]),
        np.append(good.longitude, good.longitude[0]),
        np.append(good.depth, good.depth[0]),
        np.append(good.temperature, 99.9),
        np.append(good.uncertainty, 0.1),
    )
    kept, report = quality_control(wild, prior, MONTH)
    assert (len(kept), report.failed_background_check) == (50, 1)
    assert kept.temperature.max() < 50


def test_land_the_deep_and_the_far_south_are_outside(small_prior):
    prior = small_prior()
    island = prior.grid.lat[5], prior.grid.lon[6]
    places = Observations.of([island[0], 0.0, -80.0, 0.0], [island[1], 180.0, 180.0, 180.0], [0, 900, 0, 0], 20.0)
    kept, report = quality_control(places, prior, MONTH)
    assert (len(kept), report.outside_ocean, report.failed_background_check) == (1, 3, 0)


def test_the_report_accounts_for_every_observation(small_prior, observe):
    prior = small_prior()
    good, _ = observe(prior, MONTH, 40)
    twice = np.r_[np.arange(40), np.arange(10)]
    temperature = good.temperature[twice].copy()
    temperature[20] = -99.0
    mixed = Observations.of(good.latitude[twice], good.longitude[twice], good.depth[twice], temperature, 0.05)
    merged, report = quality_control(mixed, prior, MONTH)
    assert (report.outside_ocean, report.failed_background_check, report.duplicates_merged) == (0, 1, 10)
    assert len(merged) == 50 - 1 - 10


@pytest.mark.parametrize("method", ["oi", "dineof", "eof_oi", "gp"])
def test_the_order_of_observations_does_not_matter(small_prior, observe, method):
    prior = small_prior()
    observations, _ = observe(prior, MONTH, 100)
    shuffled = observations[np.random.default_rng(0).permutation(100)]
    results = []
    for order in (observations, shuffled):
        kept, _ = quality_control(order, prior, MONTH)
        results.append(analyse(method, prior, kept, MONTH, members=1))
    np.testing.assert_allclose(results[0].mean, results[1].mean, atol=1e-9)
    np.testing.assert_allclose(results[0].members, results[1].members, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latitude", 91.0),
        ("longitude", 361.0),
        ("depth", -5.0),
        ("depth", 1e9),
        ("temperature", np.inf),
        ("temperature", np.nan),
        ("uncertainty", -0.1),
        ("uncertainty", 1e200),
    ],
)
def test_an_impossible_value_is_refused_with_its_field_and_index(name, value):
    columns = {"latitude": 0.0, "longitude": 0.0, "depth": 0.0, "temperature": 10.0, "uncertainty": 0.1}
    rows = {key: [good, value if key == name else good] for key, good in columns.items()}
    with pytest.raises(InvalidInput) as refused:
        Observations.of(**rows)
    assert refused.value.violations[0].field == f"observations.{name}[1]"


@pytest.mark.parametrize("latitude", [-90.0, 90.0])
def test_the_bounds_of_what_is_accepted_survive_the_merge(latitude):
    uncertainty = np.append(np.random.default_rng(0).uniform(0.0, 1000.0, 999), 1000.0)
    edge = Observations.of(latitude, np.arange(1000) * 0.36, 12_000.0, 10.0, uncertainty)
    merged = merge_duplicates(edge)
    assert len(merged) == 1000
    np.testing.assert_allclose(merged.latitude, latitude)
    np.testing.assert_allclose(merged.depth, 12_000.0)
    assert merged.uncertainty.max() == pytest.approx(1000.0)


def test_columns_that_disagree_are_refused():
    with pytest.raises(InvalidInput, match=r"observations\.depth"):
        Observations(*(np.zeros(3), np.zeros(3), np.zeros(2), np.zeros(3), np.zeros(3)))


def test_western_longitudes_are_eastern_ones_a_turn_away():
    assert Observations.of(0.0, -30.0, 0.0, 20.0).longitude[0] == 330.0
