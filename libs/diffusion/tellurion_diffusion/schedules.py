"""Noise schedules: decreasing noise-to-signal ratios σ, and what they say of a state x = signal·x₀ + noise·η.

The diffusion preserves variance: signal = 1/√(1+σ²), noise = σ/√(1+σ²), so ᾱ = signal² in the notation of DDPM.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput

LARGEST_BETA = 0.999
"""Nichol & Dhariwal (2021), section 3.2: the cosine schedule's β is clipped here, against a singularity at its end."""


def signal(sigma: Tensor) -> Tensor:
    """Share of x₀ in the state, 1/√(1+σ²), of σ's shape."""
    return torch.rsqrt(1 + sigma**2)


def noise(sigma: Tensor) -> Tensor:
    """Share of η in the state, σ/√(1+σ²), of σ's shape."""
    return sigma * torch.rsqrt(1 + sigma**2)


def linear_betas(count: int = 1000, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """β₀ … β₍count₋₁₎ [count], the variances of DDPM's noising steps (Ho et al. 2020); ascending float64.

    Raises InvalidInput unless 0 < first ≤ last < 1.
    """
    _count(count)
    if not 0 < first <= last < 1:
        raise InvalidInput.of("first, last", received=(first, last), accepted="0 < first ≤ last < 1")
    return torch.linspace(first, last, count, dtype=torch.float64)


def cosine_betas(count: int) -> Tensor:
    """β₀ … [count] of the cosine schedule, ᾱ(t) ∝ cos²((t + 0.008)/1.008 · π/2) (Nichol & Dhariwal 2021, eq. 17)."""
    _count(count)
    time = torch.linspace(0, 1, count + 1, dtype=torch.float64)
    kept = torch.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2
    return (1 - kept[1:] / kept[:-1]).clamp(max=LARGEST_BETA)


def linear_beta(count: int = 1000, first: float = 1e-4, last: float = 0.02) -> Tensor:
    """σ [count] of `linear_betas`, decreasing float64."""
    return _from_betas(linear_betas(count, first, last))


def cosine(count: int) -> Tensor:
    """σ [count] of `cosine_betas`, decreasing float64."""
    return _from_betas(cosine_betas(count))


def edm(count: int, largest: float, smallest: float, rho: float = 7.0) -> Tensor:
    """σ [count] evenly spaced in σ^(1/ρ) (Karras et al. 2022, eq. 5), decreasing float64; one alone is the largest.

    Raises InvalidInput unless 0 < smallest < largest and rho > 0.
    """
    _count(count)
    if not (0 < smallest < largest < math.inf and 0 < rho < math.inf):
        received = (largest, smallest, rho)
        raise InvalidInput.of("largest, smallest, rho", received=received, accepted="0 < smallest < largest, rho > 0")
    ramp = torch.linspace(0, 1, count, dtype=torch.float64)
    return (largest ** (1 / rho) + ramp * (smallest ** (1 / rho) - largest ** (1 / rho))) ** rho


def respaced(sigmas: Tensor, count: int) -> Tensor:
    """`count` of the levels [n], evenly spread over their order, the first and the last always among them.

    One alone is the first, where sampling starts.

    Raises InvalidInput unless 1 ≤ count ≤ n.
    """
    if not 1 <= count <= len(sigmas):
        raise InvalidInput.of("count", received=count, accepted=f"1 to {len(sigmas)}, the number of levels")
    return sigmas[torch.linspace(0, len(sigmas) - 1, count, dtype=torch.float64).round().long()]


def levels(sigmas: Tensor) -> list[float]:
    """The levels as numbers, once they are seen to be finite, positive and strictly decreasing.

    Raises InvalidInput otherwise.
    """
    values = sigmas.double().tolist() if sigmas.ndim == 1 else []
    falling = all(later < earlier for earlier, later in pairwise(values))
    if not values or not falling or not 0 < values[-1] <= values[0] < math.inf:
        accepted = "at least one level; positive, finite and strictly decreasing"
        raise InvalidInput.of("sigmas", received=f"{tuple(sigmas.shape)}: {values[:4]}", accepted=accepted)
    return values


def _count(count: int) -> None:
    if count < 1:
        raise InvalidInput.of("count", received=count, accepted="at least 1 level")


def _from_betas(betas: Tensor) -> Tensor:
    # log ᾱ, and expm1 of it: 1 − ᾱ of the first level would lose digits.
    kept = torch.log1p(-betas).cumsum(0)
    return torch.sqrt(torch.expm1(-kept)).flip(0)
