"""The commands that make the weights, one after another on a small atmosphere: each learns, resumes and refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tellurion_assimilation.autoencoder import Autoencoder
from tellurion_assimilation.background_errors import ZonalErrors, estimate
from tellurion_assimilation.prior import Prior, white
from tellurion_assimilation.rewards import REWARDS
from tellurion_assimilation.training import align, autoencoder, preferences, prior
from tellurion_assimilation.training.align import Preferences
from tellurion_assimilation.training.backgrounds import Backgrounds
from tellurion_assimilation.training.preferences import make, rewards_of
from tellurion_assimilation.training.prior import Batches, Symmetry, climate, improvement, like_cycled
from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights

from . import small_backgrounds
from .small_backgrounds import AMPLITUDE, LAYOUT, MEAN, WEAKNESS


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in the same order everywhere, and no waiting for a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulation")
    small_backgrounds.write(folder)
    return folder


@pytest.fixture(scope="module")
def fitted(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "autoencoder.safetensors"
    autoencoder.main([str(data), "--rows=4", "--columns=8", f"--output={path}"])
    return path


def train(data: Path, fitted: Path, output: Path, steps: int, *options: str) -> None:
    small = ["--width=32", "--depth=1", "--batch=8", "--device=cpu", "--learning-rate=0.005"]
    prior.main([str(data), f"--steps={steps}", f"--autoencoder={fitted}", f"--output={output}", *small, *options])


@pytest.fixture(scope="module")
def trained(data: Path, fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "prior.safetensors"
    train(data, fitted, path, 200)
    return path


def test_the_autoencoder_says_what_it_loses(data: Path, fitted: Path) -> None:
    card = weights.card(fitted)
    backgrounds, again = Backgrounds(data), Autoencoder.load(fitted)
    truth, background = backgrounds.pairs("validation", slice(None))
    increment = torch.from_numpy(truth - background) / again.std[:, None, None]
    left = increment - again.decode(again.encode(increment))
    area = torch.from_numpy(LAYOUT.area).float()[:, None]
    share = (left.square() * area).sum() / (increment.square() * area).sum()
    measured = card["mean_square_in_units_of_background_error"]
    assert measured["validation"]["share"] == pytest.approx(share.item(), abs=0.002)
    assert measured["cycled"]["increment"] == pytest.approx(1, abs=1e-3)
    assert measured["validation"]["share"] < 0.05
    assert card["pairs"] == backgrounds.count("cycled")


def test_the_climate_is_that_of_the_backgrounds(data: Path) -> None:
    found = climate(Backgrounds(data), torch.from_numpy(LAYOUT.mirror).float())
    background = Backgrounds(data).states("train", slice(None))
    both = np.concatenate([background, LAYOUT.mirror[:, None, None] * background[:, :, ::-1]])
    np.testing.assert_allclose(found.mean, both.mean((0, 3)), rtol=1e-4, atol=0.01)
    np.testing.assert_allclose(found.spread, both.std((0, 3)), rtol=0.02)


def test_errors_of_perturbed_forecasts_are_brought_to_the_size_of_a_cycle_s() -> None:
    generator = torch.Generator().manual_seed(0)
    cycled, perturbed = (torch.randn(n, 3, 4, 8, dtype=torch.float64, generator=generator) for n in (6, 4))
    sizes = torch.tensor([0.01, 0.5, 1.0, 7.0], dtype=torch.float64)[:, None, None, None]
    scaled = like_cycled(torch.cat([sizes * perturbed, cycled]), len(cycled))
    assert torch.equal(scaled[4:], cycled)
    torch.testing.assert_close(scaled[:4].square().mean((1, 2, 3)), cycled.square().mean().expand(4))
    alike = torch.cosine_similarity(scaled[:4].flatten(1), perturbed.flatten(1))
    torch.testing.assert_close(alike, torch.ones(4, dtype=torch.float64))


def test_a_symmetry_moves_states_and_latents_alike(fitted: Path) -> None:
    again, random = Autoencoder.load(fitted), np.random.default_rng(0)
    latents = white([torch.Generator().manual_seed(0)], again.latent_shape)
    for symmetry in (Symmetry.draw(random, again.latent_shape[2]) for _ in range(6)):
        moved = again.decode(symmetry.of(latents, again.mirror))
        torch.testing.assert_close(moved, symmetry.of(again.decode(latents), again.mirror), atol=0.02, rtol=0)


@pytest.mark.slow
def test_the_prior_learns_that_backgrounds_are_too_weak(data: Path, trained: Path, fitted: Path) -> None:
    """Most of an error is the background's own departure: the Gaussian, which does not look at it, cannot know."""
    card = weights.card(trained)
    assert card["improvement_by_sigma"]["10"] > 0.2
    assert card["samples"] == 1600
    background = MEAN + WEAKNESS * AMPLITUDE * small_backgrounds.waves(1, np.random.default_rng(9))[0]
    loaded = Prior.load(trained, fitted)
    noise = white([torch.Generator().manual_seed(k) for k in range(8)], loaded.autoencoder.latent_shape)
    with torch.no_grad():
        estimate = loaded.denoiser(torch.from_numpy(background))(noise, torch.tensor(50.0)).mean(0, keepdim=True)
    increment = loaded.states(torch.from_numpy(background), estimate)[0].numpy() - background
    assert np.corrcoef(increment[:4].ravel(), (background - MEAN)[:4].ravel())[0, 1] > 0.3


