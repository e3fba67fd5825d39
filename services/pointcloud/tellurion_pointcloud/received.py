"""Clouds of a request stream, each checked before memory is set aside for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from tellurion.pointcloud.v1 import pointcloud_pb2
from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import Array, TensorReader, TensorSpec

POINTS: Mapping[str, TensorSpec] = {"points": TensorSpec("float64", ("N", 3))}
COLOURED: Mapping[str, TensorSpec] = {**POINTS, "colours": TensorSpec("uint8", ("N", 3))}
"""The tensors of a cloud."""
MOST_POINTS = 1 << 23
"""Of a cloud."""


@dataclass(frozen=True, eq=False)
class Received:
    """A cloud as it came."""

    index: int
    """Which one of the stream it is, from 0."""
    points: Array
    """[N, 3] of float64."""
    colours: Array | None
    """[N, 3] of uint8."""
    label: str
    """Its class; empty where it has none."""


class CloudStream:
    """A request stream: a specification, then clouds, of which one is in memory at a time."""

    def __init__(self, requests: AsyncIterator[Any], max_bytes: int) -> None:
        self._requests = requests
        self._max_bytes = max_bytes

    async def spec(self) -> Any:
        """The specification. Raises InvalidInput where another message comes first, or none."""
        async for request in self._requests:
            if (kind := request.WhichOneof("request")) == "spec":
                return request.spec
            raise _out_of_place(kind, "the spec first")
        raise _out_of_place(None, "the spec, then clouds")

    async def clouds(self) -> AsyncIterator[Received]:
        """The clouds, each as soon as it is whole.

        Raises:
            InvalidInput: a message out of its place; a tensor that does not agree with its cloud or with the limits.
            DataCorrupted: a tensor that arrived damaged.
        """
        cloud, reader, index = pointcloud_pb2.Cloud(), TensorReader(0), 0
        async for request in self._requests:
            kind = request.WhichOneof("request")
            if kind == "cloud" and reader.specs is None:
                cloud = request.cloud
                reader = TensorReader(self._max_bytes, COLOURED if cloud.coloured else POINTS)
                continue
            if kind != "tensor" or reader.specs is None:
                raise _out_of_place(
                    kind, "a cloud, then its tensors" if reader.specs is None else "tensors of the cloud"
                )
            _check_count(request.tensor)
            reader.feed(request.tensor)
            if len(reader.tensors) == len(reader.specs):
                whole, reader = reader, TensorReader(0)
                yield _received(index, whole.finish(), cloud.label)
                del whole
                index += 1
        if reader.specs is not None:
            raise _out_of_place(None, "tensors of the cloud")

    async def only(self) -> Received:
        """The only cloud. Raises as `clouds`, and InvalidInput where there is none, or another."""
        received: Received | None = None
        async for cloud in self.clouds():
            if received is not None:
                raise _out_of_place("cloud", "one cloud")
            received = cloud
        if received is None:
            raise _out_of_place(None, "the spec, then one cloud")
        return received


def _received(index: int, tensors: Mapping[str, Array], label: str) -> Received:
    return Received(index, tensors["points"], tensors.get("colours"), label)


def _check_count(part: Any) -> None:
    """Refuses a claim of more points than a cloud may have."""
    header = part.inline.header if part.WhichOneof("part") == "inline" else part.header
    if header.shape and header.shape[0] > MOST_POINTS:
        raise InvalidInput.of(
            header.name, received=f"{header.shape[0]} points", accepted=f"at most {MOST_POINTS}", reason="TOO_LARGE"
        )


def _out_of_place(kind: str | None, accepted: str) -> InvalidInput:
    return InvalidInput.of("request", received=kind or "nothing", accepted=accepted)
