"""Recipes that count days: winters that pass New Year, days and years that are missing."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import LAT, LON, field, run

from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period, Season

DJF, ANNUAL = Season("DJF", (12, 1, 2)), Season("annual", tuple(range(1, 13)))
AIR = "air_temperature"


def days(value: object, first: int = 2001, last: int = 2004, **named: object) -> xr.DataArray:
    """On two cells of one latitude."""
    return field(value, first, last, step="daily", lat=LAT[2:3], lon=LON[:2], **named).compute()


def more(data: xr.DataArray, value: xr.DataArray) -> xr.DataArray:
    return (data + value).assign_attrs(data.attrs)


def without(data: xr.DataArray, lost: object) -> xr.DataArray:
    return data.where(~lost)


def test_a_winters_extreme_is_of_one_winter() -> None:
    # The winter of 2002 is the warmest in its December, that of 2003 in its January; 2001 and 2005 are not whole.
    data = days(lambda y, m, *_: 10.0 * ((y == 2001) & (m == 12)) + 6.0 * ((y == 2003) & (m == 1)))
    found = run("yearly_extreme", {"field": data}, variable=AIR, season=DJF)
    assert found.outcome.data.extreme.year.values.tolist() == [2002, 2003, 2004]
    assert found.outcome.data.extreme.values == pytest.approx([10, 6, 0])
    chosen = run("yearly_extreme", {"field": data}, variable=AIR, season=DJF, period=Period(2002, 2003))
    assert chosen.value == pytest.approx(8)


def test_running_means_of_days_stay_within_a_season_but_pass_new_year() -> None:
    # 28 February and 1 December of the same year are not days in a row; 31 December and 1 January are.
    data = days(lambda *_: 0.0)
    ends = (data.time.dt.month == 2) & (data.time.dt.day == 28) | (data.time.dt.month == 12) & (data.time.dt.day == 1)
    found = run("yearly_extreme", {"field": more(data, 8.0 * ends)}, variable=AIR, season=DJF, days=2)
    assert found.value == pytest.approx(4)
    turn = (data.time.dt.dayofyear == 365) | (data.time.dt.dayofyear == 1)
    found = run("yearly_extreme", {"field": more(data, 8.0 * turn)}, variable=AIR, season=DJF, days=2)
    assert found.value == pytest.approx(8)


def test_days_of_winters_are_counted_by_winters() -> None:
    data = days(lambda y, m, *_: 1.0 * (m == 12))
    found = run("threshold_count", {"field": data}, variable=AIR, season=DJF, threshold=0.5, count="per year")
    assert found.value == pytest.approx(31)
    assert found.outcome.data["count"].year.values.tolist() == [2002, 2003, 2004]
    chosen = {"season": DJF, "threshold": 0.5, "count": "per year", "period": Period(2002, 2003)}
    assert run("threshold_count", {"field": data}, variable=AIR, **chosen).value == pytest.approx(31)
    in_all = run("threshold_count", {"field": data}, variable=AIR, season=DJF, threshold=0.5)
    assert in_all.value == pytest.approx(4 * 31)


DAILY = [
    ("yearly_extreme", "field", AIR, {"variable": AIR}),
    ("threshold_count", "field", AIR, {"variable": AIR, "threshold": 0.5, "count": "per year"}),
    ("degree_days", "temperature", AIR, {"kind": "growing", "threshold": 0.5}),
    ("wet_dry_spells", "precipitation", "precipitation_flux", {"statistic": "wet days"}),
]


@pytest.mark.parametrize(("recipe", "role", "name", "slots"), DAILY)
def test_a_year_without_values_counts_neither_as_none_nor_at_all(recipe, role, name, slots) -> None:
    data = days(lambda y, m, *_: 2.0 * (m == 7) + (y == 2003), name=name)
    whole = run(recipe, {role: data.sel(time=data.time.dt.year != 2003)}, **slots)
    found = run(recipe, {role: without(data, data.time.dt.year == 2003)}, **slots)
    assert found.value == whole.value
    assert "1 of 4 years are left out" in found.notes
    with pytest.raises(NoAnswer, match=r"no values|missing"):
        run(recipe, {role: without(data, data.time.dt.year > 0)}, **slots)


@pytest.mark.parametrize(("recipe", "role", "name", "slots"), DAILY)
def test_a_cells_year_may_lack_fifteen_days_not_sixteen(recipe, role, name, slots) -> None:
    # The western cell has 3 in July of each year, the eastern one 5.
    data = days(lambda y, m, lat, lon: (3.0 + 2.0 * (lon > LON[0])) * (m == 7), name=name)
    whole = run(recipe, {role: data}, **slots)
    lost = (data.time.dt.year == 2002) & (data.lon > LON[0])
    few = run(recipe, {role: without(data, lost & (data.time.dt.dayofyear <= 15))}, **slots)
    assert few.value == whole.value
    many = run(recipe, {role: without(data, lost & (data.time.dt.dayofyear <= 16))}, **slots)
    series = next(iter(many.outcome.data.values()))
    west = run(recipe, {role: data.isel(lon=[0])}, **slots)
    assert float(series.sel(year=2002)) == pytest.approx(float(next(iter(west.outcome.data.values())).sel(year=2002)))
    assert "missing" in many.notes


def test_a_year_that_the_data_do_not_have_is_a_gap() -> None:
    data = days(lambda y, m, *_: 1.0 * (m == 7))
    gap = data.sel(time=data.time.dt.year != 2002)
    found = run("threshold_count", {"field": gap}, variable=AIR, threshold=0.5, count="per year")
    assert found.value == pytest.approx(31)
    assert np.isnan(found.outcome.data["count"].sel(year=2002))


def test_a_year_that_has_begun_is_no_year() -> None:
    data = days(lambda *_: 1.0).isel(time=slice(0, 2 * 365 + 100))
    per_year = run("threshold_count", {"field": data}, variable=AIR, threshold=0.5, count="per year")
    assert per_year.value == pytest.approx(365)
    assert run("threshold_count", {"field": data}, variable=AIR, threshold=0.5).value == pytest.approx(2 * 365 + 100)
