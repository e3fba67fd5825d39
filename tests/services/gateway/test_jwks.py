"""The keys of an identity provider: which are used, for how long, and what becomes of answers that are none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, rsa

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_gateway.identity.jwks import FRESH_SECONDS, MAX_BYTES, PAUSE_SECONDS, STALE_SECONDS, KeySet

from .identity_provider import KEYS, IdentityProvider, jwk, jwks

SECRET = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "alg": "HS256"}
ED448 = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key()))


class Clock:
    """A time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider(certificate: tuple[Path, Path]) -> Iterator[IdentityProvider]:
    """An identity provider."""
    provider = IdentityProvider(certificate)
    yield provider
    provider.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(provider: IdentityProvider, certificate: tuple[Path, Path], clock: Clock) -> KeySet:
    """Its keys, not fetched yet."""
    return KeySet(provider.url, certificate[0], clock)


async def test_keys_are_fetched_once_and_known_by_their_ids(keys: KeySet, provider: IdentityProvider) -> None:
    found = {name: await keys.get(name) for name in KEYS}
    assert {name: key.algorithm_name for name, key in found.items() if key} == {name: name for name in KEYS}
    assert provider.asked == 1


async def test_a_new_key_is_found_after_a_pause_and_an_old_one_forgotten(
    keys: KeySet, provider: IdentityProvider, clock: Clock
) -> None:
    assert await keys.get("new") is None
    provider.body = json.dumps({"keys": [jwk("ES256", KEYS["ES256"], "new")]}).encode()
    clock.now += PAUSE_SECONDS / 2
    assert await keys.get("new") is None
    clock.now += PAUSE_SECONDS
    assert await keys.get("new") is not None
    assert await keys.get("RS256") is None
    assert provider.asked == 2


async def test_a_provider_that_is_away_is_done_without_for_a_day(
    keys: KeySet, provider: IdentityProvider, clock: Clock
) -> None:
    assert await keys.get("RS256") is not None
    provider.status = 503
    clock.now += FRESH_SECONDS + 1
    assert await keys.get("RS256") is not None
    clock.now += STALE_SECONDS
    with pytest.raises(Unavailable):
        await keys.get("RS256")
    provider.status = 200
    clock.now += PAUSE_SECONDS + 1
    assert await keys.get("RS256") is not None


async def test_known_keys_are_not_waited_for_while_the_provider_hangs(
    keys: KeySet, provider: IdentityProvider, clock: Clock
) -> None:
    assert await keys.get("RS256") is not None
    provider.answers.clear()
    provider.body = json.dumps({"keys": [jwk("ES256", KEYS["ES256"], "new")]}).encode()
    clock.now += FRESH_SECONDS + 1
    async with asyncio.timeout(1):
        assert [await keys.get("RS256") for _ in range(3)].count(None) == 0
    provider.answers.set()
    found = [await keys.get("new"), await keys.get("RS256")]  # the first waits for what is on its way
    assert [key is None for key in found] == [False, True]
    assert provider.asked == 2


@pytest.mark.parametrize(
    "key",
    [
        jwk("RS256", rsa.generate_private_key(65537, 1024), ""),
        SECRET,
        ED448,
        {**jwk("ES256", KEYS["ES256"], ""), "use": "enc"},
    ],
)
async def test_a_key_that_is_weak_secret_or_for_other_things_is_none(
    keys: KeySet, provider: IdentityProvider, key: dict[str, Any]
) -> None:
    provider.body = jwks(odd=key)
    assert await keys.get("odd") is None
    assert await keys.get("RS256") is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": 7}',
        b'{"keys": [7]}',
        b'{"keys": []}',
        b"[" * 100_000,
        b"\xff",
        b" " * (MAX_BYTES + 1),
    ],
)
async def test_an_answer_that_is_no_set_of_keys_is_as_good_as_none(
    keys: KeySet, provider: IdentityProvider, body: bytes
) -> None:
    provider.body = body
    with pytest.raises(Unavailable, match="identity provider"):
        await keys.get("RS256")


async def test_a_redirect_is_not_followed(keys: KeySet, provider: IdentityProvider) -> None:
    provider.status, provider.headers = 302, {"Location": provider.url}
    with pytest.raises(Unavailable):
        await keys.get("RS256")
    assert provider.asked == 1


async def test_a_certificate_that_is_not_trusted_is_no_providers(provider: IdentityProvider) -> None:
    with pytest.raises(Unavailable):
        await KeySet(provider.url, None).get("RS256")
    assert provider.asked == 0


def test_authorities_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(InvalidInput, match="TELLURION_OIDC_JWKS_CA"):
        KeySet("https://127.0.0.1/keys", tmp_path / "ca.pem")
