"""gRPC-Web: messages and trailers as frames of an HTTP body (gRPC's PROTOCOL-WEB.md), both ways over HTTP/1.1."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Iterator
from urllib.parse import quote, unquote

import grpc

from tellurion_core.errors import DataCorrupted, ResourceExhausted, TellurionError
from tellurion_core.status import DETAILS_KEY, to_status
from tellurion_core.tensors import MAX_MESSAGE_BYTES

MEDIA_TYPE = "application/grpc-web+proto"
TIMEOUT_HEADER = "grpc-timeout"
Metadata = tuple[tuple[str, str | bytes], ...]

_HEAD = struct.Struct(">BI")
_TRAILERS = 0x80
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def frame(message: bytes) -> bytes:
    """A serialised message as a frame."""
    return _HEAD.pack(0, len(message)) + message


def trailers(error: TellurionError | None, request_id: str) -> bytes:
    """The frame that ends an answer: OK, or the error with its details."""
    if error is None:
        lines = ["grpc-status: 0"]
    else:
        details = base64.b64encode(to_status(error, request_id).SerializeToString()).decode()
        lines = [f"grpc-status: {error.grpc_status.value[0]}", f"grpc-message: {quote(error.message, safe=' ')}"]
        lines.append(f"{DETAILS_KEY}: {details}")
    text = "".join(f"{line}\r\n" for line in [*lines, f"x-request-id: {request_id}"]).encode("ascii")
    return _HEAD.pack(_TRAILERS, len(text)) + text


def read_trailers(text: bytes) -> tuple[grpc.StatusCode, str, Metadata]:
    """Status, message and metadata of a frame of trailers.

    Raises:
        DataCorrupted: it has no status.
    """
    pairs = [line.partition(b":") for line in text.split(b"\r\n") if line]
    values = {key.strip().lower().decode("latin-1"): value.strip().decode("latin-1") for key, _, value in pairs}
    try:
        code = _CODES.get(int(values.pop("grpc-status")), grpc.StatusCode.UNKNOWN)
        metadata: Metadata = tuple(
            (key, base64.b64decode(value + "=" * (-len(value) % 4)) if key.endswith("-bin") else value)
            for key, value in values.items()
            if key != "grpc-message"
        )
    except (KeyError, ValueError, binascii.Error):
        raise DataCorrupted("an answer ended without a status that can be read") from None
    return code, unquote(values.get("grpc-message", "")), metadata


def told_timeout(header: str | None) -> float:
    """The seconds of a `grpc-timeout` header; endless where there is none that can be read."""
    told = _TIMEOUT.fullmatch(header or "")
    return int(told[1]) * _UNITS[told[2]] if told else math.inf


def timeout_header(seconds: float) -> str:
    """The `grpc-timeout` header of so many seconds."""
    milliseconds = max(int(seconds * 1000), 0)
    return f"{milliseconds}m" if milliseconds < 10**8 else f"{min(milliseconds // 1000, 10**8 - 1)}S"


class FrameReader:
    """Takes a body piece by piece; holds no more of it than one message."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[bool, bytes]]:
        """The frames that end in this piece: whether it is the trailers, and its content.

        Raises:
            DataCorrupted: a frame that is neither message nor trailers, or a compressed one.
            ResourceExhausted: a message that is larger than messages may be.
        """
        self._held += piece
        while len(self._held) >= _HEAD.size:
            kind, size = _HEAD.unpack_from(self._held)
            if kind not in (0, _TRAILERS):
                raise DataCorrupted(f"a frame of kind {kind} arrived; accepted: messages that are not compressed")
            if size > MAX_MESSAGE_BYTES:
                raise ResourceExhausted(f"a message of {size} bytes; accepted: {MAX_MESSAGE_BYTES}")
            end = _HEAD.size + size
            if len(self._held) < end:
                return
            content = bytes(self._held[_HEAD.size : end])
            del self._held[:end]
            yield kind == _TRAILERS, content

    def finish(self) -> None:
        """Raises DataCorrupted where the body ended within a frame."""
        if self._held:
            raise DataCorrupted("the body ended within a message")
