"""Which bytes of a file a `Range` header asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from http import HTTPStatus

from tellurion_gateway.problems import refusal

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte, and the one after the last; None for the whole file.

    A header that is malformed or asks for several ranges is ignored, as the RFC allows.

    Raises:
        HTTPException: 416, when the range lies outside the file.
    """
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        raise refusal(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            "Range",
            received=header,
            accepted=f"bytes within 0-{size - 1}",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, stop
