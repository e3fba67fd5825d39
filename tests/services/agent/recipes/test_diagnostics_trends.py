"""Trends, samples and attribution, against closed forms, simulation and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from tellurion_agent.diagnostics.attribution import control_trends, scalings
from tellurion_agent.diagnostics.samples import correlation, effective_size, lag1, mean_interval, t_probability
from tellurion_agent.diagnostics.trends import least_squares, theil_sen, trend_map
from tellurion_agent.recipes.recipe import NoAnswer

YEARS = np.arange(1950.0, 2010.0)


def red_noise(phi: float, n: int, rng: np.random.Generator) -> np.ndarray:
    x = np.zeros(n)
    x[0] = rng.normal() / np.sqrt(1 - phi**2)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + rng.normal()
    return x


def test_an_exact_line_is_found_exactly() -> None:
    found = least_squares(YEARS, 3.0 + 0.02 * YEARS)
    assert found.slope == pytest.approx(0.02, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((0.02, 0.02))
    assert found.p == 0.0


def test_without_autocorrelation_it_is_ordinary_least_squares() -> None:
    # Residuals whose lag-1 autocorrelation is negative count as independent.
    y = 0.01 * YEARS + np.tile([1.0, -1.0, 0.5, -0.5], 15)
    found, reference = least_squares(YEARS, y), stats.linregress(YEARS, y)
    assert found.r1 < 0
    assert found.slope == pytest.approx(reference.slope)
    half = stats.t.ppf(0.975, YEARS.size - 2) * reference.stderr
    assert found.high - found.slope == pytest.approx(half)
    assert found.p == pytest.approx(reference.pvalue)


def test_autocorrelation_widens_the_interval_as_santer_et_al_say() -> None:
    y = red_noise(0.7, YEARS.size, np.random.default_rng(1))
    found = least_squares(YEARS, y)
    rest = y - np.polyval(np.polyfit(YEARS, y, 1), YEARS)
    n = YEARS.size * (1 - found.r1) / (1 + found.r1)
    error = np.sqrt(np.sum(rest**2) / (n - 2) / np.sum((YEARS - YEARS.mean()) ** 2))
    assert found.n == pytest.approx(n)
    assert found.high - found.slope == pytest.approx(stats.t.ppf(0.975, n - 2) * error, rel=1e-6)


def test_the_adjusted_test_errs_less_often_than_the_plain_one() -> None:
    rng = np.random.default_rng(2)
    series = [red_noise(0.6, YEARS.size, rng) for _ in range(300)]
    plain = np.mean([stats.linregress(YEARS, y).pvalue < 0.05 for y in series])
    adjusted = np.mean([least_squares(YEARS, y).p < 0.05 for y in series])
    assert plain > 0.25
    assert adjusted < 0.12


def test_missing_years_are_left_out_and_half_must_be_there() -> None:
    y = 0.5 * YEARS
    y[::3] = np.nan
    assert least_squares(YEARS, y).slope == pytest.approx(0.5)
    y[10:] = np.nan
    with pytest.raises(NoAnswer, match="half"):
        least_squares(YEARS, y)


def test_theil_sen_resists_an_outlier_and_agrees_with_scipy() -> None:
    y = 0.03 * YEARS + 0.1 * np.sin(YEARS)
    y[5] += 50.0
    found = theil_sen(YEARS, y)
    slope, intercept, low, high = stats.theilslopes(y, YEARS)
    assert (found.slope, found.intercept, found.low, found.high) == pytest.approx((slope, intercept, low, high))
    assert found.slope == pytest.approx(0.03, abs=0.002)


def test_mann_kendall_of_a_rising_series_has_kendalls_tau_1() -> None:
    found = theil_sen(YEARS, YEARS**1.5)
    assert found.tau == pytest.approx(1.0)
    n = YEARS.size
    s, variance = n * (n - 1) / 2, n * (n - 1) * (2 * n + 5) / 18
    assert found.p == pytest.approx(2 * stats.norm.sf((s - 1) / np.sqrt(variance)), abs=1e-12)


def test_hamed_and_rao_are_less_sure_of_red_noise() -> None:
    rng = np.random.default_rng(3)
    found = [theil_sen(YEARS, red_noise(0.6, YEARS.size, rng)) for _ in range(40)]
    assert np.mean([f.p < 0.05 for f in found]) > np.mean([f.p_adjusted < 0.05 for f in found])


def test_a_negative_variance_of_hamed_and_rao_is_not_believed() -> None:
    rng = np.random.default_rng(3)
    for _ in range(40):
        found = theil_sen(YEARS, red_noise(0.6, YEARS.size, rng))
        assert 0 <= found.p_adjusted <= 1


def test_a_map_of_trends_is_the_trend_of_every_cell() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(60, 2, 3)) + np.linspace(-0.1, 0.1, 6).reshape(2, 3) * YEARS[:, None, None]
    values[:10, 0, 1] = np.nan
    values[:40, 1, 2] = np.nan
    yearly = xr.DataArray(values, {"year": YEARS}, ("year", "lat", "lon")).chunk(year=20)
    found = trend_map(yearly)
    assert found.slope.chunks is not None
    found = found.compute()
    for y, x in np.ndindex(2, 3):
        if (y, x) == (1, 2):
            assert np.isnan(found.slope[y, x])
        else:
            one = least_squares(YEARS, values[:, y, x])
            assert float(found.slope[y, x]) == pytest.approx(one.slope)
            assert float(found.p[y, x]) == pytest.approx(one.p, rel=1e-6, abs=1e-12)


def test_lag_1_autocorrelation_of_red_noise_is_its_parameter() -> None:
    assert lag1(red_noise(0.6, 20000, np.random.default_rng(5))) == pytest.approx(0.6, abs=0.02)
    assert lag1(np.tile([1.0, -1.0], 500)) == pytest.approx(-0.99, abs=0.01)
    assert lag1(np.ones(5)) == 0.0


def test_independent_values_among_autocorrelated_ones() -> None:
    assert effective_size(100, 0.5) == pytest.approx(100 / 3)
    assert effective_size(100, 0.5, 0.5) == pytest.approx(100 * 0.75 / 1.25)
    assert effective_size(100, -0.5) == 100


def test_correlation_and_its_interval_are_fishers() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=200)
    y = 0.5 * x + rng.normal(size=200)
    x[3] = np.nan
    r, low, high, n = correlation(x, y)
    there = np.isfinite(x)
    reference = stats.pearsonr(x[there], y[there])
    assert r == pytest.approx(reference.statistic)
    half = stats.norm.ppf(0.975) / np.sqrt(n - 3)
    assert (np.arctanh(high) - np.arctanh(r), np.arctanh(r) - np.arctanh(low)) == pytest.approx((half, half), rel=1e-5)


def test_two_red_series_rest_on_few_pairs() -> None:
    rng = np.random.default_rng(7)
    x, y = red_noise(0.9, 400, rng), red_noise(0.9, 400, rng)
    assert correlation(x, y)[3] < 100


def test_the_interval_of_a_mean_is_students_for_independent_values() -> None:
    x = np.array([1.0, -1.0, 2.0, -2.0, 1.5, -1.5])
    mean, low, high = mean_interval(x)
    half = stats.t.ppf(0.975, 5) * x.std(ddof=1) / np.sqrt(6)
    assert (mean, low, high) == pytest.approx((0.0, -half, half))


def test_a_mean_of_few_independent_values_has_no_interval() -> None:
    for few in ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0, 5.0]):
        mean, low, high = mean_interval(few)
        assert mean == np.mean(few)
        assert np.isnan([low, high]).all()


def test_probabilities_are_two_sided() -> None:
    assert t_probability(-2.0, 10) == pytest.approx(2 * stats.t.sf(2.0, 10))


# Detection and attribution


def test_control_trends_are_of_halfway_overlapping_pieces_without_drift() -> None:
    drift = 0.01 * np.arange(200)
    assert control_trends(drift, 20) == pytest.approx(np.zeros(19), abs=1e-12)
    wave = np.sin(2 * np.pi * np.arange(200) / 40)
    assert control_trends(wave, 20).std() > 0.01
    with pytest.raises(NoAnswer, match="at least 5"):
        control_trends(wave, 150)


def test_scaling_factors_of_an_exact_mixture() -> None:
    t = np.arange(100.0)
    ghg, nat = 0.0002 * t**2, 0.1 * np.sin(t / 4)
    found = scalings(5.0 + 1.2 * ghg + 0.5 * nat, np.stack([ghg, nat]))
    assert [s.factor for s in found] == pytest.approx([1.2, 0.5])
    assert all(s.detected for s in found)
    assert not any(s.consistent for s in found)


def test_a_forcing_without_effect_is_not_detected() -> None:
    t = np.arange(100.0)
    ghg, nat = 0.0002 * t**2, 0.1 * np.sin(t / 4)
    observed = ghg + np.random.default_rng(8).normal(scale=0.1, size=100)
    strong, weak = scalings(observed, np.stack([ghg, nat]))
    assert strong.detected
    assert strong.consistent
    assert weak.low < 0 < weak.high


def test_responses_that_are_multiples_cannot_be_told_apart() -> None:
    t = np.arange(50.0)
    with pytest.raises(NoAnswer, match="told apart"):
        scalings(t, np.stack([t, 2 * t]))
