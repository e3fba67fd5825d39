"""What it costs to run a model elsewhere: in this process, on Ray behind our front, on Triton, by which client.

    python tests/bench/serving.py [--json] [--quick]

Latencies are of a model that answers what it is given, one request after another; the paths take turns within a run.
Batching is of the shipped point-cloud encoder on Ray, CLIENTS clients at once, in batches and one by one, in turns.
Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import numpy as np
from serving_models import Echo, renamed, source
from serving_sites import on_ray, on_triton
from targets import Target, at_most, exit_code, markdown
from tritonclient.grpc import InferInput, service_pb2, service_pb2_grpc
from tritonclient.grpc.aio import InferenceServerClient

from tellurion_core.model_discovery import ModelSource, installed_models
from tellurion_core.predictor import LocalPredictor, Predictor
from tellurion_core.ray_serving.settings import Scaling
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.tensors import Array

PAYLOADS = {"100 B": (100, 400), "1 MiB": (1 << 20, 120), "10 MiB": (10 << 20, 40)}
"""Bytes there, and as many back; how often."""
QUICK = {"100 B": (100, 30), "1 MiB": (1 << 20, 5)}
WARM_UP = 5
SECONDS = 60.0
"""Deadline of each request."""
PATHS = ("this process", "Triton, tritonclient", "Triton", "Ray, tritonclient", "Ray")
"""Where not said, by the RemotePredictor of the services."""
CLIENT_RATIO, FRONT_RATIO = 1.15, 2.0
ENCODER, POINTS = "pointcloud_encode_mmpt", 1024
CLIENTS, ROUNDS, EACH = 32, 5, 3
"""Clients at once; how often both are measured; requests of each client."""
BATCH_ITEMS = {"one by one": 1, "in batches": 16}

Ask = Callable[[Array], Awaitable[Array]]


def table(payloads: Mapping[str, tuple[int, int]] = PAYLOADS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Latencies by payload, and the throughput of the encoder by how many items are run as one."""
    shared = {"num_cpus": 0.5, "max_ongoing_requests": CLIENTS}
    encoders = {name: renamed(installed_models()[ENCODER], f"encode_{most}") for name, most in BATCH_ITEMS.items()}
    scaling = {encoders[name].name: Scaling(**shared, batch_items=most) for name, most in BATCH_ITEMS.items()}
    echo = source(Echo)
    with (
        TemporaryDirectory(prefix="tellurion-bench-") as folder,
        on_triton([echo], Path(folder)) as triton,
        on_ray([echo, *encoders.values()], {Echo.name: Scaling(**shared), **scaling}, Path(folder, "shared")) as front,
    ):
        latencies = asyncio.run(_latencies(payloads, triton, front, Path(folder, "shared")))
        return {"latencies": latencies, "batching": asyncio.run(_batching(encoders, front, rounds))}


