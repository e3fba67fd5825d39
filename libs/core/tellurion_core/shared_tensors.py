"""Tensors too large for a message: files in a folder that caller and inference server share, for one call.

Both run as one user; nobody else may read them. They are written and read within seconds, and go with the call: whoever
begins it removes them. What a killed process leaves is removed by a later call.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

import numpy as np

from tellurion_core.errors import Internal, InvalidInput, ResourceExhausted, Unavailable
from tellurion_core.tensors import Array

SMALL = 1 << 20
"""Bytes of a tensor that is sent with the message all the same."""
MAX_BYTES = 4 << 30
"""Most bytes that a call may write, and read, on each side."""
KEEP_SECONDS = 3600.0
"""Age of what nobody will ask for any more."""
SETTINGS = "TELLURION_SERVING_TENSORS and TELLURION_RAY_TENSORS name one folder, which one user may write to"
_ID = re.compile(r"[0-9a-f]{32}")

T = TypeVar("T")


def identity(folder: Path) -> str:
    """The id of a folder, by which two processes know that they share it; the folder is made where it is not there.

    Raises:
        Internal: it cannot be written to.
    """
    name = folder / "identity"
    with _writing():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not name.exists():
            with NamedTemporaryFile(dir=folder) as file, suppress(FileExistsError):
                file.write(uuid.uuid4().hex.encode())
                file.flush()
                os.link(file.name, name)  # whole, and never over another's
        return name.read_text()


class SharedTensors:
    """Those of one call."""

    def __init__(self, folder: Path, call: str | None = None) -> None:
        """`call` is by whose id the caller told of them; a new one without it. Raises InvalidInput."""
        self.call = uuid.uuid4().hex if call is None else _checked(call, "an id of a call")
        self._folder = folder / self.call
        self._written = self._read = 0

    def put(self, array: Array) -> str:
        """Keeps a tensor, and answers its id.

        Raises:
            ResourceExhausted: the call has too many bytes, or the disk is full.
            Internal: the folder cannot be written to.
        """
        self._written += array.nbytes
        if self._written > MAX_BYTES:
            raise ResourceExhausted(f"a call has at most {MAX_BYTES} bytes of tensors", reason="TOO_LARGE")
        name = uuid.uuid4().hex
        with _writing():
            if not self._folder.exists():
                _sweep(self._folder.parent)
                self._folder.mkdir(mode=0o700, exist_ok=True)
            with (self._folder / name).open("xb") as file:
                file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        return name

    def take(self, tensor: str, dtype: np.dtype[Any], size: int) -> Array:
        """A kept tensor of `size` bytes, [size / itemsize].

        Raises:
            InvalidInput: it has another size, or the call more than it may.
            Unavailable: it is not there, or not any more.
        """
        self._read += size
        if self._read > MAX_BYTES:
            raise InvalidInput.of("artifact", received=f"{self._read} bytes", accepted=f"{MAX_BYTES} in all")
        path = self._folder / _checked(tensor, "an id of a tensor")
        try:
            with path.open("rb") as file:
                if (held := os.fstat(file.fileno()).st_size) != size:
                    raise InvalidInput.of("artifact", received=f"{held} bytes", accepted=f"{size}")
                return np.fromfile(file, dtype)
        except OSError:
            raise Unavailable("a tensor of the call is not in the folder that is shared") from None

    @property
    def kept(self) -> bool:
        """Whether there are any, from either side."""
        return self._folder.exists()

    def close(self) -> None:
        """Forgets them."""
        shutil.rmtree(self._folder, ignore_errors=True)


async def to_its_end(work: Callable[[], T]) -> T:
    """Runs work on shared tensors in a thread; who cancels this waits for it, so that nothing is written after."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    finally:
        if not task.done():
            await asyncio.wait([task])


def _checked(of: str, accepted: str) -> str:
    if not _ID.fullmatch(of):
        raise InvalidInput.of("artifact", received=of, accepted=accepted)
    return of


def _sweep(folder: Path) -> None:
    for call in folder.iterdir():
        with suppress(OSError):  # another process removes it
            if _ID.fullmatch(call.name) and time.time() - call.stat().st_mtime > KEEP_SECONDS:
                shutil.rmtree(call, ignore_errors=True)


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise ResourceExhausted("no room is left for the tensors of the call") from None
        raise Internal(f"tensors cannot be shared: {error.strerror}; {SETTINGS}") from None
