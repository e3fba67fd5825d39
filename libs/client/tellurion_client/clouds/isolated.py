"""Scans that a native library reads: in a process of its own, whose end, whatever its reason, is the file's fault."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np

from tellurion_client.clouds.cloud import Cloud
from tellurion_client.process import ended
from tellurion_core.errors import InvalidInput, Unavailable

LIBRARIES = {".las": "laspy", ".laz": "lazrs", ".e57": "pye57"}
HEAD = struct.Struct("<I?")
"""Of each part that comes from there: points, and whether they have colours."""
POINT_BYTES = (24, 27)
"""Without colours, and with them."""
REFUSED = 65
"""Exit code where the file was looked at and refused; the last line of standard error says why."""
TRACE = "Traceback (most recent call last):\n"
"""What an exception begins with that nobody handled; a line that is not indented says what it was."""
LAST_WORDS = 16 << 10
"""Bytes of what a process said that can matter."""
SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Threads reserve memory, which is limited there."""


def isolated_chunks(path: Path, field: str, most: int) -> Iterator[Cloud]:
    """The cloud of a .las, .laz or .e57 in parts.

    Raises:
        InvalidInput: damaged, without places, or more than `most` points.
        Unavailable: the library is not installed.
    """
    library = LIBRARIES[path.suffix.lower()]
    if find_spec(library) is None:
        raise Unavailable(f"{field}: {library} is not installed; it comes with the extra tellurion-client[clouds]")
    command = [sys.executable, "-P", "-m", "tellurion_client.clouds.scans", str(path.absolute()), str(most)]
    with TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env={**os.environ, **SINGLE}
        )
        with process:
            assert process.stdout is not None
            try:
                yield from _clouds(process.stdout)
                code = process.wait()
            finally:
                process.kill()  # where the caller wants no more
        if code:
            said.seek(max(0, said.seek(0, os.SEEK_END) - LAST_WORDS))
            raise _refusal(code, said.read().decode(errors="replace"), field)


def _clouds(pipe: IO[bytes]) -> Iterator[Cloud]:
    """The parts that came whole."""
    while len(head := pipe.read(HEAD.size)) == HEAD.size:
        count, coloured = HEAD.unpack(head)
        data = pipe.read(count * POINT_BYTES[coloured])
        if len(data) < count * POINT_BYTES[coloured]:
            return
        points = np.frombuffer(data, np.float64, 3 * count).reshape(-1, 3)
        yield Cloud(points, np.frombuffer(data, np.uint8, -1, points.nbytes).reshape(-1, 3) if coloured else None)


def _refusal(code: int, said: str, field: str) -> InvalidInput:
    """What was wrong with the file: as found, or as its library said, or that it ended the process."""
    if code == REFUSED:
        received, accepted = json.loads(said.strip().rpartition("\n")[2])
        return InvalidInput.of(field, received=received, accepted=accepted)
    trace = said.rpartition(TRACE)[2].splitlines() if TRACE in said else []
    error = next((line for line in trace if line[:1].strip()), f"a reader that {ended(code)}")
    return InvalidInput.of(field, received=error, accepted="a whole file of this format")
