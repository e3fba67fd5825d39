"""`/v1/uploads`: tus 1.0 with creation, termination, checksum and expiration."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request, Response
from pydantic import BaseModel, Field

from tellurion_core.call import answering
from tellurion_core.errors import DataCorrupted
from tellurion_core.feeding import fed
from tellurion_gateway.answers import ArtifactAnswer
from tellurion_gateway.gateway import Here
from tellurion_gateway.media import content_type
from tellurion_gateway.openapi import BYTES, problems
from tellurion_gateway.problems import CHECKSUM_MISMATCH, refusal
from tellurion_gateway.uploads.blocks import blocks
from tellurion_gateway.uploads.declared import ALGORITHMS, checksum, metadata, whole_number
from tellurion_gateway.uploads.protocol import PATH, VERSION
from tellurion_gateway.uploads.store import Upload

OFFSET_STREAM = "application/offset+octet-stream"

router = APIRouter(prefix=PATH, tags=["uploads"])
TusResumable = Annotated[str | None, Header(description=f"The protocol's version, {VERSION}.")]


class UploadAnswer(BaseModel):
    """A file on its way."""

    id: str
    length: int = Field(description="Bytes of the whole.")
    offset: int = Field(description="Bytes that have arrived.")
    expires: datetime = Field(description="When it is given up, and then forgotten.")
    artifact: ArtifactAnswer | None = Field(description="What it became; null before it is whole.")


@router.options("", status_code=204, summary="Say what of tus is offered", responses=problems())
async def offered(gateway: Here) -> Response:
    """Versions, extensions, the largest upload and the algorithms of checksums."""
    return Response(
        None,
        204,
        {
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,termination,checksum,expiration",
            "Tus-Max-Size": str(gateway.settings.max_resumable_bytes),
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        },
    )


@router.post(
    "",
    status_code=201,
    summary="Begin an upload",
    response_class=Response,
    responses=problems(400, 412, 413, 422, 460),
)
async def create(
    gateway: Here,
    tus_resumable: TusResumable = None,
    upload_length: Annotated[str | None, Header(description="Bytes of the whole.")] = None,
    upload_metadata: Annotated[
        str, Header(description="Pairs of a key and base64, with commas: `filename`, `filetype`, `sha256`.")
    ] = "",
) -> Response:
    """Answers where the bytes go."""
    length, most = whole_number("Upload-Length", upload_length), gateway.settings.max_resumable_bytes
    if length > most:
        accepted = f"at most {most} bytes"
        too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise refusal(too_large, "Upload-Length", received=f"{length} bytes", accepted=accepted)
    about = metadata(upload_metadata)
    try:
        # It waits for others of the tenant: in threads that nothing but uploads needs.
        create = partial(gateway.uploads.create, _tenant(), length, upload_metadata, about)
        upload = await asyncio.get_running_loop().run_in_executor(gateway.upload_threads, create)
    except DataCorrupted as error:
        raise HTTPException(CHECKSUM_MISMATCH, error) from None
    return Response(None, 201, {"Location": f"{PATH}/{upload.id}", **_expiry(upload)})


@router.head("/{upload_id}", include_in_schema=False)
def offset(upload_id: str, gateway: Here) -> Response:
    """How many bytes have arrived."""
    upload = gateway.uploads.get(_tenant(), upload_id)
    stands = gateway.uploads.offset(_tenant(), upload)
    headers = {"Upload-Offset": str(stands), "Upload-Length": str(upload.length), **_expiry(upload)}
    if upload.declared:
        headers["Upload-Metadata"] = upload.declared
    return Response(None, 200, headers)


@router.get("/{upload_id}", summary="Describe an upload", responses=problems())
def describe(upload_id: str, gateway: Here) -> UploadAnswer:
    """How far it is, and what it became."""
    upload = gateway.uploads.get(_tenant(), upload_id)
    stands = gateway.uploads.offset(_tenant(), upload)
    artifact = None
    if upload.artifact is not None:
        artifact = ArtifactAnswer.of(gateway.artifacts.get(_tenant(), upload.artifact))
    return UploadAnswer(id=upload.id, length=upload.length, offset=stands, expires=upload.expires, artifact=artifact)


@router.patch(
    "/{upload_id}",
    status_code=204,
    summary="Add bytes to an upload",
    responses=problems(400, 408, 409, 412, 415, 422, 460),
    openapi_extra={"requestBody": {"required": True, "content": {OFFSET_STREAM: BYTES}}},
)
async def add(
    upload_id: str,
    request: Request,
    gateway: Here,
    tus_resumable: TusResumable = None,
    upload_offset: Annotated[str | None, Header(description="Bytes that have arrived before these.")] = None,
    upload_checksum: Annotated[
        str | None, Header(description="`sha256` or `sha1`, and the digest of these bytes in base64.")
    ] = None,
) -> Response:
    """Takes the bytes that follow; after the last of them, `Tellurion-Artifact` is the id of the artifact."""
    content_type(request, (OFFSET_STREAM,))
    begins, expected = whole_number("Upload-Offset", upload_offset), checksum(upload_checksum)
    store = partial(gateway.uploads.add, _tenant(), upload_id, begins, expected)
    try:
        upload = await fed(gateway.upload_threads, store, blocks(request, gateway.settings.stall_seconds))
    except DataCorrupted as error:
        raise HTTPException(CHECKSUM_MISMATCH, error) from None
    stands = await asyncio.to_thread(gateway.uploads.offset, _tenant(), upload)
    headers = {"Upload-Offset": str(stands), **_expiry(upload)}
    if upload.artifact is not None:
        headers["Tellurion-Artifact"] = upload.artifact
    return Response(None, 204, headers)


@router.delete("/{upload_id}", status_code=204, summary="Give an upload up", responses=problems(409, 412))
def delete(upload_id: str, gateway: Here, tus_resumable: TusResumable = None) -> None:
    """Deletes the bytes that have arrived; the artifact that it became stays."""
    gateway.uploads.delete(_tenant(), upload_id)


def _tenant() -> str:
    return answering().identity.tenant


def _expiry(upload: Upload) -> dict[str, str]:
    if upload.artifact is not None:
        return {}
    return {"Upload-Expires": format_datetime(upload.expires.astimezone(UTC), usegmt=True)}
