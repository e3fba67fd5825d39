"""What the released ReconMOST configuration would cost `posterior`: counted operations, not a run.

    python tests/bench/ocean_operations.py

The denoiser of 42 levels × 173 × 360 stands on the meta device, where nothing is computed; a multiplication and an
addition count as two. The time follows for a named GPU's peak and a share of it that such networks sustain. It is
the network's alone: the anchor's gain and its draws, shared among the members or drawn on the host, come beside.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from targets import Target, at_most, exit_code
from torch.utils.flop_counter import FlopCounterMode

from tellurion_diffusion import RECONMOST, UNet
from tellurion_ocean.posterior import STEPS

SHAPE = 42, 173, 360
PEAK = 989e12
"""Operations a second in bfloat16 without sparsity: the data sheet of an H100 SXM."""
SUSTAINED = 0.35
"""Share of that peak that is assumed."""
SECONDS = 1.0
"""A member, at most."""


def count() -> dict[str, Any]:
    """Parameters, operations of one evaluation and of a member, and the seconds that follow."""
    with torch.device("meta"):
        network = UNet(RECONMOST)
        state, level = torch.empty(1, *SHAPE), torch.empty(1)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(state, level)
    operations = counter.get_total_flops()
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "operations_an_evaluation": operations,
        "evaluations": STEPS,
        "operations_a_member": STEPS * operations,
        "seconds_a_member": STEPS * operations / (SUSTAINED * PEAK),
    }


def targets(counted: Mapping[str, Any]) -> Iterable[Target]:
    """A second a member."""
    what = "network of 42 levels × 173 × 360, s a member of posterior on an H100 (computed, not run)"
    yield at_most(what, counted["seconds_a_member"], SECONDS, digits=3)


def report(counted: Mapping[str, Any]) -> str:
    """What was counted and assumed, in words."""
    return (
        "## The released configuration\n\n"
        f"42 levels × 173 × 360, {counted['parameters'] / 1e6:.1f} million parameters. Computed, not run:"
        f" {counted['operations_an_evaluation'] / 1e12:.2f}·10¹² operations an evaluation, counted by PyTorch on the"
        f" meta device; {counted['evaluations']} evaluations a member,"
        f" {counted['operations_a_member'] / 1e12:.1f}·10¹² operations. At {SUSTAINED:.0%} of {PEAK / 1e12:.0f}·10¹² a"
        " second, the peak in bfloat16 of an H100 SXM, that is"
        f" {counted['seconds_a_member']:.3f} s. The share is assumed, and the anchor's gain and draws are not in it."
    )


def main() -> int:
    """Run the command."""
    counted = count()
    print(json.dumps(counted, indent=2))
    return exit_code(targets(counted))


if __name__ == "__main__":
    sys.exit(main())
