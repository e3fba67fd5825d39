"""The loop that all networks here are trained by: AdamW, a warm-up, a cosine to the end of the budget, a checkpoint.

Step i's random numbers are a function of (seed, i) alone, so that a training that was killed and resumed ends with the
weights of one that was not, to the bit (same machine and threads, a budget of steps rather than of time).
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor, nn

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_diffusion.checkpoints import read_checkpoint, write_checkpoint

Loss = Callable[[int, Generator], Tensor | Mapping[str, Tensor]]
"""The loss of step i ≥ 0, its batch and whatever is random drawn from the CPU generator given.

Of several by name the sum is minimised; those that require no gradient are only reported.
"""

CHECKPOINT_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long to train, and how fast."""

    steps: int | None = None
    """In all, over resumptions."""
    minutes: float | None = None
    """In all, over resumptions; one of the two at least, and the one that is reached first ends the training."""
    learning_rate: float = 1e-3
    """The highest. It falls as a cosine of the share of the budget that is used, to zero at its end."""
    weight_decay: float = 0.05
    """Of what has two axes or more; biases and norms are not decayed."""
    warmup: int = 100
    """Steps in which the learning rate grows linearly."""
    clip: float = 10.0
    """Norm to which a gradient is cut."""
    bfloat16: bool = False
    """Multiply in bfloat16: about twice as fast where the processor can."""

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise InvalidInput.of("steps, minutes", received=(None, None), accepted="one of them at least")
        for name in ("steps", "minutes", "learning_rate", "clip"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InvalidInput.of(name, received=value, accepted="a finite number above 0")

    def used(self, step: int, seconds: float) -> float:
        """Share of the budget, 1 at its end."""
        return max(step / (self.steps or math.inf), seconds / (60 * (self.minutes or math.inf)))

    def rate(self, step: int, seconds: float) -> float:
        """Learning rate of a step."""
        warm = min(1.0, (step + 1) / max(self.warmup, 1))
        return self.learning_rate * warm * (1 + math.cos(math.pi * min(self.used(step, seconds), 1.0))) / 2


@dataclass(frozen=True)
class Progress:
    """How a training stands."""

    step: int
    """Steps done."""
    losses: Mapping[str, float]
    """By name, means over the steps since the last report."""
    seconds: float
    """Time spent training, over resumptions."""


@dataclass(frozen=True)
class Fitted:
    """What a training took, over resumptions."""

    steps: int
    seconds: float


def printed(at: Progress) -> None:
    """Prints how a training stands."""
    losses = "  ".join(f"{name} {value:.5f}" for name, value in at.losses.items())
    print(f"step {at.step}  {losses}  {at.seconds / 60:.1f} min", flush=True)


def fit(
    loss: Loss,
    parameters: Iterable[nn.Parameter],
    schedule: Schedule,
    *,
    state: Mapping[str, nn.Module],
    seed: int,
    spec: Mapping[str, Any] | None = None,
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] | None = printed,
    report_every: int = 50,
    clock: Callable[[], float] = time.monotonic,
) -> Fitted:
    """Trains `parameters` to the end of the budget, going on from `checkpoint` where there is one.

    Args:
        loss: of step i.
        parameters: those to train, on one device.
        schedule: budget and rates.
        state: the modules, by name, that a checkpoint keeps; in training mode meanwhile, for evaluation afterwards.
        seed: of all random numbers: the generator given to `loss`, and torch's own, which dropout uses.
        spec: whatever the training is of, as JSON holds it: a checkpoint made with another one is refused.
        checkpoint: file to keep, about every two minutes and at the end; none where None.
        report: told every `report_every` steps and at the end.
        report_every: steps.
        clock: seconds, monotonic.

    Raises:
        InvalidInput: the checkpoint is of another spec, seed or precision or has no folder to be in, or a loss or a
            gradient is not finite: the step is named.
        DataCorrupted: the checkpoint is damaged.
    """
    if checkpoint is not None and not checkpoint.parent.is_dir():
        raise InvalidInput.of("checkpoint", received=checkpoint.name, accepted="a file in a folder that exists")
    trained = list(parameters)
    optimiser = torch.optim.AdamW(
        [
            {"params": [each for each in trained if each.ndim > 1], "weight_decay": schedule.weight_decay},
            {"params": [each for each in trained if each.ndim <= 1], "weight_decay": 0.0},
        ]
    )
    identity = {"spec": dict(spec or {}), "seed": seed, "bfloat16": schedule.bfloat16}
    step, spent = 0, 0.0
    if checkpoint is not None and checkpoint.exists():
        step, spent = _resume(checkpoint, state, optimiser, identity, trained[0].device)
    began, seconds, saved, told = clock() - spent, spent, spent, step

    def save() -> None:
        if checkpoint is not None:
            kept = {name: module.state_dict() for name, module in state.items()}
            at = {"step": step, "seconds": seconds}
            write_checkpoint(checkpoint, {**identity, **at, "state": kept, "optimiser": optimiser.state_dict()})

    for module in state.values():
        module.train()
    sums: defaultdict[str, float] = defaultdict(float)
    while schedule.used(step, seconds) < 1:
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(step, seconds)
        for name, value in _descend(loss, trained, optimiser, step, seed, schedule).items():
            sums[name] += value
        step += 1
        seconds = clock() - began
        done = schedule.used(step, seconds) >= 1
        if report is not None and (done or step % report_every == 0):
            report(Progress(step, {name: total / (step - told) for name, total in sums.items()}, seconds))
            sums.clear()
            told = step
        if done or seconds - saved >= CHECKPOINT_SECONDS:
            save()
            saved = seconds
    for module in state.values():
        module.eval()
    return Fitted(step, seconds)


