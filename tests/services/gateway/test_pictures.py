"""Quick-look pictures: what is drawn, and what is refused before anything large is read."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_gateway.pictures import picture

WARM, COLD = (253, 231, 36), (68, 1, 84)
"""The ends of viridis."""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a field [time, level, lat, lon], south to north."""

    def file(values: NDArray[np.float64], units: str = "degC", **storage: Any) -> Path:
        path = tmp_path / "field.nc"
        with netCDF4.Dataset(path, "w") as dataset:
            names = ("time", "depth", "lat", "lon")[-values.ndim :]
            for name, size in zip(names, values.shape, strict=True):
                dataset.createDimension(name, size)
            dataset.createVariable("lat", "f8", ("lat",))[:] = np.linspace(-80, 80, values.shape[-2])
            variable = dataset.createVariable("temperature", "f4", names, **storage)
            variable.units = units
            variable[:] = values
        return path

    return file


def pixels(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


def north_and_south(png: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    image = pixels(png)
    height, width, _ = image.shape
    return tuple(image[height // 4, width // 3].tolist()), tuple(image[3 * height // 4, width // 3].tolist())


def near(colour: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return bool(np.abs(np.subtract(colour, other)).max() <= 3)


def test_north_is_up(write: Write) -> None:
    north, south = north_and_south(picture(write(np.repeat([0.0, 1.0], 4)[:, None] * np.ones(8))))
    assert near(north, WARM)
    assert near(south, COLD)


def test_time_and_level_are_chosen_by_index(write: Write) -> None:
    values = np.zeros((2, 3, 8, 8))
    values[1, 2, 4:] = 1.0
    values[1, 1, :4] = 1.0
    path = write(values)
    north, south = north_and_south(picture(path, "temperature", time=1, level=2))
    assert (near(north, WARM), near(south, COLD)) == (True, True)
    north, south = north_and_south(picture(path, "temperature", time=1, level=1))
    assert (near(north, COLD), near(south, WARM)) == (True, True)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"time": 2}, "time: received 2; accepted: 0 to 1"),
        ({"level": 3}, "level: received 3; accepted: 0 to 2"),
        ({"variable": "salinity"}, "variable: received salinity; accepted: temperature"),
    ],
)
def test_what_is_not_there_is_named(write: Write, asked: dict[str, Any], error: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        picture(write(np.zeros((2, 3, 8, 8))), **asked)
    assert str(refused.value) == error


def test_a_formula_in_the_units_is_drawn_as_it_is(write: Write) -> None:
    assert pixels(picture(write(np.ones((8, 8)), units=r"$\frac{"))).size


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38, 1.0])
def test_a_field_of_one_value_is_drawn(write: Write, value: float) -> None:
    assert pixels(picture(write(np.full((8, 8), value)))).size


def test_a_large_field_makes_a_small_picture(write: Write) -> None:
    assert max(pixels(picture(write(np.zeros((2000, 1000))))).shape) <= 1000


def test_a_level_too_large_is_refused_by_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "bomb.nc"
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createDimension("lat", 100_000)
        dataset.createDimension("lon", 100_000)
        dataset.createVariable("temperature", "f4", ("lat", "lon"), zlib=True, chunksizes=(1000, 1000))
    with pytest.raises(InvalidInput, match="10000000000 values; accepted: at most"):
        picture(path)


def test_chunks_too_large_to_be_unpacked_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.nc"
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createDimension("depth", 100_000)
        for name in ("lat", "lon"):
            dataset.createDimension(name, 100)
        dataset.createVariable("t", "f4", ("depth", "lat", "lon"), zlib=True, chunksizes=(20_000, 100, 100))
    with pytest.raises(InvalidInput, match="chunks of 800000000 bytes for what is read"):
        picture(path)


def test_what_is_no_netcdf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.nc").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(InvalidInput, match="artifact: received a file that starts with"):
        picture(tmp_path / "x.nc")


def test_an_analysis_is_drawn_over_https(client: Any, observations: dict[str, Any], ocean: Any) -> None:
    body = {"method": "echo", "month": 2, "observations": observations}
    artifact = client.post("/v1/ocean:reconstruct", json=body).json()["artifact"]["id"]
    answer = client.get(f"/v1/artifacts/{artifact}/picture", params={"level": 1})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert pixels(answer.content).size
    again = client.get(f"/v1/artifacts/{artifact}/picture?level=1", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    refused = client.get(f"/v1/artifacts/{artifact}/picture", params={"level": 2})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "level")
    assert client.get(f"/v1/artifacts/{'0' * 64}/picture").status_code == 404


def test_an_analysis_is_answered_as_a_picture_where_that_is_accepted(
    client: Any, observations: dict[str, Any], ocean: Any
) -> None:
    body = {"method": "echo", "month": 2, "observations": observations}
    answer = client.post("/v1/ocean:reconstruct", json=body, headers={"Accept": "image/png"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert pixels(answer.content).size
