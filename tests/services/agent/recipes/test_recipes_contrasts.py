"""Regions, years, scenarios and many data sets against each other: numbers that can be counted on fingers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, run

from tellurion_agent.recipes.indices import seasonal
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period, Region

AIR = "air_temperature"
SOUTH, NORTH = Region("Southern Hemisphere", -90, 0), Region("Northern Hemisphere", 0, 90)


def test_one_region_less_another() -> None:
    data = {"field": field(lambda year, month, lat, lon: 10.0 + 5.0 * (lat > 0) + 0.01 * year)}
    found = run("region_difference", data, variable=AIR, first_region=NORTH, second_region=SOUTH)
    assert (found.value, found.units) == (pytest.approx(5.0), "K")
    assert found["mean of Northern"].value - found["mean of Southern"].value == pytest.approx(5.0)
    back = run("region_difference", data, variable=AIR, first_region=SOUTH, second_region=NORTH)
    assert back.value == pytest.approx(-5.0)
    with pytest.raises(NoAnswer, match="both regions"):
        run("region_difference", data, variable=AIR, first_region=SOUTH, second_region=SOUTH)


def test_the_warmest_and_the_coldest_year() -> None:
    data = {"field": field(lambda year, *_: 1.0 * (year == 1998) - 2.0 * (year == 2003))}
    warmest = run("extreme_year", data, variable=AIR)
    assert (warmest.value, warmest.units) == (1998, "year")
    assert warmest["mean of 1998"].value == pytest.approx(1.0)
    assert warmest["difference from the next"].value == pytest.approx(1.0)
    assert run("extreme_year", data, variable=AIR, statistic="minimum").value == 2003


def test_a_leap_year_is_no_colder_for_its_longer_february() -> None:
    def cold_februaries(year: xr.DataArray, month: xr.DataArray, *_: object) -> xr.DataArray:
        return -100.0 * (month == 2) - 0.001 * (year == 1999)

    data = {"field": field(cold_februaries, calendar="standard")}
    assert run("extreme_year", data, variable=AIR, statistic="minimum").value == 1999
    leap = run("period_anomaly", data, variable=AIR, period=Period(2000, 2000), base=Period(1991, 1998))
    assert leap.value == pytest.approx(0.0, abs=1e-9)


def test_data_sets_in_the_order_of_their_errors() -> None:
    truth = field(lambda year, month, lat, lon: 10 + lat)
    away = {"A": 2.0, "B": -0.5, "C": 1.0}
    data = {f"fields:{name}": truth + bias for name, bias in away.items()}
    data = {name: array.assign_attrs(truth.attrs, source=name[-1]) for name, array in data.items()}
    data |= {"reference": truth.assign_attrs(source="truth"), "fields:truth": truth.assign_attrs(source="truth")}
    asked = {"variable": AIR, "reference_source": "observations"}  # not as the catalogue has it
    by_error = run("data_set_ranking", data, **asked)
    assert by_error.value == "B"
    assert [v.label[0] for v in by_error.outcome.values[1:]] == ["B", "C", "A"]
    assert by_error["A"].value == pytest.approx(2.0)
    assert run("data_set_ranking", data, **asked, quantity="bias")["B"].value == pytest.approx(-0.5)
    assert run("data_set_ranking", data, **asked, which="farthest").value == "A"
    with pytest.raises(NoAnswer, match="at least 2"):
        run("data_set_ranking", {name: data[name] for name in ("fields:A", "reference")}, **asked)
    with pytest.raises(NoAnswer, match="fewer than two"):
        run("data_set_ranking", {name: data[name] for name in ("fields:A", "fields:truth", "reference")}, **asked)


def runs() -> dict[str, xr.DataArray]:
    """Three models that are as warm as their number until 2010, and then warmer by twice as much again."""
    past = {f"historical:M{k}": field(lambda year, *_, k=k: k + 0 * year) for k in (1, 2, 3)}
    future = {f"scenario:M{k}": field(lambda year, *_, k=k: 3 * k + 0 * year, 2011, 2030) for k in (1, 2, 3)}
    return past | future


FUTURE = {
    "variable": AIR,
    "scenario_experiment": "ssp585",
    "period": Period(2021, 2030),
    "base": Period(1991, 2010),
}


def test_changes_of_many_models() -> None:
    mean = run("scenario_ensemble", runs(), **FUTURE)
    assert (mean.value, mean.units) == (pytest.approx(4.0), "K")
    assert mean["standard deviation"].value == pytest.approx(2.0)
    each = run("scenario_ensemble", runs(), **FUTURE, quantity="each")
    assert [(v.label, v.value) for v in each.outcome.values[:3]] == [
        ("M3", pytest.approx(6.0)), ("M2", pytest.approx(4.0)), ("M1", pytest.approx(2.0)),
    ]  # fmt: skip


def test_one_scenario_less_another() -> None:
    high, low = (field(lambda year, *_, s=s: s * (year - 2010), 2011, 2030) for s in (0.5, 0.2))
    asked = {"variable": AIR, "first_experiment": "ssp585", "second_experiment": "ssp245"}
    found = run("scenario_difference", {"first": high, "second": low}, **asked, period=Period(2026, 2030))
    assert (found.value, found.units) == (pytest.approx(0.3 * 18), "K")
    with pytest.raises(NoAnswer, match="both scenarios"):
        run("scenario_difference", {"first": high, "second": high}, **{**asked, "second_experiment": "SSP585"})


def months(first: int, last: int) -> xr.DataArray:
    """[time] the number of each month, counted from the year 0."""
    axis = xr.date_range(f"{first}-01-15", periods=12 * (last - first + 1), freq="MS", use_cftime=True)
    time = xr.DataArray(axis, dims="time", coords={"time": axis})
    return (time.dt.year * 12 + time.dt.month - 1).astype(float)


@pytest.mark.parametrize(
    ("season", "period", "expected"),
    [
        ((11,), Period(2008, 2008), {"2008": 2008 * 12 + 10}),
        ((11, 12, 1), Period(2008, 2009), {"2008/09": 2008 * 12 + 11}),
        ((12, 1, 2), Period(1998, 1998), {"1997/98": 1998 * 12}),
        ((6, 7, 8), Period(2001, 2002), {"2001": 2001 * 12 + 6, "2002": 2002 * 12 + 6}),
        ((12, 1, 2), Period(1990, 1990), {}),
    ],
)
def test_a_season_is_of_the_year_of_its_middle(season: tuple[int, ...], period: Period, expected: dict) -> None:
    found = seasonal(months(1990, 2010), season, period)
    assert list(found) == list(expected)
    np.testing.assert_allclose(list(found.values()), list(expected.values()))
