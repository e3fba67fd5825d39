"""A large field through the tensor codec and the harness, against the same chunks over bare grpc.aio without either.

    python tests/bench/codec.py [MiB ...]

Each transfer runs between two fresh processes over a private socket. The bare side also copies the chunks into an
array, whose size it is told, and checks nothing. Throughput counts the field's bytes; growth is the peak resident
memory of a process beyond what it held before the transfer and beyond the field itself. gRPC settles at random into a
fast or a slow rhythm, a factor of two apart, on either side: the kinds alternate, and the ratio is that of their bests.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import numpy as np

from tellurion.common.v1 import tensor_pb2
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.tensors import CHUNK_BYTES, TensorReader, encode

ROUNDS = 7


def peak_bytes() -> int:
    """Most bytes that this process had resident; `ru_maxrss` would count its parent's too."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


class Bare(ocean_pb2_grpc.OceanServiceServicer):
    """Copies chunks into an array of the size that the first message tells."""

    async def Reconstruct(self, request_iterator, context):  # noqa: N802
        before, field, filled = peak_bytes(), None, 0
        async for request in request_iterator:
            if field is None:
                field = np.empty(request.spec.seed, np.uint8)
                continue
            chunk = request.tensor.chunk
            field[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
            filled += len(chunk)
        assert field is not None
        assert filled == field.size
        yield grown(before, field.nbytes)


class Codec(ocean_pb2_grpc.OceanServiceServicer):
    """Reads the field through the codec."""

    async def Reconstruct(self, request_iterator, context):  # noqa: N802
        before, reader = peak_bytes(), TensorReader(max_bytes=8 << 30)
        async for request in request_iterator:
            if request.HasField("tensor"):
                reader.feed(request.tensor)
        yield grown(before, reader.finish()["field"].nbytes)


def grown(before: int, field: int) -> ocean_pb2.ReconstructResponse:
    """The growth of this process, carried by a message that has a number."""
    return ocean_pb2.ReconstructResponse(report=ocean_pb2.ReconstructReport(seconds=peak_bytes() - before - field))


async def serve(kind: str, address: str) -> None:
    if kind == "bare":
        server = grpc.aio.server()
        ocean_pb2_grpc.add_OceanServiceServicer_to_server(Bare(), server)
        server.add_insecure_port(address)
    else:
        from tellurion_core.server import Server, Service
        from tellurion_core.settings import ServerSettings

        add = ocean_pb2_grpc.add_OceanServiceServicer_to_server
        server = Server([Service("tellurion.ocean.v1.OceanService", add, Codec())], ServerSettings(listen=address))
    await server.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


async def bare_parts(field: np.ndarray) -> AsyncIterator[ocean_pb2.ReconstructRequest]:
    spec = ocean_pb2.ReconstructSpec(method="gp", month=1, members=1, seed=field.nbytes)
    yield ocean_pb2.ReconstructRequest(spec=spec)
    data = field.view(np.uint8).data
    for start in range(0, field.nbytes, CHUNK_BYTES):
        part = tensor_pb2.TensorPart(chunk=bytes(data[start : start + CHUNK_BYTES]))
        yield ocean_pb2.ReconstructRequest(tensor=part)


async def codec_parts(field: np.ndarray) -> AsyncIterator[ocean_pb2.ReconstructRequest]:
    yield ocean_pb2.ReconstructRequest(spec=ocean_pb2.ReconstructSpec(method="gp", month=1, members=1))
    for part in encode("field", field):
        yield ocean_pb2.ReconstructRequest(tensor=part)


async def send(kind: str, address: str, mebibytes: int) -> dict[str, float]:
    field = np.random.default_rng(0).standard_normal(mebibytes << 17, dtype=np.float64)
    before = peak_bytes()
    async with grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        start = time.perf_counter()
        parts = bare_parts(field) if kind == "bare" else codec_parts(field)
        call = ocean_pb2_grpc.OceanServiceStub(channel).Reconstruct(parts)
        answers = [answer async for answer in call]
        seconds = time.perf_counter() - start
    return {
        "GB_per_s": field.nbytes / seconds / 1e9,
        "receiver_growth_MiB": answers[0].report.seconds / (1 << 20),
        "sender_growth_MiB": (peak_bytes() - before) / (1 << 20),
    }


def transfer(kind: str, mebibytes: int) -> dict[str, float]:
    """One transfer between two fresh processes."""
    with TemporaryDirectory(prefix="tellurion-bench-") as folder:
        address = f"unix:{folder}/socket"
        me = [sys.executable, str(Path(__file__))]
        with subprocess.Popen([*me, "serve", kind, address], stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline() == b"ready\n"
                sent = subprocess.run(
                    [*me, "send", kind, address, str(mebibytes)], stdout=subprocess.PIPE, check=True, timeout=300
                )
            finally:
                server.kill()
        return json.loads(sent.stdout)


def main(sizes: list[int]) -> list[dict[str, float]]:
    """One row a size, over rounds in which the two kinds alternate."""
    rows = []
    for mebibytes in sizes:
        runs = {kind: [] for kind in ("bare", "codec")}
        for _ in range(ROUNDS):
            for kind, measured in runs.items():
                measured.append(transfer(kind, mebibytes))
        speeds = {kind: [r["GB_per_s"] for r in measured] for kind, measured in runs.items()}
        rows.append(
            {
                "MiB": mebibytes,
                "bare_GB_per_s": max(speeds["bare"]),
                "codec_GB_per_s": max(speeds["codec"]),
                "ratio": max(speeds["codec"]) / max(speeds["bare"]),
                "ratio_of_medians": float(np.median(speeds["codec"]) / np.median(speeds["bare"])),
                **{
                    f"{kind}_{side}_growth_MiB": max(r[f"{side}_growth_MiB"] for r in measured)
                    for kind, measured in runs.items()
                    for side in ("receiver", "sender")
                },
            }
        )
    return rows


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind, address]:
            asyncio.run(serve(kind, address))
        case ["send", kind, address, mebibytes]:
            print(json.dumps(asyncio.run(send(kind, address, int(mebibytes)))))
        case sizes:
            print(json.dumps(main([int(s) for s in sizes] or [256, 1024]), indent=2))
