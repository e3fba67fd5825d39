"""Guidance: how observations enter the sampling, by changing what the denoiser estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion.denoisers import Denoiser
from tellurion_diffusion.schedules import noise, signal


class Guidance(Protocol):
    """Estimates x₀ from x and from observations y that it holds."""

    def __call__(self, denoise: Denoiser, x: Tensor, sigma: Tensor, next_sigma: Tensor, /) -> Tensor:
        """x̂₀ [B, …] for a state x [B, …] in the step from sigma to next_sigma (0 in the last one)."""
        ...


class Observation(Protocol):
    """A linear observation operator H."""

    def apply(self, field: Tensor, /) -> Tensor:
        """H x: what would be observed of fields [B, …]."""
        ...

    def adjoint(self, values: Tensor, /) -> Tensor:
        """Hᵀ v: fields [B, …] of values in the observations' space."""
        ...


@dataclass(frozen=True, eq=False)
class Operator:
    """H given as two functions, which the caller knows to be each other's adjoint."""

    apply: Callable[[Tensor], Tensor]
    adjoint: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Mask:
    """H that reads single cells of a grid: its own adjoint, zero elsewhere, whatever stands there (NaN too)."""

    observed: Tensor
    """[…] bool, broadcast against the field."""

    def apply(self, field: Tensor, /) -> Tensor:
        """The field where it is observed, else 0."""
        return torch.where(self.observed, field, torch.zeros((), dtype=field.dtype, device=field.device))

    adjoint = apply


@dataclass(frozen=True)
class SoftMask:
    """Spreads what is known at cells to their neighbours: a 5 × 5 Gaussian with σ of one cell.

    As released it is not normalised: its weights exp(−(i² + j²)/2) sum to 6.17, so that it multiplies the scale of
    dense observations by that much. `periodic` goes round the globe, which the release does not.
    """

    periodic: bool = False
    normalised: bool = False
    """Divide by the sum of the weights: a departure from the release."""

    def __call__(self, field: Tensor) -> Tensor:
        """[B, …, H, W] of the same."""
        along = torch.exp(-(torch.arange(-2, 3, dtype=field.dtype, device=field.device) ** 2) / 2)
        kernel = torch.outer(along, along)
        if self.normalised:
            kernel = kernel / kernel.sum()
        layers = field.reshape(-1, 1, *field.shape[-2:])
        sides = F.pad(layers, (2, 2, 0, 0), mode="circular") if self.periodic else F.pad(layers, (2, 2))
        return F.conv2d(F.pad(sides, (0, 0, 2, 2)), kernel[None, None]).reshape(field.shape)


@dataclass(frozen=True, eq=False)
class ReconMOST:
    """The guidance of the released ReconMOST: each step's mean is pulled towards the observations.

    The release takes DDPM's step with variance β and adds β·g to its mean,

        g = scale · 2 Hᵀ(y − H x̂₀),

    the gradient of −scale · ‖y − H x̂₀‖² in x̂₀, as if x̂₀ did not depend on x. In the mean x̂₀ has the coefficient s′ β/n²
    (s′ the next level's signal, n this level's noise), so that the same is a shift of the estimate,

        x̂₀ ← x̂₀ + (n²/s′) · g,

    which is what this returns; `ancestral` with the large variance then takes the released step. Other samplers use the
    shifted estimate in their own way.

    The scale weighs squared misfits in the units of the state: it is not a likelihood, knows no observation error, and
    must be tuned again for other units or another number of steps. Clipping x̂₀ to [−1, 1] is `clipped`, around the
    denoiser. In the last step, where the release takes the variance of the step before for β, it is β here.
    """

    values: Tensor
    """y in the observations' space, broadcast against H x; where a `Mask` does not observe it may be anything."""
    observation: Observation
    scale: float
    """The released README run uses 4."""
    spread: Callable[[Tensor], Tensor] | None = None
    """Applied to the gradient in x̂₀: `SoftMask()` as released, if any; before it goes on through the denoiser."""
    through_denoiser: bool = False
    """Take the gradient in x instead, g = −scale · ∇ₓ ‖y − H x̂₀(x)‖² through the denoiser (Chung et al. 2023, without
    their norm): twice the cost or more."""

    def __post_init__(self) -> None:
        if not 0 <= self.scale < float("inf"):
            raise InvalidInput.of("scale", received=self.scale, accepted="a finite number, at least 0")

    def __call__(self, denoise: Denoiser, x: Tensor, sigma: Tensor, next_sigma: Tensor, /) -> Tensor:
        """The shifted estimate [B, …]."""
        if not self.through_denoiser:
            estimate = denoise(x, sigma)
            gradient = self._misfit(estimate)
        else:
            # Tensors made in inference mode carry no gradient; a clone made outside of it does.
            with torch.inference_mode(False), torch.enable_grad():
                state = x.detach().clone().requires_grad_()
                estimate = denoise(state, sigma)
                (gradient,) = torch.autograd.grad(estimate, state, self._misfit(estimate.detach()))
            estimate = estimate.detach()
        reach = noise(sigma) ** 2 / signal(next_sigma)
        return estimate + (self.scale * reach).to(estimate.dtype) * gradient

    def _misfit(self, estimate: Tensor) -> Tensor:
        """2 Hᵀ(y − H x̂₀) = −∇ ‖y − H x̂₀‖² in x̂₀, spread."""
        misfit = 2 * self.observation.adjoint(self.values - self.observation.apply(estimate))
        return misfit if self.spread is None else self.spread(misfit)
