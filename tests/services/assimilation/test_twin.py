"""Twin experiments: the same truth for all, honest scores, and a divergence that is reported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tellurion_assimilation.systems import system
from tellurion_assimilation.systems.lorenz96 import Lorenz96
from tellurion_assimilation.twin import Setting, nature, twin
from tellurion_core.errors import Cancelled, InvalidInput

ETKF = {"inflation": 1.02, "rotate": True}
SHORT = Setting(burn_in=5.0)


def short(method="etkf", options=ETKF, members=24, setting=SHORT, cycles=300, seed=0, where=None, **more):
    where = where or system("lorenz96")
    return twin(where, method, options, members=members, setting=setting, cycles=cycles, seed=seed, **more)


def test_the_same_seed_gives_the_same_scores_and_another_gives_others():
    first, again, other = short(seed=1), short(seed=1), short(seed=2)
    assert (first.rmse_analysis, first.crps) == (again.rmse_analysis, again.crps)
    assert first.rmse_analysis != other.rmse_analysis


def test_members_ranks_and_spread_are_of_the_scored_cycles():
    result = short(members=24)
    assert result.diverged is None
    assert result.ranks.shape == (25,)
    assert result.ranks.sum() == 40 * (300 - 100)
    assert 0 < result.rmse_analysis < result.rmse_forecast
    assert result.crps < result.rmse_analysis


def test_a_method_without_members_has_no_ranks():
    result = short("oi", {}, members=None)
    assert result.ranks is None
    assert result.rmse_forecast > 3  # its background is the climate


def test_a_better_observed_truth_is_better_known():
    worse = [Setting(burn_in=5.0, observed=0.5), Setting(burn_in=5.0, variance=4.0), Setting(interval=3, burn_in=5.0)]
    best = short().rmse_analysis
    for setting in worse:
        result = short(setting=setting, options={"inflation": 1.1, "rotate": True}, members=40)
        assert result.diverged is None
        assert result.rmse_analysis > 1.3 * best


@pytest.mark.parametrize(
    ("observed", "at"), [(1.0, list(range(8))), (0.5, [0, 2, 4, 6]), (0.4, [0, 2, 5]), (0.01, [0])]
)
def test_observed_variables_are_evenly_spaced(observed, at):
    network = Setting(observed=observed, variance=9.0).network(8)
    np.testing.assert_array_equal(network.operator.toarray(), np.eye(8)[at])
    np.testing.assert_array_equal(network.positions[:, 0], at)
    np.testing.assert_array_equal(network.errors, 3.0)


def test_the_truth_is_a_trajectory_of_the_system_and_the_errors_are_those_stated():
    s, setting = system("lorenz96"), Setting(interval=3, observed=0.5, variance=4.0)
    truth, observed = nature(s, setting, 2000, seed=0)
    np.testing.assert_allclose(truth[1:], s.forecast(truth[:-1], 3), rtol=1e-10)
    errors = observed - truth[:, ::2]
    # of 40 000 errors the standard deviation is known to 2/√80 000, and the mean to 2/√40 000
    assert errors.std() == pytest.approx(2.0, abs=5 * 2 / np.sqrt(80_000))
    assert errors.mean() == pytest.approx(0.0, abs=5 * 2 / np.sqrt(40_000))


def test_a_filter_that_loses_the_truth_is_reported_with_what_it_scored():
    # two members, not inflated, cannot follow thirteen growing directions
    result = short(options={}, members=2, cycles=600)
    assert result.diverged is not None
    assert 100 <= result.diverged < 600
    assert result.rmse_analysis > 3


@dataclass(frozen=True)
class Exploding(Lorenz96):
    """Overflows wherever a member comes near its limit."""

    def forecast(self, states, steps):
        after = super().forecast(states, steps)
        return np.where(np.abs(after) > 1e3, np.inf, after)


def test_a_filter_that_blows_up_is_reported_and_not_raised():
    for method, radius in (("etkf", {}), ("letkf", {"localization": 4.0})):
        result = short(method, radius | {"inflation": 50.0}, where=Exploding())
        assert result.diverged is not None
        assert np.isnan(result.rmse_analysis)


@pytest.mark.parametrize("variance", [1e-300, 1e-320])
@pytest.mark.parametrize("method", ["enkf_n", "etkf", "enkf", "denkf", "3dvar"])
def test_errors_too_small_for_double_precision_are_a_divergence(method, variance):
    members = None if method == "3dvar" else 24
    result = short(method, {}, setting=Setting(burn_in=5.0, variance=variance), members=members)
    assert result.diverged is not None
    assert np.isnan(result.rmse_analysis)


def test_it_stops_when_it_is_cancelled_and_says_how_far_it_is():
    told = []
    with pytest.raises(Cancelled):
        short(cancelled=lambda: len(told) == 2, progress=lambda fraction, message: told.append(fraction))
    assert told == pytest.approx([0.0, 0.01])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "kalman"}, "method: received kalman"),
        ({"members": 1}, "members: received 1"),
        ({"members": None}, "members: received none"),
        ({"members": 10**6}, "members: received 1000000, that take"),
        ({"method": "oi", "options": {}}, "members: received 24; accepted: none"),
        ({"cycles": 100}, "cycles: received 100; accepted: more than the 100 of the burn-in"),
        ({"cycles": 10**9}, "cycles: received 1000000000; accepted: at most"),
        ({"seed": -1}, "seed: received -1"),
    ],
)
def test_what_cannot_be_run_is_refused(changed, message):
    with pytest.raises(InvalidInput, match=message):
        short(**changed)


@pytest.mark.parametrize(
    ("field", "value"),
    [("interval", 0), ("observed", 0.0), ("observed", 1.5), ("variance", 0.0), ("variance", np.inf), ("burn_in", -1.0)],
)
def test_a_setting_that_cannot_be_is_refused(field, value):
    with pytest.raises(InvalidInput, match=f"{field}: received"):
        Setting(**{field: value})
