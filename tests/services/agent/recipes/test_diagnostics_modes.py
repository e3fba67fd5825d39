"""Patterns, periods and indices: against xeofs, pure waves and constructed events."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field

from tellurion_agent.diagnostics.cells import areas
from tellurion_agent.diagnostics.enso import events, oni
from tellurion_agent.diagnostics.eofs import eofs
from tellurion_agent.diagnostics.oscillations import (
    at_place,
    on_parallel,
    running_mean,
    standardised,
    standardised_difference,
)
from tellurion_agent.diagnostics.spectra import periodogram, wavelet
from tellurion_agent.recipes.recipe import NoAnswer

LAT, LON = np.arange(-70.0, 71, 20), np.arange(0.0, 360, 30)


def noise(seed: int = 0) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    t = xr.DataArray(np.arange(40.0), dims="time", coords={"time": np.arange(40)})
    red = rng.normal(size=(40, LAT.size, LON.size)).cumsum(axis=2)
    return xr.DataArray(red, {"time": t.time, "lat": LAT, "lon": LON}, ("time", "lat", "lon"))


def test_modes_are_those_of_xeofs() -> None:
    from xeofs.single import EOF

    x = noise()
    model = EOF(n_modes=3, use_coslat=True, random_state=0)
    model.fit(x, dim="time")
    found = eofs(x.chunk(time=10), areas(x), 3)
    assert found.explained.values == pytest.approx(model.explained_variance_ratio().values, rel=1e-6)
    scores = model.scores(normalized=True).values * np.sqrt(40)
    for k in range(3):
        assert abs(np.corrcoef(found.components[k], scores[k])[0, 1]) == pytest.approx(1.0, abs=1e-8)


def test_a_standing_wave_is_one_mode_in_the_fields_units() -> None:
    pattern = np.cos(np.radians(LAT))[:, None] * np.sin(np.radians(LON))[None]
    swing = np.sqrt(2) * np.sin(2 * np.pi * np.arange(40) / 8)
    x = noise().copy(data=3.0 * swing[:, None, None] * pattern)
    found = eofs(x, areas(x), 1)
    assert float(found.explained[0]) == pytest.approx(1.0)
    assert float(found.components[0].std()) == pytest.approx(1.0)
    # Area weighting does not bend the pattern: for one standard deviation it is 3 times the wave.
    assert np.abs(found.patterns[0].values) == pytest.approx(np.abs(3.0 * pattern), abs=1e-9)
    assert float(found.patterns[0].values.ravel()[np.argmax(np.abs(found.patterns[0].values))]) > 0


def test_cells_with_gaps_are_left_out_and_few_may_be() -> None:
    x = noise().copy()
    x[3, 0, 0] = np.nan
    found = eofs(x, areas(x), 1)
    assert np.isnan(found.patterns[0, 0, 0])
    assert int(found.patterns[0].isnull().sum()) == 1
    with pytest.raises(NoAnswer, match="half"):
        eofs(x.where(x.lat > 0, x.where(x.time > 3)), areas(x), 1)


def test_a_constant_field_has_no_modes() -> None:
    with pytest.raises(NoAnswer, match="vary"):
        eofs(xr.ones_like(noise()), areas(noise()), 1)


@pytest.mark.parametrize("period", [2.0, 3.7, 6.0])
@pytest.mark.parametrize("spectrum", [wavelet, periodogram])
def test_the_period_of_a_wave_is_found(period: float, spectrum: object) -> None:
    t = np.arange(720) / 12
    values = 5 + 0.1 * t + np.sin(2 * np.pi * t / period) + 0.3 * np.random.default_rng(0).normal(size=t.size)
    found, significant = spectrum(values, 1 / 12).peak()
    assert found == pytest.approx(period, rel=0.04)
    assert significant


@pytest.mark.parametrize("spectrum", [wavelet, periodogram])
def test_of_two_equal_waves_neither_is_lost(spectrum: object) -> None:
    t = np.arange(1200) / 12
    found = spectrum(np.sin(2 * np.pi * t / 2) + np.sin(2 * np.pi * t / 8), 1 / 12)
    at = [float(np.interp(p, found.period, found.power)) for p in (2.0, 8.0)]
    assert at[0] == pytest.approx(at[1], rel=0.25)


def test_red_noise_is_seldom_taken_for_a_period() -> None:
    rng = np.random.default_rng(1)
    sure = 0
    for _ in range(30):
        x = np.zeros(400)
        for i in range(1, 400):
            x[i] = 0.7 * x[i - 1] + rng.normal()
        found = periodogram(x, 1.0)
        # At each period one in twenty exceeds; the highest of many does more often.
        sure += float(np.mean(found.power > found.red))
    assert sure / 30 == pytest.approx(0.05, abs=0.04)


def test_a_spectrum_needs_values_that_vary() -> None:
    for values in (np.ones(100), np.arange(100.0), np.arange(10.0)):
        with pytest.raises(NoAnswer):
            periodogram(values, 1.0)


def test_an_event_is_five_seasons_in_a_row() -> None:
    index = np.zeros(40)
    index[3:8], index[10:14], index[20:30] = 0.5, 2.0, -1.0
    index[24] = -1.8
    found = events(index)
    assert [(e.first, e.last, e.peak) for e in found] == [(3, 7, 0.5), (20, 29, -1.8)]
    assert events(np.full(5, np.nan)) == []


def test_the_oceanic_index_is_a_centred_mean_of_three() -> None:
    months = field(lambda year, month, *_: 1.0 * month, 2001, 2001).isel(lat=0, lon=0)
    found = oni(months).values
    assert np.isnan(found[[0, -1]]).all()
    assert found[1:-1] == pytest.approx(np.arange(2, 12))


def test_running_means_of_even_length_are_centred() -> None:
    line = xr.DataArray(np.arange(30.0), dims="year", coords={"year": np.arange(1990, 2020)})
    for steps in (3, 20):
        found = running_mean(line, steps).values
        there = np.isfinite(found)
        assert found[there] == pytest.approx(np.arange(30.0)[there])
        assert there.sum() == 30 - 2 * (steps // 2)


@pytest.mark.parametrize("steps", [3, 4])
def test_running_means_do_not_pass_over_years_that_are_missing(steps: int) -> None:
    line = xr.DataArray(np.arange(30.0), dims="year", coords={"year": np.arange(1990, 2020)})
    found = running_mean(line.drop_sel(year=[2004, 2005]), steps)
    reach = steps // 2
    lost = [*range(1990, 1990 + reach), *range(2004 - reach, 2004), *range(2006, 2006 + reach)]
    assert found.year[np.isnan(found.values)].values.tolist() == [*lost, *range(2020 - reach, 2020)]
    there = found.dropna("year")
    assert there.values == pytest.approx(there.year.values - 1990.0)


def test_the_oceanic_index_does_not_pass_over_months_that_are_missing() -> None:
    months = field(lambda year, month, *_: 1.0 * month, 2001, 2001).isel(lat=0, lon=0, time=[0, 1, 2, 3, 6, 7, 8, 11])
    found = oni(months).dropna("time")
    assert found.time.dt.month.values.tolist() == [2, 3, 8]
    assert found.values == pytest.approx([2, 3, 8])


def test_a_standardised_series_has_mean_0_and_deviation_1_in_every_month() -> None:
    series = field(lambda year, month, *_: month * (10 + (-1.0) ** year), 1991, 2000).isel(lat=0, lon=0).compute()
    found = standardised(series)
    assert found.groupby("time.month").mean().values == pytest.approx(np.zeros(12), abs=1e-12)
    assert np.abs(found.values) == pytest.approx(np.ones(120))


def test_a_difference_is_standardised_over_the_base() -> None:
    swing = field(lambda year, month, *_: (-1.0) ** year * month, 1991, 2010).isel(lat=0, lon=0).compute()
    found = standardised_difference(swing, -swing, slice(1991, 2000))
    assert found.sel(time=found.time.dt.year <= 2000).std().item() == pytest.approx(1.0)
    assert np.abs(found.values) == pytest.approx(np.ones(240))


def test_a_place_between_cells_is_bilinear_across_greenwich() -> None:
    plane = field(lambda year, month, lat, lon: lat + (lon + 180) % 360, 2001, 2001, lat=LAT, lon=LON).isel(time=0)
    assert float(at_place(plane, "there", 35.0, 355.0)) == pytest.approx(35 + 175)
    assert float(at_place(plane, "there", -12.4, 131.0)) == pytest.approx(-12.4 + 311)
    assert float(on_parallel(plane - (plane.lon + 180) % 360, -40.0)) == pytest.approx(-40)


def test_a_place_beyond_the_cells_is_refused_and_one_at_their_edge_is_that_of_the_edge() -> None:
    plane = field(lambda year, month, lat, lon: lat + lon, 2001, 2001, lat=LAT, lon=LON).isel(time=0)
    east = plane.sel(lon=slice(0, 40))
    for name, lat, lon in (("the Azores", 37.74, 334.33), ("the South Pole", -90.0, 20.0)):
        with pytest.raises(NoAnswer, match=name):
            at_place(east.sel(lat=slice(-60, 90)), name, lat, lon)
    assert float(at_place(east, "just west of it", 30.0, 359.0)) == 30.0


def test_a_part_of_a_parallel_has_no_zonal_mean() -> None:
    plane = field(lambda year, month, lat, lon: lat + lon, 2001, 2001, lat=LAT, lon=LON).isel(time=0)
    for part in (plane.sel(lon=slice(0, 180)), plane.isel(lon=[0])):
        with pytest.raises(NoAnswer, match="all round"):
            on_parallel(part, -40.0)
