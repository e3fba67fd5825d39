"""Recipes about the mean state of one field, on fields with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import LON, field, run

from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.regions import named
from tellurion_agent.slots import Level, Period, Region, Season

JJA, DJF = Season("JJA", (6, 7, 8)), Season("DJF", (12, 1, 2))
LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
POINT = Region("one cell", -15, -15, 45, 45)
AIR = "air_temperature"


def warming(rate: float = 0.03) -> xr.DataArray:
    return field(lambda year, month, lat, lon: 10 + rate * (year - 1991) + 3 * np.cos(2 * np.pi * (month - 7) / 12))


def test_the_mean_weighs_areas_and_months() -> None:
    data = {"field": field(lambda year, month, lat, lon: month + lat)}
    found = run("area_mean", data, variable=AIR, region=Region("60–90°N", 60, 90))
    assert found.value == pytest.approx(75 + np.sum(LENGTHS * np.arange(1, 13)) / 365)
    assert found.units == "degC"
    northern = run("area_mean", data, variable=AIR, region=named("Northern Hemisphere"), season=JJA)
    s = np.sin(np.radians([0, 30, 60, 90]))
    expected = np.sum(np.diff(s) * [15, 45, 75]) + (30 * 6 + 31 * 7 + 31 * 8) / 92
    assert northern.value == pytest.approx(expected)


@pytest.mark.parametrize(("name", "told"), [("precipitation_flux", True), ("sea_surface_temperature", False)])
def test_where_a_field_never_has_values_is_told_unless_that_is_its_coast(name: str, told: bool) -> None:
    # Half of the globe: every other column.
    data = field(lambda year, month, lat, lon: 2.0 + 0 * lat, name=name)
    halved = data.where(data.lon % 60 > 20)
    found = run("area_mean", {"field": halved}, variable=name)
    assert found.value == pytest.approx(2.0)
    assert ("50 % of the area never has a value" in found.notes) is told
    assert "never" not in run("area_mean", {"field": data}, variable=name).notes


def test_missing_values_are_told_and_half_must_be_there() -> None:
    whole = field(lambda year, month, lat, lon: 5.0 + 0 * lat).compute()
    gaps = whole.where(~((whole.lon < 90) & (whole.time.dt.year < 2000)))
    found = run("area_mean", {"field": gaps}, variable=AIR)
    assert found.value == pytest.approx(5.0)
    assert "missing" in found.notes
    with pytest.raises(NoAnswer, match="%"):
        run("area_mean", {"field": whole.where(whole.time.dt.year > 2005)}, variable=AIR)
    with pytest.raises(NoAnswer, match="no values"):
        run("area_mean", {"field": whole.where(whole > 9)}, variable=AIR)


def test_a_period_that_is_not_there_is_named() -> None:
    with pytest.raises(NoAnswer, match="1991–2010"):
        run("area_mean", {"field": warming()}, variable=AIR, period=Period(1900, 1920))
    assert "10 of the 15" not in run("area_mean", {"field": warming()}, variable=AIR, period=Period(1991, 2000)).notes
    assert "10 of the 15" in run("area_mean", {"field": warming()}, variable=AIR, period=Period(2001, 2015)).notes


def test_a_layers_mean_and_a_level() -> None:
    ocean = field(
        lambda year, month, lat, lon, level: 20 - level / 10, 1991, 1993, level=np.array([5.0, 15.0, 35.0]),
        name="sea_water_potential_temperature",
    )  # fmt: skip
    asked = {"variable": "sea_water_potential_temperature"}
    layer = run("area_mean", {"field": ocean}, **asked, level=Level(0, 25, "m"))
    assert layer.value == pytest.approx(20 - (10 * 0.5 + 15 * 1.5) / 25)
    assert run("area_mean", {"field": ocean}, **asked, level=Level(15, 15, "m")).value == pytest.approx(18.5)
    surface = run("area_mean", {"field": ocean}, **asked)
    assert surface.value == pytest.approx(19.5)
    assert "uppermost" in surface.notes
    with pytest.raises(NoAnswer, match="hPa"):
        run("area_mean", {"field": ocean}, **asked, level=Level(500, 500, "hPa"))


def test_a_series_and_its_ends() -> None:
    found = run("time_series", {"field": warming()}, variable=AIR, sampling="yearly")
    shift = 3 * np.sum(LENGTHS * np.cos(2 * np.pi * (np.arange(1, 13) - 7) / 12)) / 365
    assert found["first value, 1991"].value == pytest.approx(10 + shift)
    assert found["last value, 2010"].value == pytest.approx(10 + shift + 0.03 * 19)
    assert found["standard deviation"].value == pytest.approx(0.03 * np.arange(20).std(ddof=1))


@pytest.mark.parametrize(("statistic", "expected"), [("range", 6.0), ("amplitude", 3.0), ("maximum", "July")])
def test_a_seasonal_cycle(statistic: str, expected: float | str) -> None:
    found = run("seasonal_cycle", {"field": warming()}, variable=AIR, statistic=statistic)
    assert found.value == (expected if isinstance(expected, str) else pytest.approx(expected))
    assert found["month of the minimum"].value == "January"


def test_a_mean_map_shows_where_it_is_largest() -> None:
    data = {"field": field(lambda year, month, lat, lon: lat + (lon == 45) * (lat == 15) * 100.0 + month)}
    found = run("climatology_map", data, variable=AIR, season=Season("March", (3,)))
    assert found["largest value of the map, at 15°N, 45°E"].value == pytest.approx(118)
    assert found.outcome.data.climatology.sel(lat=-45, lon=15).item() == pytest.approx(-42)
    assert found.outcome.data.climatology.dims == ("lat", "lon")


def test_a_zonal_mean_by_latitude() -> None:
    found = run("zonal_mean", {"field": field(lambda year, month, lat, lon: -((lat - 15) ** 2) + lon)}, variable=AIR)
    assert found["latitude of the maximum"].value == 15
    assert found.value == pytest.approx(LON.mean())


def test_an_anomaly_in_time_and_longitude() -> None:
    data = field(lambda year, month, lat, lon: month + 2.0 * (year == 2000) * (month == 5) * (lon == 75))
    found = run("hovmoller", {"field": data}, variable=AIR)
    assert found.value == pytest.approx(2 - 2 / 20)
    assert "2000-05 at 75°E" in found.outcome.values[0].label
    assert found.outcome.data.section.dims == ("time", "lon")
    assert run("hovmoller", {"field": data}, variable=AIR, axis="latitude").outcome.data.section.dims == ("time", "lat")


def test_a_profile_over_depth() -> None:
    levels = np.array([5.0, 50.0, 100.0])
    ocean = field(lambda year, month, lat, lon, level: 20 - 0.1 * level, 1991, 1993, level=levels)
    deep_land = ocean.where((ocean.level < 80) | (ocean.lat > 0))
    found = run("vertical_profile", {"field": deep_land}, variable="sea_water_potential_temperature")
    assert found.value == pytest.approx(19.5)
    assert found["at 100 m"].value == pytest.approx(10.0)
    assert found["steepest gradient"].value == pytest.approx(-0.1)
    assert "missing" not in found.notes


def test_a_point_is_one_cell() -> None:
    data = {"field": field(lambda year, month, lat, lon: lat + lon)}
    assert run("area_mean", data, variable=AIR, region=POINT).value == pytest.approx(30.0)


def test_the_mean_of_a_map_that_has_no_time() -> None:
    still = field(lambda year, month, lat, lon: 10.0 * (lat > 0)).isel(time=0, drop=True)
    found = run("area_mean", {"field": still}, variable=AIR)
    assert found.value == pytest.approx(5.0)
    assert "it is not said of which years they are" in found.notes
    with pytest.raises(NoAnswer, match="no values there"):
        run("area_mean", {"field": still.where(still > 99)}, variable=AIR)
    for asked in ({"season": JJA}, {"period": Period(1991, 2000)}):
        with pytest.raises(NoAnswer, match="cannot be chosen"):
            run("area_mean", {"field": still}, variable=AIR, **asked)


def test_the_months_of_a_climatology_are_of_no_years() -> None:
    months = field(lambda year, month, lat, lon: month * 1.0, 1, 1)
    found = run("seasonal_cycle", {"field": months}, variable=AIR)
    assert found.outcome.values[0].label.endswith("climatology")
    with pytest.raises(NoAnswer, match="climatology without dates"):
        run("seasonal_cycle", {"field": months}, variable=AIR, period=Period(1991, 2000))
