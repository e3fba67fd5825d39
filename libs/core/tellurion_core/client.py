"""Calling other services: channels that are reused, deadlines that travel, retries of what is safe to repeat."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from opentelemetry import propagate

from tellurion_core.call import REQUEST_ID_KEY, TIMEOUT_KEY, answering, current_call, new_request_id
from tellurion_core.errors import DeadlineExceeded
from tellurion_core.tensors import MAX_MESSAGE_BYTES

DEADLINE_MARGIN = 0.05
"""Seconds kept back from the caller's deadline, to answer it truthfully when ours has passed."""
_IDEMPOTENT = frozenset({"google.longrunning.Operations"})
"""Services of others whose methods are all safe to repeat, though their protos do not say so."""


@dataclass(frozen=True)
class ClientTls:
    """How a client trusts a server, and proves itself to it."""

    ca: Path | None = None
    """PEM authorities to trust; the system's where None."""
    certificate: Path | None = None
    """PEM chain of the client, under mTLS."""
    key: Path | None = None
    """PEM private key of the client, under mTLS."""

    def credentials(self) -> grpc.ChannelCredentials:
        """The channel credentials of these files."""
        return grpc.ssl_channel_credentials(
            *(p.read_bytes() if p else None for p in (self.ca, self.key, self.certificate))
        )


def service_config(services: Iterable[ServiceDescriptor]) -> str:
    """GRPC's service config: calls are spread over all addresses of a name, and some of them repeated.

    UNAVAILABLE is retried for methods whose `idempotency_level` allows it, and no others.

    Those of google.longrunning.Operations have none, and are retried: all of them can be repeated.
    """
    safe = [
        {"service": service.full_name, "method": method.name}
        for service in services
        for method in service.methods
        if service.full_name in _IDEMPOTENT
        or method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN
    ]
    retry = {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    methods = [{"name": safe, "retryPolicy": retry}] if safe else []
    # The addresses of a name are the pods of one service.
    return json.dumps({"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": methods})


def channel_options(services: Iterable[ServiceDescriptor]) -> list[tuple[str, Any]]:
    """Options of every channel of ours, asynchronous or not."""
    return [
        ("grpc.service_config", service_config(services)),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.enable_retries", 1),
        # gRPC's default of 120 s would keep a service unready long after the other is back.
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # Its default of 30 s would keep clients from the new pods of a service replaced soon after it was found.
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ]


class Channels:
    """The channels of one process, one for each address; each is opened at its first use and then reused."""

    def __init__(
        self, services: Iterable[ServiceDescriptor], tls: ClientTls | None = None, *, propagates: bool = True
    ) -> None:
        """Without `propagates`, calls are bare: who makes them passes on `time_left` and `onward_headers` by itself."""
        self._options = channel_options(services)
        self._tls = tls
        self._propagates = propagates
        self._open: dict[str, grpc.aio.Channel] = {}

    def to(self, address: str) -> grpc.aio.Channel:
        """The channel to `host:port` or `unix:/path`."""
        if address not in self._open:
            interceptors = propagation() if self._propagates else None
            if self._tls is None:
                channel = grpc.aio.insecure_channel(address, self._options, interceptors=interceptors)
            else:
                credentials = self._tls.credentials()
                channel = grpc.aio.secure_channel(address, credentials, self._options, interceptors=interceptors)
            self._open[address] = channel
        return self._open[address]

    async def close(self) -> None:
        """Closes all channels."""
        for channel in self._open.values():
            await channel.close()
        self._open.clear()


def time_left(timeout: float | None) -> float:
    """The timeout, in seconds, of a call that is made to answer another: its own, or what the caller has left.

    Raises:
        DeadlineExceeded: the caller's deadline has passed.
    """
    remaining = answering().time_remaining() - DEADLINE_MARGIN
    if remaining <= 0:
        raise DeadlineExceeded("the caller's deadline has passed")
    return remaining if timeout is None else min(timeout, remaining)


def onward_headers(timeout: float | None) -> tuple[tuple[str, str], ...]:
    """The request id, first, the trace and the timeout, in seconds, of a call that is made to answer another.

    Outside of an answer the request id is one of its own. The timeout is told exactly: gRPC rounds its own up, by as
    much as 3 % where it sent a longer one before, so that deadlines would grow from hop to hop.
    """
    call = current_call.get()
    carrier = {REQUEST_ID_KEY: new_request_id() if call is None else call.request_id}
    propagate.inject(carrier)
    if timeout is not None:
        carrier[TIMEOUT_KEY] = str(max(int(timeout * 1000), 0))
    return tuple(carrier.items())


# grpc.aio registers an interceptor for the first kind of call that it finds among its bases, hence four classes.


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_propagated(client_call_details), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(_propagated(client_call_details), request)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(_propagated(client_call_details), request_iterator)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(_propagated(client_call_details), request_iterator)


def propagation() -> list[grpc.aio.ClientInterceptor]:
    """Interceptors that pass on the deadline, request id and trace of the call that is being answered.

    grpc.aio does not. A call started while answering another gets the smaller of its own timeout and what the caller
    has left.
    """
    return [_UnaryUnary(), _UnaryStream(), _StreamUnary(), _StreamStream()]


def _propagated(details: Any) -> Any:
    if current_call.get() is None:
        return details
    try:
        timeout = time_left(details.timeout)
    except DeadlineExceeded as late:
        # As gRPC would say it: an interceptor of grpc.aio may raise nothing else.
        no = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(late.grpc_status, no, no, details=late.message) from None
    metadata = grpc.aio.Metadata(*(details.metadata or ()))
    for key, value in onward_headers(timeout):
        metadata.set_all(key, [value])
    return details._replace(timeout=timeout, metadata=metadata)
