"""What a member of `posterior` would cost at 42 levels × 1°, with a network as large as released: counted, not run.

    python tests/bench/ocean_operations.py

The network stands on the meta device, where nothing is computed; a multiplication and an addition count as two. Its
time follows for a named GPU's peak and a share of it that such networks sustain. The noise and the gain, which are
computed on the host, are counted by hand and follow for an assumed rate.
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
HOST = 100e9
"""Operations a second that the host is assumed to sustain."""
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
    waves = 2 * cells * (2 * WAVES + 2 * MODULATING_WAVES * PATTERNS)
    gain = 2 * cells * Hyperparameters.shipped().neighbours
    host = 2 * STEPS * (waves + gain)  # two draws a level; the gain for the member and its twin
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "operations_an_evaluation": operations,
        "evaluations": STEPS,
        "operations_a_member": STEPS * operations,
        "network_seconds": STEPS * operations / (SUSTAINED * PEAK),
        "host_operations": host,
        "host_seconds": host / HOST,
    }


def targets(counted: Mapping[str, Any]) -> Iterable[Target]:
    """A second a member."""
    network, host = counted["network_seconds"], counted["host_seconds"]
    what = "42 levels × 173 × 360, s a member of posterior (computed, not run)"
    yield at_most(f"{what}: the network on an H100", network, SECONDS, digits=3)
    yield replace(at_most(f"{what}: with noise and gain on the host", network + host, SECONDS, digits=1), stretch=True)


def report(counted: Mapping[str, Any]) -> str:
    """What was counted and assumed, in words."""
    return (
        "## The released configuration\n\n"
        f"42 levels × 173 × 360, {counted['parameters'] / 1e6:.1f} million parameters. Computed, not run:"
        f" {counted['operations_an_evaluation'] / 1e12:.2f}·10¹² operations an evaluation, counted by PyTorch on the"
        f" meta device; {counted['evaluations']} evaluations a member. At {SUSTAINED:.0%} of {PEAK / 1e12:.0f}·10¹² a"
        f" second, the peak in TF32 of an H100 SXM, that is {counted['network_seconds']:.3f} s. The noise and the gain"
        f" are computed on the host: {counted['host_operations'] / 1e12:.2f}·10¹² operations a member, at"
        f" {HOST / 1e9:.0f}·10⁹ a second {counted['host_seconds']:.1f} s. Both rates are assumed."
    )


def main() -> int:
    """Run the command."""
    counted = count()
    print(json.dumps(counted, indent=2))
    return exit_code(targets(counted))


if __name__ == "__main__":
    sys.exit(main())
