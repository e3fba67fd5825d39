"""Tensors too large for a message: artifacts in a folder that caller and inference server share, for one call."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import Array

SMALL = 1 << 20
"""Bytes of a tensor that is sent with the message all the same."""
MAX_BYTES = 4 << 30
"""Most bytes of one tensor."""
PIECE = 16 << 20
KEEP = timedelta(hours=1)
_CALL = re.compile(r"[0-9a-f]{32}")


class SharedTensors:
    """Those of one call. Whoever begins it ends it, and with it they go."""

    def __init__(self, folder: Path, call: str | None = None) -> None:
        """`call` is by whose id the caller told of them; a new one without it. Raises InvalidInput."""
        if call is not None and not _CALL.fullmatch(call):
            raise InvalidInput.of("artifacts", received=call, accepted="an id of a call")
        self.call = call or uuid.uuid4().hex
        self._folder = folder / self.call
        self._store = ArtifactStore(folder, max_bytes=MAX_BYTES)

    def put(self, array: Array) -> str:
        """Keeps a tensor, and answers its id. Raises ResourceExhausted where it is too large or the disk is full."""
        kind = "application/octet-stream"
        return self._store.put(self.call, _pieces(array), media_type=kind, name="tensor", keep=KEEP).id

    def take(self, artifact: str, dtype: np.dtype[Any], size: int) -> Array:
        """A kept tensor of `size` bytes, [size / itemsize].

        Raises:
            NotFound: there is none of this id here.
            InvalidInput: it has another size.
        """
        with self._store.open(self.call, artifact) as file:
            if (held := os.fstat(file.fileno()).st_size) != size:
                raise InvalidInput.of("artifact", received=f"{held} bytes", accepted=f"{size}")
            return np.fromfile(file, dtype)

    @property
    def kept(self) -> bool:
        """Whether there are any, from either side."""
        return self._folder.exists()

    def close(self) -> None:
        """Forgets them."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _pieces(array: Array) -> Iterator[bytes]:
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    yield from (flat[start : start + PIECE].tobytes() for start in range(0, flat.size, PIECE))
