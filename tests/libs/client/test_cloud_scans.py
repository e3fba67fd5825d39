"""Laser scans in .las, .laz and .e57, which native libraries read in a process of their own."""

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import laspy
import numpy as np
import psutil
import pye57
import pytest

from tellurion_client.clouds import chunks, read_cloud
from tellurion_client.clouds.e57 import e57_chunks
from tellurion_client.clouds.las import las_chunks
from tellurion_client.clouds.scans import SECONDS
from tellurion_core.errors import InvalidInput

N = 500
PLACE = np.array([512_345.678, 5_412_345.678, 100.0])
"""Of a scan in UTM: a 32-bit float knows half a metre there."""


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    return np.round(np.random.default_rng(0).normal(size=(N, 3)) * 20, 3) + PLACE


@pytest.fixture(scope="module")
def colours() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (N, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, points: np.ndarray, colours: np.ndarray) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("scans")
    for suffix, scale in (("las", 257), ("laz", 257), ("8bit.las", 1)):
        head = laspy.LasHeader(point_format=7, version="1.4")
        head.scales, head.offsets = np.full(3, 0.001), np.floor(PLACE)
        scan = laspy.LasData(head)
        scan.x, scan.y, scan.z = points.T
        scan.red, scan.green, scan.blue = colours.T.astype(np.uint16) * scale
        scan.write(str(folder / f"a.{suffix}"))
    columns = dict(zip(("colorRed", "colorGreen", "colorBlue"), colours.T, strict=True))
    local = np.float32(points - PLACE).astype(np.float64)
    columns |= dict(zip(("cartesianX", "cartesianY", "cartesianZ"), local.T, strict=True))
    columns["cartesianInvalidState"] = (np.arange(N) % 5 == 0).astype(np.int8)
    with pye57.E57(str(folder / "a.e57"), "w") as file:
        # A third of a turn around (1, 1, 1), which takes x to y, y to z and z to x.
        file.write_scan_raw(columns, rotation=np.full(4, 0.5), translation=PLACE)
        file.write_scan_raw(columns)
    return folder


def refused(path: Path, *words: str, most: int = 10_000, here: bool = False) -> None:
    """Reads a file, in a process of its own unless `here`: what is refused by its header ends no process."""
    chunked = e57_chunks if path.suffix == ".e57" else las_chunks
    with pytest.raises(InvalidInput) as caught:
        list(chunked(path, path.name, most)) if here else read_cloud(path, most=most)
    assert Path(caught.value.violations[0].field).name == path.name
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["a.las", "a.laz", "a.8bit.las"])
def test_a_las_keeps_its_millimetres_and_colours(
    folder: Path, name: str, points: np.ndarray, colours: np.ndarray
) -> None:
    read = read_cloud(folder / name, most=N)
    assert np.abs(read.points - points).max() < 1e-3 / 2 + 1e-8
    assert np.array_equal(read.colours, colours)


def test_colours_that_nobody_set_are_none(tmp_path: Path, points: np.ndarray) -> None:
    scan = laspy.LasData(laspy.LasHeader(point_format=7, version="1.4"))
    scan.x, scan.y, scan.z = points.T
    scan.write(str(tmp_path / "a.las"))
    assert [part.colours for part in las_chunks(tmp_path / "a.las", "a.las", N)] == [None]


def test_scans_of_an_e57_stand_at_their_poses(folder: Path, points: np.ndarray, colours: np.ndarray) -> None:
    read = read_cloud(folder / "a.e57", most=2 * N)
    valid = np.arange(N) % 5 > 0
    local = np.float32(points - PLACE)[valid]
    assert np.allclose(read.points, np.concatenate([local[:, [2, 0, 1]] + PLACE, local]), atol=1e-8, rtol=0)
    assert np.array_equal(read.colours, np.concatenate([colours[valid]] * 2))


@pytest.mark.parametrize("name", ["a.laz", "a.e57"])
def test_more_points_than_asked_for_are_refused(folder: Path, name: str) -> None:
    refused(folder / name, "points", f"at most {N - 1}", most=N - 1, here=name == "a.laz")


@pytest.mark.parametrize("name", ["a.las", "a.laz", "a.e57"])
def test_half_a_file_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.las", "a.laz"])
def test_a_claim_is_compared_with_the_file(folder: Path, tmp_path: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    struct.pack_into("<Q", data, 247, 10**9)  # number of points
    (tmp_path / name).write_bytes(data)
    refused(tmp_path / name, most=2 * 10**9)
    refused(tmp_path / name, "1000000000 points", "at most 1000", most=1000, here=True)


def test_records_that_are_not_there_are_not_looked_for(folder: Path, tmp_path: Path) -> None:
    data = bytearray((folder / "a.las").read_bytes())
    struct.pack_into("<I", data, 100, 4 * 10**9)
    (tmp_path / "a.las").write_bytes(data)
    refused(tmp_path / "a.las", "4000000000 records", here=True)


@pytest.mark.parametrize("suffix", [".las", ".e57"])
def test_another_file_under_the_name_of_a_scan_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(b"no scan" * 100)
    refused(tmp_path / f"a{suffix}")


def test_a_reader_that_crashes_is_the_files_fault(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "site"
    broken.mkdir()
    (broken / "laspy.py").write_text("import ctypes\nctypes.string_at(0)\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    refused(folder / "a.las", "signal 11")


def test_a_reader_has_no_more_than_so_many_seconds_of_a_processor(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "site"
    broken.mkdir()
    (broken / "laspy.py").write_text("import resource\nraise OSError(resource.getrlimit(resource.RLIMIT_CPU)[0])\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    refused(folder / "a.las", f"OSError: {SECONDS}")  # a short file gives no second more


def test_a_caller_who_wants_no_more_ends_the_reader(folder: Path) -> None:
    others = psutil.Process().children()
    parts = chunks(folder / "a.las", most=N)
    next(parts)
    (reader,) = (child for child in psutil.Process().children() if child not in others)
    parts.close()
    assert not reader.is_running()


@pytest.mark.parametrize("name", ["a.las", "a.laz", "a.e57"])
def test_damaged_files_are_bad_input(folder: Path, tmp_path: Path, name: str) -> None:
    whole = np.frombuffer((folder / name).read_bytes(), np.uint8)

    def read(number: int) -> None:
        data, rng = whole.copy(), np.random.default_rng(number)
        data[rng.integers(0, 400 if number % 2 else len(data), 3)] = rng.integers(0, 256, 3)
        path = tmp_path / f"{number}{Path(name).suffix}"
        path.write_bytes(data.tobytes())
        try:
            points = read_cloud(path, most=10 * N).points
        except InvalidInput:
            return
        assert np.isfinite(points).all()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(read, range(2)))
