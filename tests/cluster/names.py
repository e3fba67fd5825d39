"""Names of Services, answered as a cluster's DNS does: the addresses of the pods that are ready.

Only what the platform asks: A records over UDP (RFC 1035). Other types of a known name are answered with nothing.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address

A, IN, SECONDS = 1, 1, 5
RESPONSE, RECURSION_AVAILABLE, NO_SUCH_NAME = 0x8400, 0x0080, 3
Lookup = Callable[[str], Sequence[str] | None]
"""Addresses of a name; None where there is no such name."""


FREEBIND = 15
"""IP_FREEBIND of Linux, which Python does not name."""


class _Server(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # The bridge has its address from the first pod on, and that asks for names already.
        self.socket.setsockopt(socket.SOL_IP, FREEBIND, 1)
        super().server_bind()


class Names:
    """A server of names on UDP port 53 of an address, as long as it is not closed."""

    def __init__(self, address: str, lookup: Lookup) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                message, connection = self.request
                connection.sendto(answer(message, lookup), self.client_address)

        self._server = _Server((address, 53), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(message: bytes, lookup: Lookup) -> bytes:
    """The response to a query of one question."""
    identity, flags = struct.unpack_from("!HH", message)
    name, end = _question(message)
    kind, _ = struct.unpack_from("!HH", message, end)
    found = lookup(name)
    addresses = found if found and kind == A else ()
    code = NO_SUCH_NAME if found is None else 0
    answered = RESPONSE | RECURSION_AVAILABLE | (flags & 0x0100) | code
    header = struct.pack("!HHHHHH", identity, answered, 1, len(addresses), 0, 0)
    records = (struct.pack("!HHHIH", 0xC00C, A, IN, SECONDS, 4) + IPv4Address(each).packed for each in addresses)
    return header + message[12 : end + 4] + b"".join(records)


def _question(message: bytes) -> tuple[str, int]:
    """The name that is asked for, and where it ends."""
    labels, place = [], 12
    while length := message[place]:
        labels.append(message[place + 1 : place + 1 + length].decode("ascii").lower())
        place += 1 + length
    return ".".join(labels), place + 1
