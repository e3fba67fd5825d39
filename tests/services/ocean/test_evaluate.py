"""The experiment on the atlas reaches the reference figures; all four cases stand in tests/bench/."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.evaluate import evaluate, experiment


@pytest.fixture(scope="module")
def february():
    return evaluate(2, methods=("climatology", "eof_oi"), seed=0, members=4)


def test_february_from_one_cell_in_thirteen_is_as_good_as_the_reference(february):
    assert february["climatology"]["masked"]["reconstruction"] < 1.1 * 0.165
    assert february["eof_oi"]["masked"]["reconstruction"] < 1.1 * 0.038
    assert 0.8 < february["eof_oi"]["spread_skill"] < 1.25


def test_the_scores_agree_with_each_other(february):
    for scores in february.values():
        low, high = scores["reconstruction_interval"]
        assert low < scores["masked"]["reconstruction"] < high
        assert scores["spread_skill_members"] == pytest.approx(scores["spread_skill"], rel=0.15)
        assert scores["crps"] == pytest.approx(scores["crps_gaussian"], rel=0.1)
        assert scores["all_cells"]["reconstruction"] == pytest.approx(
            scores["masked"]["reconstruction"] * 0.606 * 0.925, rel=1e-3
        )


def test_cells_are_drawn_level_by_level_and_profiles_as_whole_columns():
    cells, profiles = experiment(5, observed=0.1, seed=3), experiment(5, profiles=40, seed=3)
    wet = cells.prior.wet
    np.testing.assert_array_equal(cells.observed.sum(axis=(1, 2)), np.round(0.1 * wet.sum(axis=(1, 2))))
    columns = profiles.observed.any(axis=0)
    assert columns.sum() == 40
    np.testing.assert_array_equal(profiles.observed, wet & columns)


def test_a_training_month_is_analysed_with_a_prior_that_has_not_seen_it():
    assert 5 not in experiment(5).prior.months
    assert experiment(2).prior.months == (1, 3, 4, 5, 6, 7, 9, 10, 11, 12)


def test_noise_is_added_and_stated():
    quiet, noisy = experiment(5, seed=1), experiment(5, seed=1, noise=0.5)
    difference = noisy.observations.temperature - quiet.observations.temperature
    assert difference.std() == pytest.approx(0.5, rel=0.05)
    assert np.all(noisy.observations.uncertainty == 0.5)


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("month", {"month": 13}),
        ("observed", {"month": 2, "observed": 1.5}),
        ("observed", {"month": 2, "observed": float("nan")}),
        ("profiles", {"month": 2, "profiles": 10**6}),
        ("noise", {"month": 2, "noise": -1.0}),
        ("seed", {"month": 2, "seed": -1}),
    ],
)
def test_a_bad_option_is_refused_by_name(field, options):
    with pytest.raises(InvalidInput) as refused:
        experiment(**options)
    assert refused.value.violations[0].field == field
