"""A token says for whom a service is called; nobody without the private key can make one that is believed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput, Unauthenticated
from tellurion_core.identity.roles import Role, required_role
from tellurion_core.identity.tokens import TokenMinter, TokenVerifier

CALLER = Identity("navy", "ferdinand", Role.USER)
KEY = Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def verify() -> TokenVerifier:
    return TokenVerifier([KEY.public_key()])


def forged(key: Any = KEY, algorithm: str = "EdDSA", kid: str | None = None, **claims: Any) -> str:
    now = int(time.time())
    told = {"aud": "tellurion-services", "sub": "s", "tenant": "t", "role": "admin", "jti": "1", "iat": now}
    told |= {"exp": now + 60, **claims}
    kid = kid or jwt.get_unverified_header(TokenMinter(KEY)(CALLER))["kid"]
    present = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(present, key, algorithm, {"kid": kid})


def test_a_token_says_who_calls(verify) -> None:
    assert verify(TokenMinter(KEY)(CALLER)) == CALLER
    assert verify(forged()) == Identity("t", "s", Role.ADMIN)


def test_a_token_is_good_for_five_minutes(verify) -> None:
    claims = jwt.decode(TokenMinter(KEY)(CALLER), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize(
    "token",
    [
        forged(exp=int(time.time()) - 60),
        forged(exp=int(time.time()) + 3600),
        forged(iat=int(time.time()) + 100, exp=int(time.time()) + 200),
        forged(aud="another"),
        forged(role="root"),
        forged(role="Admin"),
        *(forged(**{claim: None}) for claim in ("aud", "sub", "tenant", "role", "jti", "iat", "exp")),
        forged(Ed25519PrivateKey.generate()),
        forged(kid="another"),
        forged(None, "none"),
        forged(b"x" * 32, "HS256"),
        forged(sub="s" * 5000),
        forged()[:-4] + "AAAA",
        "",
        "a.b.c",
        "ä",
    ],
)
def test_no_other_token_is_believed(token, verify) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verify(token)
    assert caught.value.message == "the token is not valid, or no longer"


def test_keys_come_from_pem_files_and_key_sets_and_may_be_several(tmp_path: Path) -> None:
    other = Ed25519PrivateKey.generate()
    both = tmp_path / "keys.pem"
    both.write_bytes(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) + PEM)
    (tmp_path / "keys.json").write_text(f'{{"keys": [{jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key())}]}}')
    private = tmp_path / "key.pem"
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    token = TokenMinter.of(private)(CALLER)
    assert TokenVerifier.of(both)(token) == TokenVerifier.of(tmp_path / "keys.json")(token) == CALLER
    assert TokenVerifier.of(both)(TokenMinter(other)(CALLER)) == CALLER


@pytest.mark.parametrize("written", [b"", b"{", b'{"keys": []}', b'{"keys": [7]}', b"\xff", PEM.replace(b"M", b"!")])
def test_a_file_without_keys_is_refused_by_the_settings_name(written, tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(written)
    for kind, setting in ((TokenVerifier, "PUBLIC_KEYS"), (TokenMinter, "PRIVATE_KEY")):
        with pytest.raises(InvalidInput, match=f"TELLURION_TOKEN_{setting}"):
            kind.of(tmp_path / "keys")


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("/tellurion.ocean.v1.OceanService/ListMethods", "viewer"),
        ("/google.longrunning.Operations/GetOperation", "viewer"),
        ("/google.longrunning.Operations/DeleteOperation", "user"),
        ("/google.longrunning.Operations/CancelOperation", "user"),
        ("/tellurion.nowhere.v1.Service/Method", "user"),
    ],
)
def test_what_changes_nothing_is_for_viewers(method, role) -> None:
    import tellurion.ocean.v1.ocean_pb2  # noqa: F401

    assert f"{required_role(method)}" == role == str(Role.named(role))
