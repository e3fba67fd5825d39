"""Preference alignment: closed forms of both losses, and a toy whose better half is known."""

from __future__ import annotations

import math
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import (
    Batch,
    LogUniform,
    Preconditioned,
    PreferenceTrainer,
    Recipe,
    dpo_loss,
    implicit_accuracy,
    ipo_loss,
    margins,
    pairs,
)

SIGMA = torch.tensor([0.2, 1.0, 4.0])


class Affine(nn.Module):
    """A network of two numbers."""

    def __init__(self, slope: float = 0.0, constant: float = 0.0) -> None:
        super().__init__()
        self.slope, self.constant = nn.Parameter(torch.tensor(slope)), nn.Parameter(torch.tensor(constant))

    def forward(self, x: Tensor, *_: object) -> Tensor:
        return self.slope * x + self.constant


@pytest.fixture
def batch(generator: torch.Generator) -> Batch:
    return pairs(*torch.randn(3, 3, 2, 4, 5, generator=generator))


def test_the_margin_is_that_of_the_predicted_noise(batch: Batch) -> None:
    """ε̂ = (x − signal·x̂₀)/noise of the denoiser itself, in place of the network's own target."""
    network, reference = Affine(0.3, -0.2), Affine(-0.1, 0.4)
    s, n = (1 / torch.sqrt(1 + SIGMA**2))[:, None, None, None], (SIGMA / torch.sqrt(1 + SIGMA**2))[:, None, None, None]
    winner, loser = batch.clean.chunk(2)
    epsilon = batch.noise[:3]

    def error(clean: Tensor, net: nn.Module) -> Tensor:
        x = s * clean + n * epsilon
        predicted = (x - s * Preconditioned(net)(x, SIGMA)) / n
        return ((epsilon - predicted) ** 2).mean(dim=(1, 2, 3))

    excess = [error(clean, network) - error(clean, reference) for clean in (winner, loser)]
    torch.testing.assert_close(margins(network, reference, batch, SIGMA), excess[1] - excess[0], atol=1e-5, rtol=1e-4)


def test_losses_are_their_closed_forms() -> None:
    h = torch.tensor([-0.3, 0.0, 0.7], dtype=torch.float64)
    expected = sum(-math.log(1 / (1 + math.exp(-2.5 * value))) for value in h.tolist()) / 3
    assert dpo_loss(h, 2.5).item() == pytest.approx(expected, rel=1e-12)
    expected = 2.5**2 * sum((value - 1 / (2 * 2.5)) ** 2 for value in h.tolist()) / 3
    assert ipo_loss(h, 2.5).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("loss", "value"), [(dpo_loss, math.log(2)), (ipo_loss, 0.25)])
def test_the_reference_prefers_nothing(batch: Batch, loss, value: float) -> None:
    network = Affine(0.3, 0.1)
    h = margins(network, deepcopy(network), batch, SIGMA)
    assert torch.equal(h, torch.zeros(3))
    assert loss(h, 8000.0).item() == pytest.approx(value)
    assert implicit_accuracy(h) == 0.5


@pytest.mark.parametrize("loss", [dpo_loss, ipo_loss])
def test_at_the_reference_swapping_winner_and_loser_flips_the_gradient(batch: Batch, loss) -> None:
    winner, loser = batch.clean.chunk(2)
    gradients = []
    for first, second in ((winner, loser), (loser, winner)):
        network = Affine(0.3, 0.1)
        loss(margins(network, Affine(0.3, 0.1), pairs(first, second, batch.noise[:3]), SIGMA), 10.0).backward()
        gradients.append(torch.stack([network.slope.grad, network.constant.grad]))
    torch.testing.assert_close(gradients[0], -gradients[1])
    assert gradients[0].abs().min() > 1e-3


def test_accuracy_counts_the_pairs_that_are_ordered_rightly() -> None:
    assert implicit_accuracy(torch.tensor([0.1, -0.2, 3.0, 0.4])) == 0.75


def toy(index: int) -> Batch:
    """Of two fields of N(0, I) the one with the larger mean is preferred."""
    random = torch.Generator().manual_seed(index)
    first, second, eta = torch.randn(3, 16, 1, 4, 4, generator=random)
    better = (first.mean((1, 2, 3)) > second.mean((1, 2, 3)))[:, None, None, None]
    return pairs(torch.where(better, first, second), torch.where(better, second, first), eta)


def trained(checkpoint: Path | None, steps: int, loss: str = "dpo") -> PreferenceTrainer:
    recipe = Recipe(steps=steps, learning_rate=0.01, average=0.9, levels=LogUniform(0.3, 3.0), seed=2)
    trainer = PreferenceTrainer(Affine(), Affine(), {}, toy, recipe, beta=50.0, loss=loss, checkpoint=checkpoint)
    trainer.run()
    return trainer


@pytest.mark.parametrize("loss", ["dpo", "ipo"])
def test_it_learns_what_is_preferred(loss: str) -> None:
    """The estimate rises everywhere, and most pairs that it has not seen are ordered rightly."""
    network = trained(None, 60, loss).network
    unseen = [margins(network, Affine(), toy(10_000 + i), torch.full((16,), 1.0)) for i in range(20)]
    assert implicit_accuracy(torch.cat(unseen)) > 0.6
    assert network.constant.item() > 0
    estimate = Preconditioned(network)(torch.zeros(1, 1, 4, 4), torch.tensor(1.0))
    assert estimate.min() > 0


def test_it_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    checkpoint = tmp_path / "aligned.ckpt"
    trained(checkpoint, 7)
    resumed, whole = trained(checkpoint, 20), trained(None, 20)
    assert torch.equal(resumed.network.constant, whole.network.constant)
    assert resumed.step == 20


@pytest.mark.parametrize("wrong", [{"beta": 0.0}, {"beta": math.inf}, {"beta": math.nan}, {"loss": "ppo"}])
def test_what_it_cannot_train_with_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        PreferenceTrainer(Affine(), Affine(), {}, toy, Recipe(steps=1), **{"beta": 1.0, **wrong})


def test_pairs_of_different_shapes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="winner"):
        pairs(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 5), torch.zeros(2, 1, 4, 4))
