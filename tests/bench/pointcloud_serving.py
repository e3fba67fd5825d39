"""What serving an encoder costs: clouds a second through the service's batching, and by the bare network.

    python tests/bench/pointcloud_serving.py [--size small|full] [--points 1024] [--clouds 96] [--rounds 5] [--json]

`network` is the transformer alone, on patches that were cut before, in a thread as the service has it; `served` is all
that the service does with clouds of so many points: checks, sampling, patches, batches and the network. Rounds
alternate; the medians are told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

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
    predictor = LocalPredictor([EncodeModel(MODEL, weights)])
    batching = Batching(predictor)

    async def ready() -> AsyncIterator[Prepared]:
        for cloud in clouds:
            yield await asyncio.to_thread(prepared, cloud, points)

    async def encoded(cloud: Prepared) -> dict[str, Any]:
        return await batching.infer(encode_model(MODEL), cloud.inputs)

    assert len([answer async for answer in in_order(ready(), encoded)]) == len(clouds)
    await predictor.close()


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--points", type=int, default=1024)
    parser.add_argument("--clouds", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    told = measured(given.size, given.points, given.clouds, given.rounds)
    if given.json:
        print(json.dumps({**vars(given), **told}))
    else:
        print(
            f"network {told['network']:.1f} clouds/s, served {told['served']:.1f} clouds/s, ratio {told['ratio']:.2f}"
        )


if __name__ == "__main__":
    main()
