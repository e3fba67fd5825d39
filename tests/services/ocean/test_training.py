"""The training program: it learns, can be killed at any time, and refuses what it cannot do before it begins."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from tellurion_diffusion import Recipe, Report, Trainer, UNet, UNetSpec, correction_loss, weights
from tellurion_geo import area_weights
from tellurion_ocean import atlas
from tellurion_ocean.atlas import TRAINING_MONTHS, training_atlas
from tellurion_ocean.network import Network, input_channels
from tellurion_ocean.prior import Hyperparameters, Prior
from tellurion_ocean.surroundings import season, surroundings
from tellurion_ocean.training import generated, train
from tellurion_ocean.training.generated import HELD_OUT, GeneratedEnsemble, Sample
from tellurion_ocean.training.train import Batches, improvement, loss_weights

from .archive import COARSE, axes, on

PROGRAM = Path(__file__).with_name("small_training.py")
STEPS, KILLED_AT = 14, 10
"""Checkpoints are written after every fourth step, so two steps are lost and done again."""


@pytest.fixture(scope="module")
def fields(tmp_path_factory, small_grid, small_fields) -> Path:
    """The small ocean in a file."""
    path = tmp_path_factory.mktemp("ocean") / "fields.npz"
    axes = {axis: getattr(small_grid, axis) for axis in ("depth", "lat", "lon")}
    np.savez(path, months=TRAINING_MONTHS, temperature=small_fields.astype(np.float32), **axes)
    return path


@pytest.fixture
def small(monkeypatch, fields) -> Iterator[None]:
    """The program on the small ocean in this process, and sums in the same order as in the killed one."""
    patched = {
        train: ("training_atlas", "Recipe"),
        atlas: ("_read",),
        generated: ("GAUSSIAN", "DISPLACED", "BLOCKS", "SAMPLES_PER_BLOCK"),
    }
    for module, names in patched.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))  # to be put back
    found = importlib.util.spec_from_file_location("small_training", PROGRAM)
    program = importlib.util.module_from_spec(found)
    found.loader.exec_module(program)
    program.prepare(fields)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def options(output: Path, **changes: object) -> list[str]:
    given = {"steps": STEPS, "width": 8, "batch": 2, "device": "cpu", "output": output, **changes}
    return [f"--{name}={value}" for name, value in given.items() if value is not None]


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(small, fields, tmp_path):
    checkpoint = tmp_path / "training.ckpt"
    resumed, whole = tmp_path / "resumed.safetensors", tmp_path / "whole.safetensors"
    command = [sys.executable, PROGRAM, fields, str(KILLED_AT), *options(resumed, checkpoint=checkpoint)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() != "waiting\n":
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not resumed.exists()
    state = torch.load(checkpoint, weights_only=True)
    assert state["step"] == 8
    train.main(options(resumed, checkpoint=checkpoint))
    train.main(options(whole))
    (ours, spec), (theirs, same_spec) = weights.load(resumed), weights.load(whole)
    assert (ours.keys(), spec) == (theirs.keys(), same_spec)
    for name, tensor in ours.items():
        assert tensor.numpy().tobytes() == theirs[name].numpy().tobytes(), name
    cards = [weights.card(path) | {"minutes": None} for path in (resumed, whole)]
    assert cards[0] == cards[1]


def test_what_it_writes_is_a_network_of_its_grid_that_says_what_it_learned_from(small, tmp_path, small_grid, capsys):
    output = tmp_path / "weights.safetensors"
    train.main(options(output, steps=3))
    network = Network.load(output, device="cpu")
    assert network.grid.shape == small_grid.shape
    assert network.unet.head.weight.abs().max() > 0
    card = weights.card(output)
    assert (card["months"], card["samples"], card["seed"]) == (list(TRAINING_MONTHS), 6, 0)
    assert card["improvement_by_sigma"].keys() == {"0.1", "0.3", "0.7", "1.5", "3"}
    assert "step 3" in capsys.readouterr().out


def refusal(capsys, *arguments: str) -> str:
    """What the program says when it refuses; it exits with 2."""
    with pytest.raises(SystemExit) as stopped:
        train.main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


def test_a_checkpoint_of_another_training_is_refused(small, tmp_path, capsys):
    checkpoint, output = tmp_path / "training.ckpt", tmp_path / "weights.safetensors"
    train.main(options(output, steps=1, checkpoint=checkpoint))
    kept = checkpoint.read_bytes()
    for changes in ({"width": 16}, {"seed": 5}):
        assert "training.ckpt" in refusal(capsys, *options(output, checkpoint=checkpoint, **changes))
    assert checkpoint.read_bytes() == kept


def test_a_checkpoint_is_not_averaged_on_with_another_decay(small, tmp_path, capsys, monkeypatch):
    checkpoint, output = tmp_path / "training.ckpt", tmp_path / "weights.safetensors"
    train.main(options(output, steps=1, checkpoint=checkpoint))
    monkeypatch.setattr(train, "Recipe", lambda **given: Recipe(**given | {"average": 0.99}))
    assert "training.ckpt" in refusal(capsys, *options(output, steps=2, checkpoint=checkpoint))


def test_a_checkpoint_of_one_archive_does_not_go_on_with_another(small, archive, tmp_path, capsys):
    rng = np.random.default_rng(4)

    def simulate(**labels: str) -> None:
        field = on(*COARSE)
        archive.write(
            axes(*COARSE), lambda month: field(month) + rng.normal(size=(8, 11, 18)), "200001-200112", **labels
        )

    simulate(source="A-1")
    simulate(source="B-2")
    checkpoint, output = tmp_path / "training.ckpt", tmp_path / "weights.safetensors"
    given = options(output, steps=1, checkpoint=checkpoint, cmip6=archive.root, models="A-1")
    train.main(given)
    card = weights.card(output)
    assert (card["experiments"], card["runs"], len(card["runs_sha256"])) == (["historical"], 1, 64)
    train.main(given)
    assert "training.ckpt" in refusal(capsys, *options(output, checkpoint=checkpoint, cmip6=archive.root))
    simulate(source="A-1", member="r2i1p1f1")
    assert "training.ckpt" in refusal(capsys, *given)


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("steps, seconds", {"steps": None}),
        ("steps", {"steps": 0}),
        ("steps", {"steps": "many"}),
        ("seconds", {"steps": None, "minutes": -1}),
        ("learning_rate", {"learning-rate": 0}),
        ("width", {"width": 7}),
        ("blocks", {"blocks": 0}),
        ("batch", {"batch": 0}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": HELD_OUT - train.VALIDATION_SEED}),
        ("device", {"device": "abacus"}),
        ("held-out", {"held-out": "r1i1p1f1"}),
    ],
)
def test_a_bad_argument_is_refused_by_name_before_any_training(small, tmp_path, capsys, named, changes):
    assert named in refusal(capsys, *options(tmp_path / "weights.safetensors", **changes))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["output", "checkpoint"])
def test_a_folder_that_is_not_there_is_told_before_any_training(small, tmp_path, capsys, name):
    given = {"output": tmp_path / "weights.safetensors", name: tmp_path / "absent" / "file"}
    assert name in refusal(capsys, *options(**given))


@pytest.mark.slow
def test_as_a_program_it_says_how_it_is_called():
    command = [sys.executable, "-m", "tellurion_ocean.training.train", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    for option in ("--minutes", "--steps", "--checkpoint", "--cmip6", "--output"):
        assert option in ended.stdout


@pytest.fixture
def batches(small_prior) -> Batches:
    """Batches of two samples, told apart by their number."""
    prior = small_prior()

    def sample(index: int) -> Sample:
        clean, noise = (np.full(len(prior.std), value, np.float32) for value in (index, -index))
        return Sample(clean, noise, 1 + index % 12)

    return Batches(prior, sample, 2)


def test_a_batch_holds_its_own_samples_on_the_grid_with_land_as_zero(batches):
    prior = batches.prior
    batch = batches(7)
    for field, value in ((batch.clean[0], 14), (batch.clean[1], 15), (batch.noise[0], -14), (batch.noise[1], -15)):
        np.testing.assert_array_equal(field.numpy(), np.where(prior.wet, value, 0))
    for k, month in enumerate((3, 4)):
        np.testing.assert_array_equal(batch.static[k].numpy(), surroundings(prior, month))
        np.testing.assert_array_equal(batch.features[k].numpy(), season(month))


def test_the_loss_counts_cells_by_area_and_std_and_land_not_at_all(small_prior):
    prior = small_prior()
    weighting = loss_weights(prior).numpy()
    assert weighting.sum() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_array_equal(weighting > 0, prior.wet)
    areas = np.broadcast_to(area_weights(prior.grid), prior.grid.shape)[prior.wet]
    expected = areas * prior.std
    np.testing.assert_allclose(weighting[prior.wet], expected / expected.sum(), rtol=1e-5)


class Share(torch.nn.Module):
    """This share of the exact correction where clean and noise are opposite numbers: the state then tells them."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x, log_sigma, *_):
        sigma = log_sigma.exp()[:, None, None, None]
        return self.share * x * (1 + sigma) / (1 - sigma)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 2.5])
