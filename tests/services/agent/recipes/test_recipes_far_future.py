"""Scenarios that go on beyond 2261, where datetime64 ends, after historical runs that do not."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, run

from tellurion_agent.catalogue.stamps import coordinate
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period

AIR = "air_temperature"
SMALL = {"lat": np.array([-45.0, 45.0]), "lon": np.array([90.0, 270.0])}


def catalogued(value: object, first: int, last: int, calendar: str = "standard") -> xr.DataArray:
    """A field with the time stamps that the catalogue gives such years."""
    made = field(value, first, last, name=AIR, calendar=calendar, **SMALL)
    kind = {"standard": cftime.DatetimeGregorian, "noleap": cftime.DatetimeNoLeap}[calendar]
    dates = [kind(y, m, 15, has_year_zero=True) for y in range(first, last + 1) for m in range(1, 13)]
    return made.assign_coords(time=coordinate(np.array(dates)))


def extended(calendar: str = "standard") -> dict[str, xr.DataArray]:
    """0.01 K warmer with every year."""
    return {
        "historical": catalogued(lambda y, *_: 0.01 * y, 1850, 2014),
        "scenario": catalogued(lambda y, *_: 0.01 * y, 2015, 2300, calendar),
    }


def test_the_catalogue_stamps_the_two_runs_differently() -> None:
    assert [each.time.dtype.kind for each in extended().values()] == ["M", "O"]


@pytest.mark.parametrize(("last", "middle"), [(2300, 2290.5), (2100, 2090.5)])
def test_the_change_of_the_last_twenty_years(last: int, middle: float) -> None:
    runs = extended()
    runs["scenario"] = runs["scenario"].isel(time=slice(0, 12 * (last - 2014)))
    found = run("scenario_change", runs, variable=AIR, scenario_experiment="ssp585", base=Period(1995, 2014))
    assert found.value == pytest.approx(0.01 * (middle - 2004.5))


def test_the_year_of_a_level_of_warming() -> None:
    """3.80 K above the years about 1875 is the mean of the twenty years about 2255, from 2245 to 2265."""
    found = run("warming_level", extended(), scenario_experiment="ssp585", warming=3.795)
    assert found.value == 2255
    assert found["20-year mean warming about 2290"].value == pytest.approx(0.01 * (2290 - 1875))


def test_runs_of_different_calendars_do_not_go_together() -> None:
    with pytest.raises(NoAnswer, match=r"received (standard|proleptic_gregorian) and noleap"):
        run("scenario_change", extended("noleap"), variable=AIR, scenario_experiment="ssp585")
