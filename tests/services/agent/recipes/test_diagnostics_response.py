"""Climate response, constraints, droughts and ensembles, against closed forms and other implementations."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from tellurion_agent.diagnostics.climate_response import control_drift, crossing, gregory, transient_response
from tellurion_agent.diagnostics.constraint import constrain
from tellurion_agent.diagnostics.ensembles import crps, spread_error_ratio
from tellurion_agent.diagnostics.precipitation import SPI_LIMIT, gamma_fit, longest_spell, spi, yearly_longest_spell
from tellurion_agent.recipes.recipe import NoAnswer


def test_gregory_halves_the_quadrupling() -> None:
    warming = 7.0 * (1 - np.exp(-np.arange(150) / 30))
    found = gregory(warming, 7.4 - 1.0 * warming)
    assert (found.forcing, found.feedback, found.sensitivity) == pytest.approx((7.4, -1.0, 3.7))


def test_fiellers_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    warming = 7.0 * (1 - np.exp(-np.arange(150) / 30))
    held = 0
    for _ in range(200):
        found = gregory(warming, 7.4 - 1.0 * warming + rng.normal(scale=0.5, size=150))
        held += found.low <= 3.7 <= found.high
    assert held / 200 == pytest.approx(0.95, abs=0.04)


def test_an_imbalance_that_does_not_fall_has_no_equilibrium() -> None:
    with pytest.raises(NoAnswer, match="does not fall"):
        gregory(np.arange(30.0), np.arange(30.0))
    with pytest.raises(NoAnswer, match="20"):
        gregory(np.arange(10.0), -np.arange(10.0))


def test_the_transient_response_is_of_years_61_to_80() -> None:
    assert transient_response(np.arange(1.0, 141.0)) == pytest.approx(70.5)
    with pytest.raises(NoAnswer, match="61–80"):
        transient_response(np.arange(70.0))
    with pytest.raises(NoAnswer, match="61–80"):
        transient_response(np.where(np.arange(140) == 65, np.nan, 1.0))


@pytest.mark.parametrize("shift", [0, 300])
def test_drift_is_taken_at_the_same_years_or_from_each_runs_first(shift: int) -> None:
    control = xr.DataArray(14 + 0.01 * np.arange(200), {"year": 1850 + np.arange(200)}, ("year",))
    years = 1860 + shift + np.arange(50)
    parallel = 10 if shift == 0 else 0
    assert control_drift(control, years) == pytest.approx(14 + 0.01 * (parallel + np.arange(50)))


def test_a_level_is_crossed_for_good() -> None:
    years = np.arange(2000, 2010)
    smooth = np.array([np.nan, 1.0, 2.1, 1.9, 2.0, 2.2, 2.4, 2.6, np.nan, np.nan])
    assert crossing(years, smooth, 2.0) == 2004
    assert crossing(years, smooth, 3.0) is None


def test_an_exact_relation_constrains_to_a_point() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = constrain(x, 2 * x + 1, 2.5)
    assert found.accepted
    assert (found.r, found.constrained, found.low, found.high) == pytest.approx((1.0, 6.0, 6.0, 6.0))


def test_a_prediction_is_as_uncertain_as_regression_says() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    y = 2 * x + np.array([0.5, -0.5, 0.3, -0.3, 0.2, -0.2])
    found, line = constrain(x, y, 4.0), stats.linregress(x, y)
    rest = y - line.intercept - line.slope * x
    error = np.sqrt(np.sum(rest**2) / 4 * (1 + 1 / 6 + (4.0 - 3.5) ** 2 / np.sum((x - 3.5) ** 2)))
    assert found.high - found.constrained == pytest.approx(stats.t.ppf(0.83, 4) * error)
    assert found.p == pytest.approx(line.pvalue)
    assert constrain(x, y, 4.0, uncertainty=1.0).high > found.high


def test_no_relation_is_no_constraint() -> None:
    assert not constrain(np.array([1.0, 2, 3, 4, 5]), np.array([1.0, -1, 1, -1, 1]), 3.0).accepted
    assert constrain(np.ones(5), np.arange(5.0), 1.0).r == 0.0


def test_the_likeliest_gamma_is_scipys() -> None:
    sample = stats.gamma.rvs(2.3, scale=40, size=60, random_state=0)
    shape, _, scale = stats.gamma.fit(sample, floc=0)
    assert gamma_fit(sample) == pytest.approx((shape, scale), rel=1e-4)


def test_a_drought_index_is_the_normal_quantile() -> None:
    # 60 Januaries at the quantiles of a gamma distribution: their index is near the normal's quantiles.
    q = (np.random.default_rng(0).permutation(60) + 0.5) / 60
    monthly = np.repeat(stats.gamma.ppf(q, 3.0, scale=20.0), 12)
    month = np.tile(np.arange(1, 13), 60)
    found = spi(monthly, month, 1, np.ones(720, bool))
    assert found[::12] == pytest.approx(stats.norm.ppf(q), abs=0.1)


def test_dry_months_have_the_probability_of_their_share() -> None:
    rng = np.random.default_rng(1)
    monthly = np.where(rng.random(480) < 0.25, 0.0, rng.gamma(2.0, 30.0, 480))
    month = np.tile(np.arange(1, 13), 40)
    found = spi(monthly, month, 1, np.ones(480, bool))
    july = month == 7
    dry = july & (monthly == 0)
    assert found[dry] == pytest.approx(stats.norm.ppf(np.mean(monthly[july] == 0)))
    assert found[july & (monthly > 0)].min() > found[dry].max()


def test_sums_run_over_the_months_before() -> None:
    rng = np.random.default_rng(2)
    monthly, month = rng.gamma(2.0, 30.0, 480), np.tile(np.arange(1, 13), 40)
    everything = np.ones(480, bool)
    found = spi(monthly, month, 3, everything)
    sums = np.array([monthly[i - 2 : i + 1].sum() for i in range(2, 480)])
    assert np.isnan(found[:2]).all()
    assert found[2:] == pytest.approx(spi(sums, month[2:], 1, everything[2:]))


def test_a_drought_index_needs_years() -> None:
    with pytest.raises(NoAnswer, match="20"):
        spi(np.ones(120), np.tile(np.arange(1, 13), 10), 1, np.ones(120, bool))


@pytest.mark.slow
def test_the_drought_index_is_xclims() -> None:
    from xclim.indices import standardized_precipitation_index

    rng = np.random.default_rng(3)
    time = xr.date_range("1971-01-01", periods=480, freq="MS")
    daily_rate = rng.gamma(2.0, 2.0, 480)
    rain = xr.DataArray(daily_rate, {"time": time}, ("time",), attrs={"units": "mm/day"})
    reference = standardized_precipitation_index(
        rain, freq=None, window=1, dist="gamma", method="ML", fitkwargs={"floc": 0}
    )
    found = spi(daily_rate, time.month.values, 1, np.ones(480, bool))
    assert found == pytest.approx(np.clip(reference.values, -SPI_LIMIT, SPI_LIMIT), abs=0.02)


def test_spells_are_the_longest_runs() -> None:
    rng = np.random.default_rng(4)
    event = rng.random((5, 200)) < 0.6
    expected = [max(map(len, "".join("x" if e else " " for e in row).split())) for row in event]
    assert longest_spell(event).tolist() == expected
    assert longest_spell(np.zeros((1, 4), bool)).tolist() == [0]


def test_a_spell_ends_with_the_year() -> None:
    time = xr.date_range("2001-01-01", "2002-12-31", freq="D")
    dry = xr.DataArray(np.zeros(730, bool), {"time": time}, ("time",))
    dry[360:370] = True
    assert yearly_longest_spell(dry).values.tolist() == [5, 5]


def test_the_fair_score_is_that_of_all_pairs() -> None:
    rng = np.random.default_rng(5)
    members, observed = rng.normal(size=(7, 20)), rng.normal(size=20)
    pairs = np.abs(members[:, None] - members[None]).sum(axis=(0, 1))
    expected = np.abs(members - observed).mean(axis=0) - pairs / (2 * 7 * 6)
    assert crps(members, observed) == pytest.approx(expected)


def test_a_fair_score_does_not_depend_on_the_size_of_the_ensemble() -> None:
    rng = np.random.default_rng(6)
    observed = rng.normal(size=20000)
    few, many = (crps(rng.normal(size=(m, 20000)), observed).mean() for m in (3, 30))
    # Of the standard normal it is 1/√π whatever the size.
    assert (few, many) == pytest.approx((1 / np.sqrt(np.pi), 1 / np.sqrt(np.pi)), abs=0.01)


def test_a_reliable_ensemble_is_as_wide_as_it_errs() -> None:
    rng = np.random.default_rng(7)
    centre = rng.normal(size=5000)
    members = centre + rng.normal(size=(10, 5000))
    assert spread_error_ratio(members, centre + rng.normal(size=5000)) == pytest.approx(1.0, abs=0.03)
