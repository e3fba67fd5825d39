"""The server interceptor: gives each call an id, an identity, a deadline, checked fields, errors, a log line, metrics.

One interceptor composes all of it, and wraps each method once, because every interceptor that grpc.aio is given costs
each call another coroutine and another wrapped handler.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Protocol

import grpc
import structlog
from google.protobuf.message import Message

from tellurion_core.call import (
    REFUSED_KEY,
    REQUEST_ID_KEY,
    TIMEOUT_KEY,
    Call,
    Identity,
    accepted_request_id,
    current_call,
    told_seconds,
)
from tellurion_core.errors import (
    Cancelled,
    DeadlineExceeded,
    Internal,
    PermissionDenied,
    TellurionError,
    Unauthenticated,
)
from tellurion_core.fields import validate
from tellurion_core.identity.authenticator import AUTHORIZATION
from tellurion_core.identity.roles import needed_role
from tellurion_core.status import DETAILS_KEY, to_status
from tellurion_core.telemetry import RpcMetrics, Tracing

QUIET = ("/grpc.health.v1.Health/", "/grpc.reflection.")
"""Methods that probes call all day: answered as they are, without a log line or an identity."""

DRAIN_SECONDS = 5.0
"""How long the rest of a refused request stream is read before the refusal is sent."""

log = structlog.get_logger()


class Authenticator(Protocol):
    """Says who calls."""

    def __call__(self, metadata: dict[str, str], context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
        """The identity of a call, from its metadata and its connection.

        Raises:
            Unauthenticated: the call carries no valid credential.
        """


def embedded_identity(metadata: dict[str, str], context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
    """The tenant `local`; the subject is the client certificate's name under mTLS, else `local`.

    For servers that only their own user can reach (a private socket, loopback) or that mTLS guards.

    Raises:
        Unauthenticated: the call carries a token, and would be taken for somebody else's than it is.
    """
    if AUTHORIZATION in metadata:
        raise Unauthenticated("the call carries a token, and this service has no TELLURION_TOKEN_PUBLIC_KEYS for it")
    names = [*context.auth_context().get("x509_common_name", ())]
    return Identity("local", names[0].decode(errors="replace") if names else "local")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Puts every method of every service under the rules of the harness."""

    def __init__(
        self, *, authenticate: Authenticator, metrics: RpcMetrics, tracing: Tracing, max_call_seconds: float
    ) -> None:
        self._authenticate = authenticate
        self._metrics = metrics
        self._tracing = tracing
        self._max_call_seconds = max_call_seconds
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The method's handler under the rules; None where there is no such method."""
        method = handler_call_details.method
        if (wrapped := self._wrapped.get(method)) is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if handler is not None and not method.startswith(QUIET):
            handler = self._wrapped[method] = self._wrap(method, handler)
        return handler

    def _wrap(self, method: str, handler: Any) -> grpc.RpcMethodHandler[Any, Any]:
        accept = _checked_stream if handler.request_streaming else _checked
        drain = _drained if handler.request_streaming else _nothing
        if handler.response_streaming:
            answer = handler.stream_stream or handler.unary_stream

            async def stream(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
                async with self._call(method, context, lambda: drain(request, context)):
                    responses = answer(accept(request), context)
                    async with aclosing(responses):
                        async for response in responses:
                            yield response

            make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else None
            make = make or grpc.unary_stream_rpc_method_handler
            return make(stream, handler.request_deserializer, handler.response_serializer)

        answer = handler.stream_unary or handler.unary_unary

        async def unary(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async with self._call(method, context, lambda: drain(request, context)):
                return await answer(accept(request), context)

        make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else None
        make = make or grpc.unary_unary_rpc_method_handler
        return make(unary, handler.request_deserializer, handler.response_serializer)

    @asynccontextmanager
    async def _call(
        self, method: str, context: grpc.aio.ServicerContext[Any, Any], drain: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        started = time.monotonic()
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        request_id = accepted_request_id(metadata.get(REQUEST_ID_KEY))
        remaining = context.time_remaining()
        seconds = min(told_seconds(metadata.get(TIMEOUT_KEY)), self._max_call_seconds)
        seconds = seconds if remaining is None else min(remaining, seconds)
        span = self._tracing.begin(method, metadata)
        self._metrics.started(method)
        code = "OK"
        limit = asyncio.timeout(seconds)
        try:
            identity = self._authenticate(metadata, context)
            if identity.role < (needed := needed_role(method)):
                raise PermissionDenied(f"this takes the role {needed.label}; yours is {identity.role.label}")
            # Never reset: grpc.aio answers each call in a task, and so in a context, of its own.
            current_call.set(Call(method, request_id, identity, started + seconds))
            async with limit:
                yield
        except TellurionError as error:
            code = error.grpc_status.name
            await drain()
            await _abort(context, error, request_id)
        except (asyncio.CancelledError, GeneratorExit):
            code = "CANCELLED" if remaining is None or context.time_remaining() else "DEADLINE_EXCEEDED"
            raise
        except grpc.aio.AbortError:
            code = "UNKNOWN"  # a servicer that aborts by itself, where ours raise an error of the tree
            raise
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                code = "DEADLINE_EXCEEDED"
                await _abort(context, DeadlineExceeded(f"not done within {seconds:.1f} s"), request_id)
            code = "INTERNAL"
            log.exception("call failed", method=method, request_id=request_id)
            await _abort(context, Internal(f"internal error; the log has it under request id {request_id}"), request_id)
        finally:
            elapsed = time.monotonic() - started
            self._metrics.ended(method, code, elapsed)
            self._tracing.end(span, code)
            log.info("call", method=method, code=code, seconds=round(elapsed, 4), request_id=request_id)


def _checked(request: Message) -> Message:
    validate(request)
    return request


async def _checked_stream(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    async for request in requests:
        validate(request)
        yield request


async def _drained(requests: AsyncIterator[Message], context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """Reads the rest of a request stream: grpc.aio's client reports a status that comes while it writes as INTERNAL.

    Whoever writes is told that no more is wanted, unless an answer has begun.
    """
    with suppress(grpc.aio.UsageError):
        await context.send_initial_metadata(((REFUSED_KEY, "1"),))
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in requests:
                pass


async def _nothing(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    """A request that is one message was read whole."""


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: TellurionError, request_id: str) -> None:
    if isinstance(error, Cancelled) and context.cancelled():
        return
    details = to_status(error, request_id).SerializeToString()
    await context.abort(error.grpc_status, error.message, ((DETAILS_KEY, details), (REQUEST_ID_KEY, request_id)))
