"""One request to an endpoint and what comes back, read with bounds: an answer, or what is to be done about none."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tellurion_core.encodable import encodable
from tellurion_core.endpoints.endpoint import Endpoint
from tellurion_core.endpoints.troubles import Busy, Failed, Refused, TimedOut, Trouble, Unwelcome
from tellurion_core.errors import PermissionDenied

LARGEST = 4 << 20
"""Bytes of a response."""
LONGEST_WAIT = 300.0
"""Seconds; an endpoint that asks for more is asked after these."""
MOST_TOKENS = 1 << 30
"""No answer has more; what claims to is not counted by."""
LONGEST_NAME = 200
"""Characters of a model's name."""
_BUSY = frozenset({429, 503, 529})
_FAILED = frozenset({408, 425})
_OF_THE_QUESTION = frozenset({400, 413, 422})
"""What is wrong with one question; other refusals would meet every other question too."""
_OF_NO_QUESTION = frozenset({"insufficient_quota", "invalid_api_key", "model_not_found"})
"""Names of errors that would meet every question, whatever their status."""
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer."""

    input: int
    """Sent."""
    output: int
    """Received."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model wants to be called."""

    name: str
    arguments: str
    """JSON, as far as the model wrote JSON."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint answered."""

    text: str
    """The model's words."""
    finish_reason: str
    """Why it ended: `stop`, or `length` where it was cut off."""
    usage: Usage | None
    """As the endpoint counts; None where it does not."""
    snapshot: str | None = None
    """As which version of the model it was answered; None where the endpoint does not say."""
    calls: tuple[ToolCall, ...] = ()
    """Tools that the model wants to be called, in their order."""


async def exchange(client: httpx.AsyncClient, endpoint: Endpoint, body: bytes) -> Reply:
    """Posts a request and reads the answer.

    Raises:
        Trouble: there is none; its kind says what to do.
    """
    try:
        async with (
            asyncio.timeout(endpoint.timeout),
            client.stream("POST", endpoint.completions, content=body) as response,
        ):
            content = await _content(response)
    except TimeoutError:
        raise TimedOut("the endpoint did not answer in time", paid=True) from None
    except (httpx.ConnectError, httpx.ConnectTimeout):
        raise Busy("the endpoint cannot be reached") from None
    except httpx.TransportError:
        raise Failed("the endpoint broke the connection off", paid=True) from None
    except PermissionDenied as error:
        raise Unwelcome(error.message) from None
    if response.status_code != 200:
        raise _trouble(response.status_code, response.headers, content)
    return _reply(content)


async def _content(response: httpx.Response) -> bytes:
    content = bytearray()
    async for part in response.aiter_raw():
        content += part
        if len(content) > LARGEST:
            raise Refused(f"the endpoint answered more than {LARGEST >> 20} MiB", paid=True)
    return bytes(content)


def _reply(content: bytes) -> Reply:
    match _json(content):
        case {"choices": [{"message": {**message}, **choice}, *_], **rest}:
            finish_reason, told = choice.get("finish_reason"), (_usage(rest.get("usage")), _name(rest.get("model")))
            calls = tuple(_calls(message.get("tool_calls")))
            match message.get("content"), finish_reason:
                case _, "content_filter":  # what text there is ends where the filter began
                    raise Refused("the endpoint filtered the answer out", paid=True)
                case _, "error":
                    raise Failed("the endpoint failed in the middle of its answer", paid=True)
                case str(text), _:
                    return Reply(encodable(text), str(finish_reason)[:40], *told, calls)
                case None, "stop" | "length" | "tool_calls":
                    return Reply("", finish_reason, *told, calls)
    raise Failed("the endpoint answered something else than a chat completion", paid=True)


def _calls(calls: Any) -> Iterator[ToolCall]:
    for call in calls if isinstance(calls, list) else ():
        match call:
            case {"function": {"name": str(name), "arguments": str(arguments)}}:
                yield ToolCall(encodable(name), encodable(arguments))


def _usage(usage: Any) -> Usage | None:
    match usage:
        case {"prompt_tokens": int(sent), "completion_tokens": int(received)}:
            if 0 <= sent <= MOST_TOKENS and 0 <= received <= MOST_TOKENS:
                return Usage(sent, received)
    return None


def _name(model: Any) -> str | None:
    """The model's name, where it is one that can be shown."""
    return model if isinstance(model, str) and model.isprintable() and 0 < len(model) <= LONGEST_NAME else None


def _trouble(status: int, headers: Mapping[str, str], content: bytes) -> Trouble:
    code = _error_code(content)
    reason = f"the endpoint answered HTTP {status}" + (f", {code}" if code else "")
    if code in _OF_NO_QUESTION:  # some endpoints say with 429 that an account has no money left
        return Unwelcome(reason)
    if status in _BUSY:
        return Busy(reason, after=_after(headers.get("Retry-After", "")))
    if status in _FAILED or status >= 500:
        return Failed(reason)
    return Refused(reason) if status in _OF_THE_QUESTION else Unwelcome(reason)


def _error_code(content: bytes) -> str | None:
    """The error's name, where it has one; its message may repeat a key or the question, and is left out."""
    match _json(content):
        case {"error": {**error}}:
            names = (error.get("code"), error.get("type"))
            return next((name for name in names if isinstance(name, str) and _CODE.fullmatch(name)), None)
    return None


def _after(text: str) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or as a date."""
    try:
        seconds = float(text) if text[:1].isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
