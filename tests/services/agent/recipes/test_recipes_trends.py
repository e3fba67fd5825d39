"""Recipes about change and extremes of one field, on fields with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import LAT, LON, field, run
from scipy import stats

from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period, Region, Season

JJA, DJF = Season("JJA", (6, 7, 8)), Season("DJF", (12, 1, 2))
LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
POINT = Region("one cell", -15, -15, 45, 45)
AIR = "air_temperature"


def warming(rate: float = 0.03) -> xr.DataArray:
    return field(lambda year, month, lat, lon: 10 + rate * (year - 1991) + 3 * np.cos(2 * np.pi * (month - 7) / 12))


def test_an_anomaly_of_a_period() -> None:
    step = {"field": field(lambda year, month, lat, lon: month + 1.5 * (year > 2000))}
    found = run("period_anomaly", step, variable=AIR, period=Period(2001, 2010), base=Period(1991, 2000))
    assert (found.value, found.units) == (pytest.approx(1.5), "K")
    assert "1991–2000" in found.notes
    one = run("period_anomaly", step, variable=AIR, period=Period(2005, 2005))
    assert one.value == pytest.approx(0.75)
    assert "1991–2010, as none was named" in one.notes
    with pytest.raises(NoAnswer, match="1961–1990"):
        run("period_anomaly", step, variable=AIR, base=Period(1961, 1990))


def test_precipitation_anomalies_are_relative_too() -> None:
    rain = field(lambda year, *_: 2.0 + (year > 2000), name="precipitation_flux")
    asked = {"variable": "precipitation_flux", "period": Period(2001, 2010), "base": Period(1991, 2000)}
    found = run("period_anomaly", {"field": rain}, **asked)
    assert (found.value, found.units) == (pytest.approx(1.0), "mm day-1")
    assert found["the same relative"].value == pytest.approx(50.0)


def test_two_periods_differ_later_less_earlier() -> None:
    step = {"field": field(lambda year, month, lat, lon: (year > 2000) * (1 + lat / 100) + 0.1 * (-1.0) ** year)}
    asked = {"variable": AIR, "first_period": Period(2001, 2010), "second_period": Period(1991, 2000)}
    found = run("period_difference", step, **asked)
    assert found.value == pytest.approx(1.0)
    assert found["maximum of the map"].value == pytest.approx(1.75)
    assert "later period less the earlier" in found.notes
    assert (found.outcome.data.p < 0.05).all()


def test_periods_of_other_lengths_are_tested_as_welch_does() -> None:
    swing = lambda year: np.cos(2.5 * year)  # noqa: E731
    data = {"field": field(lambda year, *_: swing(year) + 0.6 * (year > 1993), lat=LAT[:2], lon=LON[:2])}
    asked = {"variable": AIR, "first_period": Period(1991, 1993), "second_period": Period(1994, 2010)}
    few, many = swing(np.arange(1991, 1994)), swing(np.arange(1994, 2011)) + 0.6
    expected = stats.ttest_ind(many, few, equal_var=False).pvalue
    found = run("period_difference", data, **asked).outcome.data.p
    assert found.values == pytest.approx(np.full((2, 2), expected))


def test_a_linear_trend_for_each_decade() -> None:
    found = run("linear_trend", {"field": warming()}, variable=AIR)
    assert (found.value, found.units) == (pytest.approx(0.3), "K decade-1")
    assert found["change along the trend"].value == pytest.approx(0.03 * 19)
    with pytest.raises(NoAnswer, match="trend"):
        run("linear_trend", {"field": warming()}, variable=AIR, period=Period(1991, 1993))


@pytest.mark.parametrize("calendar", ["standard", "360_day"])
def test_a_trend_of_winters_in_any_calendar(calendar: str) -> None:
    data = field(lambda year, month, lat, lon: 0.05 * (year + (month == 12)) + month, calendar=calendar)
    found = run("linear_trend", {"field": data}, variable=AIR, season=DJF)
    assert found.value == pytest.approx(0.5, abs=0.01)  # leap years move February's weight
    assert found.outcome.data.sizes["year"] == 19


def test_a_robust_trend_does_not_see_an_outlier() -> None:
    data = field(lambda year, month, lat, lon: 0.02 * year + 30.0 * (year == 2003))
    found = run("robust_trend", {"field": data}, variable=AIR)
    assert found.value == pytest.approx(0.2, abs=0.005)
    assert found["verdict"].value == "significant increase"


def test_a_map_of_trends() -> None:
    data = field(lambda year, month, lat, lon: year * lat / 1000 + 0.001 * np.cos(2.5 * year) + month)
    found = run("trend_map", {"field": data}, variable=AIR)
    assert found.value == pytest.approx(0.0, abs=1e-3)
    assert found["largest trend, at 75°N"].value == pytest.approx(0.75, abs=1e-3)
    assert found["area where"].value == pytest.approx(100.0)


def test_the_largest_value_when_and_where() -> None:
    data = {
        "field": field(lambda year, month, lat, lon: 50.0 * (year == 1999) * (month == 4) * (lat == 45) * (lon == 345))
    }
    found = run("extreme_value", data, variable=AIR)
    assert found.value == 50.0
    assert found["date"].value == "1999-04-15"
    assert (found["latitude"].value, found["longitude"].value) == (45.0, 345.0)
    europe = run("extreme_value", data, variable=AIR, region=Region("across Greenwich", 30, 60, 340, 380))
    assert (europe.value, europe["longitude"].value) == (50.0, 345.0)
    assert run("extreme_value", data, variable=AIR, statistic="minimum").value == 0.0
    assert run("extreme_value", data, variable=AIR, season=JJA).value == 0.0


def test_a_percentile_of_evenly_spread_values() -> None:
    even = {"field": field(lambda year, month, *_: (year - 1991) * 12.0 + month - 1)}
    assert run("percentile", even, variable=AIR, percentile=90.0).value == pytest.approx(0.9 * 239)
    with pytest.raises(NoAnswer, match="between 0 and 100"):
        run("percentile", even, variable=AIR, percentile=150.0)


@pytest.mark.parametrize(
    ("threshold", "units", "side", "expected"), [(6.0, None, "above", 120), (279.15, "K", "below", 100)]
)
def test_months_beyond_a_threshold(threshold: float, units: str | None, side: str, expected: int) -> None:
    data = {"field": field(lambda year, month, *_: 1.0 * month)}
    found = run("threshold_count", data, variable=AIR, threshold=threshold, units=units, side=side)
    assert (found.value, found.units) == (expected, "months")
    data = {"field": field(lambda year, month, *_: 1.0 * month)}
    of_a_year = run(
        "threshold_count", data, variable=AIR, threshold=threshold, units=units, side=side, count="per year"
    )
    assert (of_a_year.value, of_a_year.units) == (expected / 20, "months year-1")


def weights(lat: float) -> float:
    """Of a cell of 30° of latitude, up to a factor."""
    return float(np.sin(np.radians(lat + 15)) - np.sin(np.radians(lat - 15)))


def test_the_mean_of_the_years_extremes_of_the_cells() -> None:
    # In the north the hottest day has 10 + the year since 2000, in the south 20; each on a day of its own.
    def value(year: xr.DataArray, month: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
        return xr.where(lat > 0, (10.0 + year - 2000) * (month == 7), 20.0 * (month == 1)) + 0 * lon

    data = {"field": field(value, 2001, 2004, step="daily", lat=np.array([-45.0, 45.0]), lon=LON[:2])}
    found = run("yearly_extreme", data, variable=AIR)
    assert found.value == pytest.approx((20 + 12.5) / 2)
    assert found["maximum of all years"].value == 20
    assert run("yearly_extreme", data, variable=AIR, statistic="minimum").value == 0
    spike = data["field"].compute()
    spike = xr.where(spike.time.dt.dayofyear == 100, 50.0, spike).transpose(*spike.dims).assign_attrs(spike.attrs)
    assert run("yearly_extreme", {"field": spike}, variable=AIR, days=5).value == pytest.approx((20 + 12.5) / 2)
    assert run("yearly_extreme", {"field": spike}, variable=AIR).value == 50
    monthly = {"field": field(lambda year, month, *_: 1.0 * month)}
    assert "may be more extreme" in run("yearly_extreme", monthly, variable=AIR).notes
    with pytest.raises(NoAnswer, match="5 days"):
        run("yearly_extreme", monthly, variable=AIR, days=5)


def test_days_beyond_a_threshold_and_units_that_do_not_fit() -> None:
    data = {
        "field": field(lambda year, month, *_: 1.0 * (month == 7), 2001, 2002, step="daily", lat=LAT[:2], lon=LON[:2])
    }
    assert run("threshold_count", data, variable=AIR, threshold=0.5).value == 62
    # The cell at 75°S never, that at 45°S in July: cells are counted before they are averaged.
    north = {"field": data["field"].compute().where(data["field"].lat > LAT[0], 0.0)}
    share = weights(LAT[1]) / (weights(LAT[0]) + weights(LAT[1]))
    assert run("threshold_count", north, variable=AIR, threshold=0.5).value == pytest.approx(62 * share)
    with pytest.raises(NoAnswer, match="cannot be compared"):
        run("threshold_count", data, variable=AIR, threshold=0.5, units="mm day-1")


def test_variability_with_and_without_the_trend() -> None:
    data = {"field": field(lambda year, month, *_: (-1.0) ** year + month)}
    found = run("variability", data, variable=AIR)
    assert found.value == pytest.approx(np.sqrt(20 / 19))
    trended = run("variability", {"field": warming()}, variable=AIR)
    assert trended["standard deviation about"].value == pytest.approx(0.0, abs=1e-9)
