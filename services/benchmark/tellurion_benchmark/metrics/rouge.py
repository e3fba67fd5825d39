"""ROUGE of one text against one reference, by rouge-score."""

from __future__ import annotations

from functools import cache

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer, Tokenizer

from tellurion_benchmark.metrics.characters import CHARACTER


def rouge(
    candidate: str, reference: str, kinds: tuple[str, ...], *, stemmed: bool, characters: bool = False
) -> dict[str, float]:
    """F-measures in [0, 1] of `rouge1`, `rouge2`, `rougeL`, `rougeLsum`: lower case, Latin letters and digits only.

    `characters`: those of Chinese and Japanese count too, each as a word. `rougeLsum` takes each line for a sentence;
    of single lines it is `rougeL`, which saves the second table of common subsequences.
    Source: Lin (2004), ROUGE: a package for automatic evaluation.
    """
    repeated = {"rougeL", "rougeLsum"} <= set(kinds) and "\n" not in candidate and "\n" not in reference
    computed = tuple(kind for kind in kinds if kind != "rougeLsum") if repeated else kinds
    scores = _scorer(computed, stemmed, characters).score(reference, candidate)
    if repeated:
        scores["rougeLsum"] = scores["rougeL"]
    return {kind: scores[kind].fmeasure for kind in kinds}


@cache
def _scorer(kinds: tuple[str, ...], stemmed: bool, characters: bool) -> RougeScorer:
    return RougeScorer(kinds, use_stemmer=stemmed, tokenizer=_WordsAndCharacters(stemmed) if characters else None)


class _WordsAndCharacters(Tokenizer):
    """rouge-score's tokens, and the characters that it drops."""

    def __init__(self, stemmed: bool) -> None:
        self._words = DefaultTokenizer(use_stemmer=stemmed)

    def tokenize(self, text: str) -> list[str]:
        pieces = CHARACTER.split(text)
        return [
            token
            for place, piece in enumerate(pieces)
            for token in ([piece] if place % 2 else self._words.tokenize(piece))
        ]
