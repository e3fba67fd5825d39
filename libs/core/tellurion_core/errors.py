"""Every error that leaves Tellurion, as one tree.

    TellurionError
    ├── InvalidInput         the caller's data or options cannot be used; carries field violations
    ├── Unauthenticated      the caller did not say who it is
    ├── PermissionDenied     the caller may not do this
    ├── NotFound             no such thing, or not this tenant's
    ├── Conflict             the same id with another body, or a state that forbids the call
    ├── ResourceExhausted    a quota or limit of this installation is reached; retry later or ask for less
    ├── Unavailable          a component cannot be reached now; safe to retry
    ├── DeadlineExceeded     the time that the caller allowed is over
    ├── Cancelled            the caller went away or cancelled
    ├── DataCorrupted        bytes arrived damaged; send them again
    └── Internal             our fault; details are in the log under the request id

Each kind maps to one gRPC status and one HTTP status. Catch `TellurionError` at a program's edge, a kind where
you can do something about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import ClassVar

import grpc

RECEIVED_LIMIT = 80
"""Characters of a received value that an error repeats."""
_KEY = re.compile(r"(tell_[0-9a-f]{8}_)[\w-]+")
"""An API key (`tellurion_core.identity.api_keys`), or what of one is long enough to be taken for it."""


@dataclass(frozen=True)
class FieldViolation:
    """One field that cannot be used: what came, and what would be accepted."""

    field: str
    """Path of the field, dotted, with indices: ``observations.latitude[3]``."""
    received: str
    """What was received, shortened and printable."""
    accepted: str
    """What is accepted, with units."""

    def __str__(self) -> str:
        return f"{self.field}: received {self.received}; accepted: {self.accepted}"


def shown(value: object) -> str:
    """A received value as one short printable line, safe to repeat to the caller and to a terminal.

    A long path keeps its end, where its name is; anything else its beginning.
    """
    if isinstance(value, PurePath):
        return shown(without_keys(str(value))[::-1])[::-1]
    text = value if isinstance(value, str) else repr(value)
    text = without_keys(text[: 4 * RECEIVED_LIMIT])[: RECEIVED_LIMIT + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "·" for c in text)
    return text if len(text) <= RECEIVED_LIMIT else text[: RECEIVED_LIMIT - 1] + "…"


def without_keys(text: str) -> str:
    """A text in which of each API key only its public part is left, wherever somebody put a key."""
    return _KEY.sub(r"\1…", text)


class TellurionError(Exception):
    """Root of all errors; its message is meant for the caller and holds no secret, address or traceback."""

    grpc_status: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    default_reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason


class InvalidInput(TellurionError):
    """The caller's data or options cannot be used; `violations` say which fields and what is accepted."""

    grpc_status = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 422
    exit_code = 2
    default_reason = "INVALID_INPUT"

    def __init__(self, *violations: FieldViolation, message: str | None = None, reason: str | None = None) -> None:
        super().__init__(message or "; ".join(map(str, violations)), reason=reason)
        self.violations = violations

    @classmethod
    def of(cls, field: str, *, received: object, accepted: str, reason: str | None = None) -> InvalidInput:
        """The error for one field."""
        return cls(FieldViolation(field, shown(received), accepted), reason=reason)


class Unauthenticated(TellurionError):
    """The caller did not say who it is, or its credential is not valid."""

    grpc_status = grpc.StatusCode.UNAUTHENTICATED
    http_status = 401
    default_reason = "UNAUTHENTICATED"


class PermissionDenied(TellurionError):
    """The caller is known and may not do this."""

    grpc_status = grpc.StatusCode.PERMISSION_DENIED
    http_status = 403
    default_reason = "PERMISSION_DENIED"


class NotFound(TellurionError):
    """There is no such thing, or it belongs to another tenant: the two look the same."""

    grpc_status = grpc.StatusCode.NOT_FOUND
    http_status = 404
    default_reason = "NOT_FOUND"


class Conflict(TellurionError):
    """The same id came with another body, or the thing's state forbids the call."""

    grpc_status = grpc.StatusCode.ABORTED
    http_status = 409
    default_reason = "CONFLICT"


class ResourceExhausted(TellurionError):
    """A limit of this installation is reached; ask for less, or later."""

    grpc_status = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = 429
    default_reason = "RESOURCE_EXHAUSTED"


class Unavailable(TellurionError):
    """A component cannot be reached now; the call is safe to retry."""

    grpc_status = grpc.StatusCode.UNAVAILABLE
    http_status = 503
    default_reason = "UNAVAILABLE"


class DeadlineExceeded(TellurionError):
    """The time that the caller allowed is over."""

    grpc_status = grpc.StatusCode.DEADLINE_EXCEEDED
    http_status = 504
    default_reason = "DEADLINE_EXCEEDED"


class Cancelled(TellurionError):
    """The caller cancelled, or went away."""

    grpc_status = grpc.StatusCode.CANCELLED
    http_status = 499
    default_reason = "CANCELLED"


class DataCorrupted(TellurionError):
    """Bytes arrived damaged or incomplete; send them again."""

    grpc_status = grpc.StatusCode.DATA_LOSS
    http_status = 400
    default_reason = "DATA_CORRUPTED"


class Internal(TellurionError):
    """Our fault; the cause is in the service's log under the request id."""


KINDS: tuple[type[TellurionError], ...] = (
    InvalidInput,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    Conflict,
    ResourceExhausted,
    Unavailable,
    DeadlineExceeded,
    Cancelled,
    DataCorrupted,
    Internal,
)
"""Every kind; gRPC statuses and HTTP statuses are unique among them."""
