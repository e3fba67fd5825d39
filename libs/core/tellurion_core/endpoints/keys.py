"""Which keys may be sent where: each to the one origin that the installation's keeper names beside it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import httpx

from tellurion_core.endpoints.allowlist import PORTS
from tellurion_core.errors import InvalidInput, PermissionDenied

ACCEPTED = "VARIABLE@https://host or VARIABLE@https://host:port"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")

Origin = tuple[str, str, int]
"""Scheme, host and port."""


class KeyList:
    """Environment variables that hold keys, each with its origin; one may have several.

    Raises:
        InvalidInput: an entry is not `VARIABLE@origin`.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._entries = frozenset(map(_entry, entries))

    def check(self, variable: str, url: httpx.URL, *, field: str) -> None:
        """Refuses to send a variable's key to a URL of another origin.

        Raises:
            PermissionDenied: it is not listed with this one.
        """
        if (variable, _origin(url)) not in self._entries:
            raise PermissionDenied(
                f"{field}: this installation does not send this variable's key to this endpoint"
                " (TELLURION_ENDPOINT_KEYS)",
                reason="KEY_NOT_ALLOWED",
            )


def _entry(text: str) -> tuple[str, Origin]:
    variable, _, origin = text.partition("@")
    try:
        url = httpx.URL(origin)
    except httpx.InvalidURL:
        url = httpx.URL("")
    listed = url.scheme in PORTS and url.host and url.path == "/" and not (url.userinfo or url.query or url.fragment)
    if not listed or not _VARIABLE.fullmatch(variable):
        # What was received is not repeated: a key may stand where its variable's name belongs.
        raise InvalidInput.of("TELLURION_ENDPOINT_KEYS", received="something else", accepted=ACCEPTED)
    return variable, _origin(url)


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or PORTS[url.scheme]