async def _latencies(
    payloads: Mapping[str, tuple[int, int]], triton: str, front: str, tensors: Path
) -> list[dict[str, Any]]:
    local = LocalPredictor([Echo()])
    remotes = {"Triton": RemotePredictor([Echo()], triton), "Ray": RemotePredictor([Echo()], front, tensors)}
    clients = {"Triton": InferenceServerClient(triton), "Ray": InferenceServerClient(front)}
    asks: dict[str, Ask] = {"this process": _by_predictor(local)}
    asks |= {name: _by_predictor(remote) for name, remote in remotes.items()}
    asks |= {f"{name}, tritonclient": _by_tritonclient(client) for name, client in clients.items()}
    rows = []
    for payload, (size, times) in payloads.items():
        x = np.random.default_rng(0).normal(size=size // 4).astype(np.float32)
        seconds = await _in_turns(asks, x, times)
        rows.append({"payload": payload, **{path: _quantiles(seconds[path]) for path in PATHS}})
    for each in (local, *remotes.values(), *clients.values()):
        await each.close()
    return rows


def _by_predictor(predictor: Predictor) -> Ask:
    async def ask(x: Array) -> Array:
        return (await predictor.infer(Echo.name, {"x": x}, deadline=time.monotonic() + SECONDS))["y"]

    return ask


def _by_tritonclient(client: InferenceServerClient) -> Ask:
    async def ask(x: Array) -> Array:
        given = InferInput("x", x.shape, "FP32")
        given.set_data_from_numpy(x)
        answer: Array = (await client.infer(Echo.name, [given], client_timeout=SECONDS)).as_numpy("y")
        return answer

    return ask


async def _in_turns(asks: Mapping[str, Ask], x: Array, times: int) -> dict[str, list[float]]:
    """Seconds of each request, by path; each turn begins with another path."""
    names, seconds = [*asks], {name: list[float]() for name in asks}
    for turn in range(WARM_UP + times):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            y = await asks[name](x)
            taken = time.perf_counter() - began
            assert np.array_equal(x, y)
            if turn >= WARM_UP:
                seconds[name].append(taken)
    return seconds


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    return {f"p{q}": 1e3 * float(np.percentile(seconds, q)) for q in (50, 99)}


async def _batching(encoders: Mapping[str, ModelSource], front: str, rounds: int) -> list[dict[str, Any]]:
    """Clouds a second, and clouds that were run as one on average."""
    remote, random = RemotePredictor(encoders.values(), front), np.random.default_rng(0)
    cloud = {
        "points": random.normal(size=(1, POINTS, 3)).astype(np.float32),
        "present": np.ones((1, POINTS), bool),
    }

    async def client(model: str) -> None:
        for _ in range(EACH):
            await remote.infer(model, cloud, deadline=time.monotonic() + 600)

    rates: dict[str, list[float]] = {name: [] for name in encoders}
    for turn in range(rounds + 1):
        for name, model in encoders.items():
            began = time.perf_counter()
            await asyncio.gather(*(client(model.name) for _ in range(CLIENTS)))
            if turn:  # the first warms up
                rates[name].append(CLIENTS * EACH / (time.perf_counter() - began))
    await remote.close()
    sizes = {name: await _mean_batch(front, model.name) for name, model in encoders.items()}
    return [{"encoder": name, "rate": median(rates[name]), "batch": sizes[name]} for name in encoders]


async def _mean_batch(front: str, model: str) -> float:
    async with grpc.aio.insecure_channel(front) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        (told,) = (await stub.ModelStatistics(service_pb2.ModelStatisticsRequest(name=model))).model_stats
        return float(told.inference_count / told.execution_count)


def targets(measured: Mapping[str, Any]) -> Iterator[Target]:
    """Our client over tritonclient, on the same server; our front over Triton, by the same client."""
    for row in measured["latencies"]:
        payload = row["payload"]
        client = row["Triton"]["p50"] / row["Triton, tritonclient"]["p50"]
        yield at_most(f"{payload} to Triton and back, p50 of RemotePredictor over tritonclient", client, CLIENT_RATIO)
        front = row["Ray"]["p50"] / row["Triton"]["p50"]
        yield at_most(f"{payload} there and back, p50 of Ray behind our front over Triton", front, FRONT_RATIO)


def report(measured: Mapping[str, Any]) -> str:
    """The tables in Markdown."""
    latencies, batching = measured["latencies"], measured["batching"]
    paths = ([path, *(f"{row[path]['p50']:.2f} / {row[path]['p99']:.2f}" for row in latencies)] for path in PATHS)
    encoders = ([row["encoder"], f"{row['batch']:.1f}", f"{row['rate']:.1f}"] for row in batching)
    parts = [
        "## Models served: there and back, p50 / p99 ms",
        markdown(["path", *(row["payload"] for row in latencies)], paths),
        f"The point-cloud encoder on Ray, {CLIENTS} clients at once:",
        markdown(["clouds", "run as one, mean", "clouds/s"], encoders),
    ]
    return "\n\n".join(parts)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="few requests, and none of 10 MiB, without targets")
    given = parser.parse_args()
    with redirect_stdout(sys.stderr):  # where Ray writes what it has to say
        measured = table(QUICK, 1) if given.quick else table()
    print(json.dumps(measured, indent=2) if given.json else report(measured))
    return 0 if given.quick else exit_code(targets(measured))


if __name__ == "__main__":
    sys.exit(main())
