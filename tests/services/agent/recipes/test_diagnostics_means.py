"""Means over the sphere, over layers and over calendars, against closed forms and loops."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from recipe_runs import field, times

from tellurion_agent.diagnostics.agreement import agreement
from tellurion_agent.diagnostics.averages import area_mean
from tellurion_agent.diagnostics.cells import EARTH_RADIUS, areas, widths
from tellurion_agent.diagnostics.levels import at_level, layer_mean, level_bounds, thicknesses
from tellurion_agent.diagnostics.regridding import onto
from tellurion_agent.diagnostics.times import (
    anomalies,
    climate_mean,
    complete,
    monthly_climatology,
    season_means,
    season_years,
    seasons,
    step,
)
from tellurion_agent.recipes.recipe import NoAnswer
from tellurion_agent.recipes.selection import within
from tellurion_agent.slots import Region

DJF = (12, 1, 2)


def plane(lat: np.ndarray, lon: np.ndarray, value: np.ndarray | float = 1.0) -> xr.DataArray:
    return xr.DataArray(
        np.broadcast_to(value, (lat.size, lon.size)).astype(float), {"lat": lat, "lon": lon}, ("lat", "lon")
    )


@pytest.mark.parametrize("rows", [2, 3, 18, 181])
def test_the_cells_of_a_globe_cover_the_sphere(rows: int) -> None:
    lat = np.linspace(-90, 90, rows) if rows == 181 else np.linspace(-90 + 90 / rows, 90 - 90 / rows, rows)
    total = float(areas(plane(lat, np.arange(0.0, 360, 20))).sum())
    assert total == pytest.approx(4 * np.pi * EARTH_RADIUS**2, rel=1e-12)


def test_a_cells_area_is_exact_where_cosines_are_not() -> None:
    # Rows of 60°: R² Δλ (sin 90° − sin 30°), half of what the equatorial row has.
    area = areas(plane(np.array([-60.0, 0.0, 60.0]), np.array([0.0, 180.0])))
    assert (area[0] / area[1]).values == pytest.approx(0.5)


def test_the_mean_of_sine_squared_is_a_third() -> None:
    lat = np.arange(-89.5, 90)
    square = plane(lat, np.array([0.0, 180.0]), (np.sin(np.radians(lat)) ** 2)[:, None])
    mean, _ = area_mean(square, areas(square))
    assert float(mean) == pytest.approx(1 / 3, abs=1e-4)


def test_missing_cells_are_left_out_with_their_weight() -> None:
    lat, lon = np.array([-60.0, 0.0, 60.0]), np.array([0.0, 180.0])
    values = plane(lat, lon, np.array([[4.0], [1.0], [4.0]])).copy()
    values[1, 1] = np.nan
    mean, share = area_mean(values, areas(values))
    # Weights 1, 2, 1 by row and two columns: (4·2 + 1·2 + 4·2) / (2 + 2 + 2).
    assert float(mean) == pytest.approx(18 / 6)
    assert float(share) == 1.0  # what never has a value is not missing


def test_the_share_tells_how_much_of_what_has_values_has_one_now() -> None:
    values = xr.concat([plane(np.array([-45.0, 45.0]), np.array([0.0, 180.0]))] * 2, dim="time").copy()
    values[1, 0, 0] = np.nan
    values[:, 1, 1] = np.nan
    _, share = area_mean(values, areas(values[0]))
    assert share.values == pytest.approx([1.0, 2 / 3])


def test_parallels_shorten_with_the_cosine() -> None:
    length = widths(plane(np.array([0.0, 60.0]), np.arange(0.0, 360, 90))).sum("lon")
    assert length.values == pytest.approx([2 * np.pi * EARTH_RADIUS, np.pi * EARTH_RADIUS])


def test_a_box_across_greenwich_is_one_piece_from_west_to_east() -> None:
    found = within(plane(np.array([-5.0, 5.0]), np.arange(0.0, 360, 10)), Region("x", -10, 10, 350, 375), [])
    assert found.lon.values.tolist() == [350, 360, 370]


# Levels


def level(values: list[float], units: str = "m") -> xr.DataArray:
    return xr.DataArray(
        values, dims="level", attrs={"units": units, "positive": "down"}, coords={"level": values}, name="level"
    )


def test_bounds_lie_midway_and_begin_at_the_surface() -> None:
    assert level_bounds(level([5.0, 15.0, 35.0])).tolist() == [[0, 10], [10, 25], [25, 45]]
    assert level_bounds(level([850.0, 500.0], "hPa")).tolist() == [[675, 1025], [325, 675]]


@pytest.mark.parametrize(
    ("upper", "lower", "expected"), [(0, 45, [10, 15, 20]), (5, 30, [5, 15, 5]), (12, 14, [0, 2, 0])]
)
def test_thicknesses_are_clipped(upper: float, lower: float, expected: list[float]) -> None:
    assert thicknesses(level([5.0, 15.0, 35.0]), upper, lower).values.tolist() == expected


def test_a_layer_that_the_levels_do_not_reach_is_refused() -> None:
    with pytest.raises(NoAnswer, match="do not reach"):
        thicknesses(level([5.0, 15.0]), 500, 700)


def test_a_layers_mean_weighs_thickness_and_leaves_rock_out() -> None:
    z = level([5.0, 15.0, 35.0])
    column = xr.DataArray([1.0, 2.0, np.nan], coords={"level": z}, dims="level")
    assert float(layer_mean(column, 0, 45)) == pytest.approx((10 * 1 + 15 * 2) / 25)


@pytest.mark.parametrize("order", [1, -1])
def test_between_levels_values_are_linear(order: int) -> None:
    z = level([1000.0, 850.0, 500.0][::order], "hPa")
    column = xr.DataArray(z.values / 10, coords={"level": z}, dims="level")
    assert float(at_level(column, 700.0)) == pytest.approx(70.0)
    assert float(at_level(column, 850.0)) == 85.0
    with pytest.raises(NoAnswer, match="beyond"):
        at_level(column, 100.0)


# Calendars


@pytest.mark.parametrize(("calendar", "february"), [("noleap", 28), ("360_day", 30), ("standard", 29)])
def test_months_have_the_lengths_of_their_calendar(calendar: str, february: int) -> None:
    of_february = field(lambda year, month, *_: 1.0 * (month == 2), 2000, 2000, calendar=calendar)
    year = {"noleap": 365, "360_day": 360, "standard": 366}[calendar]
    assert season_means(of_february).values == pytest.approx(february / year)


def test_a_yearly_mean_weighs_months_with_their_lengths() -> None:
    january = field(lambda year, month, *_: (month == 1) * 365.0, 2001, 2002, lat=np.array([0.0]), lon=np.array([0.0]))
    assert season_means(january)[:, 0, 0].values == pytest.approx([31, 31])
    assert climate_mean(january).values.item() == pytest.approx(31)


def test_a_winter_counts_to_the_year_of_its_january_and_is_whole() -> None:
    series = field(lambda year, month, *_: year + 0.0 * month, 2001, 2003).isel(lat=0, lon=0)
    assert season_years(series.time, DJF)[[0, 1, 11]].tolist() == [2001, 2001, 2002]
    winters = season_means(series, DJF)
    # January and February 2001 have no December, December 2003 no January.
    assert winters.year.values.tolist() == [2002, 2003]
    assert winters.values == pytest.approx([(31 * 2001 + 59 * 2002) / 90, (31 * 2002 + 59 * 2003) / 90])


def test_an_incomplete_year_is_dropped() -> None:
    series = field(lambda year, *_: 1.0 * year, 2001, 2003).isel(lat=0, lon=0, time=slice(3, 30))
    assert season_means(series).year.values.tolist() == [2002]
    with pytest.raises(NoAnswer, match="complete"):
        season_means(series.isel(time=slice(0, 10)))


def test_a_gap_in_summer_does_not_make_a_cold_year() -> None:
    series = (
        field(lambda year, month, *_: -10 * np.cos(2 * np.pi * month / 12), 2001, 2010).isel(lat=0, lon=0).compute()
    )
    whole = season_means(series).mean().item()
    gap = series.where(~((series.time.dt.year == 2005) & (series.time.dt.month.isin([6, 7, 8]))))
    assert season_means(gap).sel(year=2005).item() == pytest.approx(whole)
    mostly_missing = series.where((series.time.dt.year != 2005) | (series.time.dt.month <= 3))
    assert np.isnan(season_means(mostly_missing).sel(year=2005))


def test_a_climatology_of_twelve_months_has_a_winter() -> None:
    year = field(lambda year, month, *_: 1.0 * month, 2001, 2001).isel(lat=0, lon=0)
    assert seasons(year, DJF).time.dt.month.values.tolist() == [1, 2, 12]
    assert float(climate_mean(year, DJF)) == pytest.approx((31 * 1 + 28 * 2 + 31 * 12) / 90)


def test_daily_values_make_the_same_months() -> None:
    daily = field(lambda year, month, *_: 1.0 * month, 2001, 2002, step="daily").isel(lat=0, lon=0)
    lengths = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    assert step(daily.time) == "daily"
    assert season_means(daily).values == pytest.approx([np.sum(lengths * np.arange(1, 13)) / 365] * 2)


def test_a_tenth_of_a_years_days_may_be_missing_no_more() -> None:
    daily = field(lambda *_: 1.0, 2001, 2001, step="daily").isel(lat=0, lon=0)
    assert complete(daily.time[np.arange(365) % 20 > 0], range(1, 13)).all()
    assert not complete(daily.time[np.arange(365) % 5 > 0], range(1, 13)).any()


def test_yearly_values_have_no_seasons() -> None:
    yearly = field(lambda year, *_: 1.0 * year, 2001, 2005, step="yearly").isel(lat=0, lon=0)
    assert season_means(yearly).year.values.tolist() == [2001, 2002, 2003, 2004, 2005]
    with pytest.raises(NoAnswer, match="yearly"):
        season_means(yearly, DJF)


def test_steps_between_the_known_ones_are_refused() -> None:
    axis = xr.DataArray(times(2001, 2002)[::3], dims="time")
    with pytest.raises(NoAnswer, match="every"):
        step(axis)


def test_anomalies_are_lazy_and_sum_to_nothing_over_the_base() -> None:
    values = field(lambda year, month, lat, lon: year * 0.1 + month + lat, 2001, 2010)
    found = anomalies(values, monthly_climatology(values).compute())
    assert found.chunks is not None
    assert max(found.chunksizes["time"]) <= 50
    assert np.abs(found.mean("time").values).max() < 1e-9
    assert found.dims == values.dims


def test_a_base_without_a_month_is_refused() -> None:
    values = field(lambda *_: 1.0, 2001, 2002).isel(lat=0, lon=0)
    with pytest.raises(NoAnswer, match="month 7"):
        anomalies(values, monthly_climatology(values.isel(time=slice(0, 6))))


# Two grids


def test_regridding_keeps_the_integral_and_constants() -> None:
    fine = plane(np.arange(-88.0, 90, 4), np.arange(2.0, 360, 4), np.random.default_rng(0).normal(size=(45, 90)))
    coarse = plane(np.arange(-75.0, 90, 30), np.arange(0.0, 360, 40))
    found = onto(fine, coarse)
    before, after = ((f * areas(f)).sum() for f in (fine, found))
    assert float(after) == pytest.approx(float(before), rel=1e-9)
    assert np.allclose(onto(xr.ones_like(fine), coarse), 1.0)


def test_regridding_across_greenwich() -> None:
    fine = plane(
        np.array([-45.0, 45.0]), np.arange(5.0, 360, 10), np.where(np.arange(5.0, 360, 10) < 180, 1.0, 3.0)[None]
    )
    found = onto(fine, plane(np.array([-45.0, 45.0]), np.array([0.0, 90.0, 180.0, 270.0])))
    assert found[0].values == pytest.approx([2.0, 1.0, 2.0, 3.0])  # the first cell is 315…45°E


def test_a_cell_needs_half_of_its_area() -> None:
    fine = plane(np.array([-45.0, 45.0]), np.arange(15.0, 360, 30), 5.0).copy()
    fine[0, :2] = np.nan
    found = onto(fine, plane(np.array([-45.0, 45.0]), np.array([45.0, 135.0, 225.0, 315.0])))
    assert np.isnan(found[0, 0])
    assert found[1, 0] == 5.0


def test_agreement_of_a_shifted_and_scaled_field() -> None:
    x = plane(np.array([-60.0, 0.0, 60.0]), np.array([0.0, 180.0]), np.array([[1.0, 2], [3, 4], [5, 6]]))
    found = agreement(2 * x + 1, x, areas(x))
    w = np.array([1, 1, 2, 2, 1, 1]) / 8
    v = x.values.ravel()
    assert found.bias == pytest.approx(np.sum(w * (v + 1)))
    assert found.rmse == pytest.approx(np.sqrt(np.sum(w * (v + 1) ** 2)))
    assert found.correlation == pytest.approx(1.0)
    assert agreement(-x, x, areas(x)).correlation == pytest.approx(-1.0)
