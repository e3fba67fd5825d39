"""A request's body in blocks, which have to keep coming."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus

from fastapi import Request
from starlette.requests import ClientDisconnect

from tellurion_core.call import answering
from tellurion_gateway.problems import refusal
from tellurion_gateway.streaming import BLOCK_BYTES


async def blocks(request: Request, stall_seconds: float) -> AsyncGenerator[bytes]:
    """The body in blocks of at least `BLOCK_BYTES`, the last excepted; what came before it broke off comes, too.

    Raises:
        HTTPException: 408, when a block takes longer than `stall_seconds`, or the call's time is over.
        ClientDisconnect: the client went away.
    """
    failure: Exception | None = None
    stream = request.stream()
    ended = False
    while not ended:
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(min(stall_seconds, answering().time_remaining())):
                while size < BLOCK_BYTES and not ended:
                    part = await anext(stream, None)
                    ended = part is None
                    parts.append(part or b"")
                    size += len(parts[-1])
        except TimeoutError:
            accepted = f"{BLOCK_BYTES} bytes within {stall_seconds:g} s"
            failure = refusal(HTTPStatus.REQUEST_TIMEOUT, "body", received=f"{size} bytes", accepted=accepted)
        except ClientDisconnect as error:
            failure = error
        if size:
            yield b"".join(parts)
        if failure is not None:
            raise failure
