"""A gRPC channel to one service behind a gateway."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import grpc

from tellurion_client.https.connection import Connections
from tellurion_client.https.rpc import Failed, Rpc
from tellurion_core.grpc_web import MEDIA_TYPE, TIMEOUT_HEADER, timeout_header

CLOSE_SECONDS = 1.0
"""How long calls that are ended by the channel's end may take to tell it."""

T = TypeVar("T")


class HttpsChannel(grpc.Channel):
    """Calls of one service as gRPC-Web; safe to use from several threads. Its event loop has a thread of its own."""

    def __init__(self, url: str, context: ssl.SSLContext | None, *, api_key: str | None, service_config: str) -> None:
        """`url` ends in the service; `context` is None for a gateway without TLS.

        `service_config` is gRPC's, and says whose calls are repeated.
        """
        self._path = urlsplit(url).path
        self._connections = Connections(url, context)
        self._headers = [("Host", self._connections.authority), ("Content-Type", MEDIA_TYPE), ("Accept", MEDIA_TYPE)]
        if api_key is not None:
            self._headers.append(("Authorization", f"Bearer {api_key}"))
        self._pauses = _pauses(service_config)
        self._rpcs: WeakSet[Rpc] = WeakSet()
        self._closed = False
        self._lock = threading.Lock()  # of `_closed`: nothing is begun in a loop that ends
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="gateway", daemon=True)
        self._thread.start()

    def unary_unary(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, *_: Any, **__: Any
    ) -> Any:
        """See `grpc.Channel`."""
        return _Method(self, method, request_serializer, response_deserializer)

    def stream_unary(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, *_: Any, **__: Any
    ) -> Any:
        """See `grpc.Channel`."""
        return _Method(self, method, request_serializer, response_deserializer, takes_stream=True)

    def unary_stream(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, *_: Any, **__: Any
    ) -> Any:
        """See `grpc.Channel`."""
        return _Method(self, method, request_serializer, response_deserializer, answers_stream=True)

    def stream_stream(
        self, method: str, request_serializer: Any = None, response_deserializer: Any = None, *_: Any, **__: Any
    ) -> Any:
        """See `grpc.Channel`."""
        return _Method(self, method, request_serializer, response_deserializer, takes_stream=True, answers_stream=True)

    def subscribe(self, callback: Any, try_to_connect: bool | None = False) -> None:
        """There is no connectivity to tell of: calls open what they need."""

    def unsubscribe(self, callback: Any) -> None:
        """See `subscribe`."""

    def close(self) -> None:
        """Ends all calls, and closes the connections."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> HttpsChannel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of work in the channel's loop; it is cancelled where waiting for it is interrupted."""
        with self._lock:
            if self._closed:
                work.close()
                raise Failed(grpc.StatusCode.CANCELLED, "the channel is closed")
            future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def end(self, rpc: Rpc, reason: Failed) -> None:
        """Ends a call for this reason, from any thread."""
        with self._lock:
            if not self._closed:
                self._loop.call_soon_threadsafe(rpc.fail, reason)

    async def begun(self, method: str, request: bytes | None, timeout: float | None, metadata: Any) -> Rpc:
        """A call; `request` is None where its messages are sent one by one."""
        timing = [] if timeout is None else [(TIMEOUT_HEADER, timeout_header(timeout))]
        rpc = Rpc(
            self._connections,
            f"{self._path}{method}",
            [*self._headers, *timing, *(metadata or ())],
            request=request,
            deadline=None if timeout is None else self._loop.time() + timeout,
            pauses=self._pauses.get(method, ()),
        )
        self._rpcs.add(rpc)
        return rpc

    async def _end_all(self) -> None:
        for rpc in list(self._rpcs):
            rpc.fail(Failed(grpc.StatusCode.CANCELLED, "the channel is closed"))
        self._connections.close()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=CLOSE_SECONDS)


@dataclass(frozen=True)
class _Method:
    """A method, as stubs call it."""

    channel: HttpsChannel
    name: str
    serialize: Callable[[Any], bytes]
    deserialize: Callable[[bytes], Any]
    takes_stream: bool = False
    answers_stream: bool = False

    def __call__(self, request: Any, timeout: float | None = None, metadata: Any = None, **_: Any) -> Any:
        if self.answers_stream:
            return _Answers(self, self._begun(request, timeout, metadata))
        if self.takes_stream:
            return self.deserialize(self.channel.run(_only(self._begun(request, timeout, metadata))))
        return self.deserialize(self.channel.run(self._asked(self.serialize(request), timeout, metadata)))

    async def _asked(self, request: bytes, timeout: float | None, metadata: Any) -> bytes:
        return await _only(await self.channel.begun(self.name, request, timeout, metadata))

    def _begun(self, request: Any, timeout: float | None, metadata: Any) -> Rpc:
        message = None if self.takes_stream else self.serialize(request)
        rpc = self.channel.run(self.channel.begun(self.name, message, timeout, metadata))
        if self.takes_stream:
            threading.Thread(target=self._send, args=(rpc, request), name="requests", daemon=True).start()
        return rpc

    def _send(self, rpc: Rpc, requests: Iterable[Any]) -> None:
        try:
            for request in requests:
                if not self.channel.run(rpc.send(self.serialize(request))):
                    return
            self.channel.run(rpc.end())
        except Exception:  # noqa: BLE001 -- told as gRPC tells it
            self.channel.end(rpc, Failed(grpc.StatusCode.UNKNOWN, "the requests ended in an error"))


async def _only(rpc: Rpc) -> bytes:
    """The one message of an answer."""
    try:
        message = await rpc.receive()
        if message is None or await rpc.receive() is not None:
            raise Failed(grpc.StatusCode.INTERNAL, "not one message was answered")
        return message
    except BaseException:
        rpc.abandon()
        raise


class _Answers:
    """The stream of messages of an answer."""

    def __init__(self, method: _Method, rpc: Rpc) -> None:
        self._method = method
        self._rpc = rpc

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        message = self._method.channel.run(self._rpc.receive())
        if message is None:
            raise StopIteration
        return self._method.deserialize(message)

    def cancel(self) -> None:
        """Ends the call; one that has ended stays as it is."""
        self._method.channel.end(self._rpc, Failed(grpc.StatusCode.CANCELLED, "cancelled by the caller"))


def _pauses(service_config: str) -> dict[str, list[float]]:
    """By method, the seconds before each repetition of a call whose server is not there."""
    pauses: dict[str, list[float]] = {}
    for config in json.loads(service_config)["methodConfig"]:
        policy = config["retryPolicy"]
        first, longest = (float(policy[key].rstrip("s")) for key in ("initialBackoff", "maxBackoff"))
        steps = range(policy["maxAttempts"] - 1)
        told = [min(first * policy["backoffMultiplier"] ** step, longest) for step in steps]
        pauses |= {f"/{name['service']}/{name['method']}": told for name in config["name"]}
    return pauses
