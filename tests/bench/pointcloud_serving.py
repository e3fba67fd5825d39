"""What serving an encoder costs: clouds a second through the service's batching, and by the bare network.

    python tests/bench/pointcloud_serving.py [--json] [--quick]

`network` is the transformer alone, on patches that were cut before, in a thread as the service has it; `served` is all
that the service does with clouds of POINTS points: checks, sampling, patches, batches and the network. Rounds
alternate; the medians are told. Ends with exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from targets import Target, at_least, exit_code, markdown

from tellurion_core.predictor import LocalPredictor
from tellurion_pointcloud.batching import MOST, Batching, in_order
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.mmpt import FULL, SMALL, Mmpt
from tellurion_pointcloud.mmpt.encoder import pooled
from tellurion_pointcloud.models import EncodeModel, WeightsFile, encode_model
from tellurion_pointcloud.preparation import Prepared, prepared
from tellurion_pointcloud.received import Received

SIZES = {"small": SMALL, "full": FULL}
MODEL = "mmpt"
POINTS, CLOUDS, ROUNDS = 1024, 96, 5
RATIO = 0.9
"""Of the network's throughput, at least."""


def table(sizes: Sequence[str] = tuple(SIZES), clouds: int = CLOUDS, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """One row for each size."""
    return [{"size": size, "clouds": clouds, **measured(size, POINTS, clouds, rounds)} for size in sizes]


def measured(size: str, points: int, count: int, rounds: int) -> dict[str, float]:
    """Clouds a second of both."""
    spec, random = SIZES[size], np.random.default_rng(0)
    clouds = [Received(index, random.normal(size=(points, 3)), None, "") for index in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        Mmpt(spec).save(Path(folder) / "mmpt.safetensors", {})
        weights = WeightsFile(Path(folder) / "mmpt.safetensors", Mmpt.load)
        network = weights.network()
    ready = np.stack([prepared(cloud, spec.points).inputs["points"] for cloud in clouds])
    cut = grouped(ready, spec.groups, spec.group_size)
    patches, centres = torch.from_numpy(cut.points), torch.from_numpy(cut.centres)

    @torch.inference_mode()
    def bare() -> None:
        for some, middles in zip(patches.split(MOST), centres.split(MOST), strict=True):
            pooled(network.encoder(some, middles))

    def served() -> None:
        asyncio.run(_served(weights, clouds, spec.points))

    seconds: dict[str, list[float]] = {"network": [], "served": []}
    for turn in range(rounds + 1):
        for name, work in (("network", lambda: asyncio.run(asyncio.to_thread(bare))), ("served", served)):
            taken = _seconds(work)
            if turn:  # the first warms up
                seconds[name].append(taken)
    rates = {name: count / median(taken) for name, taken in seconds.items()}
    return {**rates, "ratio": rates["served"] / rates["network"]}


async def _served(weights: WeightsFile, clouds: list[Received], points: int) -> None:
    models = [EncodeModel(MODEL, weights)]
    batching = Batching(LocalPredictor(models), models)

    async def ready() -> AsyncIterator[Prepared]:
        for cloud in clouds:
            yield await asyncio.to_thread(prepared, cloud, points)

    async def encoded(cloud: Prepared) -> dict[str, Any]:
        return await batching.infer(encode_model(MODEL), cloud.inputs)

    assert len([answer async for answer in in_order(ready(), encoded)]) == len(clouds)
    await batching.close()


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def targets(rows: Sequence[Mapping[str, Any]]) -> Iterator[Target]:
    """Served over bare."""
    for row in rows:
        yield at_least(f"point clouds encoded by the {row['size']} MMPT, served over bare", row["ratio"], RATIO)


def report(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    header = ["MMPT", "clouds", "network, clouds/s", "served, clouds/s", "ratio"]
    cells = (
        [row["size"], row["clouds"], f"{row['network']:.1f}", f"{row['served']:.1f}", f"{row['ratio']:.2f}"]
        for row in rows
    )
    return "\n\n".join([f"## Point clouds served, {POINTS} points each", markdown(header, cells)])


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the table as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="few clouds and the small size, without targets")
    given = parser.parse_args()
    rows = table(("small",), 8, 1) if given.quick else table()
    print(json.dumps(rows, indent=2) if given.json else report(rows))
    return 0 if given.quick else exit_code(targets(rows))


if __name__ == "__main__":
    sys.exit(main())