def test_a_training_goes_on_to_the_same_weights(data: Path, fitted: Path, tmp_path: Path) -> None:
    checkpoint = f"--checkpoint={tmp_path / 'prior.ckpt'}"
    parts, whole = tmp_path / "parts.safetensors", tmp_path / "whole.safetensors"
    options = {"schedule": "constant"}
    with pytest.MonkeyPatch.context() as patch:
        recipe = prior.Recipe
        patch.setattr(prior, "Recipe", lambda **given: recipe(**{**given, **options}))
        train(data, fitted, parts, 3, checkpoint)
        train(data, fitted, parts, 6, checkpoint)
        train(data, fitted, whole, 6)
    first, second = (weights.load(path)[0] for path in (parts, whole))
    assert all(torch.equal(first[name], second[name]) for name in second)


def test_batches_are_functions_of_their_index(data: Path, trained: Path, fitted: Path) -> None:
    loaded, backgrounds = Prior.load(trained, fitted), Backgrounds(data)
    latents = prior.encoded(loaded.autoencoder, backgrounds, "train")
    batches = Batches(loaded, lambda at: backgrounds.states("train", at), latents, 4, seed=1)
    one, again, other = batches(3), batches(3), batches(4)
    assert torch.equal(one.clean, again.clean)
    assert torch.equal(one.noise, again.noise)
    assert torch.equal(one.static, again.static)
    assert not torch.equal(one.clean, other.clean)


class Damping:
    """A forecast in which every departure from the mean fades."""

    layout = LAYOUT

    def forecast(self, states: NDArray[np.float32], hours: float) -> NDArray[np.float32]:
        return (MEAN + np.exp(-hours / 96) * (states - MEAN)).astype(np.float32)


def small_errors() -> ZonalErrors:
    return estimate(small_backgrounds.waves(20, np.random.default_rng(4)), LAYOUT, half_width=60.0, count=4)


