"""Observations read from every layout that CF gives them, as the same points."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tellurion_geo import Points, read_points

FORMS = ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]
TEMPERATURE = {"units": "degC", "standard_name": "sea_water_temperature", "coordinates": "time lat lon z"}
LAT = {"units": "degrees_north", "standard_name": "latitude"}
LON = {"units": "degrees_east", "standard_name": "longitude"}
TIME = {"units": "days since 2010-01-01", "standard_name": "time"}
DOWN = {"units": "m", "standard_name": "depth", "positive": "down", "axis": "Z"}


def assert_two_profiles(points: Points) -> None:
    """A profile of three levels at 10°N 20°W in February 2010, and one of two at 30°S 40°E in March."""
    np.testing.assert_allclose(points.latitude, [10, 10, 10, -30, -30])
    np.testing.assert_allclose(points.longitude, [340, 340, 340, 40, 40])
    np.testing.assert_allclose(points.depth, [0, 10, 20, 5, 15])
    np.testing.assert_allclose(points.temperature, [25, 24, 23, 18, 17])
    np.testing.assert_array_equal(points.month, [2, 2, 2, 3, 3])
    np.testing.assert_array_equal(points.year, 2010)


def profiles(dimension: str) -> dict:
    return {
        "lat": ((dimension,), [10.0, -30.0], LAT),
        "lon": ((dimension,), [-20.0, 40.0], LON),
        "time": ((dimension,), [31.0, 59.0], TIME),
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_contracts_layout_in_every_netcdf_format(write: Callable, four_points: dict, form: str) -> None:
    points = read_points(write(four_points, form=form))
    assert len(points) == 4
    np.testing.assert_allclose(points.latitude, [-60, 0, 30.5, 89])
    np.testing.assert_allclose(points.longitude, [181, 0, 20.25, 359.5])
    np.testing.assert_allclose(points.depth, [0, 10, 250, 999])
    np.testing.assert_allclose(points.temperature, [-1.5, 28, 14.25, 0.5])
    np.testing.assert_allclose(points.uncertainty, [0.1, 0.2, np.nan, 0])
    np.testing.assert_array_equal(points.month, 3)
    assert (points.missing, points.flagged) == (0, 0)


def test_contiguous_ragged_profiles(write: Callable) -> None:
    path = write(
        profiles("profile")
        | {
            "row_size": (("profile",), np.array([3, 2], np.int32), {"sample_dimension": "obs"}),
            "z": (("obs",), [0.0, 10, 20, 5, 15], DOWN),
            "temperature": (("obs",), [25.0, 24, 23, 18, 17], TEMPERATURE),
        },
        featureType="profile",
    )
    assert_two_profiles(read_points(path))


def test_indexed_ragged_profiles(write: Callable) -> None:
    order = [3, 0, 1, 4, 2]  # samples of the two profiles come mixed
    path = write(
        profiles("profile")
        | {
            "parent": (("obs",), np.array([0, 0, 0, 1, 1])[order], {"instance_dimension": "profile"}),
            "z": (("obs",), np.array([0.0, 10, 20, 5, 15])[order], DOWN),
            "temperature": (("obs",), np.array([25.0, 24, 23, 18, 17])[order], TEMPERATURE),
        },
        featureType="profile",
    )
    points = read_points(path)
    back = np.argsort(order)
    np.testing.assert_allclose(points.temperature[back], [25, 24, 23, 18, 17])
    np.testing.assert_allclose(points.latitude[back], [10, 10, 10, -30, -30])
    np.testing.assert_allclose(points.depth[back], [0, 10, 20, 5, 15])


def test_incomplete_multidimensional_profiles(write: Callable) -> None:
    gap = 9e36
    path = write(
        profiles("profile")
        | {
            "z": (("profile", "level"), [[0.0, 10, 20], [5, 15, gap]], DOWN | {"_FillValue": gap}),
            "temperature": (("profile", "level"), [[25.0, 24, 23], [18, 17, gap]], TEMPERATURE | {"_FillValue": gap}),
        },
        featureType="profile",
    )
    points = read_points(path)
    assert_two_profiles(points)
    assert points.missing == 1


@pytest.mark.parametrize("dimensions", [("profile", "z"), ("z", "profile")])
def test_orthogonal_multidimensional_profiles(write: Callable, dimensions: tuple[str, str]) -> None:
    values = np.array([[25.0, 24], [18, 17]])
    path = write(
        profiles("profile")
        | {
            "z": (("z",), [0.0, 10.0], DOWN),
            "temperature": (dimensions, values if dimensions[0] == "profile" else values.T, TEMPERATURE),
        },
        featureType="profile",
    )
    points = read_points(path)
    order = np.lexsort([points.depth, -points.latitude])
    np.testing.assert_allclose(points.temperature[order], [25, 24, 18, 17])
    np.testing.assert_allclose(points.latitude[order], [10, 10, -30, -30])


def test_a_single_profile_with_scalar_position(write: Callable) -> None:
    path = write(
        {
            "lat": ((), 10.0, LAT),
            "lon": ((), -20.0, LON),
            "z": (("z",), [0.0, 10.0], DOWN),
            "temperature": (("z",), [25.0, 24.0], TEMPERATURE),
        }
    )
    points = read_points(path)
    np.testing.assert_allclose(points.longitude, [340, 340])
    np.testing.assert_array_equal(points.month, 0)


def test_profiles_of_stations_in_a_doubly_ragged_array(write: Callable) -> None:
    path = write(
        {
            "lat": (("station",), [10.0, -30.0], LAT),
            "lon": (("station",), [-20.0, 40.0], LON),
            "station_index": (("profile",), np.array([1, 0, 1]), {"instance_dimension": "station"}),
            "time": (("profile",), [0.0, 31.0, 59.0], TIME),
            "row_size": (("profile",), np.array([1, 2, 1]), {"sample_dimension": "obs"}),
            "z": (("obs",), [0.0, 0, 10, 0], DOWN),
            "temperature": (("obs",), [18.0, 25, 24, 17], TEMPERATURE),
        },
        featureType="timeSeriesProfile",
    )
    points = read_points(path)
    np.testing.assert_allclose(points.latitude, [-30, 10, 10, -30])
    np.testing.assert_array_equal(points.month, [1, 2, 2, 3])


def test_height_counted_upward_is_depth(write: Callable, four_points: dict) -> None:
    depth = four_points.pop("depth")[1]
    four_points["z"] = (("obs",), -np.array(depth), {"units": "m", "positive": "up"})
    np.testing.assert_allclose(read_points(write(four_points)).depth, depth)


@pytest.mark.parametrize("units", ["K", "kelvin", "degK", "Kelvin", "degrees_K"])
def test_kelvin_becomes_celsius_and_its_uncertainty_stays(write: Callable, four_points: dict, units: str) -> None:
    four_points["temperature"] = (("obs",), np.array([271.65, 301.15, 287.4, 273.65]), {"units": units})
    four_points["temperature_uncertainty"] = (("obs",), [0.1, 0.2, 0.3, 0.4], {"units": units})
    points = read_points(write(four_points))
    np.testing.assert_allclose(points.temperature, [-1.5, 28, 14.25, 0.5])
    np.testing.assert_allclose(points.uncertainty, [0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("units", ["degC", "celsius", "Celsius", "degree_Celsius", "degrees_celsius", "DEG C", "°C"])
def test_celsius_in_many_spellings(write: Callable, four_points: dict, units: str) -> None:
    four_points["temperature"] = (*four_points["temperature"][:2], {"units": units})
    np.testing.assert_allclose(read_points(write(four_points)).temperature, [-1.5, 28, 14.25, 0.5])


def test_packed_temperatures_are_unpacked_and_their_fill_is_missing(write: Callable, four_points: dict) -> None:
    attrs = {"units": "degC", "scale_factor": 0.001, "add_offset": 10.0, "_FillValue": np.int16(-32768)}
    four_points["temperature"] = (("obs",), np.array([-11500, 18000, -32768, 0], np.int16), attrs)
    points = read_points(write(four_points))
    np.testing.assert_allclose(points.temperature, [-1.5, 28, 10], atol=1e-5)
    np.testing.assert_allclose(points.depth, [0, 10, 999])
    assert points.missing == 1


@pytest.mark.parametrize(
    ("attrs", "odd"),
    [
        ({"missing_value": -1e34}, -1e34),
        ({"_FillValue": -999.0}, -999.0),
        ({"valid_min": -5.0, "valid_max": 50.0}, 60.0),
        ({"valid_range": [-5.0, 50.0]}, -6.0),
        ({}, 9.969209968386869e36),  # what the library leaves where nothing was written
        ({}, np.nan),
    ],
)
def test_missing_values_are_left_out_and_counted(write: Callable, four_points: dict, attrs: dict, odd: float) -> None:
    four_points["temperature"] = (("obs",), [-1.5, odd, 14.25, 0.5], {"units": "degC"} | attrs)
    points = read_points(write(four_points))
    np.testing.assert_allclose(points.temperature, [-1.5, 14.25, 0.5])
    assert points.missing == 1


def test_a_point_without_position_is_missing(write: Callable, four_points: dict) -> None:
    four_points["depth"][1][2] = np.nan
    points = read_points(write(four_points))
    np.testing.assert_allclose(points.depth, [0, 10, 999])
    assert points.missing == 1


@pytest.mark.parametrize("flags", [np.array([1, 4, 2, 3], np.int8), np.array([b"1", b"4", b"2", b"3"])])
def test_argos_quality_flags_are_honoured(write: Callable, four_points: dict, flags: np.ndarray) -> None:
    four_points["TEMP"] = four_points.pop("temperature")
    four_points["TEMP_QC"] = (("obs",), flags, {"conventions": "Argo reference table 2"})
    points = read_points(write(four_points))
    np.testing.assert_allclose(points.temperature, [-1.5, 14.25])
    assert (points.missing, points.flagged) == (0, 2)


def test_an_ancillary_status_flag_is_honoured(write: Callable, four_points: dict) -> None:
    four_points["temperature"][2]["ancillary_variables"] = "quality"
    attrs = {"standard_name": "sea_water_temperature status_flag", "flag_values": np.array([1, 4], np.int8)}
    four_points["quality"] = (("obs",), np.array([1, 1, 1, 4], np.int8), attrs)
    assert read_points(write(four_points)).flagged == 1


def test_the_standard_name_goes_before_the_variables_name(write: Callable, four_points: dict) -> None:
    dimensions, values, _ = four_points.pop("temperature")
    four_points["temp"] = (dimensions, np.zeros(4), {"units": "degC"})
    attrs = {"units": "degC", "standard_name": "sea_water_potential_temperature"}
    four_points["votemper"] = (dimensions, values, attrs)
    points = read_points(write(four_points))
    np.testing.assert_allclose(points.temperature, values)
    assert points.quantity == "sea_water_potential_temperature"


def test_sea_surface_temperature_needs_no_depth(write: Callable, four_points: dict) -> None:
    del four_points["depth"]
    four_points["temperature"][2]["standard_name"] = "sea_surface_temperature"
    np.testing.assert_array_equal(read_points(write(four_points)).depth, 0)


def test_without_time_the_month_is_for_the_caller_to_say(write: Callable, four_points: dict) -> None:
    del four_points["time"]
    points = read_points(write(four_points))
    np.testing.assert_array_equal(points.month, 0)
    np.testing.assert_array_equal(points.year, 0)


def test_a_wild_temperature_is_not_the_readers_to_judge(write: Callable, four_points: dict) -> None:
    four_points["temperature"][1][1] = 99.9
    assert read_points(write(four_points)).temperature[1] == pytest.approx(99.9)


def test_units_of_coordinates_may_be_absent(write: Callable, four_points: dict) -> None:
    for name in ("latitude", "longitude", "depth"):
        four_points[name] = (*four_points[name][:2], {})
    assert len(read_points(write(four_points))) == 4


def test_a_name_with_spaces_and_accents_is_a_name(write: Callable, four_points: dict, tmp_path: Path) -> None:
    assert len(read_points(write(four_points, name="Meß reihe é.nc"))) == 4
