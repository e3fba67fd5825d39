"""A private folder for the Unix sockets of services, and whether an address of this machine is free."""

from __future__ import annotations

import re
import shutil
import socket
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


def check_free(host: str, port: int, *, options: tuple[str, str] = ("host", "port")) -> None:
    """Raises InvalidInput, naming the option that is wrong, unless this machine can listen there."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise InvalidInput.of(options[0], received=host, accepted="an address of this machine") from error
    except OSError as error:
        accepted = "a free address of this machine; port 0 finds a free one"
        raise InvalidInput.of(options[1], received=f"{host}:{port}: {error.strerror}", accepted=accepted) from error
