"""The commands that train MMPT: its tokenizer, then its networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_corpus import write_corpus
from small_models import OBJECT

from tellurion_diffusion import weights
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.training import encoders, pretrain, tokenizer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpora") / "boxes")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encoders.SIZES, "small", OBJECT)


def trained(training: object, corpus: Path, output: Path, *options: str) -> dict[str, object]:
    """The card of a training of two steps."""
    long = ["--steps", "2", "--batch", "4", "--learning-rate", "1"]  # of which the warm-up leaves a hundredth
    training.main([str(corpus), *long, "--output", str(output), *options])
    return weights.card(output)


def test_the_tokenizer_is_frozen_in_the_networks_and_labelled_things_are_left_out(corpus: Path, tmp_path: Path) -> None:
    words, output = tmp_path / "tokenizer.safetensors", tmp_path / "mmpt.safetensors"
    for card in (
        trained(tokenizer, corpus, words),
        trained(pretrain, corpus, output, "--tokenizer", str(words), "--weights", "0.5", "1", "2"),
    ):
        assert (card["trained_on"], card["folds"], card["steps"]) == ("12 things of boxes", [], 2)
    assert card["tasks"] == {"tokens": 0.5, "points": 1.0, "contrast": 2.0}
    assert card["tokenizer"] == weights.sha256(words)
    model, (kept, _) = Mmpt.load(output), weights.load(words)
    torch.testing.assert_close(model.tokenizer.codes.weight, kept["codes.weight"], atol=0, rtol=1e-3)  # of 16 bits
    torch.manual_seed(0)
    assert not torch.allclose(model.encoder.positions[0].weight, Mmpt(OBJECT).encoder.positions[0].weight, rtol=1e-3)


def test_tasks_are_trained_alone_and_only_one_needs_a_tokenizer(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mmpt.safetensors"
    assert trained(pretrain, corpus, output, "--tasks", "points")["tasks"] == {"points": 1.0}
    with pytest.raises(SystemExit, match="2"):
        trained(pretrain, corpus, output, "--tasks", "tokens")
    assert "tokenizer: received nothing" in capsys.readouterr().err


def test_a_tokenizer_that_was_shown_what_is_held_out_is_refused(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, output = tmp_path / "tokenizer.safetensors", tmp_path / "mmpt.safetensors"
    trained(tokenizer, corpus, words, "--folds", "0")
    with pytest.raises(SystemExit, match="2"):
        trained(pretrain, corpus, output, "--tokenizer", str(words))
    assert "tokenizer: received one that was shown the folds [0]" in capsys.readouterr().err
    card = trained(pretrain, corpus, output, "--tokenizer", str(words), "--folds", "0")
    assert card["trained_on"] == "16 things of boxes"
