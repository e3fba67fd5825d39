"""Training: the loss it minimises, that it falls, and that a kill at any time costs no bit of the result."""

from __future__ import annotations

import importlib.util
import math
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from tellurion_core.errors import DataCorrupted, InvalidInput
from tellurion_diffusion import EMA, Batch, LogNormal, LogUniform, Recipe, Report, Trainer, correction_loss

PROGRAM = Path(__file__).with_name("small_training.py")
STEPS, KILLED_AT = 20, 10
"""Checkpoints are written after every fourth step, so two steps are lost and done again."""


@pytest.fixture(scope="module")
def small() -> ModuleType:
    """The program as a module."""
    found = importlib.util.spec_from_file_location("small_training", PROGRAM)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in the same order as in the killed program."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Constant(nn.Module):
    """A network that says the same number everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x: Tensor, *_: object) -> Tensor:
        return self.value.expand_as(x)


def plain(index: int) -> Batch:
    generator = torch.Generator().manual_seed(index)
    return Batch(*torch.randn(2, 3, 1, 4, 5, generator=generator))


def test_the_loss_is_that_of_the_correction() -> None:
    batch = plain(0)
    sigma = torch.tensor([0.1, 1.0, 5.0])
    s, n = (1 / torch.sqrt(1 + sigma**2))[:, None, None, None], (sigma / torch.sqrt(1 + sigma**2))[:, None, None, None]
    x = s * batch.clean + n * batch.noise
    wet = torch.tensor([[1.0, 0, 2, 1, 0]] * 4)
    error = (0.3 - (batch.clean - s * x) / n) ** 2
    expected = (wet * error).sum() / (3 * wet.sum())
    torch.testing.assert_close(correction_loss(Constant(0.3), batch, sigma, wet), expected)
    torch.testing.assert_close(correction_loss(Constant(0.3), batch, sigma), error.mean())


def test_for_white_data_no_correction_is_the_best(one_thread: None) -> None:
    """E‖noise·x₀ − signal·η‖² is 1 at any level, and a constant c adds c²."""
    large = Batch(*torch.randn(2, 8, 1, 200, 200, generator=torch.Generator().manual_seed(0)))
    sigma = torch.logspace(-1, 1, 8)
    assert correction_loss(Constant(0.0), large, sigma).item() == pytest.approx(1, abs=0.01)
    assert correction_loss(Constant(0.5), large, sigma).item() == pytest.approx(1.25, abs=0.01)


def test_levels_are_drawn_as_they_say(generator: torch.Generator) -> None:
    uniform = LogUniform(0.01, 100.0).draw(400, generator).log()
    assert uniform.min() >= math.log(0.01)
    assert uniform.max() <= math.log(100.0)
    parts = ((uniform - math.log(0.01)) / math.log(1e4) * 400).floor()
    assert torch.equal(parts.sort().values, torch.arange(400.0))
    normal = LogNormal(-1.2, 1.2).draw(20000, generator).log()
    assert normal.mean().item() == pytest.approx(-1.2, abs=5 * 1.2 / 20000**0.5)
    assert normal.std().item() == pytest.approx(1.2, rel=5 / 40000**0.5)


def test_the_average_warms_up_and_then_decays() -> None:
    module = Constant(0.0)
    average = EMA(module, decay=0.5)
    expected = 0.0
    for update in range(20):
        module.value.data.fill_(update + 1.0)
        average.update(module)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * (update + 1)
    assert average.average["value"].item() == pytest.approx(expected, rel=1e-6)
    other = EMA(module)
    other.load_state_dict(average.state_dict())
    other.copy_to(module)
    assert module.value.item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_falls(small: ModuleType) -> None:
    reports: list[Report] = []
    trainer = small.trainer(None, 80)
    trainer.recipe = replace(trainer.recipe, learning_rate=1e-2, report_every=10)
    trainer.run(reports.append)
    assert [report.step for report in reports] == list(range(10, 81, 10))
    assert reports[-1].loss < 0.8 * reports[0].loss


def test_a_killed_training_goes_on_to_the_same_bits(small: ModuleType, tmp_path: Path, one_thread: None) -> None:
    checkpoint = tmp_path / "training.ckpt"
    command = [sys.executable, str(PROGRAM), str(checkpoint), str(STEPS), str(KILLED_AT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < KILLED_AT:
            pass
        process.kill()
    assert process.returncode == -signal.SIGKILL
    resumed = small.trainer(checkpoint, STEPS)
    assert resumed.step == 8
    resumed.run()
    whole = small.trainer(None, STEPS)
    whole.run()
    assert resumed.step == whole.step == STEPS
    assert resumed.average.updates == whole.average.updates
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    for name, tensor in whole.average.average.items():
        assert torch.equal(tensor, resumed.average.average[name]), name


def test_a_checkpoint_of_another_training_is_refused(small: ModuleType, tmp_path: Path) -> None:
    checkpoint = tmp_path / "training.ckpt"
    small.trainer(checkpoint, 2).run()
    assert [path.name for path in tmp_path.iterdir()] == ["training.ckpt"]
    begun = small.trainer(checkpoint, 2)
    assert begun.done
    for spec, recipe, named in (
        ({**begun.spec, "width": 16}, begun.recipe, "spec"),
        (begun.spec, replace(begun.recipe, seed=8), "seed"),
    ):
        with pytest.raises(InvalidInput, match=rf"training\.ckpt: {named}"):
            Trainer(begun.network, spec, small.batch, recipe, checkpoint=checkpoint)
    with pytest.raises(DataCorrupted, match="this network"):
        Trainer(Constant(), begun.spec, small.batch, begun.recipe, checkpoint=checkpoint)


@pytest.mark.parametrize("damage", [lambda data: data[:-500], lambda data: b"", lambda data: b"\x80\x02K\x01."])
def test_a_damaged_checkpoint_is_refused(small: ModuleType, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    checkpoint = tmp_path / "training.ckpt"
    small.trainer(checkpoint, 1).run()
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    with pytest.raises(DataCorrupted, match=r"training\.ckpt"):
        small.trainer(checkpoint, 1)


def test_a_checkpoint_cannot_bring_code(small: ModuleType, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "touched",)

    torch.save({"spec": Hostile()}, tmp_path / "training.ckpt")
    with pytest.raises(DataCorrupted):
        small.trainer(tmp_path / "training.ckpt", 1)
    assert not (tmp_path / "touched").exists()


def test_a_folder_that_is_not_there_is_told_before_training(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="checkpoint"):
        Trainer(Constant(), {}, plain, Recipe(steps=1), checkpoint=tmp_path / "absent" / "training.ckpt")


def test_the_time_budget_counts_over_resumptions(tmp_path: Path) -> None:
    ticks = iter(range(10_000))
    recipe = Recipe(seconds=200, schedule="cosine", report_every=1)
    network = Constant(1.0)
    options = {"checkpoint": tmp_path / "training.ckpt", "clock": lambda: float(next(ticks))}
    first = Trainer(network, {}, plain, recipe, **options)
    first.run()
    assert first.seconds >= 200
    steps = first.step
    again = Trainer(network, {}, plain, recipe, **options)
    again.run()
    assert (steps > 5, again.step) == (True, steps)
    more = Trainer(network, {}, plain, replace(recipe, seconds=400), **options)
    more.run()
    assert more.step > steps


def test_rates_warm_up_and_fall_to_zero() -> None:
    trainer = Trainer(Constant(1.0), {}, plain, Recipe(steps=10, learning_rate=1.0, warmup=4, schedule="cosine"))
    rates = []
    while not trainer.done:
        trainer.advance()
        rates.append(trainer._optimizer.param_groups[0]["lr"])
    expected = [min(1, (i + 1) / 4) * (1 + math.cos(math.pi * i / 10)) / 2 for i in range(10)]
    assert rates == pytest.approx(expected)


def test_a_loss_that_is_not_finite_ends_the_training_by_name() -> None:
    def land(index: int) -> Batch:
        batch = plain(index)
        return replace(batch, clean=torch.full_like(batch.clean, torch.nan)) if index == 3 else batch

    trainer = Trainer(Constant(1.0), {}, land, Recipe(steps=10))
    with pytest.raises(InvalidInput, match="batch 3"):
        trainer.run()
    assert torch.isfinite(trainer.network.value)


def test_mixed_precision_keeps_parameters_in_float32(small: ModuleType) -> None:
    trainer = small.trainer(None, 3)
    seen: list[torch.dtype] = []
    trainer.network.stem.register_forward_hook(lambda module, args, output: seen.append(output.dtype))
    trainer.recipe = replace(trainer.recipe, bf16=True)
    trainer.run()
    assert set(seen) == {torch.bfloat16}
    assert {parameter.dtype for parameter in trainer.network.parameters()} == {torch.float32}


@pytest.mark.cuda
def test_it_trains_on_a_gpu(small: ModuleType) -> None:
    trainer = small.trainer(None, 60)
    reports: list[Report] = []
    recipe = replace(trainer.recipe, bf16=True, report_every=20)
    gpu = Trainer(trainer.network.cuda(), trainer.spec, small.batch, recipe, weights=torch.ones(8, 16))
    gpu.run(reports.append)
    assert reports[-1].loss < reports[0].loss


@pytest.mark.parametrize("wrong", [{}, {"steps": 0}, {"seconds": math.inf}, {"steps": 1, "schedule": "linear"}])
def test_a_recipe_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Recipe(**wrong)
