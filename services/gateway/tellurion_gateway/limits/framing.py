"""Requests that two servers could read as different ones (RFC 9112, section 11.2)."""

from __future__ import annotations

from starlette.datastructures import Headers

from tellurion_core.errors import InvalidInput


def ambiguous_length(headers: Headers) -> InvalidInput | None:
    """The refusal of a body whose length is told in two ways: a proxy in front may have believed the other."""
    if not ("transfer-encoding" in headers and "content-length" in headers):
        return None
    received = "Content-Length and Transfer-Encoding"
    return InvalidInput.of("headers", received=received, accepted="one of them", reason="AMBIGUOUS_LENGTH")
