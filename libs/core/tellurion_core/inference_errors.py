"""Failures of an inference server as errors of our tree; its own words go to the log, never to a caller.

A server of ours sends its errors as every other does. Model code of ours on another server, which lets it say no more
than a text, puts the error into the text: `text_of` writes it, `failure` reads it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from contextlib import suppress

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from tellurion_core.errors import (
    DeadlineExceeded,
    Internal,
    InvalidInput,
    NotFound,
    ResourceExhausted,
    TellurionError,
    Unavailable,
)
from tellurion_core.status import from_rpc_error, from_status, is_ours, to_status

TEXT_BYTES = 4 << 10
"""Most of a text: gRPC refuses trailers that are much longer."""
_IN_TEXT = re.compile(r"\[tellurion:([A-Za-z0-9+/=]+)\]")
_TRITONS_WORDS = {
    "maximum queue size": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "timeout expired": grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""What it means that Triton tells as UNAVAILABLE."""
_MEANINGS: dict[grpc.StatusCode, tuple[type[TellurionError], str]] = {
    grpc.StatusCode.INVALID_ARGUMENT: (InvalidInput, "the inference server does not accept these inputs"),
    grpc.StatusCode.NOT_FOUND: (Unavailable, "the inference server does not have the model"),
    grpc.StatusCode.UNAVAILABLE: (Unavailable, "the inference server cannot be reached, or the model is not ready"),
    grpc.StatusCode.CANCELLED: (Unavailable, "the inference server broke the call off"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (DeadlineExceeded, "not done before the deadline"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        ResourceExhausted,
        "the inference server takes no more work now, or a message is too large for it",
    ),
}

log = structlog.get_logger()


def text_of(error: TellurionError) -> str:
    """The error as a text for people that holds the whole of it for `failure`."""
    status = to_status(error)
    if status.ByteSize() > TEXT_BYTES // 2:
        status = status_pb2.Status(code=status.code, message=status.message[:200])
    return f"{status.message[:200]} [tellurion:{b64encode(status.SerializeToString()).decode()}]"


def failure(error: grpc.RpcError, model: str) -> TellurionError:
    """What a failed call to an inference server means to whoever asked for the model."""
    text = error.details() or ""
    ours = _in_text(text)
    with suppress(DecodeError):
        if ours is None and is_ours(error):
            ours = from_rpc_error(error)
    # Nobody who asks for a model knows of servers: that one lacks it is no mistake of theirs.
    return _foreign(error.code(), text, model) if ours is None or isinstance(ours, NotFound) else ours


def stated(text: str, model: str) -> TellurionError:
    """What an error means that an inference server tells by a text alone, inside a stream."""
    return _in_text(text) or _foreign(grpc.StatusCode.UNKNOWN, text, model)


def _in_text(text: str) -> TellurionError | None:
    if (found := _IN_TEXT.search(text)) is not None:
        with suppress(DecodeError, binascii.Error):
            status = status_pb2.Status.FromString(b64decode(found[1]))
            return from_status(status) if status.code else None
    return None


def _foreign(code: grpc.StatusCode, text: str, model: str) -> TellurionError:
    log.warning("inference server failed", model=model, code=code.name, details=text[:2000])
    if code == grpc.StatusCode.UNAVAILABLE:
        code = next((meant for words, meant in _TRITONS_WORDS.items() if words in text), code)
    kind, meaning = _MEANINGS.get(code, (Internal, "the inference server failed; the log has its reason"))
    message = f"{model}: {meaning}"
    return InvalidInput(message=message) if kind is InvalidInput else kind(message)
