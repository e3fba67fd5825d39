"""`/v1/grpc/{service}/{package.Service}/{Method}`: every RPC of every service as gRPC-Web, streamed both ways.

Requests are passed on while they come in, answers while they go out, and both only as fast as they are taken. A caller
that reads while it sends, as HTTP/1.1 allows, has bidirectional streams.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from http import HTTPStatus

from fastapi import HTTPException, Request
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tellurion_core.call import TIMEOUT_KEY, answering, told_seconds
from tellurion_core.errors import (
    Cancelled,
    DataCorrupted,
    DeadlineExceeded,
    InvalidInput,
    TellurionError,
    shown,
)
from tellurion_core.grpc_web import MEDIA_TYPE, TIMEOUT_HEADER, FrameReader, frame, told_timeout, trailers
from tellurion_core.identity.roles import changes
from tellurion_gateway.disconnect import unless_disconnected
from tellurion_gateway.media import content_type
from tellurion_gateway.problems import framework_problem, told_failure
from tellurion_gateway.upstreams import Upstreams

PATH = "/v1/grpc/{service}/{interface}/{method}"
_PATH = re.compile(PATH.replace("{", "(?P<").replace("}", ">[^/]+)"))
MEDIA_TYPES = (MEDIA_TYPE, "application/grpc-web")
NAMING = ("name", "operation", "run", "id")
"""Fields that say what a request is about, which the log of changes repeats."""


class Bridge:
    """Answers gRPC-Web requests; others pass by. What fails is told in the trailers, with status 200.

    They are the busiest, and so spared the layers of the web framework. The protos describe them, no OpenAPI document.
    """

    path = PATH

    def __init__(self, app: ASGIApp, upstreams: Upstreams) -> None:
        self._app = app
        self._upstreams = upstreams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        called = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if called is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self  # by which requests are counted
        scope["path_params"] = called.groupdict()
        body = _Body(receive)
        request = Request(scope, body.after)
        try:
            if request.method != "POST":
                raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
            content_type(request, MEDIA_TYPES)
        except HTTPException as error:
            refused = await framework_problem(request, error)
            await refused(scope, receive, send)
            return
        told = told_seconds(request.headers.get(TIMEOUT_KEY)), told_timeout(request.headers.get(TIMEOUT_HEADER))
        seconds = min(*told, answering().time_remaining())
        with suppress(Cancelled):  # nobody is left to be told of it
            await unless_disconnected(request, self._answered(scope, body, send, seconds))

    async def _answered(self, scope: Scope, body: _Body, send: Send, seconds: float) -> None:
        request_id = answering().request_id
        started: Message = {
            "type": "http.response.start",
            "status": HTTPStatus.OK,
            "headers": [(b"content-type", MEDIA_TYPE.encode())],
        }
        begun, last = False, b""
        failure: TellurionError | None = None
        try:
            service, interface, name = (scope["path_params"][part] for part in ("service", "interface", "method"))
            method = f"{interface}/{name}"
            asked = self._upstreams.method(service, method)
            scope["changes"] = changes(method)
            messages = body.messages(asked, scope)
            calling = self._upstreams.call(service, method, messages, seconds)
            async with asyncio.timeout(seconds), aclosing(calling) as answers:
                async for answer in answers:
                    if not asked.server_streaming:
                        last = frame(answer)  # goes out with head and trailers, as one write
                        continue
                    if not begun:
                        await send(started)
                        begun = True
                    await send({"type": "http.response.body", "body": frame(answer), "more_body": True})
        except TimeoutError:
            failure = DeadlineExceeded("not done within the time that was allowed")
        except Exception as error:  # noqa: BLE001 -- told, and logged
            failure = told_failure(error)
        scope["grpc_status"] = "OK" if failure is None else failure.grpc_status.name  # for the logs
        if not begun:
            await send(started)
        await send({"type": "http.response.body", "body": last + trailers(failure, request_id)})


class _Body:
    """A request's body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read = asyncio.Event()

    async def messages(self, method: MethodDescriptor, scope: Scope) -> AsyncGenerator[bytes]:
        """The messages in it, each once it has arrived; `scope` is told what the first of them names.

        Raises:
            Cancelled: the client went away.
            DataCorrupted: it is none of gRPC-Web.
            InvalidInput: a message is none that the method takes.
        """
        kind = GetMessageClass(method.input_type)
        naming = [field.name for field in kind.DESCRIPTOR.fields if field.name in NAMING]
        frames, more = FrameReader(), True
        try:
            while more:
                part = await self._receive()
                if part["type"] == "http.disconnect":
                    raise Cancelled("the client went away")
                for ends, message in frames.feed(part.get("body", b"")):
                    if ends:
                        raise DataCorrupted("trailers arrived; accepted: messages")
                    try:
                        told = kind.FromString(message)
                    except DecodeError:
                        accepted = f"a serialised {method.input_type.full_name}"
                        raise InvalidInput.of("body", received="other bytes", accepted=accepted) from None
                    if "named" not in scope:
                        scope["named"] = {name: shown(value) for name in naming if (value := getattr(told, name))}
                    yield message
                more = part.get("more_body", False)
            frames.finish()
        finally:
            self._read.set()

    async def after(self) -> Message:
        """What comes after it: that the client goes away."""
        await self._read.wait()
        return await self._receive()
