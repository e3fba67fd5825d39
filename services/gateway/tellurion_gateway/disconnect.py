"""Work that ends when the client who asked for it goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from tellurion_core.errors import Cancelled

T = TypeVar("T")


async def unless_disconnected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of the work; it is cancelled when the client disconnects. The request's body has been read.

    Raises:
        Cancelled: the client went away.
    """
    working, watching = asyncio.create_task(work), asyncio.create_task(_disconnected(request))
    watching.add_done_callback(lambda _: working.cancel())
    try:
        return await working
    except asyncio.CancelledError:
        if watching.done():
            raise Cancelled("the client went away") from None
        raise
    finally:
        watching.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
