"""The token by which a service knows who calls, and what each role may ask of it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.call import Identity
from tellurion_core.errors import InvalidInput, Unauthenticated
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.roles import Role, needed_role
from tellurion_core.identity.tokens import (
    LEEWAY_SECONDS,
    LIFETIME_SECONDS,
    TokenMinter,
    TokenVerifier,
    read_minter,
    read_verifier,
)
from tellurion_core.interceptor import Authenticator, embedded_identity
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings

KEY = Ed25519PrivateKey.generate()
NAVY = Identity("navy", "ann", Role.USER)
PEM = serialization.Encoding.PEM
verify = TokenVerifier([KEY.public_key()])


def public_pem(key: Any) -> bytes:
    return key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def claims(**changed: object) -> dict[str, Any]:
    now = int(time.time())
    right = {"iss": "tellurion-gateway", "aud": "tellurion-services", "sub": "ann", "iat": now, "exp": now + 300}
    given = {**right, "jti": "1", "tenant": "navy", "role": "user", **changed}
    return {name: value for name, value in given.items() if value is not None}


def test_a_token_tells_tenant_subject_and_role() -> None:
    assert verify(TokenMinter(KEY)(NAVY)) == NAVY
    assert verify(jwt.encode(claims(), KEY, algorithm="EdDSA")) == NAVY


def test_a_token_is_good_for_five_minutes() -> None:
    assert verify(TokenMinter(KEY, lambda: time.time() - 290)(NAVY)) == NAVY
    with pytest.raises(Unauthenticated):
        verify(TokenMinter(KEY, lambda: time.time() - 310)(NAVY))


def test_each_of_several_keys_may_sign() -> None:
    new = Ed25519PrivateKey.generate()
    assert TokenVerifier([KEY.public_key(), new.public_key()])(TokenMinter(new)(NAVY)) == NAVY


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "tellurion-gateway"},
        {"iss": "somebody"},
        {"exp": int(time.time()) + 86400},
        {"exp": None},
        {"jti": None},
        {"tenant": None},
        {"tenant": "../navy"},
        {"tenant": ["navy"]},
        {"role": "root"},
        {"sub": 7},
    ],
)
def test_signed_claims_that_are_not_those_of_a_services_token_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verify(jwt.encode(claims(**changed), KEY, algorithm="EdDSA"))


def forged() -> dict[str, str]:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    whole = jwt.encode(claims(), KEY, algorithm="EdDSA")
    header, _, signature = whole.split(".")
    return {
        "another's key": jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.",
        "alg HS256 by the public key": _hs256(public_pem(KEY)),
        "other claims under the signature": f"{header}.{part(claims(role='admin'))}.{signature}",
        "no token": "x",
        "nothing": "",
        "very long": "a" * 100_000,
    }


def _hs256(secret: bytes) -> str:
    import hashlib
    import hmac

    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
    mac = hmac.digest(secret, head + b"." + body, hashlib.sha256)
    return b".".join((head, body, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()


@pytest.mark.parametrize("how", forged())
def test_a_forged_token_is_refused_and_not_repeated(how: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verify(forged()[how])
    assert caught.value.message == "the token is not valid, or no longer"


def test_keys_are_read_from_pem_files(tmp_path: Path) -> None:
    private, public = tmp_path / "token.key", tmp_path / "token.pub"
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(KEY.private_bytes(PEM, form, serialization.NoEncryption()))
    public.write_bytes(public_pem(Ed25519PrivateKey.generate()) + public_pem(KEY))
    assert read_verifier(public)(read_minter(private)(NAVY)) == NAVY
    with pytest.raises(InvalidInput, match="TELLURION_TOKEN_PRIVATE_KEY"):
        read_minter(public)
    with pytest.raises(InvalidInput, match="TELLURION_TOKEN_PUBLIC_KEYS"):
        read_verifier(private)


@pytest.mark.parametrize(
    ("method", "role"),
    [
        ("/tellurion.ocean.v1.OceanService/ListMethods", Role.VIEWER),
        ("/google.longrunning.Operations/GetOperation", Role.VIEWER),
        ("/google.longrunning.Operations/ListOperations", Role.VIEWER),
        ("/google.longrunning.Operations/WaitOperation", Role.VIEWER),
        ("/tellurion.jobs.v1.JobService/WatchJob", Role.VIEWER),
        ("/tellurion.ocean.v1.OceanService/Reconstruct", Role.USER),
        ("/tellurion.ocean.v1.OceanService/Evaluate", Role.USER),
        ("/google.longrunning.Operations/CancelOperation", Role.USER),
        ("/google.longrunning.Operations/DeleteOperation", Role.USER),
        ("/tellurion.unknown.v1.Service/Do", Role.USER),
    ],
)
def test_what_looks_at_what_is_there_needs_a_viewer_and_all_else_a_user(method: str, role: Role) -> None:
    assert needed_role(method) is role


class Ocean(ocean_pb2_grpc.OceanServiceServicer):
    """Answers at once, or evaluates for two seconds."""

    async def Evaluate(self, request: Any, context: Any) -> AsyncIterator[ocean_pb2.EvaluateResponse]:  # noqa: N802
        await asyncio.sleep(2)
        yield ocean_pb2.EvaluateResponse()

    async def ListMethods(self, request: Any, context: Any) -> ocean_pb2.ListMethodsResponse:  # noqa: N802
        return ocean_pb2.ListMethodsResponse()


async def status_of(
    method: str,
    metadata: list[tuple[str, str]],
    authenticate: Authenticator | None = None,
    *,
    listen: str = "127.0.0.1:0",
    streams: bool = False,
) -> grpc.StatusCode:
    """What a service that verifies tokens, or else authenticates so, answers to a direct call."""
    from google.longrunning import operations_pb2_grpc

    services = [
        Service("ocean", ocean_pb2_grpc.add_OceanServiceServicer_to_server, Ocean()),
        Service(
            "operations",
            operations_pb2_grpc.add_OperationsServicer_to_server,
            operations_pb2_grpc.OperationsServicer(),
        ),
    ]
    settings = ServerSettings(stop_seconds=0, listen=listen)
    server = Server(services, settings, authenticate=authenticate or TokenAuthenticator(verify))
    await server.start()
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            if streams:
                asked = ocean_pb2.EvaluateRequest(month=2, profiles=1, members=2).SerializeToString()
                assert [answer async for answer in channel.unary_stream(method)(asked, metadata=metadata)]
            else:
                await channel.unary_unary(method)(b"", metadata=metadata)
        return grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        return error.code()
    finally:
        await server.stop()


async def test_a_service_takes_a_direct_call_with_a_token_and_none_without() -> None:
    method = "/tellurion.ocean.v1.OceanService/ListMethods"
    token = TokenMinter(KEY)(Identity("navy", "ann", Role.VIEWER))
    assert await status_of(method, [("authorization", f"Bearer {token}")]) is grpc.StatusCode.OK
    for metadata in ([], [("authorization", token)], [("authorization", f"Bearer {token}x")]):
        assert await status_of(method, metadata) is grpc.StatusCode.UNAUTHENTICATED


async def test_a_service_refuses_a_viewer_that_would_change_something() -> None:
    token = TokenMinter(KEY)(Identity("navy", "ann", Role.VIEWER))
    denied = await status_of("/google.longrunning.Operations/DeleteOperation", [("authorization", f"Bearer {token}")])
    assert denied is grpc.StatusCode.PERMISSION_DENIED


async def test_a_call_that_outlasts_its_token_is_answered_to_its_end() -> None:
    almost_over = TokenMinter(KEY, lambda: time.time() - LIFETIME_SECONDS - LEEWAY_SECONDS + 1.5)(NAVY)
    method, bearer = "/tellurion.ocean.v1.OceanService/Evaluate", [("authorization", f"Bearer {almost_over}")]
    assert await status_of(method, bearer, streams=True) is grpc.StatusCode.OK
    with pytest.raises(Unauthenticated):
        verify(almost_over)


async def test_a_service_without_keys_refuses_a_token_and_takes_a_call_without() -> None:
    method, token = "/tellurion.ocean.v1.OceanService/ListMethods", TokenMinter(KEY)(NAVY)
    assert await status_of(method, [], embedded_identity) is grpc.StatusCode.OK
    refused = await status_of(method, [("authorization", f"Bearer {token}")], embedded_identity)
    assert refused is grpc.StatusCode.UNAUTHENTICATED


async def test_where_sockets_are_trusted_their_user_needs_no_token_and_others_do(tmp_path: Path) -> None:
    trusting = TokenAuthenticator(verify, trust_socket=True)
    method, socket = "/tellurion.ocean.v1.OceanService/ListMethods", f"unix:{tmp_path / 's'}"
    assert await status_of(method, [], trusting, listen=socket) is grpc.StatusCode.OK
    assert await status_of(method, [], trusting) is grpc.StatusCode.UNAUTHENTICATED
    for wrong in ("Bearer x", ""):
        refused = await status_of(method, [("authorization", wrong)], trusting, listen=socket)
        assert refused is grpc.StatusCode.UNAUTHENTICATED
    assert await status_of(method, [], listen=socket) is grpc.StatusCode.UNAUTHENTICATED
