"""SHA-256 of what has arrived of each upload, so that no byte is read again; after a restart, what is there is."""

from __future__ import annotations

import hashlib
import threading
from typing import Any, BinaryIO

from tellurion_gateway.streaming import BLOCK_BYTES

MOST = 4096
"""Uploads whose digest is held; that of another is computed again."""
Digest = Any
"""What hashlib makes; it has no public type."""


class Digests:
    """Of each upload the digest of its first bytes, and of how many. An upload is asked for by one thread at a time."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Digest, int]] = {}
        self._lock = threading.Lock()

    def of(self, upload_id: str, file: BinaryIO, offset: int) -> Digest:
        """The digest of the file's first `offset` bytes, as a copy; the file stands behind them afterwards."""
        with self._lock:
            digest, done = self._held.get(upload_id, (hashlib.sha256(), 0))
        if done > offset:
            digest, done = hashlib.sha256(), 0
        digest = digest.copy()
        file.seek(done)
        while done < offset and (block := file.read(min(BLOCK_BYTES, offset - done))):
            digest.update(block)
            done += len(block)
        return digest

    def keep(self, upload_id: str, digest: Digest, offset: int) -> None:
        """Holds the digest of an upload's first `offset` bytes."""
        with self._lock:
            self._held.pop(upload_id, None)
            self._held[upload_id] = digest, offset
            if len(self._held) > MOST:
                del self._held[next(iter(self._held))]

    def forget(self, upload_id: str) -> None:
        """Holds nothing of an upload any more."""
        with self._lock:
            self._held.pop(upload_id, None)
