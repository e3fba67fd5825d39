"""Fields come in every order and convention, and are read as one: time, depth down, northward, eastward, °C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from tellurion_core.errors import FieldViolation, InvalidInput
from tellurion_geo import read_field, wet_mask

LAT, LON, DEPTH = np.array([-45.0, 0, 45]), np.array([0.0, 90, 180, 270]), np.array([0.0, 10])
VALUES = np.arange(2 * 2 * 3 * 4, dtype=float).reshape(2, 2, 3, 4) / 4
"""[T, Z, Y, X] °C, in the order that reading brings everything to."""
DIMENSIONS = ("time", "depth", "lat", "lon")


def variables(values: np.ndarray = VALUES, **attrs: object) -> dict:
    return {
        "time": (("time",), [15.0, 45.0], {"units": "days since 2001-01-01", "axis": "T"}),
        "depth": (("depth",), DEPTH, {"units": "m", "positive": "down", "axis": "Z"}),
        "lat": (("lat",), LAT, {"units": "degrees_north"}),
        "lon": (("lon",), LON, {"units": "degrees_east"}),
        "thetao": (DIMENSIONS, values, {"units": "degC"} | attrs),
    }


def assert_same(path: Path, **options: object) -> None:
    field = read_field(path, **options)
    np.testing.assert_allclose(field.values, VALUES, atol=2e-5)
    np.testing.assert_allclose(field.lat, LAT)
    np.testing.assert_allclose(field.lon, LON)
    np.testing.assert_allclose(field.depth, DEPTH)
    np.testing.assert_array_equal(field.month, [1, 2])
    np.testing.assert_array_equal(field.year, 2001)


def refusal(path: Path, **options: object) -> FieldViolation:
    with pytest.raises(InvalidInput) as error:
        read_field(path, **options)
    (violation,) = error.value.violations
    return violation


def test_a_field_in_the_order_of_the_library(write: Callable) -> None:
    assert_same(write(variables()))


def test_descending_latitude(write: Callable) -> None:
    changed = variables(VALUES[:, :, ::-1])
    changed["lat"] = (("lat",), LAT[::-1], changed["lat"][2])
    assert_same(write(changed))


@pytest.mark.parametrize("lon", [[180.0, 270, 360, 450], [-180.0, -90, 0, 90], [180.0, -90, 0, 90]])
def test_longitudes_that_begin_elsewhere(write: Callable, lon: list[float]) -> None:
    changed = variables(np.roll(VALUES, 2, axis=3))
    changed["lon"] = (("lon",), lon, changed["lon"][2])
    assert_same(write(changed))


def test_a_repeated_first_meridian_is_read_once(write: Callable) -> None:
    changed = variables(np.concatenate([VALUES, VALUES[..., :1]], axis=3))
    changed["lon"] = (("lon",), [*LON, 360.0], changed["lon"][2])
    assert_same(write(changed))


def test_height_upward_and_levels_in_descending_order(write: Callable) -> None:
    changed = variables(VALUES[:, ::-1])
    changed["depth"] = (("depth",), [-10.0, 0.0], {"units": "m", "positive": "up", "axis": "Z"})
    assert_same(write(changed))


def test_axes_in_another_order(write: Callable) -> None:
    changed = variables()
    changed["thetao"] = (("lon", "lat", "depth", "time"), VALUES.T, {"units": "degC"})
    assert_same(write(changed))


def test_an_extra_axis_of_length_one(write: Callable) -> None:
    changed = variables()
    changed["thetao"] = (("time", "member", *DIMENSIONS[1:]), VALUES[:, None], {"units": "degC"})
    assert_same(write(changed))


def test_kelvin(write: Callable) -> None:
    assert_same(write(variables(VALUES + 273.15, units="K")))


def test_packed_integers_with_fill(write: Callable) -> None:
    packed = np.round((VALUES - 20) / 0.01).astype(np.int16)
    packed[:, 1, 0, 0] = -32768
    attrs = {"scale_factor": 0.01, "add_offset": 20.0, "_FillValue": np.int16(-32768)}
    field = read_field(write(variables(packed, **attrs)))
    expected = VALUES.copy()
    expected[:, 1, 0, 0] = np.nan
    np.testing.assert_allclose(field.values, expected, atol=1e-5)
    assert wet_mask(field.values).sum() == 2 * 3 * 4 - 1


def test_a_cell_missing_in_one_month_is_not_wet() -> None:
    values = np.zeros((12, 2, 3, 4))
    values[5, 0, 1, 2] = np.nan
    wet = wet_mask(values)
    assert wet.shape == (2, 3, 4)
    assert not wet[0, 1, 2]
    assert wet.sum() == 23


def test_a_360_day_calendar(write: Callable) -> None:
    changed = variables()
    changed["time"] = (("time",), [0.0, 30.0], {"units": "days since 2001-01-01", "calendar": "360_day"})
    assert_same(write(changed))


def test_the_ferret_layout_of_the_atlas_subset(write: Callable) -> None:
    """Classic format, longitudes 20…380, hours since year 0, METERS, names in capitals, no units of temperature."""
    lon, missing = np.array([20.5, 110.5, 200.5, 290.5, 379.5]), np.float32(-1e34)
    values = np.arange(2 * 2 * 3 * 5, dtype=np.float32).reshape(2, 2, 3, 5)
    values[:, 1, 0, 0] = missing
    path = write(
        {
            "XAX": (("XAX",), lon, {"units": "degrees_east", "modulo": 360.0, "axis": "X"}),
            "YAX": (("YAX",), [-45.5, 0.5, 44.5], {"units": "degrees_north", "axis": "Y"}),
            "ZAXLEVIT19": (("ZAXLEVIT19",), DEPTH, {"units": "METERS", "positive": "down", "axis": "Z"}),
            "TIME": (("TIME",), [366.0, 1096.485], {"units": "hour since 0000-01-01 00:00:00", "axis": "T"}),
            "TEMP": (("TIME", "ZAXLEVIT19", "YAX", "XAX"), values, {"missing_value": missing, "_FillValue": missing}),
        },
        form="NETCDF3_CLASSIC",
    )
    assert refusal(path).field == "field.TEMP.units"
    field = read_field(path, units="degC")
    np.testing.assert_allclose(field.lon, [19.5, 20.5, 110.5, 200.5, 290.5])
    np.testing.assert_allclose(field.values[0, 0, 0], [4, 0, 1, 2, 3])
    assert np.isnan(field.values[:, 1, 0, 1]).all()
    np.testing.assert_array_equal(field.month, [1, 2])
    assert field.grid.shape == (2, 3, 5)


def test_the_ferret_layout_of_the_levitus_climatology(write: Callable) -> None:
    """No time; axes without an `axis` attribute; `DEG C`."""
    path = write(
        {
            "XAXLEVITR": (("XAXLEVITR",), [20.5, 200.5], {"units": "degrees_east", "modulo": " "}),
            "YAXLEVITR": (("YAXLEVITR",), [-0.5, 0.5], {"units": "degrees_north"}),
            "ZAXLEVITR": (("ZAXLEVITR",), DEPTH, {"units": "METERS", "positive": "down"}),
            "TEMP": (("ZAXLEVITR", "YAXLEVITR", "XAXLEVITR"), np.zeros((2, 2, 2), np.float32), {"units": "DEG C"}),
            "SALT": (("ZAXLEVITR", "YAXLEVITR", "XAXLEVITR"), np.ones((2, 2, 2), np.float32), {"units": "PPT"}),
        },
        form="NETCDF3_CLASSIC",
    )
    field = read_field(path)
    assert field.values.shape == (1, 2, 2, 2)
    np.testing.assert_array_equal(field.month, [0])
    np.testing.assert_array_equal(field.values, 0)


def test_a_cmip6_curvilinear_field(write: Callable) -> None:
    """Variables `latitude` and `longitude` on (j, i), `lev` in m, the calendar without leap years."""
    lat, lon = np.meshgrid([-10.0, 0, 10], [-20.0, 0, 20, 40], indexing="ij")
    path = write(
        {
            "time": (
                ("time",),
                [58.5],
                {"units": "days since 1850-01-01", "calendar": "noleap", "standard_name": "time"},
            ),
            "lev": (("lev",), [5.0], {"units": "m", "positive": "down", "standard_name": "depth"}),
            "latitude": (("j", "i"), lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "longitude": (("j", "i"), lon, {"units": "degrees_east", "standard_name": "longitude"}),
            "thetao": (
                ("time", "lev", "j", "i"),
                np.arange(12, dtype=np.float32).reshape(1, 1, 3, 4),
                {
                    "units": "degC",
                    "standard_name": "sea_water_potential_temperature",
                    "coordinates": "latitude longitude",
                    "_FillValue": np.float32(1e20),
                },
            ),
        }
    )
    field = read_field(path)
    assert field.curvilinear
    np.testing.assert_allclose(field.lon[0], [340, 0, 20, 40])
    np.testing.assert_array_equal(field.values[0, 0], np.arange(12).reshape(3, 4))
    assert (field.year[0], field.month[0]) == (1850, 2)
    with pytest.raises(InvalidInput, match="curvilinear"):
        _ = field.grid


def test_an_en4_analysis(write: Callable) -> None:
    """`temperature` in kelvin, packed, beside other variables on the same axes; latitude −83…89, longitude 1…360."""
    kelvin = np.array([[[[280.0, 290.0], [300.0, 273.15]]]])
    packed = np.round((kelvin - 273.15 - 20) / 0.001).astype(np.int16)
    attrs = {"scale_factor": 0.001, "add_offset": 293.15, "_FillValue": np.int16(-32768)}
    path = write(
        {
            "time": (("time",), [73000.0], {"units": "days since 1800-01-01 00:00:00", "standard_name": "time"}),
            "depth": (("depth",), [5.02], {"units": "metres", "positive": "down", "standard_name": "depth"}),
            "lat": (("lat",), [-83.0, 89.0], {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": (("lon",), [1.0, 360.0], {"units": "degrees_east", "standard_name": "longitude"}),
            "salinity": (DIMENSIONS, np.full((1, 1, 2, 2), 35.0), {"units": "1"}),
            "temperature": (
                DIMENSIONS,
                packed,
                attrs | {"units": "kelvin", "standard_name": "sea_water_potential_temperature"},
            ),
        }
    )
    field = read_field(path)
    np.testing.assert_allclose(field.lon, [0, 1])
    np.testing.assert_allclose(field.values[0, 0], kelvin[0, 0, :, ::-1] - 273.15, atol=1e-4)


def test_times_are_selected_before_they_are_read(write: Callable) -> None:
    field = read_field(write(variables()), times=slice(1, 2), max_cells=24)
    np.testing.assert_allclose(field.values, VALUES[1:], atol=1e-5)
    np.testing.assert_array_equal(field.month, [2])


def test_a_zarr_folder(write: Callable, tmp_path: Path) -> None:
    packed = np.round(VALUES / 0.25).astype(np.int16)
    source = write(variables(packed, scale_factor=0.25, _FillValue=np.int16(-1)))
    for zarr_format in (2, 3):
        folder = tmp_path / f"field{zarr_format}.zarr"
        with xr.open_dataset(source) as dataset:
            dataset.to_zarr(folder, zarr_format=zarr_format, consolidated=False)
        assert_same(folder)


def test_more_cells_than_allowed(write: Callable) -> None:
    violation = refusal(write(variables()), max_cells=47)
    assert violation.field == "field.thetao"
    assert violation.received == "2 × 2 × 3 × 4 cells"


def test_a_field_of_a_million_million_cells_is_refused_from_its_header(tmp_path: Path) -> None:
    path = tmp_path / "field.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size, units in (("lat", 10**6, "degrees_north"), ("lon", 10**6, "degrees_east")):
            file.createDimension(name, size)
            file.createVariable(name, "i1", (name,), chunksizes=(1000,), zlib=True).units = units
            file[name][:] = 0
        file.createVariable("sst", "f4", ("lat", "lon"), chunksizes=(100, 100)).units = "degC"
    assert "cells" in refusal(path).received


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lat": (("lat",), [-45.0, 0, 95], {"units": "degrees_north"})}, "field.lat"),
        ({"lon": (("lon",), [0.0, 90, 180, 1000], {"units": "degrees_east"})}, "field.lon"),
        ({"depth": (("depth",), [0.0, 1e9], {"units": "m", "positive": "down"})}, "field.depth"),
        ({"depth": (("depth",), [0.0, 1], {"units": "1", "positive": "down"})}, "field.depth.units"),
        ({"depth": (("z",), [0.0, 10], {"units": "m", "positive": "down", "axis": "Z"})}, "field.depth"),
        ({"time": (("time",), [0.0, 1], {"units": "months", "axis": "T"})}, "field.time.units"),
        ({"lat": (("point",), [0.0, 1], {"units": "degrees_north"})}, "field.thetao"),
        ({"thetao": (DIMENSIONS, VALUES, {})}, "field.thetao.units"),
        ({"thetao": (DIMENSIONS, VALUES, {"units": "m"})}, "field.thetao.units"),
    ],
)
def test_what_cannot_be_used_is_named(write: Callable, change: dict, field: str) -> None:
    assert refusal(write(variables() | change, form="NETCDF3_CLASSIC")).field == field


def test_a_variable_that_is_not_there(write: Callable) -> None:
    violation = refusal(write(variables()), variable="tos")
    assert violation.field == "field.tos"
    assert "thetao" in violation.received


def test_an_axis_of_members_is_refused(write: Callable) -> None:
    changed = variables()
    changed["thetao"] = (("member", *DIMENSIONS), np.stack([VALUES, VALUES]), {"units": "degC"})
    assert refusal(write(changed)).field == "field.thetao"
