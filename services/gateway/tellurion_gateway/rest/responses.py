"""Messages as responses over REST: JSON, a JSON list, a line each, or an event each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from hashlib import sha256

from fastapi import Request, Response
from google.protobuf.descriptor import Descriptor

from tellurion_core.errors import ResourceExhausted
from tellurion_gateway.disconnect import unless_disconnected
from tellurion_gateway.etags import names
from tellurion_gateway.events import told
from tellurion_gateway.media import EVENTS, JSON, NDJSON
from tellurion_gateway.problems import problem_document, told_failure
from tellurion_gateway.rest import messages
from tellurion_gateway.rest.bindings import Binding
from tellurion_gateway.streaming import Streamed

STREAMS = (JSON, NDJSON, EVENTS)
"""Forms of an answer of many messages."""
_AT_ONCE = {"X-Accel-Buffering": "no"}
"""A proxy that gathers an answer before it passes it on would keep news back."""


async def response(
    request: Request,
    binding: Binding,
    answers: AsyncGenerator[bytes],
    form: str,
    max_bytes: int,
    comment_seconds: float,
) -> Response:
    """The response in this form to a request whose body has been read; closes `answers` in the end.

    Raises:
        TellurionError: the call failed before anything was answered; later, a last line or event tells.
        ResourceExhausted: a JSON answer would have more than `max_bytes`.
        Cancelled: the client went away.
    """
    texts = _texts(binding.method.output_type, answers)
    if form == EVENTS:
        named = _named(binding.method.output_type, texts)
        return Streamed(
            told(named, request.url.path, comment_seconds=comment_seconds), headers=_AT_ONCE, media_type=form
        )
    if form == NDJSON:
        first = await unless_disconnected(request, anext(texts, None))
        return Streamed(_lines(first, texts, request.url.path), headers=_AT_ONCE, media_type=form)
    found = await unless_disconnected(request, _gathered(texts, max_bytes))
    if binding.method.server_streaming:
        return Response(f"[{','.join(found)}]", media_type=form)
    if binding.verb != "GET":
        return Response(found[0], media_type=form)
    tag = f'"{sha256(found[0].encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if names(request.headers.get("if-none-match", ""), tag):
        return Response(None, 304, headers)
    return Response(found[0], headers=headers, media_type=form)


async def _texts(kind: Descriptor, answers: AsyncGenerator[bytes]) -> AsyncGenerator[str]:
    async with aclosing(answers):
        async for answer in answers:
            yield await asyncio.to_thread(messages.text, kind, answer)


async def _gathered(texts: AsyncGenerator[str], max_bytes: int) -> list[str]:
    found, size = [], 0
    async with aclosing(texts):
        async for text in texts:
            found.append(text)
            size += len(text)
            if size > max_bytes:
                raise ResourceExhausted(
                    f"the answer has more than {max_bytes} bytes; ask for less, or accept {NDJSON}",
                    reason="ANSWER_TOO_LARGE",
                )
    return found


async def _lines(first: str | None, texts: AsyncGenerator[str], path: str) -> AsyncGenerator[bytes]:
    if first is None:
        return
    yield f"{first}\n".encode()
    try:
        async with aclosing(texts):
            async for text in texts:
                yield f"{text}\n".encode()
        return
    except Exception as error:  # noqa: BLE001 -- told, and logged
        failure = problem_document(told_failure(error), path)
    yield f"{json.dumps({'error': failure})}\n".encode()


async def _named(kind: Descriptor, texts: AsyncGenerator[str]) -> AsyncGenerator[tuple[str, str]]:
    """Each with the field that it sets, where a message is one of several things; else `message`."""
    choice = {field.name for group in kind.oneofs for field in group.fields} if len(kind.oneofs) == 1 else set()
    async with aclosing(texts):
        async for text in texts:
            yield next(iter(choice & json.loads(text).keys()), "message"), text
