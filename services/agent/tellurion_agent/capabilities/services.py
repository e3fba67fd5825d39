"""The platform's other services: where they are, and calls of them for whoever asked the agent.

A service decides by its own rules what a caller may do. The agent has no rights beside the caller's: each call carries
a token of the tenant and the subject that asked, and one request id under which all services log the run. Tokens are
signed here, one for each call, and so never too old for work that takes hours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion_agent.settings import ServiceSettings
from tellurion_client.client import Client
from tellurion_core.call import REQUEST_ID_KEY, Identity
from tellurion_core.client import ClientTls
from tellurion_core.errors import TellurionError, Unavailable
from tellurion_core.identity.authenticator import AUTHORIZATION
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tokens import TokenMinter, read_minter

LOOK_SECONDS = 2.0
"""That a service may take to say that it is there."""


@dataclass(frozen=True)
class Caller:
    """For whom services are called."""

    identity: Identity
    request_id: str

    @classmethod
    def of(cls, tenant: str, subject: str, request_id: str) -> Self:
        """Whoever asked the agent for work: a user at least, and here no more."""
        return cls(Identity(tenant, subject, Role.USER), request_id)


@dataclass(frozen=True)
class Services:
    """Those that the agent knows."""

    addresses: Mapping[str, str]
    """Address by service."""
    tls: ClientTls | None = None
    mint: TokenMinter | None = None
    """Makes the tokens by which they know for whom they are called; without it they are told nothing."""

    @classmethod
    def of(cls, settings: ServiceSettings) -> Services:
        """Those of the settings. Raises InvalidInput of a private key that is none."""
        ca, certificate, key = (getattr(settings, f"agent_services_{name}") for name in ("ca", "certificate", "key"))
        tls = None if ca is None else ClientTls(ca, certificate, key)
        signs = settings.token_private_key
        return cls(settings.addresses, tls, None if signs is None else read_minter(signs))

    def client(self, caller: Caller) -> Client:
        """Calls them for somebody; to be closed."""
        return _CallersClient(self, caller)

    def missing(self, service: str, caller: Caller) -> str:
        """Why a service cannot be called; empty where it says that it serves."""
        try:
            with self.client(caller) as client, client.calling(service):
                stub = health_pb2_grpc.HealthStub(client.channel(service))
                status = stub.Check(health_pb2.HealthCheckRequest(), timeout=LOOK_SECONDS).status
        except TellurionError as error:
            return error.message if isinstance(error, Unavailable) else f"the {service} service does not answer"
        return "" if status == health_pb2.HealthCheckResponse.SERVING else f"the {service} service is not serving"


@dataclass(frozen=True)
class _Addressed:
    """A platform whose services are started by others, as `tellurion_client.platforms.Platform` has it."""

    addresses: Mapping[str, str]

    @property
    def lasting(self) -> bool:
        return True

    def address(self, service: str) -> str:
        if service not in self.addresses:
            where = f"`tellurion up` starts it, or TELLURION_{service.upper()}_ADDRESS says where it is"
            raise Unavailable(f"this agent knows no {service} service: {where}")
        return self.addresses[service]

    def silence(self, service: str) -> str:
        return f"the {service} service does not answer"

    def keep_working(self, service: str) -> None:
        """Whoever runs the services sees to it."""

    def configure(self, service: str, **settings: str) -> None:
        """Whoever runs the services has set them."""

    def close(self) -> None:
        """Nothing was started."""


class _CallersClient(Client):
    """A client all of whose calls are somebody's."""

    def __init__(self, services: Services, caller: Caller) -> None:
        super().__init__(_Addressed(services.addresses), tls=services.tls)
        self._for = _For(caller, services.mint)

    def channel(self, service: str) -> grpc.Channel:
        return grpc.intercept_channel(super().channel(service), self._for)


class _For(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds to each call who makes it."""

    def __init__(self, caller: Caller, mint: TokenMinter | None) -> None:
        self._caller = caller
        self._mint = mint

    def _call(self, proceed: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        own = {REQUEST_ID_KEY: self._caller.request_id}
        if self._mint is not None:
            own[AUTHORIZATION] = f"Bearer {self._mint(self._caller.identity)}"
        others = [(key, value) for key, value in details.metadata or () if key not in own]
        return proceed(details._replace(metadata=[*others, *own.items()]), request)

    intercept_unary_unary = _call  # type: ignore[assignment]
    intercept_unary_stream = _call  # type: ignore[assignment]
    intercept_stream_unary = _call  # type: ignore[assignment]
    intercept_stream_stream = _call  # type: ignore[assignment]
