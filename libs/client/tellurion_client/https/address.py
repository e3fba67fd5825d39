"""Where a gateway is, and whom to trust there."""

from __future__ import annotations

import re
import ssl
from urllib.parse import urlsplit

from tellurion_core.client import ClientTls
from tellurion_core.errors import InvalidInput

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts with whom one speaks without TLS: a key is sent to no others so."""


def gateway_url(url: str) -> str:
    """The URL of a gateway, `https://host:port`, without anything that follows.

    Raises:
        InvalidInput: it is none, or would send a key in the clear.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment or port == 0:
        raise InvalidInput.of("url", received=_without_secret(url), accepted="https://host:port")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise InvalidInput.of("url", received=url, accepted="https://host:port; http:// of this machine only")
    return f"{parts.scheme}://{parts.netloc}"


def check_api_key(key: str) -> None:
    """Raises InvalidInput of a key that no header can hold; the key is not repeated."""
    if not re.fullmatch(r"[!-~]{1,512}", key):
        raise InvalidInput.of("api_key", received="another text", accepted="a key as it was printed, without spaces")


def trust(tls: ClientTls) -> ssl.SSLContext:
    """What these files say of whom to trust and how to prove oneself.

    Raises:
        InvalidInput: a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError):
        raise InvalidInput.of(
            "tls", received=tls.ca or tls.certificate, accepted="PEM files that can be read"
        ) from None
    return context


def _without_secret(url: str) -> str:
    return re.sub(r"//.*@", "//…@", url)
