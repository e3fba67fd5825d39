"""Recipes of climate change, of droughts and of models' spread, on worlds that were made to respond."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, run
from scipy import stats

from tellurion_agent.diagnostics.land import land
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.regions import named
from tellurion_agent.slots import Period, Season

AIR = "air_temperature"
SMALL = {"lat": np.array([-45.0, 45.0]), "lon": np.array([90.0, 270.0])}


def globe(value: object, first: int, last: int, **kwargs: object) -> xr.DataArray:
    return field(value, first, last, **{**SMALL, **kwargs})


def quadrupled() -> dict[str, xr.DataArray]:
    """ΔT = 7 (1 − e^(−t/30)), N = 7.4 − ΔT; the control drifts by 0.002 K and 0.001 W m⁻² a year."""
    warming = lambda y: 7 * (1 - np.exp(-(y - 1850) / 30))  # noqa: E731
    drift = lambda y: 0.002 * (y - 1850)  # noqa: E731
    watts = {"units": "W m-2"}
    return {
        "warming": globe(lambda y, m, *_: 14 + m + drift(y) + warming(y), 1850, 1999),
        "control": globe(lambda y, m, *_: 14 + m + drift(y), 1850, 1999),
        "incoming": globe(lambda *_: 340.0, 1850, 1999, **watts),
        "reflected": globe(lambda *_: 100.0, 1850, 1999, **watts),
        "emitted": globe(lambda y, *_: 240 - 0.5 * drift(y) - 7.4 + warming(y), 1850, 1999, **watts),
        "net_control": globe(lambda y, *_: 0.5 * drift(y), 1850, 1999, **watts),
    }


def test_the_equilibrium_sensitivity_is_half_of_the_quadruplings() -> None:
    found = run("equilibrium_sensitivity", quadrupled())
    for quantity, label in (("feedback parameter", "climate feedback"), ("radiative forcing", "effective radiative")):
        asked = run("equilibrium_sensitivity", quadrupled(), quantity=quantity)
        assert asked.outcome.values[0] == found[label]
    assert (found.value, found.units) == (pytest.approx(3.7, rel=1e-6), "K")
    assert found["effective radiative forcing"].value == pytest.approx(3.7)
    assert found["climate feedback"].value == pytest.approx(-1.0)
    assert "halved" in found.notes
    with pytest.raises(NoAnswer, match="control"):
        run("equilibrium_sensitivity", {k: v for k, v in quadrupled().items() if k != "control"})
    with pytest.raises(NoAnswer, match="emitted"):
        run("equilibrium_sensitivity", {k: v for k, v in quadrupled().items() if k != "emitted"})


def test_the_transient_response_is_about_the_doubling() -> None:
    data = {
        "warming": globe(lambda y, m, *_: 14 + 0.025 * (y - 1850) + 0.001 * (y - 1850), 1850, 1989),
        "control": globe(lambda y, m, *_: 14 + 0.001 * (y - 1850), 1850, 2049),
    }
    found = run("transient_response", data)
    assert found.value == pytest.approx(0.025 * 69.5)
    assert found["warming for each doubling"].value == pytest.approx(0.025 / np.log2(1.01))
    gap = data | {"warming": data["warming"].sel(time=data["warming"].time.dt.year != 1870)}
    lacking = run("transient_response", gap)  # the years after it keep their places
    assert lacking.value == pytest.approx(0.025 * 69.5)
    assert lacking["warming for each doubling"].value == pytest.approx(0.025 / np.log2(1.01))
    assert "139 years" in lacking.outcome.values[0].label


def scenario() -> dict[str, xr.DataArray]:
    return {
        "historical": globe(lambda y, m, *_: 10 + m + 0.01 * (y - 1850), 1850, 2014, name=AIR),
        "scenario": globe(lambda y, m, *_: 10 + m + 1.64 + 0.04 * (y - 2014), 2015, 2100, name=AIR),
    }


def test_a_scenarios_change_is_relative_to_the_historical_run() -> None:
    asked = {"variable": AIR, "scenario_experiment": "ssp585"}
    found = run("scenario_change", scenario(), **asked, period=Period(2081, 2100), base=Period(1995, 2014))
    expected = (1.64 + 0.04 * (2090.5 - 2014)) - 0.01 * (2004.5 - 1850)
    assert (found.value, found.units) == (pytest.approx(expected), "K")
    default = run("scenario_change", scenario(), **asked)
    assert default.value == pytest.approx(expected)
    assert "1995–2014, as none was named" in default.notes
    with pytest.raises(NoAnswer, match="1800–1820"):
        run("scenario_change", scenario(), **asked, base=Period(1800, 1820))


def test_a_scenario_without_history_is_its_own_base() -> None:
    found = run(
        "scenario_change", {"scenario": scenario()["scenario"]}, variable=AIR, scenario_experiment="ssp585",
        period=Period(2081, 2100), base=Period(2015, 2034),
    )  # fmt: skip
    assert found.value == pytest.approx(0.04 * 66)


@pytest.mark.parametrize(("level", "expected"), [(2.0, 2030), (9.0, "not reached")])
def test_the_year_of_a_warming_level(level: float, expected: float | str) -> None:
    found = run("warming_level", scenario(), warming=level, scenario_experiment="ssp585")
    # Above 1850–1900, whose mean is 0.25: 1.64 + 0.04 (y − 2014) − 0.25 = 2 in 2029.25, in the middle of twenty years.
    assert found.value == expected


def test_land_that_warms_twice_as_fast() -> None:
    lat, lon = np.arange(-75.0, 76, 30), np.arange(15.0, 360, 30)
    shape = xr.DataArray(np.zeros((6, 12)), {"lat": lat, "lon": lon}, ("lat", "lon"))
    ashore = land(shape)
    data = field(lambda y, m, lat, lon: m + 0.02 * (y - 1991) * (1 + ashore))
    found = run("land_ocean_contrast", {"field": data})
    assert found.value == pytest.approx(2.0)
    by_model = xr.where(shape.lon < 180, 100.0, 0.0)
    fraction = (shape + by_model).assign_attrs(standard_name="land_area_fraction", units="%")
    halves = field(lambda y, m, lat, lon: m + 0.02 * (y - 1991) * (1 + 0.5 * (lon < 180)))
    assert run("land_ocean_contrast", {"field": halves, "land_fraction": fraction}).value == pytest.approx(1.5)


def test_an_arctic_that_warms_three_times_as_fast() -> None:
    lat = np.arange(-87.5, 88, 5)
    data = field(lambda y, m, lat, lon: m + 0.02 * (y - 1991) * xr.where(lat > 70, 3.0, 1.0), lat=lat)
    cap = (1 - np.sin(np.radians(70))) / 2
    found = run("arctic_amplification", {"field": data}, latitude=70.0)
    assert found.value == pytest.approx(3 / (1 + 2 * cap))
    with pytest.raises(NoAnswer, match="ratio"):
        run("arctic_amplification", {"field": field(lambda y, *_: np.cos(2 * y), lat=lat)})


def test_the_driest_months_of_a_record() -> None:
    rng = np.random.default_rng(0)
    rates = rng.gamma(2.0, 2.0, 480)
    rates[300:303] = 0.01
    rain = globe(lambda *_: 1.0, 1971, 2010).compute() * xr.DataArray(rates, dims="time")
    rain.attrs = {"standard_name": "precipitation_flux", "units": "mm day-1"}
    found = run("drought_index", {"precipitation": rain}, window=3)
    assert "1996-03" in found.outcome.values[0].label
    assert found.value < -2.3
    share = found["months with an index below -1"].value / 478
    assert share == pytest.approx(stats.norm.cdf(-1), abs=0.04)
    asked = {"window": 3, "season": Season("March", (3,)), "period": Period(1996, 1996)}
    assert run("drought_index", {"precipitation": rain}, **asked).value == pytest.approx(found.value)
    severe = run("drought_index", {"precipitation": rain}, window=3, statistic="months in drought", threshold=-2.0)
    assert severe.value / 478 == pytest.approx(stats.norm.cdf(-2), abs=0.02)
    with pytest.raises(NoAnswer, match="20"):
        run("drought_index", {"precipitation": rain}, base=Period(1971, 1980))


def test_spells_and_very_wet_days() -> None:
    # In each year 20 wet days from 1 June; the longest dry spell is from 21 June to the year's end.
    rain = globe(lambda *_: 0.0, 2001, 2003, name="precipitation_flux", step="daily").compute()
    of_year = rain.time.dt.dayofyear
    amounts = xr.where((of_year > 151) & (of_year <= 171), (of_year - 151) * 2.0, 0.2)
    rain = (rain + amounts).assign_attrs(standard_name="precipitation_flux", units="mm day-1")
    found = run("wet_dry_spells", {"precipitation": rain.chunk(time=100)})
    assert found.value == pytest.approx(365 - 171)
    assert found["longest wet spell"].value == pytest.approx(20)
    assert found["wet days of a year"].value == pytest.approx(20)
    assert found["rain of a year"].value == pytest.approx(40.0)  # the 95th percentile of 2, 4, … 40 mm is 38.1
    assert run("wet_dry_spells", {"precipitation": rain}, statistic="wet days").value == pytest.approx(20)
    with pytest.raises(NoAnswer, match="daily"):
        run("wet_dry_spells", {"precipitation": field(lambda *_: 1.0)})


@pytest.mark.parametrize(("kind", "expected"), [("heating", 8 * 181), ("cooling", 4 * 184), ("growing", 12 * 184)])
def test_degree_days(kind: str, expected: float) -> None:
    data = globe(lambda y, m, *_: xr.where(m <= 6, 10.0, 22.0), 2001, 2002, step="daily")
    found = run("degree_days", {"temperature": data}, kind=kind)
    assert (found.value, found.units) == (pytest.approx(expected), "K day")


def models(change_of: object) -> dict[str, xr.DataArray]:
    data = {}
    for k in range(6):
        slope = 0.01 + 0.005 * k
        past = globe(lambda y, m, *_, s=slope, k=k: 10 + np.cos(k * 2.3) + s * (y - 1991) + (-1.0) ** y, 1991, 2010)
        data[f"past:M{k}"] = data[f"before:M{k}"] = past
        change = change_of(k, slope)
        base = 10 + np.cos(k * 2.3) + slope * (2000.5 - 1991)
        data[f"future:M{k}"] = globe(lambda *_, v=base + change: v, 2081, 2100)
    data["observed"] = globe(lambda y, m, *_: 9.9 + 0.0225 * (y - 1991) + (-1.0) ** y, 1991, 2010)
    return data


ASKED = {
    "variable": AIR, "future_experiment": "ssp585", "observed_source": "obs", "base": Period(1991, 2010),
    "period": Period(2081, 2100),
}  # fmt: skip


def test_the_past_trend_constrains_the_future() -> None:
    found = run("emergent_constraint", models(lambda k, slope: 100 * slope + 1), **ASKED, base_statistic="trend")
    assert (found.value, found.units) == (pytest.approx(3.25, rel=1e-3), "K")
    assert found["correlation over 6 models with the trend"].value == pytest.approx(1.0)
    assert found["unconstrained mean"].value == pytest.approx(100 * 0.0225 + 1)


@pytest.mark.slow
def test_the_past_trend_and_the_trend_to_come() -> None:
    data = models(lambda k, slope: 0.0)
    for k in range(6):  # the trend to come is twice that of the past, and a tenth of a degree per decade
        data[f"future:M{k}"] = globe(lambda y, *_, k=k: (0.03 + 0.01 * k) * (y - 2050), 2015, 2035)
    asked = ASKED | {"period": Period(2015, 2035), "statistic": "trend", "base_statistic": "trend"}
    found = run("emergent_constraint", data, **asked)
    assert (found.value, found.units) == (pytest.approx(0.1 + 2 * 0.225, rel=1e-3), "K decade-1")
    relation = run("emergent_constraint", data, **asked, answer="correlation over models")
    assert (relation.value, relation.units) == (pytest.approx(1.0), "1")
    del data["observed"]
    assert run("emergent_constraint", data, **asked, answer="correlation over models").value == pytest.approx(1.0)
    with pytest.raises(NoAnswer, match="observation"):
        run("emergent_constraint", data, **asked)


def test_without_a_relation_no_constraint_is_found() -> None:
    found = run("emergent_constraint", models(lambda k, slope: (-1.0) ** k), **ASKED, base_statistic="trend")
    assert found.value == "none found"


def test_a_model_without_its_future_is_named() -> None:
    data = models(lambda k, slope: 100 * slope + 1)
    del data["future:M3"]
    found = run("emergent_constraint", data, **ASKED, base_statistic="trend")
    assert "M3" in found.notes
    del data["future:M2"]
    with pytest.raises(NoAnswer, match="5"):
        run("emergent_constraint", data, **ASKED)


@pytest.mark.parametrize(("rate", "verdict"), [(0.05, "detected"), (0.0, "not detected")])
def test_a_trend_is_detected_or_not(rate: float, verdict: str) -> None:
    rng = np.random.default_rng(1)
    weather = rng.normal(scale=0.2, size=300)
    chaos = lambda y: xr.DataArray(weather[y.values - 1700], dims="time", coords={"time": y.time})  # noqa: E731
    data = {
        "field": globe(lambda y, *_: rate * (y - 1961) + 0.2 * (-1.0) ** y, 1961, 2000),
        "control": globe(lambda y, *_: chaos(y), 1700, 1999),
    }
    found = run("trend_detection", data, variable=AIR)
    assert found["verdict"].value == verdict


def test_attribution_of_an_exact_mixture() -> None:
    ghg, nat = (lambda y: 0.0003 * (y - 1951) ** 2), (lambda y: 0.1 * np.sin((y - 1951) / 3))
    data = {
        "observed": globe(lambda y, m, *_: 14 + m + 0.9 * ghg(y) + 1.5 * nat(y), 1951, 2010),
        # Two models, of which one responds by half and one by half as much again: their mean is the response.
        **{f"greenhouse:M{k}": globe(lambda y, m, *_, k=k: 13 + k + (0.5 + k) * ghg(y), 1951, 2010) for k in (0, 1)},
        **{f"natural:M{k}": globe(lambda y, m, *_, k=k: 13 + (0.5 + k) * nat(y), 1951, 2010) for k in (0, 1)},
        "natural:M2": globe(lambda y, m, *_: 13 + 7 * nat(y), 1951, 2010),
    }
    asked = {"variable": AIR, "observed_source": "obs"}
    found = run("attribution", data, **asked)
    assert found.value == pytest.approx(0.9)
    assert found["scaling factor of natural"].value == pytest.approx(1.5)
    assert "hist-aer was not found" in found.notes
    assert "M0, M1." in found.notes
    assert run("attribution", data, **asked, forcing="natural forcings").value == pytest.approx(1.5)
    trend = run("attribution", data, **asked, measure="attributed trend")
    years = np.arange(60.0)
    slope = 9 * np.polyfit(years, 0.0003 * years**2, 1)[0]
    assert (trend.value, trend.units) == (pytest.approx(slope), "K decade-1")
    assert run("main_driver", data, **asked).value == "greenhouse gases"
    with pytest.raises(NoAnswer, match="hist-nat"):
        run("attribution", {k: v for k, v in data.items() if not k.startswith("natural")}, **asked)


def test_the_response_of_each_model_and_of_the_ones_that_lack_a_run() -> None:
    data = {f"{role}:A": values for role, values in quadrupled().items()}
    hotter = quadrupled()
    hotter["warming"] = (2 * hotter["warming"]).assign_attrs(hotter["warming"].attrs)
    hotter["control"] = (2 * hotter["control"]).assign_attrs(hotter["control"].attrs)
    data |= {f"{role}:B": values for role, values in hotter.items()}
    data |= {f"{role}:C": values for role, values in quadrupled().items() if role != "emitted"}
    one = run("equilibrium_sensitivity", quadrupled()).value
    found = run("sensitivity_of_models", data)
    assert [value.label.rpartition(" ")[2] for value in found.outcome.values[:2]] == ["B", "A"]
    assert found["equilibrium climate sensitivity of A"].value == pytest.approx(one)
    assert found.value == pytest.approx(2 * one)
    assert found["mean of 2 models"].value == pytest.approx(1.5 * one)
    assert "C is left out" in found.notes


def test_the_transient_response_of_each_model() -> None:
    def rise(rate: float) -> xr.DataArray:
        return globe(lambda y, *_: 14 + rate * (y - 1850), 1850, 1989, name=AIR)

    steady = globe(lambda *_: 14.0, 1850, 1989, name=AIR)
    data = {"warming:A": rise(0.02), "control:A": steady, "warming:B": rise(0.03), "control:B": steady}
    found = run("transient_response_of_models", data)
    assert found.value == pytest.approx(0.03 * 69.5)
    assert found["transient climate response of A"].value == pytest.approx(0.02 * 69.5)


def test_a_regions_scenario_is_of_the_region() -> None:
    data = {"scenario": globe(lambda y, m, lat, lon: xr.where(lat > 0, 0.1, 0.0) * (y - 2015), 2015, 2100)}
    found = run(
        "scenario_change", data, variable=AIR, scenario_experiment="ssp585", region=named("Northern Hemisphere"),
        period=Period(2081, 2100), base=Period(2015, 2034),
    )  # fmt: skip
    assert found.value == pytest.approx(6.6)
    assert "Northern Hemisphere" in found.outcome.values[0].label
