"""The services behind the gateway: which there are, what they may be asked, and calls on them, message by message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import structlog
from cachetools import TTLCache
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion_client.contracts import CONTRACTS, NEWS, SHARED, grpc_services
from tellurion_core.call import REFUSED_KEY, Identity, answering
from tellurion_core.client import Channels, onward_headers, time_left
from tellurion_core.errors import (
    Cancelled,
    DataCorrupted,
    DeadlineExceeded,
    Internal,
    InvalidInput,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    TellurionError,
    Unauthenticated,
    Unavailable,
    shown,
)
from tellurion_core.identity.authenticator import AUTHORIZATION
from tellurion_core.identity.roles import needed_role
from tellurion_core.status import from_rpc_error, is_ours
from tellurion_gateway.upstream_settings import UpstreamSettings

METHODS: Mapping[str, Mapping[str, MethodDescriptor]] = {
    name: {
        f"{service.full_name}/{method.name}": method
        for service in grpc_services((own, *SHARED, *NEWS))
        for method in service.methods
    }
    for name, own in CONTRACTS.items()
}
"""What each service may be asked, by `package.Service/Method`."""

HEALTH_SECONDS, HEALTHY_SECONDS = 2.0, 1.0
"""How long a health check may take, and how long its outcome is told to whoever else asks."""
TOKEN_SECONDS, MOST_TOKENS = 60.0, 1024
"""How long a token is used for calls that begin, far below its five minutes; and how many are kept."""

log = structlog.get_logger()

Mint = Callable[[Identity], str]
"""Makes the token by which a service knows for whom it is called."""


class Upstreams:
    """Calls the services; each is known by its short name: `ocean`."""

    def __init__(self, settings: UpstreamSettings, mint: Mint | None = None) -> None:
        """Without `mint`, the services are told nothing of who calls."""
        addresses = {name: getattr(settings, f"{name}_address") for name in CONTRACTS}
        self._addresses: dict[str, str] = {name: address for name, address in addresses.items() if address}
        services = grpc_services((*CONTRACTS.values(), *SHARED, *NEWS))
        self._channels = Channels(services, settings.services_tls())
        # An interceptor of grpc.aio costs a call a task; calls that are passed on do by themselves what it would.
        self._bare = Channels(services, settings.services_tls(), propagates=False)
        self._mint = mint
        self._tokens: TTLCache[Identity, str] = TTLCache(MOST_TOKENS, TOKEN_SECONDS)
        self._serving: TTLCache[str, bool] = TTLCache(1, HEALTHY_SECONDS)
        self._checking = asyncio.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The services that this installation has."""
        return tuple(self._addresses)

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to a service.

        Raises:
            NotFound: this installation has no such service.
        """
        return self._channels.to(self._address(service))

    def method(self, service: str, method: str) -> MethodDescriptor:
        """What a service may be asked under `package.Service/Method`.

        Raises:
            NotFound: there is no such service here, or it has no such method.
        """
        self._address(service)
        if method not in METHODS[service]:
            raise NotFound(f"the {service} service has no method {shown(method)}", reason="NO_SUCH_METHOD")
        return METHODS[service][method]

    def permit(self, service: str, method: str) -> MethodDescriptor:
        """The method `package.Service/Method`, which the caller may ask for; known before its request is read.

        Raises:
            NotFound: there is no such service here, or it has no such method.
            PermissionDenied: the caller's key is not for this service, or its role not for this method.
        """
        asked = self.method(service, method)
        identity = answering().identity
        if not identity.may_call(service):
            raise PermissionDenied(f"this API key is not for the {service} service", reason="NOT_IN_SCOPE")
        if identity.role < (needed := needed_role(method)):
            raise PermissionDenied(f"this takes the role {needed.label}; yours is {identity.role.label}")
        return asked

    def credential(self) -> tuple[tuple[str, str], ...]:
        """Metadata that tell a service for whom it is called; of what `permit` permits."""
        identity = answering().identity
        if self._mint is None:
            return ()
        if (token := self._tokens.get(identity)) is None:
            token = self._tokens[identity] = self._mint(identity)
        return ((AUTHORIZATION, f"Bearer {token}"),)

    async def call(
        self, service: str, method: str, requests: AsyncIterator[bytes], deadline: float | None = None
    ) -> AsyncGenerator[bytes]:
        """The answers to `package.Service/Method`, each a serialised message, as are the requests.

        Closing the generator cancels the call. Requests are taken as fast as the service takes them, answers as fast as
        the caller of the generator. `deadline` is in seconds from now, and never beyond the request's own.

        Raises:
            NotFound: this installation has no such service, or the service no such method.
            PermissionDenied: the caller's key is not for this service, or its role not for this method.
            TellurionError: what the service answered, or what ended `requests`.
            Unavailable: the service does not answer.
        """
        asked, channel = self.permit(service, method), self._bare.to(self._address(service))
        credential = self.credential()
        taken = _Requests(requests)
        request: Any = taken if asked.client_streaming else await _only(requests)
        kind = "_".join("stream" if many else "unary" for many in (asked.client_streaming, asked.server_streaming))
        seconds = time_left(deadline)
        metadata = (*onward_headers(seconds), *credential)
        # Without serialisers, gRPC passes bytes on as they are.
        call = getattr(channel, kind)(f"/{method}")(request, timeout=seconds, metadata=metadata)
        watching = asyncio.create_task(taken.end_when_refused(call)) if asked.client_streaming else None
        try:
            with failures_of(service):
                if asked.server_streaming:
                    async for response in call:
                        yield response
                else:
                    yield await call
        except BaseException:
            if taken.failure is not None:  # gRPC cancels a call whose requests fail, and says no more
                raise taken.failure from None
            raise
        finally:
            call.cancel()
            if watching is not None:
                watching.cancel()

    async def serving(self) -> bool:
        """Whether a service serves, or none is expected to; all who ask within a second are told the same."""
        async with self._checking:
            if (serving := self._serving.get("any")) is None:
                found = await asyncio.gather(*map(self._serves, self.names))
                serving = self._serving["any"] = any(found) or not found
            return serving

    async def _serves(self, service: str) -> bool:
        health = health_pb2_grpc.HealthStub(self.channel(service))
        try:
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_SECONDS)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Closes the channels."""
        await self._channels.close()
        await self._bare.close()

    def _address(self, service: str) -> str:
        if service not in self._addresses:
            raise NotFound(f"there is no service {shown(service)} here", reason="NO_SUCH_SERVICE")
        return self._addresses[service]


