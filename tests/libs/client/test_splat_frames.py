"""Frames come whole and in order, or not at all; what a service says of them is not trusted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import crc32c
import numpy as np
import pytest

from tellurion.splat.v1.splat_pb2 import FrameHeader, FramePart
from tellurion_client import DataCorrupted, Frame, InvalidInput, SplatCameras
from tellurion_client.splat_frames import MAX_FRAME_BYTES, frames
from tellurion_core.tensors import TensorReader


def header(index: int, name: str, data: bytes, count: int = 2, **changes: int) -> FramePart:
    usual = {"index": index, "count": count, "name": name, "total_bytes": len(data), "crc32c": crc32c.crc32c(data)}
    return FramePart(header=FrameHeader(**usual | changes))


def chunks(*data: bytes) -> list[FramePart]:
    return [FramePart(chunk=each) for each in data]


def test_frames_come_one_after_the_other() -> None:
    parts = [header(0, "a", b"abc"), *chunks(b"ab", b"c"), header(1, "b", b"de"), *chunks(b"de")]
    got = [*frames(parts, "png")]
    assert [(frame.index, frame.count, frame.name, frame.suffix, frame.data) for frame in got] == [
        (0, 2, "a", "png", b"abc"), (1, 2, "b", "png", b"de")
    ]  # fmt: skip


def test_a_frame_is_given_before_the_next_is_asked_for() -> None:
    def parts() -> Iterator[FramePart]:
        yield header(0, "a", b"abc")
        yield from chunks(b"abc")
        pytest.fail("more was asked for")

    assert next(frames(parts(), "png")).name == "a"


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [FramePart()],
        [header(0, "a", b"abc"), FramePart(), *chunks(b"abc")],
        [header(0, "a", b"abc", count=1), *chunks(b"abc"), FramePart()],
        [header(0, "a", b"abc", count=1), *chunks(b"abc", b"")],
        [header(0, "a", b"abc", count=0), *chunks(b"abc")],
        [header(0, "a", b"abc")],
        [header(0, "a", b"abc"), *chunks(b"ab")],
        [header(0, "a", b"abc"), *chunks(b"abc")],
        [header(0, "a", b"abc"), *chunks(b"abd")],
        [header(0, "a", b"abc"), *chunks(b"abcd")],
        [header(0, "a", b"abc"), header(1, "b", b"de")],
        [header(1, "b", b"de"), *chunks(b"de")],
        [header(0, "a", b"abc"), *chunks(b"abc"), header(0, "a", b"abc"), *chunks(b"abc")],
        chunks(b"abc"),
        [header(0, "a", b"abc", total_bytes=MAX_FRAME_BYTES + 1)],
        [header(0, "a", b"", count=1)],
        *(
            [header(0, name, b"abc", count=1), *chunks(b"abc")]
            for name in ("../a", "a/b", "", ".a", "..", "a\\b", "a\n")
        ),
    ],
)
def test_a_damaged_stream_is_an_error(parts: list[FramePart]) -> None:
    with pytest.raises(DataCorrupted):
        [*frames(parts, "png")]


def test_a_frame_is_written_under_its_name(tmp_path: Path) -> None:
    assert Frame(0, 1, "view 7", "exr", b"data").write(tmp_path) == tmp_path / "view 7.exr"
    assert (tmp_path / "view 7.exr").read_bytes() == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["view 7.exr"]
    with pytest.raises(InvalidInput, match="output: received No such file or directory"):
        Frame(0, 1, "a", "png", b"").write(tmp_path / "none")


def test_a_frame_of_numbers_is_an_array() -> None:
    array = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    file = io.BytesIO()
    np.save(file, array)
    np.testing.assert_array_equal(Frame(0, 1, "a", "npy", file.getvalue()).array(), array)
    with pytest.raises(DataCorrupted, match=r"^a: "):
        Frame(0, 1, "a", "npy", b"pickled").array()
    with pytest.raises(InvalidInput, match="format: received png"):
        Frame(0, 1, "a", "png", b"").array()


def test_cameras_on_the_wire_are_their_matrices() -> None:
    viewmats, intrinsics = np.random.default_rng(1).normal(size=(3, 4, 4)), np.ones((3, 3, 3))
    arrays = SplatCameras(viewmats, intrinsics, 640, 480, ["a", "b", "c"]).wire().arrays
    assert (arrays.width, arrays.height, list(arrays.names)) == (640, 480, ["a", "b", "c"])
    reader = TensorReader(1 << 20)
    for tensor in (arrays.viewmats, arrays.intrinsics):
        reader._begin(tensor.header)
        reader._take(tensor.data)
    np.testing.assert_array_equal(reader.finish()["viewmats"], viewmats)
    np.testing.assert_array_equal(reader.finish()["intrinsics"], intrinsics)
