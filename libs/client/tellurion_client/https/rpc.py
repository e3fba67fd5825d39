"""One remote procedure call as gRPC-Web, in the event loop of its channel."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import grpc
import h11

from tellurion_client.https.connection import Connection, Connections, Headers
from tellurion_core.errors import TellurionError
from tellurion_core.grpc_web import MEDIA_TYPE, FrameReader, Metadata, frame, read_trailers
from tellurion_core.status import DETAILS_KEY, from_problem, to_status

MAX_PROBLEM_BYTES = 64 << 10
"""Most bytes that are read of an answer that is not gRPC-Web."""
MAX_PAUSE_SECONDS = 30
"""Longest that is waited before a repetition, whatever `Retry-After` says."""
_SECONDS = re.compile(rb"[0-9]{1,9}")


class Failed(grpc.RpcError):
    """A call failed."""

    def __init__(self, code: grpc.StatusCode, details: str, metadata: Metadata = ()) -> None:
        super().__init__(f"{code.name}: {details}")
        self._code = code
        self._details = details
        self._metadata = metadata

    @classmethod
    def of(cls, error: TellurionError) -> Failed:
        """The failure by which a service would tell this error."""
        return cls(error.grpc_status, error.message, ((DETAILS_KEY, to_status(error).SerializeToString()),))

    def code(self) -> grpc.StatusCode:
        """See `grpc.Call.code`."""
        return self._code

    def details(self) -> str:
        """See `grpc.Call.details`."""
        return self._details

    def trailing_metadata(self) -> Any:
        """See `grpc.Call.trailing_metadata`."""
        return self._metadata


class Rpc:
    """One call: its request is one message, sent with it, or messages sent while answers are received."""

    def __init__(
        self,
        connections: Connections,
        target: str,
        headers: Headers,
        *,
        request: bytes | None,
        deadline: float | None,
        pauses: Sequence[float] = (),
    ) -> None:
        """`request` is None where messages are sent one by one. `deadline` is on the loop's clock, in seconds.

        `pauses` are the seconds before each repetition of a call whose server is not there.
        """
        self._connections = connections
        self._target = target
        self._headers = headers
        self._body = None if request is None else frame(request)
        self._deadline = deadline
        self._pauses = deque(pauses if request is not None else ())
        self._told_pause = 0
        self._reader = FrameReader()
        self._frames: deque[tuple[bool, bytes]] = deque()
        self._reason: Failed | None = None
        self._ended = False
        self._connection: Connection | None = None
        self._opening = asyncio.ensure_future(self._open())

    async def send(self, message: bytes) -> bool:
        """Sends the next message, as fast as they are taken; False where no more are wanted."""
        return await self._sending(frame(message))

    async def end(self) -> bool:
        """Tells that no message follows."""
        return await self._sending(None)

    async def receive(self) -> bytes | None:
        """The next message of the answer; None at its end.

        Raises:
            Failed: the call.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                while not self._ended:
                    try:
                        return await self._received()
                    except Failed as failed:
                        if self._ended or failed.code() is not grpc.StatusCode.UNAVAILABLE or not self._pauses:
                            raise
                        await self._again()
        except Failed as failed:
            self.fail(failed)
        except asyncio.CancelledError:
            if self._reason is None:  # else the call was ended while it was being connected
                raise
        except TimeoutError:
            self.fail(Failed(grpc.StatusCode.DEADLINE_EXCEEDED, "not done within the time that was allowed"))
        if self._reason is not None:
            raise self._reason
        return None

    def fail(self, reason: Failed) -> None:
        """Ends the call, unless it has ended; whoever receives is told the reason."""
        if not self._ended:
            self._reason = reason
            self.abandon()

    def abandon(self) -> None:
        """Ends a call of which nobody wants to know."""
        self._ended = True
        self._disconnect()

    async def _open(self) -> Connection:
        self._connection = await self._connections.take()
        await self._connection.begin(self._target, self._headers, self._body)
        return self._connection

    def _disconnect(self) -> None:
        self._opening.cancel()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _again(self) -> None:
        self._disconnect()
        pause = max(self._pauses.popleft(), min(self._told_pause, MAX_PAUSE_SECONDS))
        self._told_pause = 0
        await asyncio.sleep(pause * random.uniform(1, 1.2))  # noqa: S311
        if not self._ended:
            self._reader = FrameReader()
            self._opening = asyncio.ensure_future(self._open())

    async def _sending(self, data: bytes | None) -> bool:
        try:
            async with asyncio.timeout_at(self._deadline):
                connection = await asyncio.shield(self._opening)
                if not self._ended:
                    await (connection.end() if data is None else connection.send(data))
        except (OSError, asyncio.CancelledError, h11.LocalProtocolError):
            return False  # who receives is told
        return not self._ended

    async def _received(self) -> bytes | None:
        """The next message; None after a status of OK."""
        try:
            connection = await asyncio.shield(self._opening)
            while not self._frames:
                await self._read(connection)
            self._pauses.clear()  # what has begun to answer is not asked again, nor what the gateway asked again itself
            ends, content = self._frames.popleft()
            if not ends:
                return content
            code, details, metadata = read_trailers(content)
            if isinstance(await connection.receive(), h11.EndOfMessage):
                self._connection = None
                self._connections.give_back(connection)
        except TellurionError as error:
            raise Failed.of(error) from None
        except (OSError, h11.ProtocolError):
            raise Failed(grpc.StatusCode.UNAVAILABLE, "nobody who is trusted answers, or no longer") from None
        if code is not grpc.StatusCode.OK:
            raise Failed(code, details, metadata)
        self._ended = True
        return None

    async def _read(self, connection: Connection) -> None:
        """Takes what arrives next."""
        match await connection.receive():
            case h11.Response() as response:
                kind = next((value for name, value in response.headers if name == b"content-type"), b"")
                told = next((value for name, value in response.headers if name == b"retry-after"), b"")
                self._told_pause = int(told) if _SECONDS.fullmatch(told) else 0
                if response.status_code != HTTPStatus.OK or kind != MEDIA_TYPE.encode():
                    raise await self._refused(connection, response.status_code)
            case h11.Data(data=data):
                self._frames.extend(self._reader.feed(bytes(data)))
            case h11.InformationalResponse():
                pass
            case _:
                raise h11.RemoteProtocolError("the answer ended without a status")

    async def _refused(self, connection: Connection, status: int) -> TellurionError:
        """What a gateway, or what stands before it, refused the request for."""
        body = bytearray()
        while isinstance(part := await connection.receive(), h11.Data) and len(body) < MAX_PROBLEM_BYTES:
            body += part.data
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        return from_problem(status, document)
