"""NumPy arrays on the wire: inside a message up to 1 MiB, beyond that in chunks of 512 KiB under a checked header."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import crc32c
import numpy as np
from numpy.typing import NDArray

from tellurion.common.v1 import tensor_pb2
from tellurion.common.v1.tensor_pb2 import ByteOrder, DataType
from tellurion_core.errors import DataCorrupted, InvalidInput

Array = NDArray[Any]

INLINE_BYTES = 1 << 20
"""Largest tensor that travels inside one message."""
CHUNK_BYTES = 512 << 10
"""Size of a chunk; 256 KiB to 2 MiB measure alike on loopback, smaller and larger are slower."""
MAX_CHUNK_BYTES = 1 << 20
"""Largest chunk accepted from another implementation."""
MAX_MESSAGE_BYTES = 4 << 20
"""Largest single gRPC message; larger data travel in chunks."""

_DTYPES: dict[int, np.dtype[Any]] = {
    getattr(DataType, f"DATA_TYPE_{name.upper()}"): np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
}
_DATA_TYPES = {dtype: number for number, dtype in _DTYPES.items()}
_BYTE_ORDERS = (ByteOrder.BYTE_ORDER_LITTLE_ENDIAN, ByteOrder.BYTE_ORDER_BIG_ENDIAN)
_NATIVE = ByteOrder.BYTE_ORDER_LITTLE_ENDIAN if sys.byteorder == "little" else ByteOrder.BYTE_ORDER_BIG_ENDIAN


@dataclass(frozen=True)
class TensorSpec:
    """What a tensor must be."""

    dtype: str
    """NumPy name of the element type: ``float32``."""
    shape: tuple[int | str, ...] = ()
    """Extents; a string names an extent that is free but the same wherever the name stands: ``("N",)``."""
    optional: bool = False
    """Whether it may be absent."""
    unit: str = ""
    """Unit of the values, for people."""
    missing: bool = False
    """Whether NaN says that there is no value, on land for example."""

    def __str__(self) -> str:
        return f"{self.dtype} [{', '.join(map(str, self.shape))}]"

    def admits(self, dtype: np.dtype[Any], shape: tuple[int, ...], extents: dict[str, int]) -> bool:
        """Whether a tensor fits; names seen for the first time are bound in `extents`."""
        if dtype != np.dtype(self.dtype) or len(shape) != len(self.shape):
            return False
        pairs = zip(self.shape, shape, strict=True)
        return all(got == (extents.setdefault(want, got) if isinstance(want, str) else want) for want, got in pairs)


def check_tensors(tensors: Mapping[str, Array], specs: Mapping[str, TensorSpec]) -> None:
    """Checks names, element types and shapes of a set of arrays.

    Raises:
        InvalidInput: naming the first tensor that is unknown, missing or of the wrong type or shape.
    """
    extents: dict[str, int] = {}
    for name in tensors:
        if name not in specs:
            raise InvalidInput.of(name, received="a tensor", accepted="tensors " + ", ".join(specs))
    for name, spec in specs.items():
        array = tensors.get(name)
        if array is None:
            if not spec.optional:
                raise InvalidInput.of(name, received="nothing", accepted=str(spec))
        elif not spec.admits(array.dtype, array.shape, extents):
            bound = "".join(f", {k} = {v}" for k, v in extents.items() if k in spec.shape)
            raise InvalidInput.of(name, received=f"{array.dtype} {list(array.shape)}", accepted=f"{spec}{bound}")


def encode(name: str, array: Array) -> Iterator[tensor_pb2.TensorPart]:
    """The parts of one array, ready to be streamed.

    Cost: one pass for the checksum before the first part, then one copy of `CHUNK_BYTES` a part; memory does not grow
    with the array. The array must not change until the last part is taken.
    """
    array = np.asarray(array, order="C")
    header = _header(name, array)
    data = _bytes_of(array)
    if len(data) <= INLINE_BYTES:
        yield tensor_pb2.TensorPart(inline=tensor_pb2.Tensor(header=header, data=bytes(data)))
        return
    yield tensor_pb2.TensorPart(header=header)
    for start in range(0, len(data), CHUNK_BYTES):
        yield tensor_pb2.TensorPart(chunk=bytes(data[start : start + CHUNK_BYTES]))


def _bytes_of(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _header(name: str, array: Array) -> tensor_pb2.TensorHeader:
    native = array.dtype.newbyteorder("=")
    data_type = _DATA_TYPES.get(native)
    if data_type is None:
        raise InvalidInput.of(name, received=f"dtype {array.dtype}", accepted=", ".join(map(str, _DATA_TYPES)))
    swapped = not array.dtype.isnative
    foreign = ByteOrder.BYTE_ORDER_BIG_ENDIAN if sys.byteorder == "little" else ByteOrder.BYTE_ORDER_LITTLE_ENDIAN
    return tensor_pb2.TensorHeader(
        name=name,
        data_type=data_type,  # type: ignore[arg-type]
        shape=array.shape,
        byte_order=foreign if swapped else _NATIVE,
        total_bytes=array.nbytes,
        crc32c=crc32c.crc32c(_bytes_of(array)),
    )


@dataclass
class TensorReader:
    """Assembles arrays from the parts of a stream.

    Every header is checked before memory is set aside for it, so that a caller's claim costs nothing: pages of a
    tensor that was announced and not sent are never touched.
    """

    max_bytes: int
    """Bytes accepted in all, over all tensors of the stream."""
    specs: Mapping[str, TensorSpec] | None = None
    """The tensors accepted; any where None."""
    tensors: dict[str, Array] = field(default_factory=dict)
    """The tensors that are complete, by name, in native byte order."""
    _claimed: int = 0
    _open: tensor_pb2.TensorHeader | None = None
    _array: Array | None = None
    _bytes: NDArray[np.uint8] | None = None
    _filled: int = 0
    _crc: int = 0

    def feed(self, part: tensor_pb2.TensorPart) -> None:
        """Takes the next part.

        Raises:
            InvalidInput: a header that does not agree with itself, with the specs or with the limit.
            DataCorrupted: a chunk out of place, too many bytes, or a checksum that does not match.
        """
        match part.WhichOneof("part"):
            case "inline":
                if part.inline.header.total_bytes > INLINE_BYTES:
                    raise InvalidInput.of(
                        f"{part.inline.header.name}.total_bytes",
                        received=part.inline.header.total_bytes,
                        accepted=f"at most {INLINE_BYTES} bytes inside a message; larger tensors in chunks",
                    )
                self._begin(part.inline.header)
                if data := part.inline.data:
                    self._take(data)
            case "header":
                self._begin(part.header)
            case "chunk":
                self._take(part.chunk)
            case _:
                raise InvalidInput.of("tensor.part", received="nothing", accepted="inline, header or chunk")

    def finish(self) -> dict[str, Array]:
        """The tensors, once the stream has ended.

        Raises:
            DataCorrupted: the stream ended inside a tensor.
        """
        if self._open is not None:
            raise DataCorrupted(
                f"{self._open.name}: the stream ended after {self._filled} of {self._open.total_bytes} bytes"
            )
        if self.specs is not None:
            check_tensors(self.tensors, self.specs)
        return self.tensors

    def _begin(self, header: tensor_pb2.TensorHeader) -> None:
        if self._open is not None:
            raise DataCorrupted(f"{header.name}: began before {self._open.name} was complete")
        dtype, shape = self._checked(header)
        self._claimed += header.total_bytes
        # Uninitialised and untouched: resident memory grows only as bytes arrive.
        self._array = np.empty(shape, dtype)
        self._bytes = self._array.reshape(-1).view(np.uint8)
        self._open, self._filled, self._crc = header, 0, 0
        if header.total_bytes == 0:
            self._end()

    def _checked(self, header: tensor_pb2.TensorHeader) -> tuple[np.dtype[Any], tuple[int, ...]]:
        name, shape = header.name, tuple(header.shape)
        dtype = _DTYPES.get(header.data_type)
        if dtype is None or header.byte_order not in _BYTE_ORDERS:
            accepted = "a data type and a byte order of tellurion.common.v1"
            raise InvalidInput.of(
                f"{name}.data_type", received=f"{header.data_type}/{header.byte_order}", accepted=accepted
            )
        if len(shape) > 8 or any(extent < 0 for extent in shape):
            raise InvalidInput.of(f"{name}.shape", received=list(shape), accepted="at most 8 extents, none negative")
        size = math.prod(shape) * dtype.itemsize
        if size != header.total_bytes:
            raise InvalidInput.of(
                f"{name}.total_bytes", received=header.total_bytes, accepted=f"{size}, from shape {list(shape)}"
            )
        # Empty extents count as one: NumPy refuses an empty array whose other extents overflow.
        if self._claimed + math.prod(max(extent, 1) for extent in shape) * dtype.itemsize > self.max_bytes:
            raise InvalidInput.of(
                f"{name}.total_bytes",
                received=f"{size} bytes, {self._claimed} before it",
                accepted=f"at most {self.max_bytes} bytes in all",
                reason="TOO_LARGE",
            )
        if name in self.tensors:
            raise InvalidInput.of(name, received="the tensor twice", accepted="each tensor once")
        if self.specs is not None:
            spec = self.specs.get(name)
            if spec is None:
                raise InvalidInput.of(name, received="a tensor", accepted="tensors " + ", ".join(self.specs))
            if not spec.admits(dtype, shape, {}):
                raise InvalidInput.of(name, received=f"{dtype} {list(shape)}", accepted=str(spec))
        return dtype if header.byte_order == _NATIVE else dtype.newbyteorder(), shape

    def _take(self, chunk: bytes) -> None:
        if self._open is None or self._bytes is None:
            raise DataCorrupted("a chunk came before any header")
        end = self._filled + len(chunk)
        if not 0 < len(chunk) <= MAX_CHUNK_BYTES:
            raise DataCorrupted(f"{self._open.name}: a chunk of {len(chunk)} bytes; accepted: 1 to {MAX_CHUNK_BYTES}")
        if end > self._open.total_bytes:
            raise DataCorrupted(f"{self._open.name}: more than {self._open.total_bytes} bytes arrived")
        self._bytes[self._filled : end] = np.frombuffer(chunk, np.uint8)
        self._crc = crc32c.crc32c(chunk, self._crc)
        self._filled = end
        if end == self._open.total_bytes:
            self._end()

    def _end(self) -> None:
        assert self._open is not None
        assert self._array is not None
        if self._crc != self._open.crc32c:
            raise DataCorrupted(
                f"{self._open.name}: CRC-32C {self._crc:08x} is not the header's {self._open.crc32c:08x}"
            )
        native = self._array.dtype.newbyteorder("=")
        self.tensors[self._open.name] = self._array.astype(native, copy=False)
        self._open = self._array = self._bytes = None
