"""Errors on the wire: google.rpc.Status with ErrorInfo and BadRequest, RFC 9457 problem documents, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from tellurion_core.errors import KINDS, FieldViolation, Internal, InvalidInput, TellurionError, Unavailable

DOMAIN = "tellurion"
DETAILS_KEY = "grpc-status-details-bin"

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_KIND_OF_STATUS = {kind.grpc_status: kind for kind in KINDS}
_KIND_OF_HTTP = {kind.http_status: kind for kind in KINDS} | {502: Unavailable}
_TITLES = {
    401: "Unauthenticated",
    403: "Permission denied",
    404: "Not found",
    409: "Conflict",
    422: "Input cannot be used",
    429: "Limit reached",
    499: "Cancelled",
    503: "Unavailable",
    504: "Deadline exceeded",
}


def to_status(error: TellurionError, request_id: str = "") -> status_pb2.Status:
    """The error as google.rpc.Status (AIP-193)."""
    status = status_pb2.Status(code=error.grpc_status.value[0], message=error.message)
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    if request_id:
        info.metadata["request_id"] = request_id
    status.details.add().Pack(info)
    if isinstance(error, InvalidInput) and error.violations:
        bad = error_details_pb2.BadRequest()
        for v in error.violations:
            bad.field_violations.add(
                field=v.field, description=f"received {v.received}; accepted: {v.accepted}", reason=error.reason
            )
        status.details.add().Pack(bad)
    return status


def from_status(status: status_pb2.Status) -> TellurionError:
    """The error that a google.rpc.Status means, whoever made it."""
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    kind = _KIND_OF_STATUS.get(code, Internal)
    reason, violations = None, []
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            reason = info.reason or None
        elif detail.Unpack(bad):
            violations = [_violation(v) for v in bad.field_violations]
    if kind is InvalidInput:
        return InvalidInput(*violations, message=status.message, reason=reason)
    return kind(status.message or code.name, reason=reason)


def from_rpc_error(error: grpc.RpcError) -> TellurionError:
    """The error that a failed call means to its caller, whichever server sent it."""
    details = _details(error.trailing_metadata() or ())
    return from_status(status_pb2.Status(code=error.code().value[0], message=error.details() or "", details=details))


def is_ours(error: grpc.RpcError) -> bool:
    """Whether a server of ours made the error, so that its message is fit for a caller."""
    info = error_details_pb2.ErrorInfo()
    return any(detail.Unpack(info) and info.domain == DOMAIN for detail in _details(error.trailing_metadata() or ()))


def _details(metadata: Any) -> list[Any]:
    raw = next((value for key, value in metadata if key == DETAILS_KEY), None)
    if not isinstance(raw, bytes):
        return []
    try:
        return list(status_pb2.Status.FromString(raw).details)
    except DecodeError:
        return []


def _violation(wire: error_details_pb2.BadRequest.FieldViolation) -> FieldViolation:
    received, separator, accepted = wire.description.partition("; accepted: ")
    return FieldViolation(wire.field, received.removeprefix("received "), accepted if separator else "see message")


@contextmanager
def rpc_errors() -> Iterator[None]:
    """Turns a failed call inside the block, awaited or not, into the error of our tree."""
    try:
        yield
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error


def problem(error: TellurionError, *, instance: str, request_id: str) -> dict[str, Any]:
    """The error as an RFC 9457 problem document; its `errors` list the fields."""
    document: dict[str, Any] = {
        "type": f"urn:{DOMAIN}:problem:{error.reason.lower().replace('_', '-')}",
        "title": _TITLES.get(error.http_status, "Failed"),
        "status": error.http_status,
        "detail": error.message,
        "instance": instance,
        "request_id": request_id,
    }
    if isinstance(error, InvalidInput):
        document["errors"] = [
            {"field": v.field, "received": v.received, "accepted": v.accepted} for v in error.violations
        ]
    return document


def from_problem(status: int, document: object) -> TellurionError:
    """The error that an HTTP answer of this status means; `document` is its JSON, of whoever made it."""
    told = document if isinstance(document, dict) else {}
    kind = _KIND_OF_HTTP.get(status, InvalidInput if 400 <= status < 500 else Internal)
    reason = str(told.get("type", "")).removeprefix(f"urn:{DOMAIN}:problem:").replace("-", "_").upper() or None
    message = str(told.get("detail") or f"the gateway, or what stands before it, answers {status}")
    if not issubclass(kind, InvalidInput):
        return kind(message, reason=reason)
    errors = told.get("errors")
    fields = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    parts = ("field", "received", "accepted")
    violations = [FieldViolation(*(str(error.get(part, "")) for part in parts)) for error in fields]
    return InvalidInput(*violations, message=message, reason=reason)
