"""The tokenizer gives patches words, and patches back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch.nn import functional

from tellurion_pointcloud.geometry.distances import chamfer_l1
from tellurion_pointcloud.mmpt.tokenizer import CERTAINTY, Tokenizer
from tellurion_pointcloud.training.tokenizer import SHARPEST, SPREAD

from .test_mmpt_sizes import TINY
from .test_mmpt_tasks import cut, random, shapes


def test_what_is_drawn_has_the_shape_of_a_patch() -> None:
    seen, tokenizer = cut(shapes(2)), Tokenizer(TINY)
    drawn = tokenizer.drawn(torch.softmax(tokenizer.words(seen.patches, seen.centres), -1), seen.centres)
    assert drawn.coarse.shape == (2, TINY.groups, TINY.group_size // 4, 3)
    assert drawn.fine.shape == seen.patches.shape


def test_an_even_use_of_words_costs_nothing_and_another_its_divergence() -> None:
    seen, tokenizer = cut(shapes(2)), Tokenizer(TINY).eval()
    torch.nn.init.zeros_(tokenizer.logits.weight)
    torch.nn.init.zeros_(tokenizer.logits.bias)

    def spread() -> float:
        without, with_ = (
            tokenizer.loss(seen.patches, seen.centres, 1.0, spread, random()).item() for spread in (0.0, 1.0)
        )
        return with_ - without

    assert spread() == pytest.approx(0, abs=1e-5)
    tokenizer.logits.bias.data[3] = math.log(5) / CERTAINTY  # five times as likely as each of the others
    shares = np.array([5.0] + [1.0] * (TINY.vocabulary - 1)) / (TINY.vocabulary + 4)
    assert spread() == pytest.approx(entropy(np.full(TINY.vocabulary, 1 / TINY.vocabulary), shares), rel=1e-4)
    assert tokenizer.information(seen.patches, seen.centres) == pytest.approx(0, abs=1e-5)


def test_a_patch_may_be_certain_of_its_word_where_all_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = Tokenizer(TINY).eval()
    certain = 20 * torch.eye(TINY.vocabulary)[None]  # of as many patches each has another word
    monkeypatch.setattr(tokenizer, "words", lambda patches, centres: certain)
    patches, centres = torch.zeros(1, TINY.vocabulary, TINY.group_size, 3), torch.zeros(1, TINY.vocabulary, 3)
    without, with_ = (tokenizer.loss(patches, centres, 1.0, spread, random()).item() for spread in (0.0, 1.0))
    assert with_ == pytest.approx(without, abs=1e-4)
    assert tokenizer.information(patches, centres) == pytest.approx(math.log(TINY.vocabulary), rel=1e-4)


def test_words_come_to_say_what_patches_are() -> None:
    torch.manual_seed(0)
    tokenizer, centres = Tokenizer(TINY), torch.zeros(16, TINY.groups, 3)  # where a patch is would say which it is
    rods = torch.linspace(-1, 1, TINY.group_size)[:, None] * torch.eye(3)[:, None]  # [3, K, 3] along each axis
    which = torch.randint(3, (16, TINY.groups), generator=random())
    patches = rods[which]
    optimiser = torch.optim.AdamW(tokenizer.parameters(), lr=3e-3)
    for step in range(150):
        optimiser.zero_grad()
        tokenizer.loss(patches, centres, SHARPEST ** min(step / 100, 1), SPREAD, random(step)).backward()
        optimiser.step()
    tokenizer.eval()
    with torch.inference_mode():
        words = tokenizer.words(patches, centres).argmax(-1)

        def apart(said: torch.Tensor) -> torch.Tensor:
            fine = tokenizer.drawn(functional.one_hot(said, TINY.vocabulary).float(), centres).fine
            return chamfer_l1(fine.flatten(0, 1), patches.flatten(0, 1)).mean()

        learned, exchanged = apart(words), apart(words.roll(1, 0))
    assert learned < 0.7 * exchanged
    assert tokenizer.information(patches, centres) > 0.9 * math.log(3)
