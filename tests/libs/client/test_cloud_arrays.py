"""Clouds in NumPy's files: what is read, and what is refused before anything is allocated for it."""

import io
import os
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tellurion_client.clouds import chunks, read_cloud
from tellurion_client.clouds import cloud as limits
from tellurion_core.errors import InvalidInput

POINTS = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [5e5 + 0.001, 5e6, -6.0]])
BYTES = np.array([[0, 128, 255], [1, 2, 3], [9, 8, 7]], np.uint8)


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array, allow_pickle=True)
    return path


def header(shape: str, descr: str = "'<f8'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def refused(path: Path, *words: str, most: int = 1000) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_cloud(path, most=most)
    assert Path(caught.value.violations[0].field).name == path.name
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("dtype", ["<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_positions_keep_64_bits_in_either_order(tmp_path: Path, dtype: str, order: str) -> None:
    read = read_cloud(saved(tmp_path / "a.npy", np.array(POINTS, dtype, order=order)), most=3)  # type: ignore[call-overload]
    assert read.points.dtype == np.float64
    assert np.array_equal(read.points, POINTS)
    assert read.colours is None


@pytest.mark.parametrize("scale", [1.0, 1 / 255, 257.0])
def test_colours_are_bytes_fractions_or_16_bits(tmp_path: Path, scale: float) -> None:
    whole = scale > 1
    rows = np.concatenate([np.floor(POINTS), BYTES * scale], axis=1).astype(np.int64 if whole else np.float64)
    assert np.array_equal(read_cloud(saved(tmp_path / "a.npy", rows), most=3).colours, BYTES)


def test_an_archive_has_points_and_colours(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", points=POINTS, colours=BYTES)
    read = read_cloud(tmp_path / "a.npz", most=3)
    assert np.array_equal(read.points, POINTS)
    assert np.array_equal(read.colours, BYTES)


def test_parts_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tellurion_client.clouds.arrays.CHUNK", 2)
    rows = np.concatenate([POINTS, BYTES / 255], axis=1)
    parts = list(chunks(saved(tmp_path / "a.npy", rows), most=3))
    assert [len(part) for part in parts] == [2, 1]
    assert np.array_equal(np.concatenate([part.points for part in parts]), POINTS)
    assert np.array_equal(np.concatenate([part.colours for part in parts]), BYTES)


@pytest.mark.parametrize("points", [POINTS[:1], np.repeat(POINTS[:1], 5, axis=0)])
def test_one_point_and_equal_points_are_clouds(tmp_path: Path, points: np.ndarray) -> None:
    assert np.array_equal(read_cloud(saved(tmp_path / "a.npy", points), most=9).points, points)


@pytest.mark.parametrize(
    ("value", "shown"), [(np.nan, "y = nan"), (-np.inf, "y = -inf"), (1e30, "y = 1e+30"), (-1.1e9, "y = -1.1e+09")]
)
def test_coordinates_are_finite_and_bounded(tmp_path: Path, value: float, shown: str) -> None:
    points = POINTS.copy()
    points[1, 1] = value
    refused(saved(tmp_path / "a.npy", points), shown, f"{limits.LARGEST:g}")


@pytest.mark.parametrize(
    "array",
    [
        *(np.zeros((0, 3)), np.zeros(3), np.zeros((4, 4)), np.zeros((2, 3, 1)), np.zeros((2, 3), complex)),
        *(np.array([[None, 1, 2]], object), np.array([["a", "b", "c"]]), np.zeros((2, 3), bool)),
        np.zeros(2, "f8,f8,f8"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    refused(saved(tmp_path / "a.npy", array))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.write(tmp_path / "a.npy", "points.npy")
    refused(tmp_path / "a.npz")


def test_a_claim_is_compared_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(header("(1000000000, 3)") + bytes(240))
    refused(tmp_path / "a.npy", "240 of 24000000000 bytes", most=10**10)
    refused(tmp_path / "a.npy", "1000000000 points", "1000")


@pytest.mark.parametrize("shape", ["(-1, 3)", "(10**9, 3)", "(" * 300 + ")" * 300, "(2, 3", "(1e9, 3)", "'x'"])
def test_a_header_that_is_none(tmp_path: Path, shape: str) -> None:
    (tmp_path / "a.npy").write_bytes(header(shape) + bytes(48))
    refused(tmp_path / "a.npy")


def test_an_archive_that_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", header("(1000000, 3)") + bytes(24 * 10**6))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    refused(tmp_path / "a.npz", "1000000 points", "1000")


def test_an_archive_that_unpacks_to_more_than_memory_has_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", header("(1000000000, 3)") + bytes(1 << 20))
    refused(tmp_path / "a.npz", "1000000000 points", f"at most {1 << 24}", most=1 << 32)


def test_what_is_read_as_a_whole_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tellurion_client.clouds.reading.CHUNK", 2)
    np.savez(tmp_path / "a.npz", points=POINTS, colours=BYTES)
    parts = list(chunks(tmp_path / "a.npz", most=3))
    assert [len(part) for part in parts] == [2, 1]
    assert np.array_equal(np.concatenate([part.colours for part in parts]), BYTES)


def test_a_long_header_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 25) + b" " * (1 << 25))
    refused(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"colours": BYTES}, "colours.npy"),
        ({"points": POINTS, "colours": BYTES[:2]}, "[2, 3]"),
        ({"points": POINTS, "colours": BYTES.astype(int) * 1000}, "65535"),
        ({"points": POINTS, "colours": -BYTES.astype(int)}, "-"),
        ({"points": POINTS, "colours": np.full((3, 3), np.nan)}, "nan"),
        ({"points": POINTS, "colours": np.array([[object()] * 3] * 3)}, "object"),
    ],
)
def test_colours_belong_to_positions(tmp_path: Path, arrays: dict[str, np.ndarray], word: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    refused(tmp_path / "a.npz", word)


def test_only_plain_files_of_known_formats(tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "pipe.ply")
    (tmp_path / "device.obj").symlink_to("/dev/zero")
    (tmp_path / "empty.e57").touch()
    (tmp_path / "cloud.txt").write_text("0 0 0")
    refused(tmp_path / "missing.npy", "No such file")
    refused(tmp_path / "folder.npy", "a folder")
    refused(tmp_path / "pipe.ply", "a device or pipe")
    refused(tmp_path / "device.obj", "a device or pipe")
    refused(tmp_path / "empty.e57", "an empty file")
    refused(tmp_path / "cloud.txt", ".txt", ".npy", ".laz")
    refused(tmp_path / "plain", "no suffix")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_files_are_bad_input(tmp_path: Path, suffix: str) -> None:
    whole, path, rng = io.BytesIO(), tmp_path / f"a{suffix}", np.random.default_rng(0)
    np.save(whole, POINTS) if suffix == ".npy" else np.savez_compressed(whole, points=POINTS, colours=BYTES)
    for _ in range(200):
        data = np.frombuffer(whole.getvalue(), np.uint8).copy()
        data[rng.integers(0, len(data), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(data[: rng.integers(1, len(data) + 1)].tobytes())
        with suppress(InvalidInput):
            assert np.isfinite(read_cloud(path, most=100).points).all()
