"""The state of the released ReconMOST: temperature scaled from [−5, 40] °C to [−1, 1], land at 0 °C, without a mask."""

from __future__ import annotations

import torch
from torch import Tensor

COLDEST, WARMEST = -5.0, 40.0
"""°C at −1 and at 1."""


def released_state(temperature: Tensor) -> Tensor:
    """2 (T + 5)/45 − 1 of T in °C, of its shape; NaN, which is land, counts as 0 °C and gives −7/9."""
    return 2 * (torch.nan_to_num(temperature, nan=0.0) - COLDEST) / (WARMEST - COLDEST) - 1


def released_temperature(state: Tensor) -> Tensor:
    """°C of a state: the inverse, but for land, which comes back as 0 °C."""
    return COLDEST + (state + 1) / 2 * (WARMEST - COLDEST)
