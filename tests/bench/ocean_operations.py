"""What a member of `posterior` would cost at 42 levels × 1°, with a network as large as released: counted, not run.

    python tests/bench/ocean_operations.py

The network stands on the meta device, where nothing is computed; a multiplication and an addition count as two. The
waves of the noise and the gain, which the GPU computes too, are counted by hand, and so are the bytes that the host
moves between them. Times follow for a named GPU's peak rates, the share of them that is assumed to be sustained, and
an assumed rate of the host. What an analysis does once, whatever the number of members, is not counted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod
from typing import Any

import torch
from targets import Target, at_most, exit_code
from torch.utils.flop_counter import FlopCounterMode

from tellurion_diffusion import RECONMOST, UNet
from tellurion_ocean.posterior import STEPS
from tellurion_ocean.prior import Hyperparameters
from tellurion_ocean.samples import MODULATING_WAVES, WAVES

SHAPE = 42, 173, 360
PEAK = 495e12
"""Operations a second in TF32, in which PyTorch convolves float32, without sparsity: the data sheet of an H100 SXM."""
SUSTAINED = 0.35
"""Share of that peak that is assumed."""
PLAIN_PEAK = 67e12
"""Operations a second in float32, in which the waves are multiplied: the same data sheet."""
MEMORY = 3.35e12
"""Bytes a second that its memory moves."""
HOST = 10e9
"""Bytes a second that the host and its link to the GPU are assumed to move."""
PASSES = 16
"""Times that the host reads or writes the states of one level: noise, signal, correction, misfit, update, transfer."""
WET = 0.62
"""Share of the cells that is ocean, as in the atlas."""
PATTERNS = 10
SECONDS = 1.0
"""A member, at most."""


def count() -> dict[str, Any]:
    """Parameters, operations of one evaluation and of a member, and the seconds that follow."""
    levels = SHAPE[0]
    spec = replace(RECONMOST, in_channels=5 * levels + 2, features=2, periodic=True)
    with torch.device("meta"):
        network = UNet(spec)
        state, level, season = torch.empty(1, spec.in_channels, *SHAPE[1:]), torch.empty(1), torch.empty(1, 2)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(state, level, season)
    operations = counter.get_total_flops()
    cells = WET * prod(SHAPE)
    evaluations, draws, gains = 2 * STEPS, 2 * STEPS, 3 * STEPS  # the mirror image shares draws; the twin has a gain
    waves = draws * 2 * cells * (2 * WAVES + 2 * MODULATING_WAVES * PATTERNS)
    gathered = gains * cells * Hyperparameters.shipped().neighbours * 4 * 2  # read, and written beside its neighbours
    moved = PASSES * 3 * STEPS * cells * 4
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "operations_an_evaluation": operations,
        "evaluations": evaluations,
        "network_seconds": evaluations * operations / (SUSTAINED * PEAK),
        "waves_operations": waves,
        "waves_seconds": waves / (SUSTAINED * PLAIN_PEAK),
        "gathered_bytes": gathered,
        "gain_seconds": gathered / (SUSTAINED * MEMORY),
        "moved_bytes": moved,
        "host_seconds": moved / HOST,
    }


def targets(counted: Mapping[str, Any]) -> Iterable[Target]:
    """A second a member."""
    seconds = sum(counted[f"{part}_seconds"] for part in ("network", "waves", "gain", "host"))
    what = "42 levels × 173 × 360, s a member of posterior on an H100 (computed from counted operations, not run)"
    yield at_most(what, seconds, SECONDS)


def report(counted: Mapping[str, Any]) -> str:
    """What was counted and assumed, in words."""
    return (
        "## The released configuration\n\n"
        f"42 levels × 173 × 360, {counted['parameters'] / 1e6:.1f} million parameters. Computed, not run:"
        f" {counted['operations_an_evaluation'] / 1e12:.2f}·10¹² operations an evaluation, counted by PyTorch on the"
        f" meta device; {counted['evaluations']} evaluations a member, {counted['network_seconds']:.2f} s at"
        f" {SUSTAINED:.0%} of {PEAK / 1e12:.0f}·10¹² a second, the peak in TF32 of an H100 SXM. Waves:"
        f" {counted['waves_operations'] / 1e12:.2f}·10¹² operations, {counted['waves_seconds']:.2f} s at that share of"
        f" {PLAIN_PEAK / 1e12:.0f}·10¹² in float32. Gain: {counted['gathered_bytes'] / 1e9:.1f} GB gathered,"
        f" {counted['gain_seconds']:.2f} s. Between them the host moves {counted['moved_bytes'] / 1e9:.1f} GB,"
        f" {counted['host_seconds']:.2f} s at {HOST / 1e9:.0f} GB/s. The shares and the host's rate are assumed."
        " What an analysis does once, the local weights above all, comes before the first member and is not in it."
    )


def main() -> int:
    """Run the command."""
    counted = count()
    print(json.dumps(counted, indent=2))
    return exit_code(targets(counted))


if __name__ == "__main__":
    sys.exit(main())
