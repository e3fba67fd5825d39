"""Requests over REST as messages: a query, a JSON object, or for streams a JSON list or a line each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

from fastapi import Request

from tellurion_core.errors import InvalidInput
from tellurion_gateway.bodies import limited
from tellurion_gateway.media import JSON, NDJSON, content_type
from tellurion_gateway.rest import messages
from tellurion_gateway.rest.bindings import Binding
from tellurion_gateway.settings import GatewaySettings

IN_MEMORY = 1 << 20
"""Bytes of a body of many lines that are not worth a file."""


async def received(request: Request, binding: Binding, settings: GatewaySettings) -> AsyncGenerator[bytes]:
    """The messages of a request whose body has been read, each serialised.

    Raises:
        HTTPException: 408, 413, 415.
        InvalidInput: naming the field that cannot be used. Lines are looked at one by one, as they are taken.
    """
    kind = binding.method.input_type
    if binding.in_query:
        value = messages.query(kind, request.query_params.multi_items(), binding.field)
        return _each([messages.message(kind, value | _of_path(request, binding))])
    if request.query_params:
        raise InvalidInput.of(
            "query", received=", ".join(request.query_params), accepted="no query: fields in the body"
        )
    if not binding.method.client_streaming:
        value = await _json(request, settings, of_nothing={})
        if isinstance(value, dict) and binding.field in value:
            raise InvalidInput.of(binding.field or "", received="the field", accepted="only in the path")
        whole = value | _of_path(request, binding) if isinstance(value, dict) else value
        return _each([await asyncio.to_thread(messages.message, kind, whole)])
    if content_type(request, (JSON, NDJSON)) == NDJSON:
        return _lines(await _spooled(request, settings), binding, settings.max_json_bytes)
    value = await _json(request, settings, of_nothing=None)
    if not isinstance(value, list):
        raise InvalidInput.of("body", received="no list", accepted="a list of messages")
    return _each(await asyncio.to_thread(_all, binding, value))


async def _json(request: Request, settings: GatewaySettings, *, of_nothing: Any) -> Any:
    """The JSON of a body; `of_nothing` where it is empty."""
    async with limited(request, max_bytes=settings.max_json_bytes, seconds=settings.upload_seconds) as body:
        text = await body.body()
    if not text:
        return of_nothing
    content_type(request, (JSON,))
    return await asyncio.to_thread(messages.read, text)


async def _spooled(request: Request, settings: GatewaySettings) -> BinaryIO:
    file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 whoever reads it closes it
    async with limited(request, max_bytes=settings.max_upload_bytes, seconds=settings.upload_seconds) as body:
        async for chunk in body.stream():
            await asyncio.to_thread(file.write, chunk)
    file.seek(0)
    return file  # type: ignore[return-value]


async def _lines(file: BinaryIO, binding: Binding, max_bytes: int) -> AsyncGenerator[bytes]:
    with file:
        number = 0
        while line := await asyncio.to_thread(file.readline, max_bytes + 1):
            number += 1
            if len(line) > max_bytes:
                accepted = f"at most {max_bytes} bytes a line"
                raise InvalidInput.of(f"line {number}", received="more bytes", accepted=accepted)
            yield await asyncio.to_thread(_line, binding, line, f"line {number}")


def _line(binding: Binding, line: bytes, where: str) -> bytes:
    return messages.message(binding.method.input_type, messages.read(line, where), where)


def _all(binding: Binding, values: list[Any]) -> list[bytes]:
    return [messages.message(binding.method.input_type, value, f"[{index}]") for index, value in enumerate(values)]


def _of_path(request: Request, binding: Binding) -> dict[str, str]:
    if binding.field is None:
        return {}
    return {binding.field: binding.filled(request.path_params.get(binding.variable or "", ""))}


async def _each(ready: list[bytes]) -> AsyncGenerator[bytes]:
    for one in ready:
        yield one
