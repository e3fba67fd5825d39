"""Two hundred clients, each asking once a second on a connection of its own: nobody is failed, and memory stays."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLIENTS, SECONDS = 200, float(os.environ.get("TELLURION_LOAD_SECONDS", "30"))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 90)
async def test_200_clients_are_answered_all_the_while(
    start_gateway: Callable[..., Any], served_ocean: Any, certificate: tuple[Path, Path]
) -> None:
    gateway = start_gateway(ocean_address=served_ocean.address, tenant_rate=1000)
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    host, port = gateway.address.removeprefix("https://").split(":")
    answers: Counter[bytes] = Counter()
    memory = [gateway.peak_memory()]

    async def ask(number: int) -> None:
        await asyncio.sleep(number / CLIENTS)
        reader, writer = await asyncio.open_connection(host, int(port), ssl=trust, ssl_handshake_timeout=30)
        until = time.monotonic() + SECONDS
        while (started := time.monotonic()) < until:
            writer.write(b"GET /v1/ocean/methods HTTP/1.1\r\nHost: gateway\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.findall(rb"content-length: (\d+)", head)[0]))
            answers[head.partition(b"\r\n")[0]] += 1
            await asyncio.sleep(max(0.0, started + 1 - time.monotonic()))
        writer.close()

    async def look() -> None:
        await asyncio.sleep(SECONDS / 3)
        memory.append(gateway.peak_memory())

    await asyncio.gather(look(), *map(ask, range(CLIENTS)))
    memory.append(gateway.peak_memory())
    assert set(answers) == {b"HTTP/1.1 200 OK"}
    assert answers.total() > 3 * CLIENTS  # however much else the machine does
    assert memory[1] - memory[0] < 128 << 20  # mostly what TLS buffers of each connection
    assert memory[2] - memory[1] < 16 << 20  # and then no more
