"""Which version of tus is spoken: said in every answer under the uploads' path, and asked of every request."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tellurion_core.errors import InvalidInput
from tellurion_gateway.problems import problem_response

PATH = "/v1/uploads"
VERSION = "1.0.0"
FREE = ("OPTIONS", "GET")
"""Methods that need not tell a version: the protocol's own, and one that it does not use."""


class TusVersion:
    """Lets requests under `PATH` through that speak our version; others pass by."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == PATH or path.startswith(f"{PATH}/")):
            await self._app(scope, receive, send)
            return

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tus-Resumable"] = VERSION
            await send(message)

        spoken = Headers(scope=scope).get("tus-resumable")
        if spoken == VERSION or scope["method"] in FREE:
            await self._app(scope, receive, said)
            return
        reason = HTTPStatus.PRECONDITION_FAILED
        error = InvalidInput.of("Tus-Resumable", received=spoken or "nothing", accepted=VERSION, reason=reason.name)
        await problem_response(error, path, reason, {"Tus-Version": VERSION})(scope, receive, said)