class _Requests:
    """A request stream that ends when no more is wanted, and remembers what it failed of."""

    def __init__(self, requests: AsyncIterator[bytes]) -> None:
        self._requests = requests
        self._refused = False
        self._next: asyncio.Future[bytes] | None = None
        self.failure: TellurionError | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._refused:
            raise StopAsyncIteration
        self._next = asyncio.ensure_future(anext(self._requests))
        try:
            return await self._next
        except TellurionError as error:
            self.failure = error
            raise
        except asyncio.CancelledError:
            if self._refused:
                raise StopAsyncIteration from None
            raise

    async def end_when_refused(self, call: Any) -> None:
        """Ends the stream when the service says so, long before its status: that one must not come amid a write."""
        with suppress(grpc.RpcError):
            if any(key == REFUSED_KEY for key, _ in await call.initial_metadata()):
                self._refused = True
                if self._next is not None:
                    self._next.cancel()


async def _only(requests: AsyncIterator[bytes]) -> bytes:
    first = await anext(requests, None)
    if first is None or await anext(requests, None) is not None:
        received = "no message" if first is None else "several"
        raise InvalidInput.of("body", received=received, accepted="one message")
    return first


@contextmanager
def failures_of(service: str) -> Iterator[None]:
    """A failed call inside the block as the error that the caller may see.

    What a service of ours says of its caller's request is passed on. What happens between it and us is told without its
    details: gRPC's own messages name addresses, and a credential that is refused is the gateway's, not the caller's.
    """
    try:
        yield
    except grpc.RpcError as failed:
        error = from_rpc_error(failed)
        if is_ours(failed) and not isinstance(error, Internal | Unauthenticated | Unavailable | Cancelled):
            raise error from None
        log.warning("service failed", called=service, reason=error.reason, error=error.message)
        raise _told(service, failed.code(), error) from error


def _told(service: str, code: grpc.StatusCode, error: TellurionError) -> TellurionError:
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return NotFound(f"the {service} service does not have this method", reason="NO_SUCH_METHOD")
    match error:
        case DeadlineExceeded():
            return DeadlineExceeded("not done within the time that was allowed")
        case ResourceExhausted():
            return ResourceExhausted(f"the {service} service has too much to do; ask later, or for less")
        case Unavailable() | Cancelled() | DataCorrupted():
            return Unavailable(f"the {service} service cannot be reached or stopped answering; try again")
        case _:
            return Internal(f"the {service} service failed")