def test_the_improvement_is_the_share_of_the_squared_error_removed(batches, share):
    found = improvement(Share(share), batches, loss_weights(batches.prior))
    assert found == pytest.approx(dict.fromkeys(("0.1", "0.3", "0.7", "1.5", "3"), 1 - (1 - share) ** 2), abs=1e-4)


@dataclass(frozen=True)
class Levels:
    """The same levels in every step."""

    sigmas: tuple[float, ...] = (0.3, 0.7, 1.5, 3.0)

    def draw(self, count: int, generator: torch.Generator, /) -> torch.Tensor:
        assert count == len(self.sigmas)
        return torch.tensor(self.sigmas)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_minute_on_the_months_of_the_atlas_improves_on_the_anchor(monkeypatch):
    """The loss is measured against the anchor's on the same samples, for these differ more than a minute teaches."""
    for name, size in {"GAUSSIAN": 24, "DISPLACED": 1, "BLOCKS": 2}.items():
        monkeypatch.setattr(generated, name, size)
    months = training_atlas()
    prior = Prior.fit(months.temperature, months.months, months.grid, Hyperparameters.shipped())
    learned, unseen = (Batches(prior, GeneratedEnsemble(prior, seed).sample, 4) for seed in (0, train.VALIDATION_SEED))
    learned(0), unseen(0)  # their first blocks are made before the minute begins
    spec = UNetSpec(
        in_channels=input_channels(prior.grid),
        out_channels=len(prior.grid.depth),
        width=16,
        multipliers=(1, 2),
        blocks=1,
        middle_attention=False,
        patch=2,
        periodic=True,
        features=2,
    )
    weighting, levels = loss_weights(prior), Levels()
    ratios: list[float] = []

    def compared(report: Report) -> None:
        anchor = correction_loss(train._zero, learned(report.step - 1), torch.tensor(levels.sigmas), weighting)
        ratios.append(report.loss / float(anchor))

    torch.manual_seed(0)
    network = UNet(spec)
    recipe = Recipe(
        seconds=60, learning_rate=2e-3, schedule="cosine", warmup=20, average=0.99, levels=levels, report_every=1
    )
    trainer = Trainer(network, asdict(spec), learned, recipe, weights=weighting)
    trainer.run(compared)
    fifth = len(ratios) // 5
    assert fifth >= 5
    assert np.mean(ratios[-fifth:]) < np.mean(ratios[:fifth])
    trainer.average.copy_to(network)
    removed = improvement(network, unseen, weighting)
    assert max(removed["0.7"], removed["1.5"]) > 0
