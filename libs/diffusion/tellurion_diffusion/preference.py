"""Preference alignment: a denoiser learns which of two fields is the better one, and stays near the one it began as.

With Δ = ‖ε − ε_θ‖² − ‖ε − ε_ref‖², the mean over a field's values, both fields of a pair diffused by the same ε to the
same level, and the margin h = Δ(loser) − Δ(winner), Diffusion-DPO (Wallace et al. 2024, eq. 14) minimises −log σ(β h),
and IPO (Azar et al. 2024, eq. 17) the squared distance of h from 1/2β.

For a `Preconditioned` network x̂₀ = signal·x + noise·net, hence ε̂ = noise·x − signal·net, and
ε̂ − ε = signal·((noise·x₀ − signal·ε) − net): the error that `correction_loss` squares, times the signal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_diffusion.schedules import noise, signal
from tellurion_diffusion.training import Batch, Batches, Recipe, Trainer, _on, _seed_of


def pairs(winner: Tensor, loser: Tensor, eta: Tensor, static: Tensor | None = None) -> Batch:
    """The batch [2B, …] of winners [B, …], then losers [B, …], a pair sharing its noise and its condition [B, …]."""
    if not winner.shape == loser.shape == eta.shape:
        received = f"shapes {tuple(winner.shape)}, {tuple(loser.shape)}, {tuple(eta.shape)}"
        raise InvalidInput.of("winner, loser, eta", received=received, accepted="three of the same shape")
    twice = None if static is None else static.repeat(2, *[1] * (static.ndim - 1))
    return Batch(torch.cat([winner, loser]), eta.repeat(2, *[1] * (eta.ndim - 1)), twice)


def margins(network: nn.Module, reference: nn.Module, batch: Batch, sigma: Tensor) -> Tensor:
    """By how much the network prefers the winners, h [B] of pairs [2B, …] at a level each [B]; 0 for the reference."""
    sigma = sigma.repeat(2)
    level = sigma.reshape(-1, *[1] * (batch.clean.ndim - 1))
    x = signal(level) * batch.clean + noise(level) * batch.noise
    target = noise(level) * batch.clean - signal(level) * batch.noise

    def error(net: nn.Module) -> Tensor:
        return (net(x, sigma.log(), batch.features, batch.static).float() - target).square().flatten(1).mean(1)

    with torch.no_grad():
        before = error(reference)
    winner, loser = (signal(sigma) ** 2 * (error(network) - before)).chunk(2)
    return loser - winner


def dpo_loss(margins: Tensor, beta: float) -> Tensor:
    """The mean of −log σ(β h): ln 2 where there is no preference yet."""
    return -F.logsigmoid(beta * margins).mean()


def ipo_loss(margins: Tensor, beta: float) -> Tensor:
    """The mean of (β h − ½)², that is β² (h − 1/2β)²: it stops at a margin, where DPO goes on without end."""
    return (beta * margins - 0.5).square().mean()


LOSSES = {"dpo": dpo_loss, "ipo": ipo_loss}


def implicit_accuracy(margins: Tensor) -> float:
    """Share of the pairs in which the winner is preferred; ties count half."""
    return float((margins.detach().sign() + 1).mean() / 2)


class PreferenceTrainer(Trainer):
    """A training whose batches are `pairs`: resumable and reported like any other."""

    def __init__(
        self,
        network: nn.Module,
        reference: nn.Module,
        spec: Mapping[str, Any],
        batches: Batches,
        recipe: Recipe,
        *,
        beta: float,
        loss: Literal["dpo", "ipo"] = "dpo",
        checkpoint: Path | None = None,
    ) -> None:
        """Begins, or goes on from `checkpoint`; `reference` is the network as it was before its first step.

        Raises InvalidInput for a beta that is not positive, an unknown loss, and whatever `Trainer` refuses.
        """
        if not 0 < beta < math.inf:
            raise InvalidInput.of("beta", received=beta, accepted="a finite number above 0")
        if loss not in LOSSES:
            raise InvalidInput.of("loss", received=loss, accepted=" or ".join(LOSSES))
        self.reference = reference.eval().requires_grad_(False)
        self._beta, self._of_margins = beta, LOSSES[loss]
        super().__init__(network, spec, batches, recipe, checkpoint=checkpoint)

    def _loss(self) -> Tensor:
        batch = _on(self._device, self.batches(self.step))
        generator = torch.Generator().manual_seed(_seed_of(self.recipe.seed, self.step, 0))
        sigma = self.recipe.levels.draw(len(batch.clean) // 2, generator).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self.recipe.bf16):
            return self._of_margins(margins(self.network, self.reference, batch, sigma), self._beta)
