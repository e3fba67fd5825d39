"""Replicas under a load that comes and goes, recorded as a picture, libs/core/docs/autoscaling.png.

    python tests/bench/serving_autoscaling.py

A model that takes SECONDS a request, behind our front on Ray, is asked by one client, by CLIENTS, and by one again.
Ends with exit code 1 when there were not as many replicas as may be, or not one in the end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from ray import serve
from serving_models import Waiting, source
from serving_sites import on_ray
from targets import Target, at_least, at_most, exit_code, markdown

from tellurion_core.ray_serving.replicas import REPLICA
from tellurion_core.ray_serving.settings import Scaling
from tellurion_core.remote_predictor import RemotePredictor

PICTURE = Path(__file__).parents[2] / "libs" / "core" / "docs" / "autoscaling.png"
SECONDS = 0.2
CLIENTS, MOST = 8, 4
PHASES = ((1, 20.0), (CLIENTS, 70.0), (1, 100.0))
"""Clients, and for how many seconds: Serve averages what it decides by over half a minute."""
SCALING = Scaling(
    max_replicas=MOST,
    target_ongoing_requests=1.5,
    upscale_delay_s=2,
    downscale_delay_s=10,
    max_ongoing_requests=4,
    num_cpus=0.1,
)
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True)
class Moment:
    """What was seen at one moment."""

    second: float
    clients: int
    replicas: int
    latency: float
    """Median of what was answered since the last moment, in seconds; NaN where nothing was."""


def table() -> list[Moment]:
    """The record, and the picture of it."""
    with on_ray([source(Waiting)], {Waiting.name: SCALING}) as front:
        moments = asyncio.run(_recorded(front))
    _draw(moments, PICTURE)
    return moments


async def _recorded(front: str) -> list[Moment]:
    remote, moments, latencies = RemotePredictor([Waiting()], front), list[Moment](), list[float]()
    began = time.monotonic()

    async def client(until: float) -> None:
        while time.monotonic() < until:
            asked = time.monotonic()
            await remote.infer(Waiting.name, {"seconds": np.array(SECONDS)}, deadline=asked + 60)
            latencies.append(time.monotonic() - asked)

    for count, seconds in PHASES:
        until = time.monotonic() + seconds
        clients = [asyncio.create_task(client(until)) for _ in range(count)]
        while time.monotonic() < until:
            await asyncio.sleep(SAMPLE_SECONDS)
            replicas = await asyncio.to_thread(_replicas)
            latency = median(latencies) if latencies else np.nan
            moments.append(Moment(time.monotonic() - began, count, replicas, latency))
            latencies.clear()
        await asyncio.gather(*clients)
    await remote.close()
    return moments


def _replicas() -> int:
    states: Any = serve.status().applications[Waiting.name].deployments[REPLICA].replica_states
    return int(states.get("RUNNING", 0))


def _draw(moments: Sequence[Moment], path: Path) -> None:
    figure = Figure(figsize=(7, 4), layout="constrained")
    above, below = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    seconds = [moment.second for moment in moments]
    above.step(seconds, [moment.clients for moment in moments], where="post", color="0.6", label="clients")
    above.step(seconds, [moment.replicas for moment in moments], where="post", label="replicas")
    above.legend(frameon=False)
    above.set_ylim(bottom=0)
    below.plot(seconds, [moment.latency for moment in moments], ".", markersize=3)
    below.set(xlabel="seconds", ylabel="latency, s", ylim=(0, None))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def targets(moments: Sequence[Moment]) -> Iterator[Target]:
    """One replica, as many as may be, and one again."""
    told = f"replicas for {CLIENTS} clients, {MOST} at most"
    yield at_least(f"{told}: the most there were", max(moment.replicas for moment in moments), MOST, digits=0)
    yield at_most(f"{told}: in the end, with one client", moments[-1].replicas, 1, digits=0)


def report(moments: Sequence[Moment]) -> str:
    """How long replicas take to come, and to go."""
    more = next(moment.second for moment in moments if moment.clients > 1)
    fewer = next(moment.second for moment in moments if moment.clients == 1 and moment.second > more)
    full = [moment for moment in moments if moment.replicas == MOST]
    alone = [moment for moment in moments if moment.replicas == 1 and moment.second > fewer]
    rows = (
        [f"{MOST} replicas after {CLIENTS} clients came", f"{full[0].second - more:.0f}" if full else "never"],
        ["1 replica after all but one went", f"{alone[0].second - fewer:.0f}" if alone else "never"],
    )
    return "\n\n".join(["## Replicas under a load that comes and goes", markdown(["what", "s"], rows)])


def main() -> int:
    """Run the command."""
    moments = table()
    print(report(moments))
    return exit_code(targets(moments))


if __name__ == "__main__":
    sys.exit(main())
