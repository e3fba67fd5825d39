"""Recipes of heat, currents and ice, against sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, run

from tellurion_agent.diagnostics.advection import zonal
from tellurion_agent.diagnostics.cells import EARTH_RADIUS
from tellurion_agent.diagnostics.ocean import DENSITY, HEAT_CAPACITY
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Level, Period, Region, Season

SPHERE = 4 * np.pi * EARTH_RADIUS**2
LEVELS = np.array([50.0, 150.0, 350.0, 900.0])  # cells 0–100, 100–250, 250–625, 625–1175 m
POTENTIAL = "sea_water_potential_temperature"


def ocean(value: object, **kwargs: object) -> xr.DataArray:
    return field(value, 1991, 2000, name=POTENTIAL, level=LEVELS, **kwargs)


def test_the_heat_of_a_uniform_ocean() -> None:
    water = ocean(lambda y, m, lat, lon, level: 10.0 + 0 * level)
    expected = DENSITY * HEAT_CAPACITY * 10 * 700 * SPHERE
    found = run("ocean_heat_content", {"temperature": water})
    assert (found.value, found.units) == (pytest.approx(expected), "J")
    assert "0–700 m" in found.outcome.values[0].label
    north = run("ocean_heat_content", {"temperature": water}, level=Level(0, 300, "m"), region=Region("north", 0, 90))
    assert north.value == pytest.approx(expected * 3 / 7 / 2)
    with pytest.raises(NoAnswer, match="do not reach"):
        run("ocean_heat_content", {"temperature": water}, level=Level(2000, 4000, "m"))


def test_land_and_rock_hold_no_heat() -> None:
    water = ocean(lambda y, m, lat, lon, level: 10.0 + 0 * level)
    basin = water.where((water.lon < 180) & ((water.level < 300) | (water.lat > 0)))
    layers = 700 * 0.5 + 250 * 0.5
    expected = DENSITY * HEAT_CAPACITY * 10 * layers * SPHERE / 2
    found = run("ocean_heat_content", {"temperature": basin})
    assert found.value == pytest.approx(expected)
    assert found["area of the water"].value == pytest.approx(SPHERE / 2)


def test_an_ocean_that_warms_takes_up_heat() -> None:
    water = ocean(lambda y, m, lat, lon, level: 10 + 0.01 * (y - 1991) + np.cos(2 * np.pi * m / 12))
    found = run("ocean_heat_content_trend", {"temperature": water})
    expected = DENSITY * HEAT_CAPACITY * 0.01 * 700 * SPHERE
    assert (found.value, found.units) == (pytest.approx(10 * expected), "J decade-1")
    assert found["the same as a flux"].value == pytest.approx(expected / (365.2425 * 86400) / SPHERE)
    flux = run("ocean_heat_content_trend", {"temperature": water}, units="W m-2")
    assert (flux.value, flux.units) == (found["the same as a flux"].value, "W m-2")
    gained = run("ocean_heat_content", {"temperature": water}, period=Period(1998, 2000), base=Period(1991, 1993))
    assert (gained.value, gained.units) == (pytest.approx(7 * expected), "J")


def test_the_terms_of_a_surface_heat_budget() -> None:
    fluxes = {
        "shortwave_down": 200.0, "shortwave_up": 20.0, "longwave": -60.0,
        "sensible": 10.0, "latent": 90.0, "into_ocean": 18.0,
    }  # fmt: skip
    data = {role: field(lambda *_, v=v: v, 1991, 1993, units="W m-2") for role, v in fluxes.items()}
    found = run("surface_heat_budget", data)
    assert (found.value, found.units) == (pytest.approx(20.0), "W m-2")
    assert found["net downward latent"].value == pytest.approx(-90.0)
    assert found["residual"].value == pytest.approx(2.0)
    some = {role: flux for role, flux in data.items() if role != "latent"}
    own = run("surface_heat_budget", some)
    assert own.value == pytest.approx(18.0)
    assert "lack the latent" in own.notes
    with pytest.raises(NoAnswer, match="latent"):
        run("surface_heat_budget", {role: flux for role, flux in some.items() if role != "into_ocean"})


def test_the_radiation_balance_and_the_albedo() -> None:
    data = {
        "incoming": field(lambda y, m, lat, lon: 340.0 + 0 * lat, units="W m-2"),
        "reflected": field(lambda *_: 102.0, units="W m-2"),
        "emitted": field(lambda y, *_: 237.0 + (-1.0) ** y * 0.5, units="W m-2"),
    }
    found = run("radiation_balance", data)
    assert found.value == pytest.approx(1.0)
    assert found["planetary albedo"].value == pytest.approx(0.3)
    assert run("radiation_balance", data, quantity="planetary albedo").value == pytest.approx(0.3)
    with pytest.raises(NoAnswer, match="emitted"):
        run("radiation_balance", {k: data[k] for k in ("incoming", "reflected")})


GRID = np.arange(-22.5, 68, 5.0), np.arange(2.5, 360, 5.0)
DEEP = np.array([500.0, 1500.0, 3000.0])  # cells 0–1000, 1000–2250, 2250–3750 m


def test_the_overturning_from_velocities_counts_the_atlantic_alone() -> None:
    lat, lon = GRID
    v = field(
        lambda y, m, lat, lon, z: xr.where(z < 1000, 0.004, -0.001) * xr.where((lon > 260) & (lon < 356), 1.0, 99.0),
        1991, 1996, name="sea_water_y_velocity", level=DEEP, lat=lat, lon=lon,
    )  # fmt: skip
    v = v.where((v.lon > 280) & (v.lon < 350) | (v.lon < 250) & (v.lon > 130))  # America and Africa are land
    found = run("overturning", {"velocity": v})
    width = EARTH_RADIUS * np.cos(np.radians(27.5)) * np.radians(14 * 5.0)
    assert (found.value, found.units) == (pytest.approx(0.004 * 1000 * width / 1e6), "Sv")
    assert found["depth of the maximum"].value == 500
    with pytest.raises(NoAnswer, match="35°S"):
        run("overturning", {"velocity": v}, latitude=-60.0)


def test_the_models_own_streamfunction_goes_first() -> None:
    mass = field(
        lambda y, m, lat, lon, z: xr.where(z == 1500, 17.0 + 0.1 * (y - 1991), 3.0) * xr.where(lat > 0, 1.0, 0.5),
        name="ocean_meridional_overturning_mass_streamfunction", units="1e9 kg s-1", level=DEEP, lat=GRID[0],
    ).isel(lon=0, drop=True)  # fmt: skip
    found = run("overturning", {"streamfunction": mass}, latitude=26.5)
    assert found.value == pytest.approx(1000 / DENSITY * (17 + 0.1 * 9.5))
    assert found["trend"].value == pytest.approx(1000 / DENSITY)
    assert found["depth of the maximum"].value == 1500


def test_heat_transport_by_currents_by_fluxes_and_as_given() -> None:
    lat, lon = np.arange(-85.0, 86, 10), np.arange(15.0, 360, 30)
    flux = field(lambda y, m, lat, lon: xr.where(lat < 0, 10.0, -10.0), 1991, 1992, units="W m-2", lat=lat, lon=lon)
    found = run("heat_transport", {"flux": flux})
    assert (found.value, found.units) == (pytest.approx(10 * SPHERE / 2 / 1e15), "PW")
    given = field(lambda y, m, lat, lon: lat / 50, units="PW", lat=lat).isel(lon=0, drop=True)
    assert run("heat_transport", {"given": given, "flux": flux}).value == pytest.approx(1.7)
    levels = np.array([500.0, 1500.0])
    v = field(lambda y, m, lat, lon, level: xr.where(level < 1000, 0.001, -0.001), 1991, 1991, level=levels)
    theta = field(lambda y, m, lat, lon, level: xr.where(level < 1000, 15.0, 5.0), 1991, 1991, level=levels)
    carried = run("heat_transport", {"velocity": v, "temperature": theta})
    around = 2 * np.pi * EARTH_RADIUS * np.cos(np.radians(15))
    assert carried.value == pytest.approx(DENSITY * HEAT_CAPACITY * 0.001 * 1000 * 10 * around / 1e15)


@pytest.mark.parametrize(("hemisphere", "share"), [("northern", 1.0), ("southern", 0.5)])
def test_sea_ice_of_a_polar_cap(hemisphere: str, share: float) -> None:
    ice = field(
        lambda y, m, lat, lon: xr.where(
            (lat == 75) & (m == 9), 50.0, xr.where((lat == -75) & (lon < 180), 100.0, 10.0)
        ),
        name="sea_ice_area_fraction",
    )
    cap = 2 * np.pi * EARTH_RADIUS**2 * (1 - np.sin(np.radians(60))) / 1e12
    found = run("sea_ice_extent", {"ice": ice}, hemisphere=hemisphere, season=Season("September", (9,)))
    assert (found.value, found.units) == (pytest.approx(cap * share), "1e6 km2")


def test_the_trend_of_september_ice() -> None:
    ice = field(
        lambda y, m, lat, lon: xr.where((lat == 75) & (lon > 15 * (y - 1991)), 100.0, 0.0),
        name="sea_ice_area_fraction", lon=np.arange(7.5, 360, 15),
    )  # fmt: skip
    found = run("sea_ice_extent", {"ice": ice}, season=Season("September", (9,)), period=Period(1991, 2010))
    for statistic, label in (("trend per decade", "linear trend"), ("smallest of the years", "smallest extent")):
        asked = run("sea_ice_extent", {"ice": ice}, season=Season("September", (9,)), statistic=statistic)
        assert asked.outcome.values[0] == found[label]
    area = run("sea_ice_extent", {"ice": ice}, season=Season("September", (9,)), measure="area")
    assert area.value == found["sea ice area"].value
    late = {"season": Season("September", (9,)), "period": Period(2001, 2010)}
    means = [
        run("sea_ice_extent", {"ice": ice}, **late | {"period": p}).value for p in (late["period"], Period(1991, 2000))
    ]
    change = run("sea_ice_extent", {"ice": ice}, **late, base=Period(1991, 2000))
    assert change.value == pytest.approx(means[0] - means[1])
    cap = 2 * np.pi * EARTH_RADIUS**2 * (1 - np.sin(np.radians(60))) / 1e12
    assert found["linear trend"].value == pytest.approx(-10 * cap / 24)
    assert found["smallest extent of a year, in 2010"].value == pytest.approx(cap * 5 / 24)


def test_the_albedo_of_the_surface_weighs_with_the_sunlight() -> None:
    bright = lambda lat: xr.where(lat > 0, 100.0, 300.0)  # noqa: E731
    data = {
        "down": field(lambda y, m, lat, lon: bright(lat), 1991, 1993, units="W m-2"),
        "up": field(lambda y, m, lat, lon: bright(lat) * xr.where(lat > 0, 0.5, 0.1), 1991, 1993, units="W m-2"),
    }
    assert run("surface_albedo", data).value == pytest.approx((100 * 0.5 + 300 * 0.1) / 400)
    assert run("surface_albedo", data, region=Region("north", 0, 90)).value == pytest.approx(0.5)
    dark = {role: 0.0 * flux for role, flux in data.items()}
    with pytest.raises(NoAnswer, match="no sunlight"):
        run("surface_albedo", dark)


@pytest.mark.parametrize(
    ("component", "expected"), [(None, -20.0), ("shortwave effect", -45.0), ("longwave effect", 25.0)]
)
def test_the_radiative_effect_of_clouds(component: str | None, expected: float) -> None:
    fluxes = {"shortwave_all": 100.0, "shortwave_clear": 55.0, "longwave_all": 240.0, "longwave_clear": 265.0}
    data = {role: field(lambda *_, v=v: v, 1991, 1993, units="W m-2") for role, v in fluxes.items()}
    found = run("cloud_radiative_effect", data, **({"component": component} if component else {}))
    assert (found.value, found.units) == (pytest.approx(expected), "W m-2")
    half = {role: data[role] for role in data if role.startswith("shortwave")}
    assert run("cloud_radiative_effect", half, component="shortwave effect").value == pytest.approx(-45.0)
    with pytest.raises(NoAnswer, match="net effect"):
        run("cloud_radiative_effect", half)


def test_the_depth_of_an_isotherm_and_how_it_tilts() -> None:
    # 25 °C at 50 m, 15 °C at 150 m: 20 °C midway, and 20 m deeper per degree that it is warmer.
    water = ocean(lambda y, m, lat, lon, level: 30 - 0.1 * level + xr.where(lon < 180, 2.0, 0.0))
    west, east = Region("west", -90, 90, 0, 180), Region("east", -90, 90, 180, 360)
    assert run("thermocline_depth", {"temperature": water}, region=east).value == pytest.approx(100.0)
    assert run("thermocline_depth", {"temperature": water}, region=west).value == pytest.approx(120.0)
    tilt = run("thermocline_depth", {"temperature": water}, region=west, base_region=east)
    assert (tilt.value, tilt.units) == (pytest.approx(20.0), "m")
    assert run("thermocline_depth", {"temperature": water}, region=east, isotherm=18.0).value == pytest.approx(120.0)
    cold = water.where(water.lon < 180, water - 30).assign_attrs(water.attrs)
    assert "not met" in run("thermocline_depth", {"temperature": cold}).notes
    with pytest.raises(NoAnswer, match="40 °C"):
        run("thermocline_depth", {"temperature": water}, isotherm=40.0)


@pytest.mark.parametrize(
    ("term", "rate"),
    [
        ("zonal advection", -0.3 * -1e-6),  # K s-1
        ("meridional advection", -0.1 * 2e-6),
        ("vertical advection", -1e-5 * 0.04),
        ("surface heat flux", 80.0 / (DENSITY * HEAT_CAPACITY * 50)),
    ],
)
def test_the_terms_of_the_heat_budget_of_a_layer(term: str, rate: float) -> None:
    metre = np.radians(1.0) * EARTH_RADIUS  # to a degree
    lat, lon, level = np.arange(-9.0, 10, 2), np.arange(151.0, 200, 2), np.array([5.0, 15, 25, 35, 45, 55, 65])

    def water(y: object, m: object, lat: xr.DataArray, lon: xr.DataArray, level: xr.DataArray) -> xr.DataArray:
        east = (lon - 175) * metre * np.cos(np.radians(lat))
        return 25 - 1e-6 * east + 2e-6 * (lat * metre) - 0.04 * level

    grid = {"lat": lat, "lon": lon}
    data = {
        "temperature": field(water, 1991, 1992, name=POTENTIAL, level=level, **grid),
        **{
            role: field(lambda *_, v=v: v, 1991, 1992, units="m s-1", level=level, **grid)
            for role, v in (("zonal", 0.3), ("meridional", 0.1), ("vertical", 1e-5))
        },
        "flux": field(lambda *_: 80.0, 1991, 1992, units="W m-2", **grid),
    }
    box = Region("box", -8, 8, 170, 180)
    found = run("mixed_layer_heat_budget", data, region=box, term=term)
    # ∂T/∂y also holds what ∂T/∂x loses with the cosine of latitude: small near the Equator, and odd.
    assert (found.value, found.units) == (pytest.approx(rate * 365.2425 / 12 * 86400, rel=0.02), "K month-1")
    whole = run("mixed_layer_heat_budget", data, region=box)
    assert whole.value == pytest.approx(sum(v.value for v in whole.outcome.values[1:]))
    with pytest.raises(NoAnswer, match="zonal advection"):
        run("mixed_layer_heat_budget", {k: v for k, v in data.items() if k != "zonal"}, term="zonal advection")


def test_advection_goes_round_the_earth() -> None:
    lon = xr.DataArray(np.arange(5.0, 360, 10), dims="lon")
    t = xr.DataArray(np.sin(np.radians(lon.values)), coords={"lon": lon.values}, dims="lon").expand_dims(lat=[0.0])
    found = zonal(xr.ones_like(t), t).isel(lat=0)
    central = np.sin(np.radians(10)) / np.radians(10)  # of central differences
    np.testing.assert_allclose(found, -central * np.cos(np.radians(lon.values)) / EARTH_RADIUS, rtol=1e-9)
