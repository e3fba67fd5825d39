"""Files are opened in other processes: what happens to those happens to the one who sent the file.

A library that does whatever a file says is the one that runs a file as a script.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from os.path import getsize
from pathlib import Path
from runpy import run_path
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


@pytest.fixture
def scripted_file(tmp_path: Path) -> Callable[[str], Path]:
    """A file that says this."""

    def write(script: str) -> Path:
        path = tmp_path / "file"
        path.write_text(script)
        return path

    return write


@pytest.mark.parametrize(
    ("script", "received"),
    [
        ("import os; os.abort()", "a file that no library can read"),
        ("bytes(8 << 30)", "a file that takes more than 4294967296 bytes of memory to read"),
    ],
)
async def test_a_library_that_fails_refuses_the_file_and_nothing_else(
    files: FileProcesses, scripted_file: Callable[[str], Path], script: str, received: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await files.run(run_path, scripted_file(script), field="observations")
    assert refused.value.violations[0].field == "observations"
    assert refused.value.violations[0].received.startswith(received)
    assert await files.run(getsize, scripted_file("abc"), field="observations") == 3


async def test_a_library_that_does_not_end_is_ended(scripted_file: Callable[[str], Path]) -> None:
    files = FileProcesses(seconds=0.5)
    started = time.monotonic()
    with pytest.raises(InvalidInput, match=r"not within 0\.5 s"):
        await files.run(run_path, scripted_file("import time; time.sleep(60)"), field="observations")
    assert time.monotonic() - started < 10


async def test_a_fault_of_ours_is_none_of_the_file(files: FileProcesses, scripted_file: Callable[[str], Path]) -> None:
    with pytest.raises(RuntimeError, match="ValueError"):
        await files.run(run_path, scripted_file("int('x')"), field="observations")


@pytest.mark.parametrize(
    "script",
    ["open({other!r})", "open({here!r}, 'r+')", "import os; os.listdir({folder!r})", "open('/proc/self/environ')"],
)
async def test_a_library_reads_the_one_file_and_writes_none(
    files: FileProcesses, scripted_file: Callable[[str], Path], tmp_path: Path, script: str
) -> None:
    other = tmp_path / "secret"
    other.write_text("a private key")
    path = scripted_file(script.format(other=str(other), here=str(tmp_path / "file"), folder=str(tmp_path)))
    run_path(str(path))  # which this process may
    with pytest.raises(RuntimeError, match="PermissionError"):
        await files.run(run_path, path, field="observations")


def test_a_file_that_takes_too_long_is_refused(
    start_gateway: Callable[..., Any], served_ocean: Any, write_observations: Callable[..., Path]
) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, file_seconds=0.001)
    content = write_observations().read_bytes()
    answer = gateway.client.post(URL, params={"method": "echo"}, content=content, headers=NETCDF)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "observations")
    assert gateway.client.get("/v1/ocean/methods").status_code == 200
    assert gateway.close() == 0
