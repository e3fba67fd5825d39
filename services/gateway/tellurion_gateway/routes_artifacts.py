"""`/v1/artifacts`: what analyses are kept, their bytes, pictures of them, their deletion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from tellurion_core.call import answering
from tellurion_gateway.answers import ArtifactAnswer
from tellurion_gateway.etags import names
from tellurion_gateway.fields import field
from tellurion_gateway.gateway import Gateway, Here
from tellurion_gateway.media import PNG, SAFETENSORS
from tellurion_gateway.openapi import FIELD, FILE, PICTURE, problems
from tellurion_gateway.pictures import picture
from tellurion_gateway.ranges import byte_range
from tellurion_gateway.streaming import Streamed, disposition, file_pieces

router = APIRouter(prefix="/v1/artifacts/{artifact_id}", tags=["artifacts"])


class FieldOptions(BaseModel):
    """What is read."""

    model_config = ConfigDict(extra="forbid")

    variable: str | None = Field(
        default=None, max_length=200, description="Name of the variable; the first by default."
    )
    time: int = Field(default=0, ge=0, lt=1 << 31, description="Index of the time.")


class PictureOptions(FieldOptions):
    """What is drawn."""

    level: int = Field(default=0, ge=0, lt=1 << 31, description="Index of the level.")


@router.get("", summary="Describe an artifact", responses=problems(500))
def describe(artifact_id: str, gateway: Here) -> ArtifactAnswer:
    """What is known of a stored file."""
    return ArtifactAnswer.of(gateway.artifacts.get(_tenant(), artifact_id))


@router.head("/content", include_in_schema=False)
@router.get(
    "/content",
    summary="Download an artifact",
    response_class=Response,
    responses={200: FILE, 206: FILE, 304: {"description": "The caller has it"}, **problems(416, 500)},
)
def content(artifact_id: str, gateway: Here, request: Request) -> Response:
    """The bytes, whole or the one range that is asked for. They never change: the ETag is the id."""
    artifact = gateway.artifacts.get(_tenant(), artifact_id)
    tag = f'"{artifact.id}"'
    headers = {"ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if names(request.headers.get("if-none-match", ""), tag):
        return Response(None, 304, headers)
    # A client that resumes a download names what it has; if that is something else, it gets the whole.
    resumable = request.headers.get("if-range", tag) == tag
    part = byte_range(request.headers.get("range") if resumable else None, artifact.size)
    start, stop = part or (0, artifact.size)
    headers |= {"Content-Length": str(stop - start), "Content-Disposition": disposition(artifact.name)}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{artifact.size}"
    if request.method == "HEAD":
        return Response(None, 200, headers, media_type=artifact.media_type)
    pieces = file_pieces(gateway.artifacts.open(_tenant(), artifact_id), start, stop)
    return Streamed(pieces, 200 if part is None else 206, headers, media_type=artifact.media_type)


@router.get(
    "/field",
    summary="Read a field of a NetCDF artifact",
    response_class=Response,
    responses={200: FIELD, 304: {"description": "The caller has it"}, **problems(422, 500)},
)
async def read(artifact_id: str, gateway: Here, request: Request, query: Annotated[FieldOptions, Query()]) -> Response:
    """A variable at all levels with its coordinates, in the safetensors format; of members, the first.

    `values` is float32, NaN where missing. The coordinates that there are have the names of their dimensions, which the
    metadata list in `dims`, as JSON; they tell units, too, and the time.
    """
    return await _made(artifact_id, gateway, request, query, field, SAFETENSORS)


@router.get(
    "/picture",
    summary="Draw a field of a NetCDF artifact",
    response_class=Response,
    responses={200: PICTURE, 304: {"description": "The caller has it"}, **problems(422, 500)},
)
async def draw(
    artifact_id: str, gateway: Here, request: Request, query: Annotated[PictureOptions, Query()]
) -> Response:
    """A quick look at one level, PNG: the last two dimensions of the variable; of members, the first."""
    return await _made(artifact_id, gateway, request, query, picture, PNG)


@router.delete("", status_code=204, summary="Delete an artifact", responses=problems(500))
def delete(artifact_id: str, gateway: Here) -> None:
    """Deletes a stored file before its time."""
    gateway.artifacts.delete(_tenant(), artifact_id)


def _tenant() -> str:
    return answering().identity.tenant


async def _made(
    artifact_id: str,
    gateway: Gateway,
    request: Request,
    query: FieldOptions,
    make: Callable[..., bytes],
    media_type: str,
) -> Response:
    """What is made of a variable of the file, in a process of its own; the same request has the same answer."""
    artifact = gateway.artifacts.get(_tenant(), artifact_id)
    asked = (artifact.id, media_type, query.model_dump_json(), version("tellurion-gateway"))
    headers = {"ETag": f'"{sha256(repr(asked).encode()).hexdigest()[:32]}"', "Cache-Control": "private, no-cache"}
    if names(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(None, 304, headers)
    with TemporaryDirectory(prefix="tellurion-") as folder:
        path = Path(folder) / "artifact.nc"
        await asyncio.to_thread(gateway.artifacts.fetch, _tenant(), artifact.id, path)
        asked_for = partial(make, **query.model_dump(exclude={"variable"}))
        made = await gateway.files.run(asked_for, path, query.variable, field="artifact")
    request.scope["hold"](len(made))  # until it is sent: whoever reads slowly fills the tenant's share, and no more
    return Response(made, headers=headers, media_type=media_type)
