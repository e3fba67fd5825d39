"""The training loop: a denoiser learns its correction, can be killed at any time, and goes on as if it had not been.

Batch i, its noise levels and its dropout are functions of (seed, i) alone, so a run that was interrupted and resumed
ends with the weights of one that was not, to the bit (same machine, same number of threads, float32 on a CPU, a number
of steps rather than seconds).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_diffusion.checkpoints import read_checkpoint, write_checkpoint
from tellurion_diffusion.ema import EMA
from tellurion_diffusion.noise_levels import LogNormal, NoiseLevels
from tellurion_diffusion.schedules import noise, signal


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step learns from."""

    clean: Tensor
    """x₀ [B, C, H, W]."""
    noise: Tensor
    """η [B, C, H, W], drawn from the Gaussian N(0, C) that the samplers draw from."""
    static: Tensor | None = None
    """[1 or B, S, H, W] fields that do not change, such as a land mask."""
    features: Tensor | None = None
    """[B, F] numbers that condition the whole field."""


Batches = Callable[[int], Batch]
"""Batch i, for any i ≥ 0: a function of i (and of a seed that it holds), so that a training can be resumed."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained. The defaults of rate, decay and average are those of the released ReconMOST."""

    steps: int | None = None
    """Steps in all, over resumptions."""
    seconds: float | None = None
    """Time in all, over resumptions; one of the two at least, and whichever is reached first ends the training."""
    learning_rate: float = 1e-4
    schedule: Literal["constant", "cosine"] = "constant"
    """Of the learning rate after the warm-up. A cosine falls to zero at the last step; where only `seconds` are given
    it follows the clock, and the weights then depend on the machine's speed."""
    warmup: int = 0
    """Steps in which the learning rate grows linearly."""
    weight_decay: float = 0.0
    largest_gradient: float = 1.0
    """Norm to which a gradient is cut."""
    average: float = 0.9999
    """Decay of the exponential moving average."""
    levels: NoiseLevels = field(default_factory=LogNormal)
    bf16: bool = False
    """Compute in bfloat16 where autocast holds it to be safe; parameters stay in float32."""
    seed: int = 0
    report_every: int = 100
    """Steps between two reports."""
    checkpoint_every: int = 1000
    """Steps between two checkpoints."""
    checkpoint_seconds: float = 600.0
    """And no more than about this time between them."""

    def __post_init__(self) -> None:
        if self.steps is None and self.seconds is None:
            raise InvalidInput.of("steps, seconds", received=(None, None), accepted="one of them at least")
        for name in ("steps", "seconds", "learning_rate", "largest_gradient", "report_every", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InvalidInput.of(name, received=value, accepted="a finite number above 0")
        if self.schedule not in ("constant", "cosine"):
            raise InvalidInput.of("schedule", received=self.schedule, accepted="constant or cosine")


@dataclass(frozen=True)
class Report:
    """How the training stands."""

    step: int
    """Steps done."""
    loss: float
    """Mean over the steps since the last report."""
    seconds: float
    """Time spent training, over resumptions."""


def correction_loss(
    network: nn.Module,
    batch: Batch,
    sigma: Tensor,  # [B]
    weights: Tensor | None = None,  # [H, W], [C, H, W] or [B, C, H, W]
) -> Tensor:
    """The weighted mean of (net − (x₀ − signal·x)/noise)², for `Preconditioned`'s network at x = signal·x₀ + noise·η.

    Karras et al. (2022), eq. 8 with σ_data = 1 and its weighting, under which every level counts alike. The target is
    computed as noise·x₀ − signal·η, the same without the quotient that loses all digits at small σ.
    """
    level = sigma[:, None, None, None]
    x = signal(level) * batch.clean + noise(level) * batch.noise
    static = None if batch.static is None else batch.static.expand(len(x), *batch.static.shape[1:])
    learned = network(x, sigma.log(), batch.features, static)
    error = (learned.float() - (noise(level) * batch.clean - signal(level) * batch.noise)) ** 2
    if weights is None:
        return error.mean()
    return (weights * error).sum() / weights.expand_as(error).sum()


class Trainer:
    """A training: the network, its optimiser and average, and how far it has come.

    Raises InvalidInput when the checkpoint was made with another spec or seed or has no folder to be in, DataCorrupted
    when it is damaged.
    """

    def __init__(
        self,
        network: nn.Module,
        spec: Mapping[str, Any],
        batches: Batches,
        recipe: Recipe,
        *,
        weights: Tensor | None = None,
        checkpoint: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins, or goes on from `checkpoint` where there is one.

        Args:
            network: on the device to train on; what `Preconditioned` wraps.
            spec: whatever the parameters mean, as JSON holds it: a checkpoint made with another one is refused.
            batches: gives batch i, on any device.
            recipe: how to train.
            weights: of the loss, [H, W], [C, H, W] or [B, C, H, W]: areas and wet cells.
            checkpoint: the file to keep; none is kept where None.
            clock: seconds, monotonic.
        """
        self.network = network
        self.spec = _plain(spec)
        self.batches = batches
        self.recipe = recipe
        self.step = 0
        """Steps done."""
        self.average = EMA(network, recipe.average)
        self._device = next(network.parameters()).device
        self._weights = None if weights is None else weights.to(self._device)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._clock, self._began, self._spent = clock, clock(), 0.0
        self._checkpoint, self._saved_at = checkpoint, (0, 0.0)
        if checkpoint is not None and not checkpoint.parent.is_dir():
            raise InvalidInput.of("checkpoint", received=checkpoint.name, accepted="a file in a folder that exists")
        if checkpoint is not None and checkpoint.exists():
            self._resume(checkpoint)

    @property
    def seconds(self) -> float:
        """Time spent training, over resumptions."""
        return self._spent + self._clock() - self._began

    @property
    def done(self) -> bool:
        """Whether the steps or the time are used up."""
        steps, seconds = self.recipe.steps, self.recipe.seconds
        return (steps is not None and self.step >= steps) or (seconds is not None and self.seconds >= seconds)

    def run(self, report: Callable[[Report], None] | None = None) -> None:
        """Trains to the end, telling `report` every so many steps and at the end; then the average is what to keep.

        Raises InvalidInput when a loss is not finite: the batch it came from is named.
        """
        losses: list[float] = []
        while not self.done:
            losses.append(self.advance())
            if self.step % self.recipe.report_every == 0 or self.done:
                if report is not None:
                    report(Report(self.step, sum(losses) / len(losses), self.seconds))
                losses.clear()
            if self._is_due():
                self.save()
        if self._saved_at[0] < self.step:
            self.save()

    def advance(self) -> float:
        """One step of gradient descent on the next batch; its loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate()
        self.network.train()
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(_seed_of(self.recipe.seed, self.step, 1))  # dropout
            loss = self._loss()
            loss.backward()
        value = loss.item()
        if not math.isfinite(value):
            raise InvalidInput.of(
                f"batch {self.step}",
                received=f"a loss of {value}",
                accepted="finite fields and noise, and a learning rate that does not diverge",
            )
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.largest_gradient)
        if not bool(torch.isfinite(norm)):
            raise InvalidInput.of(
                f"batch {self.step}", received=f"a gradient of {norm.item()}", accepted="a finite one"
            )
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.average.update(self.network)
        self.step += 1
        return value

    def save(self) -> None:
        """Writes the checkpoint, if one is to be kept."""
        self._saved_at = (self.step, self.seconds)
        if self._checkpoint is None:
            return
        state = {
            "spec": self.spec,
            "seed": self.recipe.seed,
            "step": self.step,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        write_checkpoint(self._checkpoint, state)

    def _is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        step, seconds = self._saved_at
        late = self.seconds - seconds >= self.recipe.checkpoint_seconds
        return late or self.step - step >= self.recipe.checkpoint_every

    def _loss(self) -> Tensor:
        batch = _on(self._device, self.batches(self.step))
        generator = torch.Generator().manual_seed(_seed_of(self.recipe.seed, self.step, 0))
        sigma = self.recipe.levels.draw(len(batch.clean), generator).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self.recipe.bf16):
            return correction_loss(self.network, batch, sigma, self._weights)

    def _learning_rate(self) -> float:
        recipe = self.recipe
        warm = min(1.0, (self.step + 1) / recipe.warmup) if recipe.warmup else 1.0
        if recipe.schedule == "constant":
            return recipe.learning_rate * warm
        done = self.step / recipe.steps if recipe.steps else self.seconds / (recipe.seconds or math.inf)
        return recipe.learning_rate * warm * (1 + math.cos(math.pi * min(done, 1.0))) / 2

    def _resume(self, checkpoint: Path) -> None:
        state = read_checkpoint(checkpoint, self._device)
        try:
            for name, ours in (("spec", self.spec), ("seed", self.recipe.seed)):
                if state[name] != ours:
                    field_name = f"checkpoint {checkpoint.name}: {name}"
                    raise InvalidInput.of(field_name, received=state[name], accepted=f"{ours}, that of this training")
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.step, self._spent = int(state["step"]), float(state["seconds"])
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise DataCorrupted(f"checkpoint {checkpoint.name} does not hold a training of this network") from error
        self._saved_at = (self.step, self._spent)


def _seed_of(seed: int, step: int, use: int) -> int:
    """A 64-bit seed of its own for each use in each step."""
    return int(np.random.SeedSequence([seed, step, use]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _on(device: torch.device, batch: Batch) -> Batch:
    each = (batch.clean, batch.noise, batch.static, batch.features)
    clean, eta, static, features = (None if one is None else one.to(device, non_blocking=True) for one in each)
    if clean is None or eta is None or clean.shape != eta.shape:
        raise InvalidInput.of("batch.noise", received=f"shape {batch.noise.shape}", accepted=f"{batch.clean.shape}")
    return Batch(clean, eta, static, features)


def _plain(value: Any) -> Any:
    """Tuples as lists, the way a spec comes back from a file."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
