"""The routes of the services' RPCs."""

from __future__ import annotations

from fastapi import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tellurion_core.call import answering
from tellurion_core.identity.roles import changes
from tellurion_gateway.media import JSON, answer_type
from tellurion_gateway.rest.bindings import Binding
from tellurion_gateway.rest.requests import received
from tellurion_gateway.rest.responses import STREAMS, response
from tellurion_gateway.settings import GatewaySettings
from tellurion_gateway.upstreams import Upstreams


def route(binding: Binding, upstreams: Upstreams, settings: GatewaySettings) -> Route:
    """The route of an RPC; the document describes it apart."""
    endpoint = _Rpc(binding, upstreams, settings)
    return Route(binding.path, endpoint, methods=[binding.verb], include_in_schema=False)


class _Rpc:
    """Answers the requests to one RPC."""

    def __init__(self, binding: Binding, upstreams: Upstreams, settings: GatewaySettings) -> None:
        self.path = binding.path
        self._binding = binding
        self._upstreams = upstreams
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # by which requests are counted
        request, binding, limits = Request(scope, receive), self._binding, self._settings
        scope["changes"] = changes(binding.call)
        self._upstreams.permit(binding.service, binding.call)
        form = answer_type(request, STREAMS if binding.method.server_streaming else (JSON,))
        messages = await received(request, binding, limits)
        answers = self._upstreams.call(binding.service, binding.call, messages, answering().time_remaining())
        answer = await response(request, binding, answers, form, limits.max_json_bytes, limits.comment_seconds)
        await answer(scope, receive, send)
