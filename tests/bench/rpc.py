"""A no-op call through the harness's interceptors on both sides, against bare grpc.aio: p50 and p99 in one run.

    python tests/bench/rpc.py

The servers are processes of their own; calls alternate between the two, so that what else the machine does falls on
both.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import numpy as np

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.call import Call, Identity, current_call
from tellurion_core.client import Channels

CALLS = 3000


class NoOp(ocean_pb2_grpc.OceanServiceServicer):
    """Answers ListMethods with nothing."""

    async def ListMethods(self, request, context):  # noqa: N802
        return ocean_pb2.ListMethodsResponse()


async def serve_bare(address: str) -> None:
    server = grpc.aio.server()
    ocean_pb2_grpc.add_OceanServiceServicer_to_server(NoOp(), server)
    server.add_insecure_port(address)
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


async def serve_harness(address: str) -> None:
    from tellurion_core.server import Server, Service
    from tellurion_core.settings import ServerSettings
    from tellurion_core.telemetry import configure_logs

    configure_logs("INFO", "bench")
    service = Service("tellurion.ocean.v1.OceanService", ocean_pb2_grpc.add_OceanServiceServicer_to_server, NoOp())
    server = Server([service], ServerSettings(listen=address))
    await server.start()
    print("ready", flush=True)
    await server.wait()


async def measure(bare: str, harness: str) -> dict[str, dict[str, float]]:
    """Milliseconds of p50 and p99, and the ratio of the p50s."""
    channels = Channels([ocean_pb2.DESCRIPTOR.services_by_name["OceanService"]])
    # As a service calls another while it answers one itself: deadline, request id and trace are passed on.
    current_call.set(Call("/bench", "bench", Identity("local", "bench"), time.monotonic() + 3600))
    async with grpc.aio.insecure_channel(bare) as bare_channel:
        stubs = {
            "grpc.aio": ocean_pb2_grpc.OceanServiceStub(bare_channel),
            "harness": ocean_pb2_grpc.OceanServiceStub(channels.to(harness)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in stubs}
        for i in range(CALLS + 200):
            for name, stub in stubs.items():
                start = time.perf_counter()
                await stub.ListMethods(ocean_pb2.ListMethodsRequest(), timeout=10)
                if i >= 200:
                    seconds[name].append(time.perf_counter() - start)
    await channels.close()
    result = {
        name: {"p50_ms": 1e3 * float(np.median(t)), "p99_ms": 1e3 * float(np.quantile(t, 0.99))}
        for name, t in seconds.items()
    }
    result["ratio"] = {"p50": result["harness"]["p50_ms"] / result["grpc.aio"]["p50_ms"]}
    return result


def main() -> dict[str, dict[str, float]]:
    """Starts both servers, measures, and stops them."""
    with TemporaryDirectory(prefix="tellurion-bench-") as folder:
        addresses = {kind: f"unix:{folder}/{kind}" for kind in ("bare", "harness")}
        with (Path(folder) / "log").open("w") as log:
            servers = [
                subprocess.Popen([sys.executable, __file__, kind, address], stdout=subprocess.PIPE, stderr=log)
                for kind, address in addresses.items()
            ]
            try:
                for server in servers:
                    assert server.stdout is not None
                    assert server.stdout.readline() == b"ready\n"
                return asyncio.run(measure(addresses["bare"], addresses["harness"]))
            finally:
                for server in servers:
                    server.terminate()
                    server.wait()


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run({"bare": serve_bare, "harness": serve_harness}[sys.argv[1]](sys.argv[2]))
    else:
        print(json.dumps(main(), indent=2))
