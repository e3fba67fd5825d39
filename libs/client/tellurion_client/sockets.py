"""A private folder for the Unix sockets of services."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from tellurion_core.errors import InvalidInput

LONGEST_PATH = 100
"""Bytes; `sun_path` holds 108 on Linux and 104 on macOS, a closing zero among them."""


class SocketFolder:
    """A folder for Unix sockets that only this user can enter."""

    def __init__(self) -> None:
        candidates = [tempfile.gettempdir(), "/tmp"]  # noqa: S108 -- mkdtemp makes a private folder in it
        for parent in candidates:
            longest = Path(parent) / "tellurion-00000000" / f"{'s' * 24}.sock"
            # gRPC reads its address as a URI: nothing in the path may need quoting.
            if len(str(longest)) <= LONGEST_PATH and re.fullmatch(r"[A-Za-z0-9._/-]+", str(longest)):
                self.path = Path(tempfile.mkdtemp(prefix="tellurion-", dir=parent))
                return
        raise InvalidInput.of("TMPDIR", received=candidates[0], accepted="a shorter path of plain characters")

    def address(self, service: str) -> str:
        """The gRPC address of a service's socket."""
        return f"unix:{self.path / service}.sock"

    def remove(self) -> None:
        """Removes the folder and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