def generator_of(seed: int, step: int, use: int = 0) -> Generator:
    """A CPU generator of its own for each use in each step; torch keeps 32 bits of a seed, so that it is a hash."""
    return Generator().manual_seed(int(np.random.SeedSequence(seed, spawn_key=(step, use)).generate_state(1)[0]))


def _descend(
    loss: Loss, trained: list[nn.Parameter], optimiser: torch.optim.Optimizer, step: int, seed: int, schedule: Schedule
) -> dict[str, float]:
    """One step; its losses by name."""
    device = trained[0].device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(generator_of(seed, step, 1).initial_seed())
        with torch.autocast(device.type, torch.bfloat16, enabled=schedule.bfloat16):
            terms = loss(step, generator_of(seed, step))
        if isinstance(terms, Tensor):
            terms = {"loss": terms}
        torch.stack([term for term in terms.values() if term.requires_grad]).sum().backward()
    norm = nn.utils.clip_grad_norm_(trained, schedule.clip)
    values = {name: term.item() for name, term in terms.items()}
    for name, value in {**values, "gradient": norm.item()}.items():
        if not math.isfinite(value):
            raise InvalidInput.of(
                f"step {step}: {name}", received=value, accepted="a finite one: a learning rate that does not diverge"
            )
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return values


def _resume(
    checkpoint: Path,
    state: Mapping[str, nn.Module],
    optimiser: torch.optim.Optimizer,
    identity: Mapping[str, Any],
    device: torch.device,
) -> tuple[int, float]:
    """Sets modules and optimiser to those of the file; the steps and seconds that it stands at."""
    kept = read_checkpoint(checkpoint, device)
    try:
        for name, ours in identity.items():
            if kept[name] != ours:
                field = f"checkpoint {checkpoint.name}: {name}"
                raise InvalidInput.of(field, received=kept[name], accepted=f"{ours}, that of this training")
        for name, module in state.items():
            module.load_state_dict(kept["state"][name])
        optimiser.load_state_dict(kept["optimiser"])
        return int(kept["step"]), float(kept["seconds"])
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise DataCorrupted(f"checkpoint {checkpoint.name} does not hold a training of these modules") from error
