"""Recipes of climate variability, on swings that were put in."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, run

from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.slots import Period, Season

SST = "sea_surface_temperature"
LAT, LON = np.arange(-67.5, 68, 15.0), np.arange(5.0, 360, 10)
FIRST, LAST = 1991, 2010


def months_since(year: xr.DataArray, month: xr.DataArray) -> xr.DataArray:
    return (year - FIRST) * 12 + month - 1


def inside(lat: xr.DataArray, lon: xr.DataArray, south: float, north: float, west: float, east: float) -> xr.DataArray:
    return (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)


def sea(value: object, **kwargs: object) -> xr.DataArray:
    return field(value, FIRST, LAST, name=SST, lat=np.array([-7.5, -2.5, 2.5, 7.5]), lon=LON, **kwargs)


def nino_event(year: xr.DataArray, month: xr.DataArray) -> xr.DataArray:
    """Nine warm months, from August 1997 to April 1998."""
    n = months_since(year, month)
    return 1.0 * ((n >= 79) & (n < 88))


def test_an_el_nino_of_nine_months() -> None:
    data = {
        "sst": sea(lambda y, m, lat, lon: 27 + np.cos(m) + 2 * nino_event(y, m) * inside(lat, lon, -5, 5, 190, 240)),
    }
    found = run("enso_index", data, base=Period(1999, 2010))
    assert (found.value, found.units) == (pytest.approx(2.0), "K")
    assert found["El Niño events"].value == 1
    assert found["La Niña events"].value == 0
    assert found["peak of the El Niño of 1997-07 to 1998-05"].value == pytest.approx(2.0)
    assert "1999–2010" in found.notes
    events = run("enso_index", data, statistic="El Niño events", base=Period(1999, 2010), period=Period(2000, 2010))
    assert events.value == 0


def test_a_base_period_takes_its_own_mean_off() -> None:
    warmer = {"sst": sea(lambda y, m, lat, lon: 27 + 0.4 * (y > 2000))}
    assert run("enso_index", warmer, base=Period(1991, 2000), statistic="mean").value == pytest.approx(0.2)
    assert run("enso_index", warmer, base=Period(2001, 2010), statistic="mean").value == pytest.approx(-0.2)


def test_el_ninos_of_the_east_and_of_the_centre() -> None:
    def two(y: xr.DataArray, m: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
        n = months_since(y, m)
        east = ((n >= 79) & (n < 88)) * inside(lat, lon, -5, 5, 205, 275) * 2.0
        centre = ((n >= 139) & (n < 148)) * inside(lat, lon, -5, 5, 160, 225) * 2.0
        return 27 + east + centre

    found = run("enso_diversity", {"sst": sea(two)}, base=Period(1991, 1996))
    assert found.value == 1
    assert found["central-Pacific"].value == 1
    assert [found.outcome.data.event.values[0][:4], found.outcome.data.event.values[1][:4]] == ["1997", "2002"]
    with pytest.raises(NoAnswer, match="no El Niño"):
        run("enso_diversity", {"sst": sea(lambda y, m, lat, lon: 27 + 0 * lat)})


def pressure(value: object) -> xr.DataArray:
    return field(value, FIRST, LAST, name="air_pressure_at_mean_sea_level", lat=LAT, lon=LON)


def test_pressure_swings_between_tahiti_and_darwin() -> None:
    swing = lambda y, m: np.sin(0.4 * months_since(y, m))  # noqa: E731
    data = {"pressure": pressure(lambda y, m, lat, lon: 1010 + m + swing(y, m) * xr.where(lon > 170, 1.0, -1.0))}
    found = run("southern_oscillation", data)
    index = found.outcome.data["index"].values
    # Each month's swing is standardised over the years: index and swing agree but for the months' own variance.
    assert np.corrcoef(index, np.sin(0.4 * np.arange(240)))[0, 1] > 0.99
    assert float(np.std(index)) == pytest.approx(1.0)
    assert found["mean"].value == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(NoAnswer, match="Tahiti"):
        run("southern_oscillation", {"pressure": data["pressure"].sel(lon=slice(0, 180))})


def test_the_indian_oceans_west_less_its_east() -> None:
    def tilt(y: xr.DataArray, m: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
        event = (y == 1997) * (m >= 6) * (m <= 11)
        return (
            28 + np.cos(m) + event * (inside(lat, lon, -10, 10, 50, 70) * 0.8 - inside(lat, lon, -10, 0, 90, 110) * 0.4)
        )

    found = run("indian_ocean_dipole", {"sst": sea(tilt)}, base=Period(1998, 2010))
    assert (found.value, found.units) == (pytest.approx(1.2), "K")
    assert found["positive events"].value == 1
    assert found["negative events"].value == 0


def test_the_atlantic_less_the_rest() -> None:
    lat, lon = np.arange(-55.0, 56, 10), np.arange(5.0, 360, 10)
    slow = lambda y: np.sin(2 * np.pi * (y - 1951) / 60)  # noqa: E731
    data = field(
        lambda y, m, lat, lon: 20 + 0.01 * y + slow(y) * inside(lat, lon, 0, 60, 280, 360),
        1951, 2010, name=SST, lat=lat, lon=lon,
    )  # fmt: skip
    found = run("atlantic_multidecadal", {"sst": data}, base=Period(1951, 2010))
    # The box is part of the whole: its share of 60°S–60°N is (8/36) · ½.
    share = 8 / 72
    years = np.arange(1951, 2011)
    yearly = np.sin(2 * np.pi * (years - 1951) / 60) * (1 - share)
    expected = np.convolve(yearly, np.ones(11) / 11, "valid").max()
    assert (found.value, found.units) == (pytest.approx(expected, rel=1e-6), "K")
    with pytest.raises(NoAnswer, match="too few"):
        run("atlantic_multidecadal", {"sst": data.isel(time=slice(0, 100))}, base=Period(1951, 1958))


def seesaw(y: xr.DataArray, m: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
    """High pressure in the south and low in the north of the Atlantic, in even years."""
    dipole = xr.where((lat > 20) & (lat < 50), 1.0, xr.where(lat > 50, -1.5, 0.0))
    return 1013 + m + dipole * (-1.0) ** (y + (m == 12)) * inside(lat, lon, 20, 80, 0, 360)


@pytest.mark.parametrize("method", ["stations", "eof"])
def test_the_north_atlantic_is_positive_when_the_south_is_high(method: str) -> None:
    found = run("north_atlantic_oscillation", {"pressure": pressure(seesaw)}, method=method)
    index = found.outcome.data["index"]
    assert index.year.values.tolist() == list(range(1992, 2011))
    assert (np.sign(index.values) == (-1.0) ** index.year.values).all()
    if method == "eof":
        assert found["variance that the pattern explains"].value == pytest.approx(100.0)
        assert float(found.outcome.data.pattern.sel(lat=37.5).mean()) > 0


def test_stations_that_the_data_do_not_hold_have_no_oscillation() -> None:
    with pytest.raises(NoAnswer, match="Azores"):
        run("north_atlantic_oscillation", {"pressure": pressure(seesaw).sel(lon=slice(0, 40))}, method="stations")


def test_the_atlantic_has_no_mean_of_years_about_one_that_is_missing() -> None:
    def swing(y: xr.DataArray, m: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
        return 20 + inside(lat, lon, 0, 60, 280, 360) * np.sin(y)

    data = field(swing, 1971, 2010, name=SST, lat=np.arange(-55.0, 56, 10), lon=np.arange(5.0, 360, 10))
    gap = data.sel(time=(data.time.dt.year != 1982) | (data.time.dt.month < 6))
    smooth = run("atlantic_multidecadal", {"sst": gap}).outcome.data.smooth.dropna("year")
    assert smooth.year.values.tolist() == [1976, *range(1988, 2006)]


def test_a_dipole_has_no_event_across_months_that_are_missing() -> None:
    def tilt(y: xr.DataArray, m: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
        warm = (y == 1997) & (m > 10) | (y == 1999) & (m < 3)
        return 28 + warm * inside(lat, lon, -10, 10, 50, 70) * 3.0

    data = sea(tilt)
    found = run("indian_ocean_dipole", {"sst": data.sel(time=data.time.dt.year != 1998)}, base=Period(2000, 2010))
    assert found.value == pytest.approx(3.0)
    assert found["positive events"].value == 0  # two months before the gap and two after it


def test_the_southern_annular_mode_is_positive_when_40s_is_high() -> None:
    swing = lambda y: (-1.0) ** y  # noqa: E731
    data = {"pressure": pressure(lambda y, m, lat, lon: 1000 + m + swing(y) * xr.where(lat > -50, 1.0, -1.0))}
    found = run("southern_annular_mode", data)
    index = found.outcome.data["index"]
    assert index.values == pytest.approx((-1.0) ** index.year.values)
    with pytest.raises(NoAnswer, match="65°S"):
        run("southern_annular_mode", {"pressure": data["pressure"].sel(lat=slice(-40, 60))})


def test_the_leading_modes_of_two_standing_waves() -> None:
    def waves(y: xr.DataArray, m: xr.DataArray, lat: xr.DataArray, lon: xr.DataArray) -> xr.DataArray:
        n = months_since(y, m)
        first, second = np.sin(np.radians(lon)), np.cos(np.radians(lon))
        return 10 * m + 2 * np.sin(2 * np.pi * n / 40) * first + np.cos(2 * np.pi * n / 16) * second

    data = {"field": field(waves, FIRST, LAST, name=SST, lat=LAT, lon=LON)}
    found = run("leading_modes", data, variable=SST, modes=2)
    assert found.value == pytest.approx(80.0, abs=0.5)  # variances 4 and 1
    assert found["variance explained by mode 2"].value == pytest.approx(20.0, abs=0.5)
    pattern = found.outcome.data.pattern.isel(mode=0, lat=4).values
    assert abs(np.corrcoef(pattern, np.sin(np.radians(LON)))[0, 1]) == pytest.approx(1.0, abs=1e-3)
    summers = run("leading_modes", data, variable=SST, modes=1, season=Season("JJA", (6, 7, 8)))
    assert summers.outcome.data.component.sizes["year"] == 20


@pytest.mark.parametrize("recipe", ["wavelet_period", "spectrum_peak"])
def test_the_period_of_a_swing(recipe: str) -> None:
    swing = lambda y, m: np.sin(2 * np.pi * months_since(y, m) / 44) + 0.2 * np.cos(37 * m * y)  # noqa: E731
    data = {"field": field(lambda y, m, lat, lon: 10 * m + 0.05 * y + swing(y, m), 1961, 2010)}
    found = run(recipe, data, variable="air_temperature")
    assert (found.value, found.units) == (pytest.approx(44 / 12, rel=0.05), "years")
    assert found["significance"].value == "significant"


def test_a_spectrum_needs_even_steps() -> None:
    gap = field(lambda y, m, *_: np.sin(y * m)).isel(time=[*range(100), *range(112, 240)])
    with pytest.raises(NoAnswer, match="gaps"):
        run("spectrum_peak", {"field": gap}, variable="air_temperature")
