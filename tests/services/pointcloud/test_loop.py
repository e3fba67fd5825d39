"""The training loop: least squares, budgets, and trainings that were killed."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_pointcloud.training.loop import Fitted, Loss, Progress, Schedule, fit, generator_of

TRUE = torch.tensor([[2.0, -1.0]])


def regression(network: nn.Module) -> Loss:
    """Random samples of a linear function."""

    def loss(step: int, random: torch.Generator) -> Tensor:
        x = torch.randn(64, 2, generator=random)
        return (nn.functional.dropout(network(x), 0.01) - x @ TRUE.T).square().mean()

    return loss


def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def trained(network: nn.Module, steps: int, *, bfloat16: bool = False, **options: object) -> Fitted:
    schedule = Schedule(steps=steps, learning_rate=0.1, weight_decay=0, warmup=5, bfloat16=bfloat16)
    options = {"seed": 0, "report": None, **options}
    return fit(regression(network), network.parameters(), schedule, state={"network": network}, **options)


def test_least_squares_finds_the_coefficients() -> None:
    network = linear()
    fitted = trained(network, 200)
    torch.testing.assert_close(network.weight.data, TRUE, atol=0.02, rtol=0)
    assert fitted.steps == 200
    assert not network.training


def test_a_training_that_was_killed_ends_with_the_weights_of_one_that_was_not(tmp_path: Path) -> None:
    whole, cut = linear(), linear()
    trained(whole, 30)
    file = tmp_path / "training.ckpt"

    class Killed(Exception):
        pass

    def killed(at: Progress) -> None:
        if at.step == 20:
            raise Killed

    seconds = iter(range(0, 10_000, 50))
    with pytest.raises(Killed):
        trained(cut, 30, checkpoint=file, report=killed, report_every=10, clock=lambda: float(next(seconds)))
    resumed = linear()
    assert trained(resumed, 30, checkpoint=file).steps == 30
    assert torch.equal(resumed.weight, whole.weight)


def test_a_finished_training_is_not_trained_further(tmp_path: Path) -> None:
    network = linear()
    trained(network, 10, checkpoint=tmp_path / "a")
    again = linear()
    assert trained(again, 10, checkpoint=tmp_path / "a").steps == 10
    assert torch.equal(again.weight, network.weight)


def test_the_rate_grows_linearly_and_falls_as_a_cosine_to_the_end_of_the_steps() -> None:
    schedule = Schedule(steps=100, learning_rate=2.0, warmup=10)
    assert schedule.rate(0, 0.0) == pytest.approx(0.2)
    assert schedule.rate(50, 0.0) == pytest.approx(1.0)
    assert schedule.rate(99, 0.0) == pytest.approx(1 + math.cos(0.99 * math.pi))


def test_a_budget_of_time_is_annealed_by_the_clock_and_ends_with_it() -> None:
    schedule = Schedule(minutes=1, learning_rate=2.0, warmup=1)
    assert schedule.rate(3, 30.0) == pytest.approx(1.0)
    seconds = iter(range(1_000))
    network = linear()
    fitted = fit(
        regression(network),
        network.parameters(),
        schedule,
        state={},
        seed=0,
        report=None,
        clock=lambda: float(next(seconds)),
    )
    assert fitted.seconds == 60


def test_terms_without_gradient_are_reported_and_not_minimised() -> None:
    network, reports = linear(), []

    def loss(step: int, random: torch.Generator) -> dict[str, Tensor]:
        return {"square": network.weight.square().sum(), "step": torch.tensor(float(step))}

    fit(loss, network.parameters(), Schedule(steps=4), state={}, seed=0, report=reports.append, report_every=2)
    assert [report.losses["step"] for report in reports] == [0.5, 2.5]
    assert [report.step for report in reports] == [2, 4]


def test_seeds_that_share_their_low_bits_give_other_numbers() -> None:
    drawn = {torch.rand(1, generator=generator_of(seed, step)).item() for seed in (0, 1 << 32) for step in (0, 1)}
    assert len(drawn) == 4


def test_a_checkpoint_of_another_seed_spec_or_precision_is_refused(tmp_path: Path) -> None:
    trained(linear(), 2, checkpoint=tmp_path / "a", spec={"width": 1})
    with pytest.raises(InvalidInput, match="seed"):
        trained(linear(), 2, checkpoint=tmp_path / "a", spec={"width": 1}, seed=1)
    with pytest.raises(InvalidInput, match="spec"):
        trained(linear(), 2, checkpoint=tmp_path / "a", spec={"width": 2})
    with pytest.raises(InvalidInput, match="bfloat16"):
        trained(linear(), 2, checkpoint=tmp_path / "a", spec={"width": 1}, bfloat16=True)


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataCorrupted):
        trained(linear(), 2, checkpoint=tmp_path / "a")


def test_a_loss_that_is_not_finite_names_its_step() -> None:
    network = linear()
    with pytest.raises(InvalidInput, match="step 0: loss"):
        fit(
            lambda step, random: network.weight.sum() * math.nan,
            network.parameters(),
            Schedule(steps=3),
            state={},
            seed=0,
        )


def test_a_schedule_without_an_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="steps, minutes"):
        Schedule()
    with pytest.raises(InvalidInput, match="minutes"):
        Schedule(minutes=-1)
