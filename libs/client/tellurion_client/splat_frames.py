"""Frames of a scene: where they are seen from, and how they come."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import crc32c
import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion.common.v1 import tensor_pb2
from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_core.fields import validate
from tellurion_core.tensors import INLINE_BYTES, encode
from tellurion_core.whole_files import placed

MAX_FRAME_BYTES = 256 << 20
"""Most bytes of one frame: 2²⁴ pixels of three 32-bit floats are 192 MiB."""


@dataclass(frozen=True, eq=False)
class SplatCameras:
    """C pinhole cameras of one size, which look along +z with x to the right and y down (OpenCV)."""

    viewmats: ArrayLike
    """[C, 4, 4] from world to camera."""
    intrinsics: ArrayLike
    """[C, 3, 3] in pixels; the centre of the first pixel is at (½, ½)."""
    width: int
    """Pixels in a row."""
    height: int
    """Rows."""
    names: Sequence[str] = ()
    """[C] of the frames; numbers from 0 where empty."""

    def wire(self) -> splat_pb2.Cameras:
        """On the wire. Raises InvalidInput naming what cannot be used."""
        arrays = splat_pb2.CameraArrays(
            viewmats=_tensor("viewmats", self.viewmats), intrinsics=_tensor("intrinsics", self.intrinsics)
        )
        try:
            arrays.width, arrays.height = self.width, self.height
            arrays.names.extend(self.names)
        except (TypeError, ValueError) as error:
            raise InvalidInput.of("cameras", received=str(error), accepted="a size in pixels, names as text") from None
        validate(arrays)
        return splat_pb2.Cameras(arrays=arrays)


@dataclass(frozen=True)
class Frame:
    """One rendered view."""

    index: int
    """From 0."""
    count: int
    """How many there are."""
    name: str
    """Of its camera."""
    suffix: str
    """`png`, `exr` or `npy`."""
    data: bytes
    """Its file."""

    def array(self) -> NDArray[np.float32]:
        """[H, W, 3], of depth and weight [H, W]. Raises InvalidInput unless it came as `npy`."""
        if self.suffix != "npy":
            raise InvalidInput.of("format", received=self.suffix, accepted="npy, for arrays")
        try:
            array = np.load(io.BytesIO(self.data), allow_pickle=False)
        except ValueError as error:
            raise DataCorrupted(f"{self.name}: {error}") from error
        return np.asarray(array, np.float32)

    def write(self, folder: Path) -> Path:
        """Writes NAME.SUFFIX, whole or not at all. Raises InvalidInput where it cannot be written."""
        path = folder / f"{self.name}.{self.suffix}"
        try:
            with placed(path) as place:
                place.write_bytes(self.data)
        except OSError as error:
            received = f"{error.strerror}: {path}"
            raise InvalidInput.of("output", received=received, accepted="a folder that can be written") from error
        return path


def frames(parts: Iterable[splat_pb2.FramePart], suffix: str) -> Iterator[Frame]:
    """The frames that a stream brings, one after the other; memory holds one.

    Raises:
        DataCorrupted: a frame arrived damaged or incomplete, or the stream ended before the last.
    """
    header, missing, done = splat_pb2.FrameHeader(), 0, 0
    pieces: list[bytes] = []
    for part in parts:
        if part.WhichOneof("part") == "header":
            if missing or part.header.index != done:
                raise DataCorrupted(f"frame {part.header.index} came before frame {done} was complete")
            header, pieces, missing = part.header, [], part.header.total_bytes
            _check(header)
        elif part.chunk:
            pieces.append(part.chunk)
            missing -= len(part.chunk)
        else:
            raise DataCorrupted(f"{header.name or 'a frame'}: a part of it is empty")
        if missing < 0:
            raise DataCorrupted(f"{header.name or 'a frame'}: more than {header.total_bytes} bytes arrived")
        if not missing:
            data = b"".join(pieces)
            pieces.clear()
            if crc32c.crc32c(data) != header.crc32c:
                raise DataCorrupted(f"{header.name}: the bytes are not those that were sent")
            yield Frame(header.index, header.count, header.name, suffix, data)
            done += 1
    if missing or not 0 < done == header.count:
        raise DataCorrupted(f"{done} of {header.count or 'some'} frames arrived")


def _check(header: splat_pb2.FrameHeader) -> None:
    """Refuses a frame that is too large, or whose name leads out of a folder."""
    plain = header.name.isprintable() and Path(header.name).name == header.name and "\\" not in header.name
    if not plain or header.name[:1] in ("", "."):
        raise DataCorrupted(f"a frame is named {header.name!r}")
    if not 0 < header.total_bytes <= MAX_FRAME_BYTES:
        raise DataCorrupted(f"{header.name}: a frame of {header.total_bytes} bytes")


def _tensor(name: str, values: ArrayLike) -> tensor_pb2.Tensor:
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InvalidInput.of(f"cameras.{name}", received=values, accepted="matrices of numbers") from None
    if array.nbytes > INLINE_BYTES:
        raise InvalidInput.of(
            f"cameras.{name}", received=f"{len(array)} cameras", accepted=f"as many as {INLINE_BYTES} bytes hold"
        )
    (part,) = encode(name, array)
    return part.inline
