"""Request bodies: taken within a size and a time, files onto disk and never whole into memory."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

import anyio
from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as FrameworkError

from tellurion_core.errors import InvalidInput
from tellurion_gateway.problems import refusal

FILE_PART = "file"
"""Name of the form's part that holds the file."""
MAX_FORM_FIELDS = 16
MAX_FIELD_BYTES = 1024


@asynccontextmanager
async def limited(request: Request, *, max_bytes: int, seconds: float) -> AsyncIterator[Request]:
    """The request, whose body must be read inside the block: at most so many bytes, in at most so long.

    Raises:
        HTTPException: 413 as soon as it is known to be larger, before anything is read where it says so itself;
            408 when the time is over.
        LimitReached: the tenant's bodies that are being answered have too many bytes together.
    """
    accepted = f"at most {max_bytes} bytes"
    announced = int(request.headers.get("content-length", "0"))
    if announced > max_bytes:
        raise refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body", received=f"{announced} bytes", accepted=accepted)
    hold = request.scope["hold"]
    hold(announced)
    held, taken = announced, 0

    async def receive() -> Any:
        nonlocal held, taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > max_bytes:
            raise refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body", received="more bytes", accepted=accepted)
        if taken > held:
            hold(taken - held)
            held = taken
        return message

    try:
        async with asyncio.timeout(seconds):
            yield Request(request.scope, receive)
    except TimeoutError:
        raise refusal(
            HTTPStatus.REQUEST_TIMEOUT, "body", received=f"{taken} bytes", accepted=f"all of it within {seconds:g} s"
        ) from None


async def save_body(request: Request, path: Path) -> None:
    """Writes the request's body to a file, chunk by chunk."""
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in request.stream():
            await file.write(chunk)


async def save_form(request: Request, path: Path) -> dict[str, str]:
    """Writes the form's file to `path` and returns the form's other fields.

    Raises:
        InvalidInput: it is not a form, has no file or several, or a field twice.
    """
    fields: dict[str, str] = {}
    try:
        async with request.form(max_files=1, max_fields=MAX_FORM_FIELDS, max_part_size=MAX_FIELD_BYTES) as form:
            upload = form.get(FILE_PART)
            if not isinstance(upload, UploadFile):
                raise InvalidInput.of(FILE_PART, received="no such file", accepted="one file in a part of this name")
            for name, value in form.multi_items():
                if name in fields or (isinstance(value, UploadFile) and value is not upload):
                    raise InvalidInput.of(name, received="the field again", accepted="each field once")
                if isinstance(value, str):
                    fields[name] = value
            await asyncio.to_thread(_copy, upload.file, path)
    except FrameworkError as error:
        if error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise InvalidInput.of("body", received="a form that cannot be read", accepted=str(error.detail)) from None
    return fields


def _copy(source: BinaryIO, path: Path) -> None:
    with path.open("wb") as target:
        shutil.copyfileobj(source, target)
