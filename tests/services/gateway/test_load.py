"""Two hundred clients, each asking once a second on a connection of its own: nobody is failed or kept waiting."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CLIENTS, SECONDS = 200, 30.0
"""`make acceptance` has them ask for five minutes."""


async def test_200_clients_are_answered_for_half_a_minute(
    start_gateway: Callable[..., Any], served_ocean: Any, certificate: tuple[Path, Path]
) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, tenant_rate=1000)
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    host, port = gateway.address.removeprefix("https://").split(":")
    answers: list[bytes] = []
    before = gateway.peak_memory()

    async def ask(number: int) -> None:
        await asyncio.sleep(number / CLIENTS)
        reader, writer = await asyncio.open_connection(host, int(port), ssl=trust, ssl_handshake_timeout=30)
        until = time.monotonic() + SECONDS
        while (started := time.monotonic()) < until:
            writer.write(b"GET /v1/ocean/methods HTTP/1.1\r\nHost: gateway\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
            answers.append(head.partition(b"\r\n")[0])
            await asyncio.sleep(max(0.0, started + 1 - time.monotonic()))
        writer.close()

    await asyncio.gather(*map(ask, range(CLIENTS)))
    assert set(answers) == {b"HTTP/1.1 200 OK"}
    assert len(answers) > 3 * CLIENTS  # however much else the machine does
    assert gateway.peak_memory() - before < 128 << 20  # mostly what TLS buffers of each connection
