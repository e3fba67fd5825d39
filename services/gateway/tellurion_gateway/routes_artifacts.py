"""`/v1/artifacts`: what analyses are kept, their bytes, their deletion."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tellurion_core.call import answering
from tellurion_gateway.answers import ArtifactAnswer
from tellurion_gateway.etags import names
from tellurion_gateway.gateway import Here
from tellurion_gateway.openapi import FILE, problems
from tellurion_gateway.ranges import byte_range
from tellurion_gateway.streaming import Streamed, disposition, file_pieces

router = APIRouter(prefix="/v1/artifacts/{artifact_id}", tags=["artifacts"])


@router.get("", summary="Describe an artifact", responses=problems(404, 500))
def describe(artifact_id: str, gateway: Here) -> ArtifactAnswer:
    """What is known of a stored file."""
    return ArtifactAnswer.of(gateway.artifacts.get(_tenant(), artifact_id))


@router.head("/content", include_in_schema=False)
@router.get(
    "/content",
    summary="Download an artifact",
    response_class=Response,
    responses={200: FILE, 206: FILE, 304: {"description": "The caller has it"}, **problems(404, 416, 500)},
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


@router.delete("", status_code=204, summary="Delete an artifact", responses=problems(404, 500))
def delete(artifact_id: str, gateway: Here) -> None:
    """Deletes a stored file before its time."""
    gateway.artifacts.delete(_tenant(), artifact_id)


def _tenant() -> str:
    return answering().identity.tenant
