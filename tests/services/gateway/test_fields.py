"""Fields of NetCDF files as numbers: what is told of them, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load

from tellurion_core.errors import InvalidInput
from tellurion_core.identity.roles import Role
from tellurion_gateway.fields import field

VALUES = np.arange(48, dtype="f4").reshape(2, 2, 3, 4)
AXES = {"time": [45.0, 75.0], "depth": [0.0, 10.0], "lat": [-1.0, 0.0, 1.0], "lon": [10.0, 12.0, 14.0, 16.0]}
UNITS = {"time": "days since 2000-01-01", "depth": "m", "lat": "degrees_north", "lon": "degrees_east"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "field.nc")


def written(path: Path, dims: Sequence[str] = tuple(AXES), **axes: list[float] | None) -> Path:
    """A file with `thetao` along these dimensions, with coordinates; those that are None are left out."""
    with netCDF4.Dataset(path, "w") as file:
        for dim, size in zip(dims, VALUES.shape, strict=True):
            if dim not in file.dimensions:
                file.createDimension(dim, size)
            along = (AXES | axes).get(dim)
            if along is not None and dim not in file.variables:
                file.createVariable(dim, "f8", (dim,))[:] = along
                file[dim].units = UNITS[dim]
        variable = file.createVariable("thetao", "f4", tuple(dims), fill_value=0.0)
        variable.units = "degC"
        variable[:] = VALUES
    return path


def told(content: bytes, folder: Path) -> dict[str, str]:
    """The metadata of an answer."""
    (folder / "answer.safetensors").write_bytes(content)
    with safe_open(folder / "answer.safetensors", "numpy") as answer:
        return answer.metadata()


def test_a_field_is_answered_with_its_coordinates(path: Path, tmp_path: Path) -> None:
    answer = field(path, "thetao", time=1)
    read = load(answer)
    assert read["values"].dtype == np.float32
    np.testing.assert_array_equal(read["values"], VALUES[1])
    np.testing.assert_array_equal(load(field(path))["values"][0, 0], [np.nan, 1, 2, 3])
    axes = ("depth", "lat", "lon")
    assert {name: list(read[name]) for name in axes} == {name: AXES[name] for name in axes}
    about = told(answer, tmp_path)
    assert json.loads(about["dims"]) == ["depth", "lat", "lon"]
    assert (about["variable"], about["units"], about["units.lon"]) == ("thetao", "degC", "degrees_east")
    assert about["time"] == "2000-03-16T00:00:00"


def test_coordinates_that_a_file_has_not_are_not_made_up(tmp_path: Path) -> None:
    read = load(field(written(tmp_path / "field.nc", lat=None, lon=[1.0, 3.0, 2.0, 4.0])))
    assert set(read) == {"values", "depth"}


@pytest.mark.parametrize("dims", [("time", "depth", "values", "lon"), ("time", "depth", "__metadata__", "lon")])
def test_dimensions_with_names_of_the_format_are_refused(tmp_path: Path, dims: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match="variable: received dimensions"):
        field(written(tmp_path / "field.nc", dims))


def test_long_words_of_a_file_are_cut(path: Path, tmp_path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file["thetao"].units = "x" * 1_000_000
    assert len(told(field(path), tmp_path)["units"]) < 100


def test_a_field_too_large_for_a_page_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("depth", 2), ("lat", 3000), ("lon", 3000)):
            file.createDimension(name, size)
        file.createVariable("thetao", "f4", ("depth", "lat", "lon"), zlib=True)
    with pytest.raises(InvalidInput, match="18000000 values; accepted: at most"):
        field(path)


def test_chunks_of_all_levels_count(tmp_path: Path) -> None:
    path = tmp_path / "packed.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", 5000), ("depth", 10), ("lat", 100), ("lon", 100)):
            file.createDimension(name, size)
        file.createVariable("thetao", "f4", ("time", "depth", "lat", "lon"), zlib=True, chunksizes=(5000, 1, 100, 100))
    with pytest.raises(InvalidInput, match="chunks of 2000000000 bytes"):
        field(path)


def test_a_field_is_read_over_https_by_whoever_may_open_files(guarded: Any, path: Path) -> None:
    user, viewer = (guarded.keys.create("polar", "ann", role) for role in (Role.USER, Role.VIEWER))
    other, ocean = guarded.keys.create("navy", "bob"), guarded.keys.create("polar", "kim", Role.USER, ["ocean"])
    tus = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    begun = guarded.ask("POST", "/v1/uploads", user, headers={**tus, "Upload-Length": str(path.stat().st_size)})
    upload = httpx.URL(begun.headers["Location"]).path
    assert guarded.ask("PATCH", upload, user, headers=tus, content=path.read_bytes()).status_code == 204
    url = f"/v1/artifacts/{sha256(path.read_bytes()).hexdigest()}/field"
    answer = guarded.ask("GET", url, viewer)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/vnd.safetensors")
    np.testing.assert_array_equal(load(answer.content)["values"][1], VALUES[0, 1])
    assert guarded.ask("GET", url, user, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert [guarded.ask("GET", url, key).status_code for key in (other, ocean)] == [404, 403]
    refused = guarded.ask("GET", f"{url}?time=2", user)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "time")
