"""Recipes that compare: data sets, members, indices."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, run
from scipy import stats

from tellurion_agent.diagnostics.ensembles import crps
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period, Region, Season

AIR = "air_temperature"
WAVES = {
    "slow": lambda year, month: np.sin(1.3 * (year * 12 + month)),
    "fast": lambda year, month: np.cos(2.1 * (year * 12 + month)),
}


def test_the_bias_of_a_warm_model_on_another_grid() -> None:
    lat, lon = np.arange(-85.0, 86, 10), np.arange(5.0, 360, 10)
    model = field(lambda year, month, lat, lon: 12 + np.sin(np.radians(lat)) + 1.5, 1985, 2005, lat=lat, lon=lon)
    observed = field(lambda year, month, lat, lon: 12 + np.sin(np.radians(lat)), 1991, 2010, lat=lat, lon=lon)
    coarse = field(lambda *_: 0.0)
    asked = {"variable": AIR, "first_source": "model", "second_source": "observed"}
    same = run("data_set_difference", {"first": model, "second": observed}, **asked)
    assert (same.value, same.units) == (pytest.approx(1.5), "K")
    assert same["root-mean-square error"].value == pytest.approx(1.5)
    assert same["centred pattern correlation"].value == pytest.approx(1.0)
    assert "1991–2005" in same.notes
    other = run("data_set_difference", {"first": model, "second": coarse}, **asked)
    assert other.value == pytest.approx(13.5)  # the sine's mean over the globe is 0, on any grid
    assert "6 × 12 cells" in other.notes
    with pytest.raises(NoAnswer, match="K"):
        run("data_set_difference", {"first": model, "second": coarse.assign_attrs(units="K")}, **asked)


def test_two_data_sets_are_compared_over_the_years_of_a_period_that_both_have() -> None:
    warming = lambda year, *_: 0.3 * (year - 1960)  # noqa: E731
    long, late = field(warming, 1955, 1999), field(warming, 1975, 2010).isel(time=slice(5, None))  # from June 1975
    asked = {"variable": AIR, "first_source": "long", "second_source": "late", "period": Period(1960, 1999)}
    found = run("data_set_difference", {"first": long, "second": late}, **asked)
    assert found.value == pytest.approx(0.0, abs=1e-9)
    assert "1976–1999" in found.notes
    apart = {"first": long.sel(time=long.time.dt.year < 1980), "second": late.sel(time=late.time.dt.year >= 1980)}
    with pytest.raises(NoAnswer, match="in common"):
        run("data_set_difference", apart, **asked)


def test_winters_of_a_period_are_compared_where_both_have_them() -> None:
    second = field(lambda year, month, *_: 100.0 * (year == 1990) * (month < 12) + month, 1990, 2010)
    asked = {"variable": AIR, "first_source": "a", "second_source": "b", "season": Season("DJF", (12, 1, 2))}
    found = run("data_set_difference", {"first": field(lambda year, month, *_: month), "second": second}, **asked)
    assert found.value == pytest.approx(0.0, abs=1e-9)
    assert "1992–2010" in found.notes


def test_regions_across_greenwich_are_compared_too() -> None:
    model, observed = field(lambda year, month, lat, lon: lon * 1.0), field(lambda year, month, lat, lon: lon - 2.0)
    found = run(
        "data_set_difference", {"first": model, "second": observed}, variable=AIR, region=Region("x", 0, 60, 340, 400),
        first_source="a", second_source="b",
    )  # fmt: skip
    assert found.value == pytest.approx(2.0)
    assert found.outcome.data.difference.sizes == {"lat": 2, "lon": 2}


def test_many_data_sets_and_one_that_lacks_the_years() -> None:
    data = {f"fields:M{k}": field(lambda *_, k=k: 10.0 + k) for k in range(3)}
    data["fields:late"] = field(lambda *_: 99.0, 2005, 2010)
    found = run("data_set_comparison", data, variable=AIR, period=Period(1991, 2000))
    assert found.value == pytest.approx(12.0)
    assert found["mean of 3"].value == pytest.approx(11.0)
    assert found["standard deviation"].value == pytest.approx(1.0)
    assert found["M2"].value == pytest.approx(12.0)
    assert "late is left out" in found.notes
    with pytest.raises(NoAnswer, match="at least 2"):
        run("data_set_comparison", {"fields:M0": data["fields:M0"]}, variable=AIR)


def ensemble() -> dict[str, xr.DataArray]:
    return {f"fields:r{k}": field(lambda year, *_, k=k: 0.1 * year + np.sin(k + year)) for k in range(5)}


def test_an_ensembles_mean_and_spread() -> None:
    years = np.arange(1991, 2011)
    members = 0.1 * years + np.sin(np.arange(5)[:, None] + years)
    found = run("ensemble_spread", ensemble(), variable=AIR)
    assert found.value == pytest.approx(members.mean())
    assert found["spread"].value == pytest.approx(members.std(axis=0, ddof=1).mean())


def test_an_ensembles_skill() -> None:
    years = np.arange(1991, 2011)
    members = 0.1 * years + np.sin(np.arange(5)[:, None] + years)
    data = {**ensemble(), "observed": field(lambda year, *_: 0.1 * year + 0.2 * np.cos(year))}
    found = run("ensemble_skill", data, variable=AIR, observed_source="obs")
    assert found.value == pytest.approx(crps(members, 0.1 * years + 0.2 * np.cos(years)).mean())
    assert 0 < found["its skill over climatology"].value < 1
    assert found["correlation"].value == pytest.approx(
        np.corrcoef(members.mean(axis=0), 0.1 * years + 0.2 * np.cos(years))[0, 1]
    )


ASKED = {"first_variable": AIR, "second_variable": "precipitation_flux"}


def test_indices_that_are_proportional_correlate_wholly() -> None:
    first = field(lambda year, month, *_: WAVES["slow"](year, month) + 5 * month)
    second = field(lambda year, month, *_: -2 * WAVES["slow"](year, month) + month**2, name="precipitation_flux")
    found = run("index_correlation", {"first": first, "second": second}, **ASKED)
    assert found.value == pytest.approx(-1.0)
    assert found["regression of the second"].value == pytest.approx(-2.0)
    assert found["regression of the second"].units == "mm day-1 K-1"
    assert found["regression of the first"].units == "K (mm day-1)-1"


def test_a_correlation_is_that_of_anomalies_of_the_common_months() -> None:
    first = field(lambda year, month, *_: WAVES["slow"](year, month) + 100 * month, 1985, 2010)
    second = field(
        lambda year, month, *_: WAVES["slow"](year, month) + WAVES["fast"](year, month) + 100 * month, 1991, 2015,
        name="precipitation_flux", calendar="360_day",
    )  # fmt: skip
    found = run("index_correlation", {"first": first, "second": second}, **ASKED, period=Period(1991, 2010))
    n = np.arange(1991 * 12 + 1, 2011 * 12 + 1)
    x, y = np.sin(1.3 * n), np.sin(1.3 * n) + np.cos(2.1 * n)
    x, y = (v - v.reshape(20, 12).mean(axis=0)[(n - 1) % 12] for v in (x, y))
    reference = stats.pearsonr(x, y)
    assert found.value == pytest.approx(reference.statistic)


def test_a_season_is_correlated_by_years() -> None:
    data = {"first": field(lambda year, *_: np.sin(year)), "second": field(lambda year, *_: np.sin(year) + 3)}
    found = run("index_correlation", data, **ASKED, season=Season("JJA", (6, 7, 8)))
    assert found.value == pytest.approx(1.0)
    assert found.outcome.data.sizes["year"] == 20


def test_the_first_leads_by_three_months() -> None:
    wave = lambda n: np.sin(0.7 * n) + np.cos(1.9 * n)  # noqa: E731
    first = field(lambda year, month, *_: wave(year * 12 + month))
    second = field(lambda year, month, *_: wave(year * 12 + month - 3), name="precipitation_flux")
    found = run("lead_lag", {"first": first, "second": second}, **ASKED)
    assert (found.value, found.units) == (3.0, "months")
    assert found["correlation at that lag"].value == pytest.approx(1.0, abs=0.02)
    assert "air temperature" in found["reading"].value
    assert run("lead_lag", {"first": second, "second": first}, **ASKED).value == -3.0


def test_a_teleconnection_is_found_where_it_is() -> None:
    index = field(lambda year, *_: np.sin(year), name="sea_surface_temperature")
    there = field(
        lambda year, month, lat, lon: xr.where((lat == 15) & (lon == 105), 2 * np.sin(year), np.cos(2 * year))
    )
    found = run(
        "teleconnection_map", {"field": there, "index": index}, variable=AIR,
        index_variable="sea_surface_temperature", index_region=Region("Niño 3.4", -30, 30, 180, 270),
    )  # fmt: skip
    assert "15°N, 105°E" in found.outcome.values[0].label
    assert found.value == pytest.approx(1.0)
    assert found["regression there"].value == pytest.approx(2 * np.sin(np.arange(1991, 2011)).std())


def test_the_sea_ice_of_one_data_set_less_that_of_another() -> None:
    """Caps of ice from 60 and from 75 degrees north: on a sphere their areas are as 1 − sin φ."""
    lat = np.arange(-88.5, 90, 3)
    ice = {
        f"ice:{name}": field(lambda *axes, edge=edge: 100.0 * (axes[2] > edge), name="sea_ice_area_fraction", lat=lat)
        for name, edge in (("HadISST", 60), ("CESM2", 75))
    }
    found = run("sea_ice_comparison", ice, sources=("HadISST", "CESM2"), season=Season("March", (3,)))
    zone = 2 * np.pi * 6.371**2 * (np.sin(np.radians(75)) - np.sin(np.radians(60)))
    assert found["HadISST less CESM2"].value == found.value == pytest.approx(zone, rel=2e-3)
    assert found.units == "1e6 km2"
    other = run("sea_ice_comparison", ice, sources=("CESM2", "HadISST"), season=Season("March", (3,)))
    assert other.value == pytest.approx(-found.value)
    with pytest.raises(NoAnswer, match="fewer than two"):
        run("sea_ice_comparison", {"ice:CESM2": ice["ice:CESM2"]})


def test_the_cloud_radiative_effects_of_three_data_sets() -> None:
    sunlight, thermal = "toa_outgoing_shortwave_flux", "toa_outgoing_longwave_flux"
    data = {}
    for label, more in (("CERES", 0.0), ("ISCCP", 4.0), ("MIROC6", 6.0)):
        for role, name, value in (
            ("shortwave_all", sunlight, 100.0 + more),
            ("shortwave_clear", f"{sunlight}_assuming_clear_sky", 53.0),
            ("longwave_all", thermal, 240.0),
            ("longwave_clear", f"{thermal}_assuming_clear_sky", 266.0),
        ):
            data[f"{role}:{label}"] = field(lambda *_, value=value: value, name=name, units="W m-2")
    found = run("cloud_effect_comparison", data)
    assert [found[label].value for label in ("CERES", "ISCCP", "MIROC6")] == pytest.approx([-21.0, -25.0, -27.0])
    two = {key: value for key, value in data.items() if "MIROC6" not in key}
    assert run("cloud_effect_comparison", two, sources=("ISCCP", "CERES")).value == pytest.approx(-4.0)
    short = run("cloud_effect_comparison", two, component="shortwave effect")
    assert short.value == pytest.approx(4.0)
    assert short.outcome.values[0].label.startswith("CERES less ISCCP: shortwave")
