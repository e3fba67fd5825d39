"""Arrays come back as they went, and headers that lie cost nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tellurion.common.v1.tensor_pb2 import Tensor, TensorHeader, TensorPart
from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_core.tensors import CHUNK_BYTES, INLINE_BYTES, TensorReader, TensorSpec, check_tensors, encode

MIB = 1 << 20
DTYPES = st.one_of(
    npst.boolean_dtypes(),
    *(kind(endianness=end) for end in "<>" for kind in (npst.integer_dtypes, npst.unsigned_integer_dtypes)),
    *(npst.floating_dtypes(endianness=end, sizes=(16, 32, 64)) for end in "<>"),
)
SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


def read(parts: Iterable[TensorPart], limit: int = 4 * MIB, specs: Any = None) -> dict[str, np.ndarray]:
    reader = TensorReader(limit, specs)
    for part in parts:
        reader.feed(part)
    return reader.finish()


def header(**changes: Any) -> TensorHeader:
    """Of two float64, little-endian."""
    good = {"name": "x", "data_type": 12, "shape": [2], "byte_order": 1, "total_bytes": 16, "crc32c": 0}
    return TensorHeader(**{**good, **changes})


@given(npst.arrays(DTYPES, SHAPES))
@settings(max_examples=150, deadline=None)
def test_an_array_of_any_type_shape_and_byte_order_comes_back(array: np.ndarray) -> None:
    got = read(encode("x", array))["x"]
    native = array.astype(array.dtype.newbyteorder("="))
    assert (got.dtype, got.shape, got.dtype.isnative) == (native.dtype, array.shape, True)
    assert got.tobytes() == native.tobytes()


def test_a_view_that_is_not_contiguous_comes_back() -> None:
    array = np.arange(24.0).reshape(4, 6)[::2, ::-1].T
    np.testing.assert_array_equal(read(encode("x", array))["x"], array)


def test_big_endian_bytes_travel_as_they_are_and_are_declared() -> None:
    [part] = encode("x", np.array([1, 2], ">u2"))
    assert (part.inline.header.byte_order, part.inline.data) == (2, b"\x00\x01\x00\x02")


def test_the_checksum_is_castagnolis() -> None:
    [part] = encode("x", np.frombuffer(b"123456789", np.uint8))
    assert part.inline.header.crc32c == 0xE3069283  # the check value of RFC 3720's polynomial


@pytest.mark.parametrize(
    ("size", "sizes"),
    [(MIB, None), (MIB + 1, [CHUNK_BYTES, CHUNK_BYTES, 1]), (2 * CHUNK_BYTES + CHUNK_BYTES, [CHUNK_BYTES] * 3)],
)
def test_up_to_one_mebibyte_travels_inside_a_message_and_more_in_chunks(size: int, sizes: list[int] | None) -> None:
    array = np.random.default_rng(1).integers(0, 256, size, np.uint8)
    parts = list(encode("x", array))
    kinds = [part.WhichOneof("part") for part in parts]
    assert kinds == (["inline"] if sizes is None else ["header"] + ["chunk"] * len(sizes))
    assert sizes is None or [len(part.chunk) for part in parts[1:]] == sizes
    np.testing.assert_array_equal(read(parts)["x"], array)


def test_several_tensors_travel_one_after_the_other() -> None:
    sent = {"a": np.arange(3), "b": np.zeros((2, MIB), np.float16), "c": np.float32(4)}
    got = read((part for name, array in sent.items() for part in encode(name, array)), 8 * MIB)
    for name, array in sent.items():
        np.testing.assert_array_equal(got[name], array)


def test_a_type_that_has_no_name_on_the_wire_is_refused() -> None:
    with pytest.raises(InvalidInput, match="complex128"):
        next(encode("x", np.zeros(2, complex)))


@pytest.mark.parametrize(
    ("lie", "field"),
    [
        ({"total_bytes": 24}, "x.total_bytes"),
        ({"shape": [10**9]}, "x.total_bytes"),
        ({"shape": [10**9], "total_bytes": 8 * 10**9}, "x.total_bytes"),
        ({"shape": [4 * MIB // 8 + 1], "total_bytes": 4 * MIB + 8}, "x.total_bytes"),
        ({"shape": [-2]}, "x.shape"),
        ({"shape": [-1, -2]}, "x.shape"),
        ({"shape": [1] * 8 + [2]}, "x.shape"),
        ({"shape": [2**32, 2**32], "total_bytes": 0}, "x.total_bytes"),
        ({"shape": [2**62, 2**62, 0], "total_bytes": 0}, "x.total_bytes"),
        ({"data_type": 0}, "x.data_type"),
        ({"data_type": 99}, "x.data_type"),
        ({"byte_order": 0}, "x.data_type"),
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_a_header_that_lies_is_refused_with_its_field(lie: dict[str, Any], field: str, inline: bool) -> None:
    claim = header(**lie)
    part = TensorPart(inline=Tensor(header=claim, data=bytes(16))) if inline else TensorPart(header=claim)
    with pytest.raises(InvalidInput) as caught:
        TensorReader(4 * MIB).feed(part)
    assert caught.value.violations[0].field == field


def test_the_limit_is_that_of_all_tensors_together() -> None:
    reader = TensorReader(3 * MIB)
    for part in encode("a", np.zeros(2 * MIB, np.uint8)):
        reader.feed(part)
    with pytest.raises(InvalidInput) as caught:
        reader.feed(next(encode("b", np.zeros(2 * MIB, np.uint8))))
    assert caught.value.reason == "TOO_LARGE"


def test_a_large_tensor_may_not_come_inside_a_message() -> None:
    claim = header(shape=[MIB // 8 + 1], total_bytes=MIB + 8)
    with pytest.raises(InvalidInput, match="in chunks"):
        TensorReader(4 * MIB).feed(TensorPart(inline=Tensor(header=claim, data=bytes(MIB + 8))))


def test_one_damaged_bit_is_found() -> None:
    small, large = np.arange(9.0), np.arange(2 * INLINE_BYTES, dtype=np.uint8)
    for array in (small, large):
        parts = list(encode("x", array))
        last = parts[-1].inline.data if array is small else parts[-1].chunk
        damaged = last[:-1] + bytes([last[-1] ^ 1])
        if array is small:
            parts[-1].inline.data = damaged
        else:
            parts[-1].chunk = damaged
        with pytest.raises(DataCorrupted, match="CRC-32C"):
            read(parts)


def test_an_empty_tensor_with_a_false_checksum_is_found() -> None:
    with pytest.raises(DataCorrupted, match="CRC-32C"):
        read([TensorPart(header=header(shape=[0], total_bytes=0, crc32c=1))])


@pytest.mark.parametrize("kept", [1, 2, 4])
def test_a_stream_that_ends_inside_a_tensor_is_found(kept: int) -> None:
    parts = list(encode("x", np.zeros(2 * MIB, np.uint8)))
    with pytest.raises(DataCorrupted, match=f"after {(kept - 1) * CHUNK_BYTES} of {2 * MIB}"):
        read(parts[:kept])


def test_inline_data_shorter_than_the_header_says_is_found() -> None:
    with pytest.raises(DataCorrupted, match="after 8 of 16"):
        read([TensorPart(inline=Tensor(header=header(), data=bytes(8)))])


def test_more_bytes_than_the_header_says_are_found() -> None:
    with pytest.raises(DataCorrupted, match="more than 16"):
        read([TensorPart(header=header()), TensorPart(chunk=bytes(17))])


def test_two_tensors_may_not_be_interleaved() -> None:
    a, b = (list(encode(name, np.zeros(2 * MIB, np.uint8))) for name in "ab")
    with pytest.raises(DataCorrupted, match="b: began before a"):
        read([a[0], a[1], b[0], a[2]])


@pytest.mark.parametrize("chunk", [b"", bytes(MIB + 1)])
def test_a_chunk_is_neither_empty_nor_larger_than_a_mebibyte(chunk: bytes) -> None:
    start = next(encode("x", np.zeros(2 * MIB, np.uint8)))
    with pytest.raises(DataCorrupted, match=f"a chunk of {len(chunk)} bytes"):
        read([start, TensorPart(chunk=chunk)])


def test_a_chunk_without_a_header_is_out_of_place() -> None:
    with pytest.raises(DataCorrupted, match="before any header"):
        read([TensorPart(chunk=b"1")])


def test_a_part_that_is_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        read([TensorPart()])


def test_a_tensor_comes_once() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        read([*encode("x", np.zeros(2)), *encode("x", np.zeros(2))])


SPECS = {
    "a": TensorSpec("float64", ("N",)),
    "b": TensorSpec("float32", ("N", 3)),
    "c": TensorSpec("int64", optional=True),
}


def test_tensors_that_fit_their_specs_pass() -> None:
    check_tensors({"a": np.zeros(4), "b": np.zeros((4, 3), np.float32)}, SPECS)
    check_tensors({"a": np.zeros(0), "b": np.zeros((0, 3), np.float32), "c": np.array(1)}, SPECS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"a": np.zeros(5)}, "b"),
        ({"a": np.zeros(4, np.float32)}, "a"),
        ({"a": np.zeros((4, 1))}, "a"),
        ({"b": np.zeros((4, 2), np.float32)}, "b"),
        ({"a": None}, "a"),
        ({"z": np.zeros(4)}, "z"),
    ],
)
def test_the_first_tensor_that_does_not_fit_is_named(changes: dict[str, Any], field: str) -> None:
    tensors = {"a": np.zeros(4), "b": np.zeros((4, 3), np.float32), **changes}
    sent = {name: array for name, array in tensors.items() if array is not None}
    with pytest.raises(InvalidInput) as caught:
        check_tensors(sent, SPECS)
    assert caught.value.violations[0].field == field
    with pytest.raises(InvalidInput):
        read((part for name, array in sent.items() for part in encode(name, array)), specs=SPECS)


@pytest.mark.parametrize("claim", [header(name="z"), header(data_type=11, total_bytes=8), header(shape=[1, 2])])
def test_a_header_that_the_specs_do_not_admit_is_refused_before_its_bytes(claim: TensorHeader) -> None:
    with pytest.raises(InvalidInput):
        TensorReader(MIB, {"x": TensorSpec("float64", ("N",))}).feed(TensorPart(header=claim))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_gibibyte_that_is_claimed_and_not_sent_takes_no_memory() -> None:
    def resident() -> int:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    reader, before = TensorReader(1 << 30), resident()
    reader.feed(TensorPart(header=header(shape=[1 << 27], total_bytes=1 << 30)))
    assert resident() - before < 16 * MIB
    with pytest.raises(DataCorrupted):
        reader.finish()
