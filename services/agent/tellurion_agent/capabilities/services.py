"""The platform's other services: where they are, and calls of them for whoever asked the agent.

A service decides by its own rules what a caller may do. The agent has no rights beside the caller's: each call carries
the tenant and the subject that asked, and one request id under which all services log the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion_agent.settings import ServiceSettings
from tellurion_client.client import Client
from tellurion_core.call import REQUEST_ID_KEY, Identity
from tellurion_core.client import ClientTls
from tellurion_core.errors import TellurionError, Unavailable

TENANT_KEY, SUBJECT_KEY = "x-tellurion-tenant", "x-tellurion-subject"
"""Metadata that says for whom a call is made, percent-encoded; to be believed of a peer that proves to be the agent."""
LOOK_SECONDS = 2.0
"""That a service may take to say that it is there."""


@dataclass(frozen=True)
class Caller:
    """For whom services are called."""

    identity: Identity
    request_id: str

    def metadata(self) -> dict[str, str]:
        """What calls carry."""
        return {
            REQUEST_ID_KEY: self.request_id,
            TENANT_KEY: quote(self.identity.tenant),
            SUBJECT_KEY: quote(self.identity.subject),
        }


@dataclass(frozen=True)
class Services:
    """Those that the agent knows."""

    addresses: Mapping[str, str]
    """Address by service."""
    tls: ClientTls | None = None

    @classmethod
    def of(cls, settings: ServiceSettings) -> Services:
        """Those of the settings."""
        ca, certificate, key = (getattr(settings, f"agent_services_{name}") for name in ("ca", "certificate", "key"))
        return cls(settings.addresses, None if ca is None else ClientTls(ca, certificate, key))

    def client(self, caller: Caller) -> Client:
        """Calls them for somebody; to be closed."""
        return _CallersClient(_Addressed(self.addresses), caller, self.tls)

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

    def __init__(self, platform: _Addressed, caller: Caller, tls: ClientTls | None) -> None:
        super().__init__(platform, tls=tls)
        self._for = _For(caller)

    def channel(self, service: str) -> grpc.Channel:
        return grpc.intercept_channel(super().channel(service), self._for)


class _For(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds a caller's metadata to each call."""

    def __init__(self, caller: Caller) -> None:
        self._metadata = caller.metadata()

    def _call(self, proceed: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        others = [(key, value) for key, value in details.metadata or () if key not in self._metadata]
        return proceed(details._replace(metadata=[*others, *self._metadata.items()]), request)

    intercept_unary_unary = _call  # type: ignore[assignment]
    intercept_unary_stream = _call  # type: ignore[assignment]
    intercept_stream_unary = _call  # type: ignore[assignment]
    intercept_stream_stream = _call  # type: ignore[assignment]
