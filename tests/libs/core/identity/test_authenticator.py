"""A service that has public keys answers nobody without a token, and everybody within a role only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tellurion.common.v1.progress_pb2 import Progress
from tellurion_core.call import Identity, answering
from tellurion_core.errors import PermissionDenied, Unauthenticated
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tokens import TokenMinter, TokenVerifier
from tellurion_core.status import rpc_errors

KEY = Ed25519PrivateKey.generate()


def carrying(role: Role) -> dict[str, Any]:
    token = TokenMinter(KEY)(Identity("navy", "ferdinand", role))
    return {"metadata": [("authorization", f"Bearer {token}")]}


async def tell(request: Progress, context: Any) -> Progress:
    caller = answering().identity
    return Progress(message=f"{caller.tenant} {caller.subject} {caller.role}")


@pytest.fixture
async def address(start, probe_descriptor) -> str:
    harness = {"authenticate": TokenAuthenticator(TokenVerifier([KEY.public_key()]))}
    return (await start(tell, harness=harness)).address


async def test_the_token_says_who_calls(kind, address, bare_channel, ask) -> None:
    assert await ask(bare_channel(address), kind, **carrying(Role.VIEWER)) == "navy ferdinand viewer"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic bmF2eTp4", "Bearer x.y.z"])
async def test_nobody_is_answered_without_one(header, address, bare_channel, ask) -> None:
    metadata = [] if header is None else [("authorization", header)]
    with pytest.raises(Unauthenticated), rpc_errors():
        await ask(bare_channel(address), "unary", metadata=metadata)


async def test_what_changes_something_is_not_for_viewers(address, bare_channel, ask) -> None:
    channel = bare_channel(address)
    with pytest.raises(PermissionDenied, match="a viewer may not do this, a user may"), rpc_errors():
        await ask(channel, "write", **carrying(Role.VIEWER))
    for role in (Role.USER, Role.ADMIN):
        assert await ask(channel, "write", **carrying(role)) == f"navy ferdinand {role}"


async def test_a_private_socket_can_be_trusted(start, bare_channel, ask, socket_folder: Path) -> None:
    harness = {"authenticate": TokenAuthenticator(TokenVerifier([KEY.public_key()]), trust_socket=True)}
    channel = bare_channel((await start(tell, harness=harness)).address)
    assert await ask(channel, "unary") == "local local admin"
    assert await ask(channel, "unary", **carrying(Role.USER)) == "navy ferdinand user"
    with pytest.raises(Unauthenticated), rpc_errors():
        await ask(channel, "unary", metadata=[("authorization", "Bearer x.y.z")])
    loopback = bare_channel((await start(tell, harness=harness, listen="127.0.0.1:0")).address)
    with pytest.raises(Unauthenticated), rpc_errors():
        await ask(loopback, "unary")


async def test_a_service_without_keys_takes_no_token_for_its_own_user(start, bare_channel, ask) -> None:
    channel = bare_channel((await start(tell)).address)
    assert await ask(channel, "unary") == "local local admin"
    with pytest.raises(Unauthenticated, match="TELLURION_TOKEN_PUBLIC_KEYS"), rpc_errors():
        await ask(channel, "unary", **carrying(Role.USER))
