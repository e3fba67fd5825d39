"""Names of many words, found in a text: the longest first, whatever joins their words, singular or plural."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from tellurion_agent.planning.extraction.text import Text, text_of

T = TypeVar("T")

_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)?")
_JOINT = re.compile(r"[\s\-_/.'&%+]{0,3}")
"""What may stand between the words of a name: ``sea-surface temperature``, ``GFDL ESM4``, ``Niño 1+2``."""


@dataclass(frozen=True)
class Found(Generic[T]):
    """A name in a text, and what it stands for."""

    value: T
    start: int
    end: int


class Lexicon(Generic[T]):
    """What names stand for; where a name is given twice the first holds."""

    def __init__(self, names: Iterable[tuple[str, T]]) -> None:
        self._values: dict[tuple[str, ...], T] = {}
        self.words: set[str] = set()
        """That the names are made of."""
        for name, value in names:
            tokens = _TOKEN.findall(text_of(name).plain)
            self.words.update(token for token in tokens if token.isalpha())
            self._values.setdefault(tuple(map(singular, tokens)), value)
        self._values.pop((), None)
        self._longest = max(map(len, self._values), default=0)

    def find(self, text: Text) -> Iterator[Found[T]]:
        """Names that do not overlap, from the left; of those that begin together the longest."""
        plain = text.plain
        tokens = list(_TOKEN.finditer(plain))
        words = [singular(token[0]) for token in tokens]
        i = 0
        while i < len(tokens):
            for j in range(min(i + self._longest, len(tokens)), i, -1):
                key = tuple(words[i:j])
                if key in self._values and self._joined(plain, tokens[i:j]):
                    yield Found(self._values[key], tokens[i].start(), tokens[j - 1].end())
                    i = j - 1
                    break
            i += 1

    @staticmethod
    def _joined(plain: str, tokens: list[re.Match[str]]) -> bool:
        """Whether these are whole words with nothing but joints between."""
        start, end = tokens[0].start(), tokens[-1].end()
        if plain[start - 1 : start].isalnum() or plain[end : end + 1].isalnum():
            return False
        between = (plain[a.end() : b.start()] for a, b in pairwise(tokens))
        return all(_JOINT.fullmatch(joint) for joint in between)


def singular(word: str) -> str:
    """A word without its plural; what it does to a name it does to all mentions of it."""
    if len(word) >= 5 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) >= 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
