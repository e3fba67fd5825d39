"""Sentence embeddings of the packaged model."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_benchmark.metrics import embeddings
from tellurion_benchmark.metrics.embeddings import cosine, embed
from tellurion_benchmark.scorers.earthse_gold import similarity

needs_model = pytest.mark.usefixtures("minilm")


def test_without_its_package_the_reason_names_the_extra(monkeypatch):
    monkeypatch.setattr(embeddings, "find_spec", lambda name: None)
    assert "embeddings" in embeddings.unavailable()


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [([1, 0], [0, 2], 0.0), ([1, 1], [2, 2], 1.0), ([1, 0], [-3, 0], -1.0), ([3, 4], [4, 3], 0.96)],
)
def test_cosine_by_hand(a, b, expected):
    assert cosine(np.array(a), np.array(b)) == pytest.approx(expected)


@needs_model
def test_an_embedding_has_length_one_and_knows_what_is_meant():
    assert np.linalg.norm(embed("The sea is warm.")) == pytest.approx(1, abs=1e-5)
    near = cosine(embed("The sea is warm."), embed("The ocean has a high temperature."))
    far = cosine(embed("The sea is warm."), embed("Stock prices fell on Monday."))
    assert near > 0.6 > 0.3 > far


@needs_model
@pytest.mark.parametrize(
    ("text", "published"),
    [("That is a happy dog", 0.695), ("That is a very happy person", 0.943), ("Today is a sunny day", 0.257)],
)
def test_similarities_are_those_that_hugging_face_shows_for_this_model(text, published):
    assert cosine(embed("That is a happy person"), embed(text)) == pytest.approx(published, abs=1e-3)


@needs_model
@pytest.mark.parametrize(
    "text", ["", "\x00", "\ud800", "x" * 1_000_000], ids=["empty", "null", "surrogate", "megabyte"]
)
def test_hostile_text_has_an_embedding(text):
    assert np.isfinite(embed(text)).all()


@needs_model
def test_the_same_dialogue_thrice_is_wholly_similar():
    assert similarity([("The sea is warm.", "It rises.")] * 3) == pytest.approx(1, abs=1e-6)
