"""Files are opened in other processes: what happens to those happens to the one who sent the file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tellurion_core.errors import InvalidInput
from tellurion_gateway.files import FileProcesses
from tellurion_geo import read_points

URL = "/v1/ocean:reconstruct"
NETCDF = {"Content-Type": "application/x-netcdf"}


@pytest.fixture(scope="module")
def files() -> FileProcesses:
    return FileProcesses(seconds=30)


async def test_what_was_made_of_a_file_comes_back(
    files: FileProcesses, write_observations: Callable[..., Path]
) -> None:
    points = await files.run(read_points, write_observations(), field="observations")
    assert points.temperature.tolist() == [12.0, 10.0]


async def test_an_error_is_the_one_that_was_raised(
    files: FileProcesses, write_observations: Callable[..., Path]
) -> None:
    path = write_observations(units="furlong")
    with pytest.raises(InvalidInput) as here:
        read_points(path)
    with pytest.raises(InvalidInput) as there:
        await files.run(read_points, path, field="observations")
    assert there.value.violations == here.value.violations


@pytest.mark.parametrize(
    ("work", "argument", "received"),
    [
        (os.abort, (), "a file that no library can read"),
        (bytes, (8 << 30,), "a file that takes more than 4294967296 bytes of memory to read"),
    ],
)
async def test_a_library_that_fails_refuses_the_file_and_nothing_else(
    files: FileProcesses, work: Callable[..., Any], argument: tuple[Any, ...], received: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await files.run(work, *argument, field="observations")
    assert refused.value.violations[0].field == "observations"
    assert refused.value.violations[0].received.startswith(received)
    assert await files.run(len, "abc", field="observations") == 3


async def test_a_library_that_does_not_end_is_ended() -> None:
    files = FileProcesses(seconds=0.5)
    started = time.monotonic()
    with pytest.raises(InvalidInput, match=r"not within 0\.5 s"):
        await files.run(time.sleep, 60, field="observations")
    assert time.monotonic() - started < 10


async def test_a_fault_of_ours_is_none_of_the_file(files: FileProcesses) -> None:
    with pytest.raises(RuntimeError, match="ValueError"):
        await files.run(int, "x", field="observations")


def test_a_file_that_takes_too_long_is_refused(
    start_gateway: Callable[..., Any], served_ocean: Any, write_observations: Callable[..., Path]
) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, file_seconds=0.001)
    content = write_observations().read_bytes()
    answer = gateway.client.post(URL, params={"method": "echo"}, content=content, headers=NETCDF)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "observations")
    assert gateway.client.get("/v1/ocean/methods").status_code == 200
    assert gateway.close() == 0
