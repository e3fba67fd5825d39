"""Answers that are sent piece by piece, and whose source is closed however the sending ends."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import BinaryIO
from urllib.parse import quote

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

BLOCK_BYTES = 1 << 20
"""Of a file or a body that is read piece by piece."""
_READERS = ThreadPoolExecutor(16, thread_name_prefix="download")
"""Threads of their own: a read takes a moment, and what else runs in threads may take long."""
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")


class Streamed(StreamingResponse):
    """An answer from an asynchronous generator, which is closed also when the client goes away in the middle."""

    def __init__(
        self,
        pieces: AsyncGenerator[bytes],
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        media_type: str,
    ) -> None:
        super().__init__(pieces, status, headers, media_type)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer."""
        async with aclosing(self._pieces):
            await super().__call__(scope, receive, send)


async def file_pieces(file: BinaryIO, start: int, stop: int) -> AsyncGenerator[bytes]:
    """The bytes of an open file from `start` to before `stop`; closes it in the end.

    Raises:
        EOFError: the file is shorter, which breaks off an answer whose length is already announced.
    """
    try:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(_READERS, file.seek, start)
        while start < stop:
            piece = await loop.run_in_executor(_READERS, file.read, min(BLOCK_BYTES, stop - start))
            if not piece:
                raise EOFError("the file is shorter than announced")
            start += len(piece)
            yield piece
    finally:
        file.close()


def disposition(name: str) -> str:
    """The `Content-Disposition` of a download whose name a caller may have chosen (RFC 6266)."""
    plain = _PLAIN.sub("_", name)
    exact = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{exact}'


def attachment(file: BinaryIO, name: str, *, media_type: str) -> Streamed:
    """A whole open file as a download; closed when it is sent."""
    size = os.fstat(file.fileno()).st_size
    headers = {"Content-Length": str(size), "Content-Disposition": disposition(name)}
    return Streamed(file_pieces(file, 0, size), headers=headers, media_type=media_type)
