"""The bytes of one request on their way to the end of an upload's file, hashed as they are written."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from tellurion_core.errors import DataCorrupted, InvalidInput, ResourceExhausted
from tellurion_gateway.uploads.declared import Checksum
from tellurion_gateway.uploads.digests import Digest


class Incoming:
    """One request's bytes. Its methods work on the disk: they are called from threads, by one at a time."""

    def __init__(self, file: BinaryIO, digest: Digest, length: int, checksum: Checksum | None) -> None:
        """`file` is unbuffered and stands at its end; `digest` is that of what is before, `length` of the whole."""
        self._file = file
        self._digest = digest
        self._length = length
        self._checksum = checksum
        self._before = digest.copy() if checksum is not None else None
        self._own = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum is not None else None
        self._checked = checksum is None
        self._start = self.offset = file.tell()

    def add(self, block: bytes) -> None:
        """Writes and hashes.

        Raises:
            InvalidInput: the upload would have more bytes than it was to have.
            ResourceExhausted: the disk is full.
        """
        if self.offset + len(block) > self._length:
            accepted = f"{self._length - self._start} at most, to make {self._length}"
            raise InvalidInput.of("body", received="more bytes", accepted=accepted)
        view = memoryview(block)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError:
            raise ResourceExhausted("the bytes could not be stored; is the disk full?") from None
        self._digest.update(block)
        if self._own is not None:
            self._own.update(block)
        self.offset += len(block)

    def check(self) -> None:
        """Sees whether the bytes are what they were to be; until then, those with a checksum do not count.

        Raises:
            DataCorrupted: they are not.
        """
        if self._checksum is not None and self._own is not None and self._own.digest() != self._checksum.digest:
            raise DataCorrupted("the bytes do not have the checksum that came with them; send them again")
        self._checked = True

    def close(self) -> tuple[Digest, int]:
        """The digest of all that counts, and how many bytes it is; the others are cut off."""
        if not self._checked:
            self._digest, self.offset = self._before, self._start
        self._file.truncate(self.offset)
        return self._digest, self.offset
