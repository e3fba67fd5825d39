"""The points of one laser scan to standard output, in a process that a damaged file may end.

python -m tellurion_client.clouds.scans FILE MOST
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from tellurion_client.clouds.e57 import e57_chunks
from tellurion_client.clouds.isolated import HEAD, REFUSED
from tellurion_client.clouds.las import las_chunks
from tellurion_core.errors import InvalidInput

MEMORY = 2 << 30
"""Bytes of address space; a file whose parts need more is damaged."""
SECONDS, SECONDS_PER_MEGABYTE = 60, 10
"""Of a processor, for any file and for its length; a file that needs more is damaged."""


def main() -> None:
    """Writes a head, positions and colours for each part; what libraries print goes to standard error."""
    path, most = Path(sys.argv[1]), int(sys.argv[2])
    _limit(resource.RLIMIT_AS, MEMORY)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, SECONDS + SECONDS_PER_MEGABYTE * path.stat().st_size // 1_000_000)
    chunks = e57_chunks if path.suffix.lower() == ".e57" else las_chunks
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as out:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            for cloud in chunks(path, path.name, most):
                out.write(HEAD.pack(len(cloud), cloud.colours is not None))
                out.write(cloud.points.tobytes())
                out.write(b"" if cloud.colours is None else cloud.colours.tobytes())
        except InvalidInput as error:
            (violation,) = error.violations
            print(json.dumps([violation.received, violation.accepted]), file=sys.stderr)
            sys.exit(REFUSED)


def _limit(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