@pytest.fixture(scope="module")
def chosen(data: Path, trained: Path, fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preferences") / "pairs"
    make(
        Prior.load(trained, fitted),
        Backgrounds(data),
        Damping(),
        small_errors(),
        folder,
        count=12,
        members=8,
        each=2,
        steps=4,
    )
    return folder


def test_the_truth_has_the_best_rewards() -> None:
    truth = MEAN + AMPLITUDE * small_backgrounds.waves(1, np.random.default_rng(2))[0]
    members = truth + 0.3 * AMPLITUDE * small_backgrounds.waves(5, np.random.default_rng(3))
    members[2] = truth
    for reward in rewards_of(members, truth, Damping(), np.ones(7, np.float32)).values():
        assert reward.argmax() == 2
    assert rewards_of(members, truth, Damping(), np.ones(7, np.float32))["physics"][2] == pytest.approx(1)


def test_pairs_are_kept_and_not_made_again(data: Path, trained: Path, fitted: Path, chosen: Path) -> None:
    files = sorted(chosen.iterdir())
    assert len(files) == 12
    before = [path.stat().st_mtime_ns for path in files]
    files[5].unlink()
    loaded = Prior.load(trained, fitted)
    make(loaded, Backgrounds(data), Damping(), small_errors(), chosen, count=12, members=8, each=2, steps=4)
    after = [path.stat().st_mtime_ns for path in sorted(chosen.iterdir())]
    assert [a == b for a, b in zip(before, after, strict=True)] == [k != 5 for k in range(12)]
    with np.load(files[5]) as file:
        winner, loser = file["P"].T
        assert (file["physics"][winner] > file["physics"][loser]).all()
        winner, loser = file["M"].T
        assert all(file[name][winner].mean() > file[name][loser].mean() for name in REWARDS)
        assert file["latents"].shape == (8, *loaded.autoencoder.latent_shape)


def test_an_aligned_prior_prefers_the_winners(data: Path, trained: Path, fitted: Path, chosen: Path) -> None:
    """On the pairs that it has seen; what it makes of others is for real ones to show."""
    arguments = [f"--prior={trained}", f"--autoencoder={fitted}", "--steps=40", "--batch=8", "--device=cpu"]
    align.main([str(data), str(chosen), "--alignment=M", "--learning-rate=0.001", "--beta=200", *arguments])
    aligned, before = (Prior.load(path, fitted) for path in (trained.with_name("prior-m.safetensors"), trained))
    assert weights.card(trained.with_name("prior-m.safetensors"))["prior"] == weights.sha256(trained)
    backgrounds = Backgrounds(data)
    seen = Preferences.read(
        sorted(chosen.glob("*.npz")),
        "M",
        prior=before,
        backgrounds=lambda at: backgrounds.states("preference", at),
        size=8,
        seed=5,
    )
    accuracy = align.accuracy(aligned.network, before.network, seen)
    assert np.mean(list(accuracy.values())) > 0.55


def test_the_improvement_of_a_network_that_says_nothing_is_zero(data: Path, trained: Path, fitted: Path) -> None:
    loaded, backgrounds = Prior.load(trained, fitted), Backgrounds(data)
    latents = prior.encoded(loaded.autoencoder, backgrounds, "validation")
    unseen = Batches(loaded, lambda at: backgrounds.states("validation", at), latents, 4, seed=1)
    silent = type(loaded.network)(loaded.network.spec)
    assert set(improvement(silent, unseen).values()) == {0.0}


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (autoencoder, ["--rows=3"]),
        (prior, ["--steps=1", "--autoencoder={fitted}", "--output=absent/prior.safetensors"]),
        (preferences, ["absent", "--prior={trained}", "--autoencoder={fitted}", "--backgrounds=1000"]),
        (align, ["absent", "--alignment=P", "--prior={trained}", "--autoencoder={fitted}"]),
    ],
)
def test_what_a_command_cannot_do_it_says(
    data: Path, fitted: Path, trained: Path, capsys: pytest.CaptureFixture[str], command: object, arguments: list[str]
) -> None:
    given = [argument.format(fitted=fitted, trained=trained) for argument in arguments]
    with pytest.raises(SystemExit) as stopped:
        command.main([str(data), *given])
    assert stopped.value.code == InvalidInput.exit_code
    assert "accepted:" in capsys.readouterr().err


def test_a_prior_of_another_autoencoder_is_refused(data: Path, trained: Path, fitted: Path, tmp_path: Path) -> None:
    other = tmp_path / "autoencoder.safetensors"
    autoencoder.main([str(data), "--rows=2", "--columns=8", f"--output={other}"])
    with pytest.raises(InvalidInput, match="autoencoder"):
        Prior.load(trained, other)


def test_a_card_is_json(trained: Path) -> None:
    assert json.loads(json.dumps(weights.card(trained)))["seed"] == 0
