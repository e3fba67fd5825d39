"""What every request gets: an id, an identity, a deadline, a place in the limit, a log line, metrics, safe headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tellurion_core.call import REQUEST_ID_KEY, Call, Identity, accepted_request_id, current_call
from tellurion_core.errors import TellurionError, Unauthenticated, shown
from tellurion_core.identity.roles import Role
from tellurion_gateway.console import is_console
from tellurion_gateway.health import PROBES
from tellurion_gateway.identity.authentication import CHALLENGE, LOOKING, Authentication
from tellurion_gateway.limits.places import Places
from tellurion_gateway.limits.room import Room
from tellurion_gateway.metrics import HttpMetrics
from tellurion_gateway.problems import problem_response, told_failure

NOBODY = Identity("nobody", "nobody", Role.VIEWER)
"""Whose request it is until it is known who makes it."""
Headed = Sequence[tuple[bytes, bytes]]
HEADERS: Headed = (
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
"""Headers of every answer that does not set them itself."""
HSTS = (b"strict-transport-security", b"max-age=31536000")
"""The same under TLS: a browser asks for a year without it no more (RFC 6797)."""
CLIENT_CLOSED_REQUEST = 499

log = structlog.get_logger()


class RequestRules:
    """Puts every request under the rules; the outermost middleware of ours."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        identify: Authentication,
        audit: Any,
        metrics: HttpMetrics,
        places: Places,
        room: Room,
        max_seconds: float,
        secure: bool,
        stopping: Callable[[], bool],
    ) -> None:
        self._app = app
        self._identify = identify
        self._audit = audit
        self._headers = (*HEADERS, HSTS) if secure else HEADERS
        self._stopping = stopping
        self._metrics = metrics
        self._places = places
        self._room = room
        self._max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        headers = Headers(scope=scope)
        request_id = accepted_request_id(headers.get(REQUEST_ID_KEY))
        method, path = scope["method"], scope["path"]
        call = Call(f"{method} {path}", request_id, NOBODY, started + self._max_seconds)
        token = current_call.set(call)
        answer = _Answer(send, self._headers, request_id, last=self._stopping())
        probe = path in PROBES
        self._metrics.started()
        try:
            if probe or is_console(path):
                await self._app(scope, receive, answer.send)
            else:
                call = replace(call, identity=await self._identify(method, path, headers))
                current_call.set(call)
                tenant = call.identity.tenant
                async with self._places.taken(tenant):
                    with self._room.of(tenant) as scope["hold"]:  # told by whoever takes a body
                        await self._app(scope, receive, answer.send)
        except TellurionError as error:  # Of the rules; the application answers its own.
            asked = CHALLENGE if isinstance(error, Unauthenticated) else None
            await problem_response(error, path, headers=asked)(scope, receive, answer.send)
        except Exception as error:
            failure = told_failure(error)
            if answer.status:  # Nothing truthful can be added to an answer that has begun: break it off.
                raise
            await problem_response(failure, path)(scope, receive, answer.send)
        finally:
            seconds = time.monotonic() - started
            status = answer.status or CLIENT_CLOSED_REQUEST
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.ended(method, route, status, seconds)
            if not probe:
                about = {"method": method, "path": shown(path), "route": route, "status": status}
                if "grpc_status" in scope:
                    about["grpc_status"] = scope["grpc_status"]
                # Of whom nobody knows, only the log tells: he could fill this one.
                changes = scope.get("changes", method not in LOOKING) and call.identity is not NOBODY
                if self._audit is not None and changes:
                    who = {"tenant": call.identity.tenant, "subject": call.identity.subject, "request_id": request_id}
                    self._audit.info("change", **who, **about, **scope.get("named", {}))
                log.info("request", **about, seconds=round(seconds, 4))
            current_call.reset(token)


class _Answer:
    """Sends an answer with the headers that all have, and remembers its status."""

    def __init__(self, send: Send, headers: Headed, request_id: str, *, last: bool) -> None:
        self._send = send
        self._headers = headers
        self._last = last
        self._own = (b"x-request-id", request_id.encode())
        self.status = 0
        """The status sent; 0 before."""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = message["headers"]
            named = {name for name, _ in given}
            message["headers"] = [*given, *(each for each in self._headers if each[0] not in named), self._own]
            if self._last:  # so that no client asks on a connection that is about to be closed
                message["headers"].append((b"connection", b"close"))
        await self._send(message)
