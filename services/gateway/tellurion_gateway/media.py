"""Media types: what a request's body is, and which form of answer it accepts (RFC 9110, sections 8.3 and 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request

from tellurion_gateway.problems import refusal

JSON = "application/json"
EVENTS = "text/event-stream"
NDJSON = "application/x-ndjson"
"""A JSON value a line."""
FORM = "multipart/form-data"
PNG = "image/png"
SAFETENSORS = "application/vnd.safetensors"
NETCDF = "application/x-netcdf"
ZARR = "application/vnd+zarr"
"""As SpatioTemporal Asset Catalogs have it; none is registered."""
NETCDF_NAMES = (NETCDF, "application/netcdf", "application/octet-stream")
"""Names under which NetCDF is uploaded; none is registered."""


def content_type(request: Request, known: Sequence[str]) -> str:
    """The media type of a request's body, without parameters.

    Raises:
        HTTPException: 415, when it is not known here, or the body is compressed.
    """
    named = request.headers.get("content-type", "")
    bare = named.partition(";")[0].strip().lower()
    if bare not in known:
        raise refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Type", received=named or "nothing", accepted=", ".join(known)
        )
    coding = request.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding", received=coding, accepted="identity")
    return bare


def answer_type(request: Request, offered: Sequence[str]) -> str:
    """The offered media type that the request's `Accept` weighs most; the first of them among equals.

    Raises:
        HTTPException: 406, when it accepts none.
    """
    header = ",".join(request.headers.getlist("accept")) or "*/*"
    ranges = [_media_range(part) for part in header.split(",") if part.strip()]
    weights = {media: _weight(media, ranges) for media in offered}
    best = max(offered, key=lambda media: weights[media])
    if weights[best] == 0:
        raise refusal(HTTPStatus.NOT_ACCEPTABLE, "Accept", received=header, accepted=", ".join(offered))
    return best


def _media_range(text: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
    try:
        return name, min(max(float(weight), 0.0), 1.0)
    except ValueError:
        return name, 0.0


def _weight(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The weight that the most specific range gives."""
    for name in (media, f"{media.partition('/')[0]}/*", "*/*"):
        weights = [weight for accepted, weight in ranges if accepted == name]
        if weights:
            return max(weights)
    return 0.0
