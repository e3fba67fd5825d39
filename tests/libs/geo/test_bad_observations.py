"""Each way in which a file of observations cannot be used is one refusal: field, received, accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from tellurion_core.errors import FieldViolation, InvalidInput
from tellurion_geo import read_points

CLASSIC = ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]


def refusal(path: Path, **limits: int) -> FieldViolation:
    with pytest.raises(InvalidInput) as error:
        read_points(path, **limits)
    (violation,) = error.value.violations
    assert violation.accepted
    assert "\n" not in str(error.value)
    return violation


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"", "an empty file"),
        (b"lat,lon,temperature\n1,2,3\n", "lat,lon"),
        (b"CDF\x01", "4 bytes"),
        (b"\x89HDF\r\n\x1a\n", "damaged"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "damaged"),
    ],
)
def test_not_a_netcdf_file(tmp_path: Path, content: bytes, received: str) -> None:
    path = tmp_path / "obs.nc"
    path.write_bytes(content)
    violation = refusal(path)
    assert violation.field == "observations"
    assert received in violation.received


def test_no_such_file(tmp_path: Path) -> None:
    violation = refusal(tmp_path / "obs.nc")
    assert (violation.field, violation.received) == ("observations", "no such file: obs.nc")


def test_a_folder_that_is_no_zarr(tmp_path: Path) -> None:
    assert "Zarr" in refusal(tmp_path).accepted


@pytest.mark.parametrize("form", CLASSIC)
def test_a_classic_file_cut_off_anywhere(write: Callable, four_points: dict, form: str, tmp_path: Path) -> None:
    whole = write(four_points, form=form).read_bytes()
    last_values = np.asarray(four_points["temperature_uncertainty"][1], ">f8").tobytes()
    end = whole.index(last_values) + len(last_values)  # the library may leave room behind
    cut = tmp_path / "cut.nc"
    for length in range(0, end, 7):
        cut.write_bytes(whole[:length])
        assert refusal(cut).field == "observations"
    cut.write_bytes(whole[: end - 1])
    assert "truncated" in refusal(cut).received
    cut.write_bytes(whole[:end])
    assert len(read_points(cut)) == 4


def test_an_hdf5_file_cut_off_anywhere(write: Callable, four_points: dict, tmp_path: Path) -> None:
    whole = write(four_points).read_bytes()
    cut = tmp_path / "cut.nc"
    for length in (1, 9, 50, 100, len(whole) // 2, len(whole) - 1):
        cut.write_bytes(whole[:length])
        assert refusal(cut).field == "observations"


@pytest.mark.parametrize("form", CLASSIC)
def test_a_damaged_header_is_refused_or_harmless(write: Callable, four_points: dict, form: str, tmp_path: Path) -> None:
    whole, rng, damaged = write(four_points, form=form).read_bytes(), np.random.default_rng(3), tmp_path / "damaged.nc"
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        content[rng.integers(4, 600)] = rng.integers(256)
        damaged.write_bytes(content)
        try:
            read_points(damaged)
        except InvalidInput:
            refused += 1
    assert refused > 0


def test_an_hdf5_header_that_claims_a_thousand_million_observations(tmp_path: Path) -> None:
    path = tmp_path / "obs.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("obs", 10**9)
        for name, units in (("temperature", "degC"), ("obs", "1")):
            file.createVariable(name, "f4", ("obs",), chunksizes=(1000,), zlib=True).units = units
    assert path.stat().st_size < 100_000
    violation = refusal(path)
    assert violation.field == "observations.temperature"
    assert violation.received == "1000000000 observations"


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET"])
def test_a_classic_header_that_claims_a_thousand_million_observations(
    write: Callable, four_points: dict, form: str
) -> None:
    path = write(four_points, form=form)
    obs_of_size = b"\0\0\0\x03obs\0%b"
    four, many = (obs_of_size % size.to_bytes(4, "big") for size in (4, 10**9))
    path.write_bytes(path.read_bytes().replace(four, many))
    violation = refusal(path)
    assert violation.field == "observations"
    assert "truncated" in violation.received


def test_the_limit_of_points_is_the_callers(write: Callable, four_points: dict) -> None:
    path = write(four_points)
    assert len(read_points(path, max_points=4)) == 4
    violation = refusal(path, max_points=3)
    assert violation.field == "observations.temperature"
    assert violation.received == "4 observations"


@pytest.mark.parametrize("values", [10_000_000, 200_000_000])
def test_chunks_that_would_unpack_to_more_than_samples_need(tmp_path: Path, values: int) -> None:
    path = tmp_path / "obs.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("obs", None)
        file.createVariable("temperature", "f8", ("obs",), chunksizes=(values,), zlib=True).units = "degC"
        for name in ("latitude", "longitude", "depth"):
            file.createVariable(name, "f8", ("obs",))[:] = [0.0]
    violation = refusal(path)
    assert violation.field == "observations.temperature"
    assert violation.received == f"chunks of {8 * values} bytes"


@pytest.mark.parametrize(("count", "length"), [(10**9, 0), (10, 10_000_000)], ids=["many", "long"])
def test_strings_that_would_be_gigabytes(write: Callable, four_points: dict, count: int, length: int) -> None:
    path = write(four_points)
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("ship", count)
        name = file.createVariable("ship_name", str, ("ship",), chunksizes=(min(count, 1000),))
        if length:
            name[:] = np.array(["x" * length] * count, dtype=object)
    assert refusal(path).field == "observations.ship_name"


def test_flags_may_be_strings_of_any_length(write: Callable, four_points: dict) -> None:
    path = write(four_points)
    with netCDF4.Dataset(path, "a") as file:
        flags = file.createVariable("temperature_qc", str, file["temperature"].dimensions)
        flags[:] = np.array(["1", "4", "2", "1"], dtype=object)
    assert (len(read_points(path)), read_points(path).flagged) == (3, 1)


@pytest.mark.parametrize("missing", ["temperature", "latitude", "longitude", "depth"])
def test_a_variable_is_absent(write: Callable, four_points: dict, missing: str) -> None:
    del four_points[missing]
    violation = refusal(write(four_points))
    assert violation.field == f"observations.{missing}"
    assert f"`{missing}`" in violation.accepted


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("latitude", 91.0, "-90…90"),
        ("latitude", np.inf, "-90…90"),
        ("longitude", 1000.0, "-180…540"),
        ("longitude", -np.inf, "-180…540"),
        ("depth", -5.0, "0…12000 m"),
        ("depth", 1e9, "0…12000 m"),
        ("temperature", np.inf, "finite"),
        ("temperature", -np.inf, "finite"),
        ("temperature_uncertainty", -0.1, "at least 0"),
        ("temperature_uncertainty", np.inf, "finite"),
    ],
)
def test_a_value_that_cannot_be(write: Callable, four_points: dict, name: str, value: float, accepted: str) -> None:
    four_points[name][1][2] = value
    violation = refusal(write(four_points))
    assert violation.field == f"observations.{name}[2]"
    assert violation.received == f"{value:g}"
    assert accepted in violation.accepted


def test_only_nan(write: Callable, four_points: dict) -> None:
    four_points["temperature"] = (("obs",), np.full(4, np.nan), {"units": "degC"})
    violation = refusal(write(four_points))
    assert violation.field == "observations.temperature"
    assert "4 of them missing" in violation.received


def test_zero_observations(write: Callable, four_points: dict) -> None:
    none = {name: (dims, values[:0], attrs) for name, (dims, values, attrs) in four_points.items()}
    violation = refusal(write(none))
    assert (violation.field, violation.received) == ("observations.temperature", "0 observations")


def test_290_without_units_looks_like_kelvin_and_is_asked_for(write: Callable, four_points: dict) -> None:
    four_points["temperature"] = (("obs",), [290.0, 291, 289, 290], {})
    violation = refusal(write(four_points))
    assert violation.field == "observations.temperature.units"
    assert "look like kelvin" in violation.received
    assert "K" in violation.accepted


def test_15_without_units_is_asked_for_too(write: Callable, four_points: dict) -> None:
    four_points["temperature"] = (("obs",), [15.0, 16, 14, 15], {})
    violation = refusal(write(four_points))
    assert violation.field == "observations.temperature.units"
    assert violation.received == "no units"


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("temperature", "degF"),
        ("temperature", "furlong"),
        ("temperature_uncertainty", "percent"),
        ("depth", "dbar"),
        ("latitude", "radian"),
        ("time", "days"),
    ],
)
def test_units_that_are_not_known(write: Callable, four_points: dict, name: str, units: str) -> None:
    four_points[name][2]["units"] = units
    violation = refusal(write(four_points))
    assert violation.field == f"observations.{name}.units"
    assert violation.received == units


def test_height_without_a_direction(write: Callable, four_points: dict) -> None:
    four_points["z"] = (*four_points.pop("depth")[:2], {"units": "m"})
    assert refusal(write(four_points)).field == "observations.z.positive"


def test_dimensions_that_disagree(write: Callable, four_points: dict) -> None:
    four_points["latitude"] = (("other",), [1.0, 2.0, 3.0], four_points["latitude"][2])
    violation = refusal(write(four_points))
    assert violation.field == "observations.latitude"
    assert violation.received == "dimensions (other: 3)"
    assert "obs: 4" in violation.accepted


@pytest.mark.parametrize("counts", [[3, 2], [5, -1], [4, 10**9]])
def test_ragged_counts_that_do_not_add_up(write: Callable, four_points: dict, counts: list[int]) -> None:
    four_points["row_size"] = (("profile",), np.array(counts), {"sample_dimension": "obs"})
    assert refusal(write(four_points)).field == "observations.row_size"


@pytest.mark.parametrize("parents", [[0, 0, 1, 2], [0, -1, 0, 0]])
def test_ragged_indices_that_point_nowhere(write: Callable, four_points: dict, parents: list[int]) -> None:
    four_points["latitude"] = (("profile",), [1.0, 2.0], four_points["latitude"][2])
    four_points["parent"] = (("obs",), np.array(parents), {"instance_dimension": "profile"})
    assert refusal(write(four_points)).field == "observations.parent"


def test_text_where_numbers_belong(write: Callable, four_points: dict) -> None:
    four_points["temperature"] = (("obs",), np.array([b"a", b"b", b"c", b"d"]), {"units": "degC"})
    assert refusal(write(four_points)).field == "observations.temperature"


def test_packing_that_is_not_a_number(write: Callable, four_points: dict) -> None:
    four_points["temperature"][2]["scale_factor"] = "two"
    assert refusal(write(four_points)).field == "observations.temperature"


def test_a_received_name_is_shown_short_and_printable(write: Callable, four_points: dict) -> None:
    four_points["temperature"][2]["units"] = "\x1b[31m" + "x" * 500
    violation = refusal(write(four_points))
    assert len(violation.received) <= 80
    assert violation.received.isprintable()
