"""States of the atmosphere and observations of it are CF files that read back as they were written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from tellurion_core.errors import InvalidInput
from tellurion_geo import (
    AtmosphereObservations,
    SigmaGrid,
    Times,
    read_atmosphere_observations,
    read_states,
    write_atmosphere_observations,
    write_states,
)

from .checker import against_cf

GRID = SigmaGrid([0.25, 0.75], [-60.0, -20.0, 20.0, 60.0], np.arange(0.0, 360, 60))
TIME = Times(np.array([36.0]), "hours since 2001-01-01", "standard")
ATTRS = {"method": "letkf", "seed": 7, "institution": "An institute"}


def states(count: int = 3) -> np.ndarray:
    """[N, C, Y, X]: winds around 0, temperatures around 280 K, pressures around 1e5 Pa."""
    middle = np.repeat([0.0, 280.0, 1e5], [4, 2, 1])[:, None, None]
    spread = np.repeat([10.0, 5.0, 500.0], [4, 2, 1])[:, None, None]
    drawn = np.random.default_rng(1).normal(size=(count, *GRID.shape))
    return (middle + spread * drawn).astype(np.float32)


def observations(*, layers: bool = False, timed: bool = True) -> AtmosphereObservations:
    """One of each quantity, and a second temperature."""
    return AtmosphereObservations(
        value=np.array([10.0, -5.0, 281.0, 250.0, 99_000.0]),
        error=np.array([1.0, 1.0, 0.5, 0.5, 100.0]),
        latitude=np.array([10.0, -10.0, 45.0, 0.0, 20.0]),
        longitude=np.array([0.0, 359.0, 180.0, 90.0, 5.0]),
        variable=np.array([0, 1, 2, 2, 3], np.uint8),
        sigma=np.array([0.5, 0.9, 0.25, 0.3, 1.0]),
        sigma_bounds=np.array([[0.4, 0.6], [0.8, 1.0], [0.0, 0.5], [0.2, 0.4], [1.0, 1.0]]) if layers else None,
        time=Times(np.full(5, 2.0), "days since 2001-01-01", "standard") if timed else None,
    )


@pytest.mark.parametrize("time", [TIME, None])
def test_a_state_and_its_members_are_read_back(tmp_path: Path, time: Times | None) -> None:
    values, path = states(), tmp_path / "analysis.nc"
    write_states(path, GRID, values.mean(0), values.std(0), values, time=time, attrs=ATTRS)
    one, many = read_states(path, "background"), read_states(path, "ensemble", members=True)
    np.testing.assert_array_equal(one.values[0], values.mean(0))
    np.testing.assert_array_equal(many.values, values)
    assert one.grid.same(GRID)
    assert one.grid.channels == ("u1", "u2", "v1", "v2", "t1", "t2", "ps")
    assert (one.time is None) == (time is None)
    with xr.open_dataset(path) as dataset:
        np.testing.assert_array_equal(dataset["ta_std"], values.std(0)[4:6])
        assert dataset.attrs.items() >= ATTRS.items()
        if time is not None:
            assert dataset["time"].values == np.datetime64("2001-01-02T12:00")
    assert [each.name for each in tmp_path.iterdir()] == ["analysis.nc"]


def test_the_same_state_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.nc", "two.nc"):
        write_states(tmp_path / name, GRID, states()[0], time=TIME, attrs=ATTRS)
    assert (tmp_path / "one.nc").read_bytes() == (tmp_path / "two.nc").read_bytes()


@pytest.mark.parametrize("whole", [True, False])
def test_an_independent_checker_finds_nothing_against_cf_in_states(tmp_path: Path, whole: bool) -> None:
    values, path = states(), tmp_path / "analysis.nc"
    more = {"std": values.std(0), "members": values, "time": TIME} if whole else {}
    write_states(path, GRID, values[0], attrs=ATTRS, **more)
    assert against_cf(path) == []


@pytest.mark.parametrize("layers", [True, False])
def test_an_independent_checker_finds_nothing_against_cf_in_observations(tmp_path: Path, layers: bool) -> None:
    path = tmp_path / "observations.nc"
    write_atmosphere_observations(path, observations(layers=layers))
    # Of bounds CF (7.1) wants the bounds of each term in formula_terms; the checker wants the coordinate's own words.
    mistaken = ["'sigma_bnds' has attr 'formula_terms'"] if layers else []
    assert [message[: len("'sigma_bnds' has attr 'formula_terms'")] for message in against_cf(path)] == mistaken


def test_the_checker_does_find_what_is_against_cf(tmp_path: Path) -> None:
    path = tmp_path / "analysis.nc"
    write_states(path, GRID, states()[0])
    with netCDF4.Dataset(path, "a") as file:
        file["ua"].units = "furlong"
    assert any("furlong" in message for message in against_cf(path))


def test_axes_of_any_order_and_units_of_any_size_are_brought_to_ours(tmp_path: Path) -> None:
    values, path = states(1)[0], tmp_path / "elsewhere.nc"
    write_states(path, GRID, values)
    with xr.open_dataset(path, decode_cf=False) as dataset:
        turned = dataset.load().isel(lat=slice(None, None, -1), sigma=slice(None, None, -1))
        turned["lon"] = ("lon", np.where(turned["lon"] >= 180, turned["lon"] - 360, turned["lon"]), turned["lon"].attrs)
        turned = turned.transpose("lon", "sigma", "lat", ...).roll(lon=3, roll_coords=True)
        turned["ps"] = turned["ps"] / 100
        turned["ps"].attrs.update(dataset["ps"].attrs, units="hPa")
        turned = turned.rename(ua="wind").expand_dims(time=[5.0])
        turned["time"].attrs["units"] = "days since 2001-01-01"
    turned.to_netcdf(tmp_path / "turned.nc")
    read = read_states(tmp_path / "turned.nc", "background")
    assert read.grid.same(GRID)
    np.testing.assert_allclose(read.values[0], values, rtol=1e-6)


@pytest.mark.parametrize("members", [False, True])
def test_a_single_level_need_be_no_dimension(tmp_path: Path, members: bool) -> None:
    grid = SigmaGrid([0.5], GRID.lat, GRID.lon)
    values = np.random.default_rng(0).normal(280, 1, (3, *grid.shape)).astype(np.float32)
    write_states(tmp_path / "one.nc", grid, values[0], members=values)
    with xr.open_dataset(tmp_path / "one.nc", decode_cf=False) as dataset:
        dataset.load().squeeze("sigma").to_netcdf(tmp_path / "flat.nc")
    read = read_states(tmp_path / "flat.nc", "background", members=members)
    assert read.grid.same(grid)
    np.testing.assert_array_equal(read.values, values if members else values[:1])


def change(path: Path, **changes: Callable[[netCDF4.Dataset], None]) -> None:
    with netCDF4.Dataset(path, "a") as file:
        for edit in changes.values():
            edit(file)


def _nan(file: netCDF4.Dataset) -> None:
    file["va"][1, 2, 3] = np.nan


def _infinite(file: netCDF4.Dataset) -> None:
    file["ps"][0, 1] = np.inf


def _cold(file: netCDF4.Dataset) -> None:
    file["ta"][0, 1, 2] = -1.0


def _airless(file: netCDF4.Dataset) -> None:
    file["ps"][2, 3] = 0.0


def _no_units(file: netCDF4.Dataset) -> None:
    file["ta"].delncattr("units")


def _celsius(file: netCDF4.Dataset) -> None:
    file["ta"].units = "degC"


def _renamed(file: netCDF4.Dataset) -> None:
    file["ua"].standard_name = "sea_water_x_velocity"
    file.renameVariable("ua", "u_sea")


def _pressure_levels(file: netCDF4.Dataset) -> None:
    file["sigma"][:] = [500, 1000]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (_nan, "background.va[1, 2, 3]"),
        (_infinite, "background.ps[0, 1]"),
        (_cold, "background.ta[0, 1, 2]"),
        (_airless, "background.ps[2, 3]"),
        (_no_units, "background.ta.units"),
        (_celsius, "background.ta.units"),
        (_renamed, "background.eastward_wind"),
        (_pressure_levels, "grid.sigma[0]"),
    ],
)
def test_what_cannot_be_a_background_is_named(
    tmp_path: Path, edit: Callable[[netCDF4.Dataset], None], field: str
) -> None:
    path = tmp_path / "background.nc"
    write_states(path, GRID, states()[0])
    change(path, edit=edit)
    with pytest.raises(InvalidInput) as refused:
        read_states(path, "background")
    assert refused.value.violations[0].field == field


def test_a_single_state_is_no_ensemble(tmp_path: Path) -> None:
    write_states(tmp_path / "background.nc", GRID, states()[0])
    with pytest.raises(InvalidInput, match=r"ensemble.eastward_wind: received ua.*along a realization"):
        read_states(tmp_path / "background.nc", "ensemble", members=True)


@pytest.mark.parametrize(("times", "said"), [([2.0, 1.0], "time goes backwards"), ([1.0, 2.0], "one time")])
def test_a_background_has_one_time(tmp_path: Path, times: list[float], said: str) -> None:
    write_states(tmp_path / "one.nc", GRID, states()[0])
    with xr.open_dataset(tmp_path / "one.nc", decode_cf=False) as dataset:
        many = dataset.load().expand_dims(time=times)
    many["time"].attrs["units"] = "days since 2001-01-01"
    many.to_netcdf(tmp_path / "many.nc")
    with pytest.raises(InvalidInput, match=said):
        read_states(tmp_path / "many.nc", "background")


@pytest.mark.parametrize("layers", [True, False])
@pytest.mark.parametrize("timed", [True, False])
def test_observations_are_read_back(tmp_path: Path, layers: bool, timed: bool) -> None:
    written, path = observations(layers=layers, timed=timed), tmp_path / "observations.nc"
    write_atmosphere_observations(path, written)
    read = read_atmosphere_observations(path)
    for name in ("value", "error", "latitude", "longitude", "variable", "sigma"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    assert (read.sigma_bounds is not None) == layers
    if layers:
        np.testing.assert_array_equal(read.sigma_bounds, written.sigma_bounds)
    assert (read.time is not None) == timed


def test_a_point_may_have_several_quantities_and_lack_others(tmp_path: Path) -> None:
    dataset = xr.Dataset(
        {
            "eastward_wind": ("obs", [1.0, np.nan, 3.0], {"units": "m s-1"}),
            "northward_wind": ("obs", [4.0, 5.0, np.nan], {"units": "m/s", "ancillary_variables": "doubt"}),
            "eastward_wind_error": ("obs", [0.1, np.nan, 0.3], {"units": "m s-1"}),
            "doubt": ("obs", [0.4, 0.5, -1.0], {"standard_name": "northward_wind standard_error", "units": "m s-1"}),
            "latitude": ("obs", [0.0, 1.0, 2.0], {"units": "degrees_north"}),
            "longitude": ("obs", [-10.0, 0.0, 10.0], {"units": "degrees_east"}),
            "sigma": ("obs", [0.1, 0.2, 0.3], {"standard_name": "atmosphere_sigma_coordinate"}),
        }
    )
    dataset.to_netcdf(tmp_path / "o.nc")
    read = read_atmosphere_observations(tmp_path / "o.nc")
    assert read.value.tolist() == [1, 3, 4, 5]
    assert read.error.tolist() == [0.1, 0.3, 0.4, 0.5]
    assert read.variable.tolist() == [0, 0, 1, 1]
    assert read.longitude.tolist() == [350, 10, 350, 0]
    assert read.sigma.tolist() == [0.1, 0.3, 0.1, 0.2]


def test_a_file_may_have_no_observation(tmp_path: Path) -> None:
    none = observations()
    for name in ("value", "error", "latitude", "longitude", "variable", "sigma"):
        object.__setattr__(none, name, getattr(none, name)[:0])
    object.__setattr__(none, "time", None)
    write_atmosphere_observations(tmp_path / "none.nc", none)
    assert len(read_atmosphere_observations(tmp_path / "none.nc")) == 0


def _set(name: str, nth: int, value: float) -> Callable[[netCDF4.Dataset], None]:
    def edit(file: netCDF4.Dataset) -> None:
        file[name][nth] = value

    return edit


@pytest.mark.parametrize(
    ("name", "nth", "value"),
    [
        ("air_temperature", 3, np.inf),
        ("eastward_wind_error", 0, 0.0),
        ("surface_air_pressure_error", 4, -100.0),
        ("northward_wind_error", 1, np.nan),
        ("latitude", 2, 91.0),
        ("longitude", 1, np.nan),
        ("sigma", 0, 1.5),
        ("sigma", 1, np.nan),
        ("time", 3, 1.0),
        ("time", 0, np.nan),
    ],
)
def test_what_cannot_be_an_observation_is_named(tmp_path: Path, name: str, nth: int, value: float) -> None:
    path = tmp_path / "observations.nc"
    write_atmosphere_observations(path, observations())
    change(path, edit=_set(name, nth, value))
    with pytest.raises(InvalidInput) as refused:
        read_atmosphere_observations(path)
    assert refused.value.violations[0].field == f"observations.{name}[{nth}]"


@pytest.mark.parametrize("name", ["eastward_wind_error", "atmosphere_sigma_coordinate"])
def test_what_is_missing_beside_an_observation_is_named(tmp_path: Path, name: str) -> None:
    wind = {
        "eastward_wind": ("obs", [1.0], {"units": "m s-1"}),
        "eastward_wind_error": ("obs", [1.0], {"units": "m s-1"}),
    }
    sigma = {"standard_name": "atmosphere_sigma_coordinate"}
    places = {
        "latitude": ("obs", [0.0]),
        "longitude": ("obs", [0.0]),
        "atmosphere_sigma_coordinate": ("obs", [0.5], sigma),
    }
    whole = xr.Dataset(wind | places)
    whole.to_netcdf(tmp_path / "whole.nc")
    assert len(read_atmosphere_observations(tmp_path / "whole.nc")) == 1
    whole.drop_vars(name).to_netcdf(tmp_path / "less.nc")
    with pytest.raises(InvalidInput, match=rf"observations\.{name}: received no such variable"):
        read_atmosphere_observations(tmp_path / "less.nc")


def test_a_file_without_any_known_quantity_is_refused(tmp_path: Path) -> None:
    xr.Dataset({"temperature": ("obs", [1.0])}).to_netcdf(tmp_path / "o.nc")
    with pytest.raises(InvalidInput, match="accepted: a variable eastward_wind, northward_wind"):
        read_atmosphere_observations(tmp_path / "o.nc")


def test_times_of_two_files_are_compared_by_the_calendar(tmp_path: Path) -> None:
    hours = Times(np.array([36.0]), "hours since 2001-01-01", "standard")
    days = Times(np.array([0.0]), "days since 2001-01-01", "proleptic_gregorian")
    assert days.number(hours.date(0, "time"), "time") == 1.5
    short = Times(np.array([0.0]), "days since 2001-01-01", "noleap")
    leap_day = Times(np.array([59.0]), "days since 2004-01-01", "standard")
    with pytest.raises(InvalidInput, match="calendar"):
        short.number(leap_day.date(0, "time"), "time")
