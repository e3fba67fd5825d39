"""A request as it is read: one alphabet, one spelling, typing errors mended."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property

from tellurion_core.errors import InvalidInput

LONGEST = 4000
"""Characters of a request."""
SHORTEST_MENDED = 5
"""Letters of a word towards which typing errors are mended: shorter ones are too near to others."""
TAKEN = "~"
"""Stands where a mention was read, so that nothing else is read from it."""

_SIGNS = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹣-", "-") | dict.fromkeys("‘’‛′`´", "'") | dict.fromkeys("“”″", '"') | {"×": "x", "~": " "}
)
_DEGREES = str.maketrans("º˚∘", "°°°")  # before compatibility forms, which make an o of an ordinal sign
_BRITISH = (
    (re.compile(r"(?i)\b((?:kilo|centi|milli)?met)re(s?)\b"), r"\1er\2"),
    (re.compile(r"(?i)\b(vap|col|behavi)our"), r"\1or"),
    (re.compile(r"(?i)\bcentre"), "center"),
    (re.compile(r"(?i)\bsulph"), "sulf"),
    (re.compile(r"(?i)(?<=\w)(al|ar|er|im|an)is(e[ds]?|ing|ation)\b"), r"\1iz\2"),
    (re.compile(r"(?i)\banalyz"), "analys"),
)


@dataclass(frozen=True)
class Text:
    """A request, cleaned."""

    said: str
    """As it was written, upper and lower case."""
    mended: tuple[tuple[str, str], ...] = ()
    """Typing errors, and what they were read as."""

    @cached_property
    def plain(self) -> str:
        """In lower case, character by character as `said`."""
        if self.said.isascii():
            return self.said.lower()
        return "".join(low if len(low := c.lower()) == 1 else c for c in self.said)

    def without(self, spans: Iterable[tuple[int, int]]) -> Text:
        """With these characters taken out, the others at their places."""
        said = self.said
        for start, end in spans:
            said = said[:start] + TAKEN * (end - start) + said[end:]
        return replace(self, said=said)


def text_of(request: str) -> Text:
    """The text of a request. Raises InvalidInput where it is empty, or too long."""
    accepted = f"a question of 1 to {LONGEST} characters"
    if not isinstance(request, str):
        raise InvalidInput.of("question", received=request, accepted=accepted)
    if not request.strip() or len(request) > LONGEST:
        raise InvalidInput.of("question", received=f"{len(request)} characters", accepted=accepted)
    said = unicodedata.normalize("NFKD", request.translate(_DEGREES)).translate(_SIGNS)
    said = "".join(c if c.isprintable() else " " for c in said if not unicodedata.combining(c))
    for british, american in _BRITISH:
        said = british.sub(american, said)
    return Text(re.sub(r"\s+", " ", said).strip())


def mended(text: Text, vocabulary: Iterable[str], is_word: Callable[[str], bool]) -> Text:
    """With each long word that is none replaced by the only word of the vocabulary that one edit makes of it."""
    vocabulary = frozenset(vocabulary)
    known = [word for word in vocabulary if len(word) >= SHORTEST_MENDED]
    found: dict[str, str] = {}

    @cache
    def nearest(word: str) -> str | None:
        forms = {word, word.removesuffix("s")}
        if forms & vocabulary or any(map(is_word, forms)):
            return None
        near = {other for other in known if one_edit(word, other)}
        near = {other for other in near if other.removesuffix("s") not in near or not other.endswith("s")}
        return near.pop() if len(near) == 1 else None

    def mend(match: re.Match[str]) -> str:
        right = None if match[0].isupper() else nearest(match[0].lower())
        if right is None:
            return match[0]
        found[match[0]] = right
        return right

    said = re.sub(rf"(?<![\w.-])[A-Za-z]{{{SHORTEST_MENDED - 1},40}}(?![\w-])", mend, text.said)
    return Text(said, tuple(found.items()))


def one_edit(a: str, b: str) -> bool:
    """Whether one letter more, less, other, or two neighbours exchanged make `b` of `a`."""
    if abs(len(a) - len(b)) > 1 or a == b:
        return False
    i = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return longer[i + 1 :] == shorter[i:]
    return a[i + 1 :] == b[i + 1 :] or (a[i : i + 2] == b[i : i + 2][::-1] and a[i + 2 :] == b[i + 2 :])
