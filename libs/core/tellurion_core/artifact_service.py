"""tellurion.artifacts.v1 over an artifact store: files come in and go out in chunks, whole or not at all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from tellurion.artifacts.v1 import artifacts_pb2, artifacts_pb2_grpc
from tellurion_core.artifacts import Artifact, ArtifactStore
from tellurion_core.call import answering
from tellurion_core.errors import DataCorrupted, DeadlineExceeded, InvalidInput, NotFound
from tellurion_core.feeding import fed
from tellurion_core.server import Service
from tellurion_core.tensors import CHUNK_BYTES

Context = Any

UPLOADS_AT_ONCE = 32
"""Uploads that are written at once; a thread each. Further ones wait, and flow control holds their senders back."""
UPLOADS_OF_A_TENANT = 8
"""Of those, so many are one tenant's at most: nobody's slow uploads hold up all others."""
STALL_SECONDS = 60.0
"""How long an upload may take for `STALL_BYTES`, or for what it sends last, before its place is given to another."""
STALL_BYTES = 1 << 20


class ArtifactServicer(artifacts_pb2_grpc.ArtifactServiceServicer):
    """Answers tellurion.artifacts.v1.ArtifactService."""

    def __init__(self, store: ArtifactStore, *, keep: timedelta | None) -> None:
        self._store = store
        self._keep = keep
        self._places = asyncio.Semaphore(UPLOADS_AT_ONCE)
        # A tenant's share is there as long as an upload of it waits or runs.
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        # Not asyncio's own threads: an upload holds one for as long as its sender takes.
        self._threads = ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="upload")

    async def UploadArtifact(  # noqa: N802
        self, requests: AsyncIterator[artifacts_pb2.UploadArtifactRequest], context: Context
    ) -> artifacts_pb2.UploadArtifactResponse:
        """Stores the bytes while they come in."""
        tenant = _tenant()
        share = self._shares.setdefault(tenant, asyncio.Semaphore(UPLOADS_OF_A_TENANT))
        async with share, self._places:
            requests = _unstalled(requests)
            description = await _description(requests)

            def store(chunks: Iterator[bytes]) -> Artifact:
                media_type, name = description.media_type, description.name
                return self._store.put(tenant, chunks, media_type=media_type, name=name, keep=self._keep)

            async with aclosing(_verified(requests, description)) as chunks:
                artifact = await fed(self._threads, store, chunks)
        return artifacts_pb2.UploadArtifactResponse(artifact=_wire(artifact))

    async def FindArtifacts(  # noqa: N802
        self, request: artifacts_pb2.FindArtifactsRequest, context: Context
    ) -> artifacts_pb2.FindArtifactsResponse:
        """Those that the tenant has."""
        found = await asyncio.to_thread(self._found, _tenant(), set(request.ids))
        return artifacts_pb2.FindArtifactsResponse(artifacts=map(_wire, found))

    async def DownloadArtifact(  # noqa: N802
        self, request: artifacts_pb2.DownloadArtifactRequest, context: Context
    ) -> AsyncIterator[artifacts_pb2.DownloadArtifactResponse]:
        """The description, then the bytes."""
        tenant = _tenant()
        artifact = await asyncio.to_thread(self._store.get, tenant, request.id)
        with await asyncio.to_thread(self._store.open, tenant, request.id) as file:
            yield artifacts_pb2.DownloadArtifactResponse(artifact=_wire(artifact))
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield artifacts_pb2.DownloadArtifactResponse(chunk=chunk)

    async def close(self) -> None:
        """Ends the threads, once no call is left."""
        self._threads.shutdown()

    def _found(self, tenant: str, ids: set[str]) -> list[Artifact]:
        found = []
        for artifact_id in ids:
            try:
                found.append(self._store.get(tenant, artifact_id))
            except NotFound:
                continue
        return found


def service(store: ArtifactStore, *, keep: timedelta | None) -> Service:
    """The service of a process that takes files in or gives them out; what is uploaded is kept for `keep`."""
    servicer = ArtifactServicer(store, keep=keep)
    register = artifacts_pb2_grpc.add_ArtifactServiceServicer_to_server
    return Service("tellurion.artifacts.v1.ArtifactService", register, servicer, stop=servicer.close)


async def _unstalled(
    requests: AsyncIterator[artifacts_pb2.UploadArtifactRequest],
) -> AsyncIterator[artifacts_pb2.UploadArtifactRequest]:
    """The requests; an error where they do not bring enough in time."""
    loop = asyncio.get_running_loop()
    until, size = loop.time() + STALL_SECONDS, 0
    while True:
        try:
            async with asyncio.timeout_at(until):
                request = await anext(requests)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise DeadlineExceeded(f"the upload sent less than {STALL_BYTES} bytes in {STALL_SECONDS:g} s") from None
        left = until - loop.time()
        yield request
        # Only the sender's time counts, not the disk's.
        until, size = loop.time() + left, size + len(request.chunk)
        if size >= STALL_BYTES:
            until, size = loop.time() + STALL_SECONDS, 0


async def _description(
    requests: AsyncIterator[artifacts_pb2.UploadArtifactRequest],
) -> artifacts_pb2.ArtifactDescription:
    """The description that an upload begins with."""
    first = await anext(requests, artifacts_pb2.UploadArtifactRequest())
    if first.WhichOneof("part") != "description":
        raise _misplaced(first)
    return first.description


async def _verified(
    requests: AsyncIterator[artifacts_pb2.UploadArtifactRequest], described: artifacts_pb2.ArtifactDescription
) -> AsyncGenerator[bytes, None]:
    """The bytes of an upload; an error, before their end is reached, where they are not those described."""
    digest, size = hashlib.sha256(), 0
    async for request in requests:
        if request.WhichOneof("part") != "chunk":
            raise _misplaced(request)
        size += len(request.chunk)
        if size > described.size:
            raise DataCorrupted(f"more bytes arrived than the {described.size} that were described")
        digest.update(request.chunk)
        yield request.chunk
    if size < described.size:
        raise DataCorrupted(f"{size} bytes arrived of the {described.size} that were described")
    if digest.hexdigest() != described.id:
        raise DataCorrupted(f"bytes of SHA-256 {digest.hexdigest()} arrived, and {described.id} was described")


def _tenant() -> str:
    return answering().identity.tenant


def _wire(artifact: Artifact) -> artifacts_pb2.Artifact:
    wire = artifacts_pb2.Artifact(
        id=artifact.id, size=artifact.size, media_type=artifact.media_type, name=artifact.name
    )
    if artifact.expires is not None:
        wire.expires.FromDatetime(artifact.expires)
    return wire


def _misplaced(request: artifacts_pb2.UploadArtifactRequest) -> InvalidInput:
    received = request.WhichOneof("part") or "nothing"
    return InvalidInput.of("part", received=received, accepted="the description first and once, then chunks")
