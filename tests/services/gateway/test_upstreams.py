"""The services are called for whoever asks: they are told by a token, and answer no gateway that has none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.call import Call, Identity, answering, current_call
from tellurion_core.errors import Internal, PermissionDenied
from tellurion_core.identity.authenticator import TokenAuthenticator
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tokens import TokenMinter, TokenVerifier
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings
from tellurion_gateway.upstream_settings import UpstreamSettings
from tellurion_gateway.upstreams import HEALTHY_SECONDS, Mint, Upstreams

SERVICE = "tellurion.ocean.v1.OceanService"
KEY = Ed25519PrivateKey.generate()


class Asked(ocean_pb2_grpc.OceanServiceServicer):
    """Says who asks."""

    async def ListMethods(self, request, context):  # noqa: N802
        identity = answering().identity
        who = ocean_pb2.Method(name=identity.tenant, description=f"{identity.subject} {identity.role.label}")
        return ocean_pb2.ListMethodsResponse(methods=[who])

    async def CreateReconstruction(self, requests, context):  # noqa: N802
        return ocean_pb2.CreateReconstructionResponse(operation="ocean/operations/1")


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Where a service listens that takes tokens of KEY alone."""
    service = Service(SERVICE, ocean_pb2_grpc.add_OceanServiceServicer_to_server, Asked())
    verify = TokenAuthenticator(TokenVerifier([KEY.public_key()]))
    server = Server([service], ServerSettings(listen=f"unix:{tmp_path}/s", stop_seconds=0), authenticate=verify)
    await server.start()
    yield server.address
    await server.stop()


async def ask(address: str, identity: Identity, mint: Mint | None, method: str = "ListMethods") -> bytes:
    """The answer to an empty message, asked for this identity."""

    async def requests() -> AsyncIterator[bytes]:
        yield b""

    token = current_call.set(Call("POST /", "r", identity, time.monotonic() + 10))
    upstreams = Upstreams(UpstreamSettings(ocean_address=address), mint)
    try:
        (answer,) = [each async for each in upstreams.call("ocean", f"{SERVICE}/{method}", requests())]
        return answer
    finally:
        current_call.reset(token)
        await upstreams.close()


class Counted(health_pb2_grpc.HealthServicer):
    """Serves, and counts who asks whether it does."""

    asked = 0

    async def Check(self, request, context):  # noqa: N802
        self.asked += 1
        await asyncio.sleep(0.05)
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


async def test_however_many_probes_there_are_a_service_is_asked_once_a_second(tmp_path: Path) -> None:
    health, server, address = Counted(), grpc.aio.server(), f"unix:{tmp_path}/s"
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(address)
    await server.start()
    upstreams = Upstreams(UpstreamSettings(ocean_address=address))
    current_call.set(Call("GET /readyz", "r", Identity("acme", "ann"), time.monotonic() + 10))
    assert all(await asyncio.gather(*(upstreams.serving() for _ in range(50))))
    assert health.asked == 1
    await asyncio.sleep(HEALTHY_SECONDS)
    assert await upstreams.serving()
    assert health.asked == 2
    await server.stop(0)
    await asyncio.sleep(HEALTHY_SECONDS)
    assert not await upstreams.serving()
    await upstreams.close()


async def test_a_service_knows_for_whom_it_is_called(address: str) -> None:
    answer = await ask(address, Identity("acme", "ann", Role.VIEWER), TokenMinter(KEY))
    (who,) = ocean_pb2.ListMethodsResponse.FromString(answer).methods
    assert (who.name, who.description) == ("acme", "ann viewer")


async def test_what_a_role_may_not_do_is_told_to_the_caller(address: str) -> None:
    with pytest.raises(PermissionDenied):
        await ask(address, Identity("acme", "ann", Role.VIEWER), TokenMinter(KEY), "CreateReconstruction")


@pytest.mark.parametrize("mint", [None, TokenMinter(Ed25519PrivateKey.generate())])
async def test_a_gateway_that_a_service_does_not_know_is_at_fault_not_its_caller(
    address: str, mint: Mint | None
) -> None:
    with pytest.raises(Internal, match=r"^the ocean service failed$"):
        await ask(address, Identity("acme", "ann"), mint)
