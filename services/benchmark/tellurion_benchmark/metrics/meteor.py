"""METEOR of one text against one reference, by NLTK over WordNet 3.0."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TextIO

import nltk.data
from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.data import FileSystemPathPointer
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
from nltk.translate.meteor_score import single_meteor_score
from punkt.data import english  # the numbers of NLTK's own model, which comes in no other package

DEBIAN = Path("/usr/share/wordnet")
"""Where the package wordnet-base puts it."""
LEXICOGRAPHER_FILES = 45
"""As many as WordNet 3.0 was written in (lexnames(5WN))."""


def unavailable() -> str | None:
    """Why there is no METEOR here; None where there is."""
    if _folder() is None:
        return "WordNet is neither in NLTK_DATA nor in /usr/share/wordnet (Debian: wordnet-base)"
    return None


def load() -> None:
    """Loads WordNet and the sentences' model, which takes seconds."""
    _wordnet()
    _sentences()


def meteor(candidate: Sequence[str], reference: Sequence[str]) -> float:
    """In [0, 1], of tokens: lower case, then the same word, the same Porter stem, or a synonym; α 0.9, β 3, γ 0.5.

    Source: Lavie and Agarwal (2007), METEOR. It is neither that of the Java program nor comparable with it.
    """
    return float(single_meteor_score(reference, candidate, wordnet=_wordnet()))


def words(text: str) -> list[str]:
    """What NLTK's `word_tokenize` makes of an English text: its sentences' words, full stops apart from them.

    Source: Kiss and Strunk (2006), Unsupervised multilingual sentence boundary detection.
    """
    return [word for sentence in _sentences().tokenize(text) for word in _tokenizer().tokenize(sentence)]


@cache
def _sentences() -> PunktSentenceTokenizer:
    """NLTK's program with NLTK's English model."""
    learned = PunktParameters()
    learned.abbrev_types = set(english.ABBREV_TYPES)
    learned.collocations = set(english.COLLOCATIONS)
    learned.sent_starters = set(english.SENT_STARTERS)
    learned.ortho_context = Counter(english.ORTHO_CONTEXT)  # which does not grow by being asked
    return PunktSentenceTokenizer(learned)


@cache
def _tokenizer() -> NLTKWordTokenizer:
    return NLTKWordTokenizer()


def _folder() -> Path | None:
    """Where WordNet's files are, if anywhere."""
    folders = (*(Path(folder, "corpora", "wordnet") for folder in nltk.data.path), DEBIAN)
    return next((folder for folder in folders if (folder / "data.noun").is_file()), None)


@cache
def _wordnet() -> WordNetCorpusReader:
    folder = _folder()
    if folder is None:
        raise LookupError(unavailable())
    if str(folder) not in nltk.data.path:
        nltk.data.path.append(str(folder))  # NLTK opens nothing that is not below one of these
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The multilingual functions")
        return _Synonyms(FileSystemPathPointer(str(folder)), None)


class _Synonyms(WordNetCorpusReader):
    """NLTK's reader without what Debian leaves out and synonyms do not need."""

    def open(self, file: str) -> TextIO:
        if file == "lexnames":
            return io.StringIO("".join(f"{number} {number} 0\n" for number in range(LEXICOGRAPHER_FILES)))
        return super().open(file)

    def map_wn(self, version: str = "wordnet") -> None:
        """No map to another WordNet."""
