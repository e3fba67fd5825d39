"""An OpenAI-compatible endpoint: where it is, which model of it is asked, and what that costs."""

from __future__ import annotations

import os
from dataclasses import dataclass

import httpx

from tellurion_core.endpoints.allowlist import AllowList
from tellurion_core.endpoints.keys import KeyList
from tellurion_core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server and a model of it. The key itself is no part of it, so that nothing stores or prints one."""

    url: str
    """Base address, up to what precedes `/chat/completions`."""
    model: str
    """Name of the model."""
    api_key_env: str = ""
    """Environment variable that holds the key; no key where empty."""
    concurrency: int = 64
    """Most questions asked at once."""
    timeout: float = 300.0
    """Seconds that one request may take, from its connection to the last byte of the answer."""
    input_price: float = 0.0
    """Of a million tokens sent."""
    output_price: float = 0.0
    """Of a million tokens received."""

    @property
    def completions(self) -> str:
        """Where questions are posted."""
        return f"{self.url.rstrip('/')}/chat/completions"

    def headers(self) -> dict[str, str]:
        """Of every request, the key among them."""
        # An answer that is not compressed cannot grow while it is read.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
        if self.api_key_env:
            headers["Authorization"] = f"Bearer {os.environ[self.api_key_env]}"
        return headers


def check(endpoint: Endpoint, allowed: AllowList, keys: KeyList, *, place: str) -> None:
    """Refuses, before anything is asked, an endpoint that could not be asked.

    Raises:
        InvalidInput: `place.url` is no base address, or `place.api_key_env` is not set or holds no key.
        PermissionDenied: the installation does not allow this address, or this variable's key to be sent to it.
    """
    try:
        url = httpx.URL(endpoint.url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        # What was received is not repeated: a password may stand in it.
        raise InvalidInput.of(
            f"{place}.url", received="another address", accepted="http(s)://host[:port]/path without a user or query"
        )
    allowed.check(url)
    if not endpoint.api_key_env:
        return
    keys.check(endpoint.api_key_env, url, field=f"{place}.api_key_env")
    key = os.environ.get(endpoint.api_key_env, "")
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidInput.of(
            f"{place}.api_key_env", received=endpoint.api_key_env, accepted="a variable that is set to a key"
        )
