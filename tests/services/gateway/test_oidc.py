"""Tokens of an identity provider: which are taken, whom they tell of, and which are refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput
from tellurion_core.identity.roles import Role
from tellurion_core.settings import load
from tellurion_gateway.identity.authentication import authentication
from tellurion_gateway.identity.oidc_settings import OidcSettings
from tellurion_gateway.settings import GatewaySettings

from .guarded import Guarded
from .identity_provider import KEYS, IdentityProvider, jwk

PATH = "/v1/ocean/methods"
INVALID = "the token is not valid, or no longer"
Forge = Callable[[IdentityProvider], str]


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_of_the_provider_is_taken(guarded: Guarded, algorithm: str) -> None:
    assert guarded.ask("GET", PATH, guarded.provider.token(algorithm)).status_code == 200


def test_the_service_knows_for_whom_it_is_asked(guarded: Guarded, observations: dict[str, Any]) -> None:
    token = guarded.provider.token(sub="auth0|7", tenant="army", role=["offline", "viewer", "user"])
    body = {"method": "echo", "month": 2, "observations": observations}
    guarded.ask("POST", "/v1/ocean:reconstruct", token, json=body).raise_for_status()
    assert guarded.ocean.calls[-1][0].identity == Identity("army", "auth0|7", Role.USER)


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def unsigned(provider: IdentityProvider) -> str:
    return f"{part({'alg': 'none', 'kid': 'ES256'})}.{part(provider.claims())}."


def with_the_public_key_as_secret(provider: IdentityProvider) -> str:
    """HS256, whose secret everybody has."""
    pem, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    signed = f"{part({'alg': 'HS256', 'kid': 'RS256'})}.{part(provider.claims())}"
    mac = hmac.digest(KEYS["RS256"].public_key().public_bytes(pem, form), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def with_a_key_of_its_own(provider: IdentityProvider) -> str:
    """A header that brings the key by which it wants to be verified (RFC 8725, 3.10)."""
    own = ec.generate_private_key(ec.SECP256R1())
    return provider.token(key=own, header={"jwk": jwk("ES256", own, "ES256"), "jku": "https://127.0.0.1:1/keys"})


def with_other_claims(provider: IdentityProvider) -> str:
    header, _, signature = provider.token().split(".")
    return f"{header}.{part(provider.claims(role='admin'))}.{signature}"


FORGED: dict[str, Forge] = {
    "expired": lambda provider: provider.token(exp=int(time.time()) - 10),
    "not yet": lambda provider: provider.token(nbf=int(time.time()) + 60),
    "for another audience": lambda provider: provider.token(aud="other"),
    "of another issuer": lambda provider: provider.token(iss="https://127.0.0.1"),
    "signed by another's key": lambda provider: provider.token(key=ec.generate_private_key(ec.SECP256R1())),
    "alg none": unsigned,
    "HS256 with the public key": with_the_public_key_as_secret,
    "another algorithm of the same key": lambda provider: jwt.encode(
        provider.claims(), KEYS["RS256"], "RS512", {"kid": "RS256"}
    ),
    "the id of another key": lambda provider: provider.token("RS256", header={"kid": "ES256"}),
    "with a key of its own": with_a_key_of_its_own,
    "other claims under the signature": with_other_claims,
    "no key's id": lambda provider: jwt.encode(provider.claims(), KEYS["ES256"], "ES256"),
    "an id that cannot be revoked": lambda provider: provider.token(jti=""),
    "an id too long to be revoked": lambda provider: provider.token(jti="x" * 1001),
    "too long": lambda provider: provider.token(more="x" * 9000),
    "a name that no log should hold": lambda provider: provider.token(sub="ann\n"),
    "no token": lambda provider: "x.y.z",
    "é": lambda provider: "é.é.é",
    **{
        f"without {claim}": lambda provider, claim=claim: provider.token(**{claim: None})  # type: ignore[misc]
        for claim in ("exp", "nbf", "iat", "iss", "aud", "sub", "jti")
    },
}


@pytest.mark.parametrize("how", FORGED)
def test_another_token_is_refused_and_not_repeated(guarded: Guarded, how: str) -> None:
    token = FORGED[how](guarded.provider)
    refused = guarded.ask("GET", PATH, token)
    assert (refused.status_code, refused.json()["detail"]) == (401, INVALID)
    assert refused.headers["www-authenticate"] == 'Bearer realm="tellurion"'
    assert token not in refused.text


def test_a_token_of_unlimited_nesting_is_refused(guarded: Guarded) -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=").decode()
    assert guarded.ask("GET", PATH, f"{nested}.e30.AAAA").status_code == 401


def test_a_token_that_was_revoked_is_refused(guarded: Guarded) -> None:
    token = guarded.provider.token(jti="lost-laptop")
    guarded.revoked.revoke("lost-laptop")
    refused = guarded.ask("GET", PATH, token)
    assert (refused.status_code, refused.json()["detail"]) == (401, INVALID)
    assert guarded.ask("GET", PATH, guarded.provider.token(jti="another")).status_code == 200


@pytest.mark.parametrize("changed", [{"tenant": None}, {"tenant": "../navy"}, {"tenant": ["navy"]}, {"role": "root"}])
def test_whoever_has_no_tenant_or_no_role_here_may_do_nothing(guarded: Guarded, changed: dict[str, Any]) -> None:
    assert guarded.ask("GET", PATH, guarded.provider.token(**changed)).status_code == 403


def test_a_viewer_uploads_nothing(guarded: Guarded) -> None:
    upload = {"Tus-Resumable": "1.0.0", "Upload-Length": "4"}
    viewer = guarded.provider.token(role="viewer")
    assert guarded.ask("POST", "/v1/uploads", viewer, headers=upload).status_code == 403


def test_keys_that_nobody_has_do_not_make_the_gateway_ask_the_provider_each_time(guarded: Guarded) -> None:
    assert guarded.ask("GET", PATH, guarded.provider.token()).status_code == 200
    before = guarded.provider.asked
    for number in range(20):
        assert guarded.ask("GET", PATH, guarded.provider.token(header={"kid": f"k{number}"})).status_code == 401
    assert guarded.provider.asked <= before + 2


def test_without_keys_there_are_no_tokens(monkeypatch: pytest.MonkeyPatch, guarded: Guarded) -> None:
    for name, value in (("ISSUER", "i"), ("AUDIENCE", "a"), ("JWKS_URL", guarded.provider.url)):
        monkeypatch.setenv(f"TELLURION_OIDC_{name}", value)
    with pytest.raises(InvalidInput, match="TELLURION_OIDC_ISSUER"):
        authentication(GatewaySettings(), None)


def test_a_provider_is_told_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_OIDC_ISSUER", "i")
    with pytest.raises(InvalidInput, match="TELLURION_OIDC_ISSUER, _AUDIENCE and _JWKS_URL"):
        load(OidcSettings)


@pytest.mark.parametrize("url", ["http://127.0.0.1/keys", "file:///etc/passwd", "https://user:hunter2@host/keys"])
def test_keys_are_fetched_over_https_only(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in (("ISSUER", "i"), ("AUDIENCE", "a"), ("JWKS_URL", url)):
        monkeypatch.setenv(f"TELLURION_OIDC_{name}", value)
    with pytest.raises(InvalidInput, match="TELLURION_OIDC_JWKS_URL") as refused:
        load(OidcSettings)
    assert "hunter2" not in str(refused.value)
