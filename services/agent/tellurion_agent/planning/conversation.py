"""What is said to a language model, and what it says back, by an OpenAI-compatible endpoint that may be asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx

from tellurion_agent.settings import AgentSettings
from tellurion_core.endpoints.allowlist import AllowList, ListedTransport
from tellurion_core.endpoints.endpoint import Endpoint, check
from tellurion_core.endpoints.keys import KeyList
from tellurion_core.endpoints.settings import EndpointSettings
from tellurion_core.endpoints.troubles import Trouble
from tellurion_core.endpoints.wire import Reply, exchange
from tellurion_core.settings import load

MOST_TOKENS = 4096
"""Of an answer."""

Message = Mapping[str, str]
"""``role`` and ``content``."""
Tool = Mapping[str, Any]
"""A function's name, description and JSON schema."""


class Silent(Exception):
    """The model gave no answer; the reason is for the user."""


class Model(Protocol):
    """A language model."""

    name: str

    def __call__(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Reply:
        """What it says to a conversation. Raises Silent."""


class EndpointModel:
    """One behind an endpoint; the same words get the same answer, as far as the endpoint can."""

    def __init__(self, endpoint: Endpoint, settings: EndpointSettings) -> None:
        """Raises InvalidInput and PermissionDenied for an endpoint that may not be asked."""
        self.name = endpoint.model
        self._endpoint = endpoint
        self._allowed = AllowList(settings.endpoints)
        check(endpoint, self._allowed, KeyList(settings.endpoint_keys), place="model")

    def __call__(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Reply:
        """See `Model`."""
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": MOST_TOKENS,
        }
        if tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in tools]
        try:
            return asyncio.run(self._exchanged(json.dumps(body).encode()))
        except Trouble as trouble:
            raise Silent(trouble.reason) from None

    async def _exchanged(self, body: bytes) -> Reply:
        transport = ListedTransport(self._allowed, connections=1)
        async with httpx.AsyncClient(transport=transport, headers=self._endpoint.headers(), timeout=None) as client:  # noqa: S113 -- exchange has one
            return await exchange(client, self._endpoint, body)


def endpoint_of(asked: Mapping[str, str]) -> Endpoint:
    """The endpoint that a request names, with the time that this installation gives it."""
    seconds = load(AgentSettings).model_seconds
    return Endpoint(asked["url"], asked["model"], asked.get("api_key_env", ""), timeout=seconds)
