"""Every error as an RFC 9457 problem document, those of the web framework too."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as FrameworkError
from starlette.requests import ClientDisconnect

from tellurion_core.call import current_call
from tellurion_core.errors import Cancelled, Internal, InvalidInput, NotFound, TellurionError, shown, without_keys
from tellurion_core.status import problem
from tellurion_gateway.limits.allowance import LimitReached
from tellurion_gateway.validation import violations

MEDIA_TYPE = "application/problem+json"
CHECKSUM_MISMATCH = 460
"""Of tus: the bytes are not those that the checksum is of."""
SHOWN_PATH = 1000
"""Characters of a path that a document repeats."""
PATH_CHARACTERS = "/:@!$&'()*+,;="
"""That stand for themselves in a path (RFC 3986, section 3.3), besides letters and digits."""
RETRY_SECONDS = {429: "5", 503: "5"}
"""`Retry-After` by status."""

log = structlog.get_logger()


def phrase(status: int) -> str:
    """What a status is called."""
    return "Checksum mismatch" if status == CHECKSUM_MISMATCH else HTTPStatus(status).phrase


def refusal(
    status: HTTPStatus, field: str, *, received: object, accepted: str, headers: Mapping[str, str] | None = None
) -> HTTPException:
    """What only HTTP can refuse: a method, a media type, a size, a range. The error tree has no kind for these."""
    error = InvalidInput.of(field, received=received, accepted=accepted, reason=status.name)
    return HTTPException(status, error, dict(headers) if headers else None)


def problem_document(error: TellurionError, path: str, status: int | None = None) -> dict[str, Any]:
    """The document of an error; `status` where it is not the one of the error's kind."""
    call = current_call.get()
    request_id = call.request_id if call is not None else ""
    if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
        error = _internal()
    document = problem(
        error, instance=quote(without_keys(path[:SHOWN_PATH]), safe=PATH_CHARACTERS), request_id=request_id
    )
    if status is not None and status != error.http_status:
        document |= {"status": int(status), "title": phrase(status)}
    return document


def problem_response(
    error: TellurionError, path: str, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that failed."""
    document = problem_document(error, path, status)
    retry = RETRY_SECONDS.get(document["status"])
    if isinstance(error, LimitReached):
        retry = str(math.ceil(error.retry_seconds))
    more = {"Retry-After": retry} if retry else {}
    return Response(
        json.dumps(document, ensure_ascii=False), document["status"], {**more, **(headers or {})}, media_type=MEDIA_TYPE
    )


def told_failure(error: Exception) -> TellurionError:
    """The error as a caller is told it; what is none of ours goes to the log. To be called where it is handled."""
    if isinstance(error, TellurionError):
        return error
    log.exception("request failed")
    return _internal()


def _internal() -> Internal:
    call = current_call.get()
    return Internal(f"internal error; the log has it under request id {call.request_id if call is not None else ''}")


def install(app: FastAPI) -> None:
    """Makes the application answer every error as a problem document."""
    app.add_exception_handler(TellurionError, _tellurion)
    app.add_exception_handler(FrameworkError, framework_problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)


async def _tellurion(request: Request, error: Exception) -> Response:
    assert isinstance(error, TellurionError)
    if error.http_status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", error=error.message, exc_info=error)
    return problem_response(error, request.url.path)


async def framework_problem(request: Request, error: Exception) -> Response:
    """The answer to what only HTTP refuses, by us or by the framework."""
    assert isinstance(error, FrameworkError)
    cause: TellurionError
    detail: object = error.detail
    if isinstance(detail, TellurionError):
        cause = detail
    elif error.status_code == HTTPStatus.NOT_FOUND:
        cause = NotFound(f"there is no {shown(request.url.path)} here")
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        cause = InvalidInput.of("method", received=request.method, accepted=allowed, reason="METHOD_NOT_ALLOWED")
    else:
        cause = InvalidInput(message=str(detail), reason=HTTPStatus(error.status_code).name)
    return problem_response(cause, request.url.path, error.status_code, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(InvalidInput(*violations(error.errors(), under_section=True)), request.url.path)


async def _gone(request: Request, error: Exception) -> Response:
    return problem_response(Cancelled("the client went away"), request.url.path)
