"""The header of a classic NetCDF file, and how long it says that the file is.

The NetCDF library reads zeros beyond the end of a truncated classic file, and allocates what the header claims. So the
header is read here first, within the file's own bounds. Format: NetCDF Classic and 64-bit Offset File Formats, and
CDF-5 (Unidata, netCDF User's Guide, appendix B).
"""

from __future__ import annotations

import struct
from math import prod
from typing import BinaryIO

MAGIC = {b"CDF\x01": (4, 4), b"CDF\x02": (4, 8), b"CDF\x05": (8, 8)}
"""Magic bytes → bytes of a count, bytes of a file offset."""
ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
"""Type code → bytes of one value."""
DIMENSIONS, VARIABLES, ATTRIBUTES = 10, 11, 12


class Truncated(Exception):
    """The file ends before its header does, or the header is not one."""


def declared_bytes(file: BinaryIO, file_bytes: int) -> int:
    """The length in bytes that the header at the start of `file` needs the file to have.

    Raises Truncated when the header itself is cut off or not well formed.
    """
    return _Header(file, file_bytes).needed_bytes()


class _Header:
    """A cursor over the header's big-endian words that never passes the file's end."""

    def __init__(self, file: BinaryIO, file_bytes: int) -> None:
        self.file, self.file_bytes = file, file_bytes
        file.seek(0)
        self.count_bytes, self.offset_bytes = MAGIC[self.bytes(4)]

    def bytes(self, count: int) -> bytes:
        if not 0 <= count <= self.file_bytes - self.file.tell():
            raise Truncated
        return self.file.read(count)

    def word(self, width: int) -> int:
        return int(struct.unpack(">I" if width == 4 else ">Q", self.bytes(width))[0])

    def count(self) -> int:
        return self.word(self.count_bytes)

    def padded(self, count: int) -> None:
        self.bytes(count + -count % 4)

    def item_bytes(self) -> int:
        code = self.word(4)
        if code not in ITEM_BYTES:
            raise Truncated
        return ITEM_BYTES[code]

    def entries(self, tag: int) -> int:
        """How many entries a list with this tag has; each takes bytes, so a wild count soon meets the file's end."""
        found, count = self.word(4), self.count()
        if found not in (0, tag) or (found == 0 and count):
            raise Truncated
        return count

    def skip_attributes(self) -> None:
        for _ in range(self.entries(ATTRIBUTES)):
            self.padded(self.count())
            width = self.item_bytes()
            self.padded(self.count() * width)

    def needed_bytes(self) -> int:
        records = self.count()
        streaming = records == 256**self.count_bytes - 1  # the count is left to the file's length
        lengths = []
        for _ in range(self.entries(DIMENSIONS)):
            self.padded(self.count())
            lengths.append(self.count())
        self.skip_attributes()

        fixed_end, record_parts = 0, []
        for _ in range(self.entries(VARIABLES)):
            self.padded(self.count())
            dimensions = [self.count() for _ in range(self._rank(len(lengths)))]
            if any(d >= len(lengths) for d in dimensions):
                raise Truncated
            self.skip_attributes()
            width = self.item_bytes()
            self.count()  # vsize: redundant, and wrong by design for large variables
            begin = self.word(self.offset_bytes)
            if dimensions and lengths[dimensions[0]] == 0:
                record_parts.append((begin, width * prod(lengths[d] for d in dimensions[1:])))
            else:
                fixed_end = max(fixed_end, begin + width * prod(lengths[d] for d in dimensions))
        needed = max(fixed_end, self.file.tell())
        if record_parts and records and not streaming:
            # Records are padded to four bytes, but not those of a single variable.
            record = sum(size + (-size % 4 if len(record_parts) > 1 else 0) for _, size in record_parts)
            needed = max(needed, *(begin + (records - 1) * record + size for begin, size in record_parts))
        return needed

    def _rank(self, dimensions: int) -> int:
        rank = self.count()
        if rank > max(1024, dimensions):
            raise Truncated
        return rank
