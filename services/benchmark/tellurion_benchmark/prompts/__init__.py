"""What models and judges are asked: the texts beside this file, in a folder per benchmark, or texts that a user gives.

A text has placeholders, `{question}`; as in Python's format strings `{{` and `}}` stand for one brace, and any other
brace for itself, so that a release's own prompt can be given as it is. The texts here are our own (`tellurion-1`):
only a release's own judge prompts make a score comparable with those that its authors published.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Self

from tellurion_core.errors import InvalidInput

VERSION = "tellurion-1"
"""Of the texts here."""
VLMEVALKIT = "vlmevalkit"
"""The variant that has prompts of its own: those whose names begin with it."""
LONGEST = 100_000
"""Characters of a given text."""

_MARK = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of one benchmark."""

    version: str
    """`tellurion-1` where all are ours, `sha256:…` of names and texts where all were given, else both with a plus.

    Of the prompts that the variant uses, for whatever kind of question.
    """
    _texts: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, suite: str, given: Mapping[str, str] | None, *, variant: str = "official") -> Self:
        """The prompts of a benchmark's variant, some of them replaced by texts that are given by name.

        Raises:
            InvalidInput: a name is none of the benchmark's, or a text is blank, too long, without any placeholder where
                ours has some, or with one that ours has not.
        """
        texts, given = _ours(suite), given or {}
        for name, text in given.items():
            if name not in texts:
                raise InvalidInput.of("prompts", received=name, accepted=", ".join(sorted(texts)))
            _check(f"prompts.{name}", text, _placeholders(texts[name]))
        used = {name for name in texts if name.startswith(VLMEVALKIT) == (variant == VLMEVALKIT)}
        return cls(_version(used, given), {**texts, **given})

    @staticmethod
    def said(version: str) -> str:
        """Whose prompts these are, for a title: ours are no one's official ones."""
        ours, _, others = version.partition("+")
        if ours != VERSION:
            return f"given prompts ({version})"
        return f"prompts that are partly ours ({version})" if others else f"our prompts ({version})"

    def fill(self, name: str, **values: str) -> str:
        """A prompt with these values in it; what stands in a value is never taken for a placeholder.

        A file's last line end is not part of its prompt.
        """
        return _MARK.sub(lambda mark: values[mark[1]] if mark[1] else mark[0][0], self._texts[name].removesuffix("\n"))


def _version(used: Set[str], given: Mapping[str, str]) -> str:
    replaced = sorted((name, text) for name, text in given.items() if name in used)
    if not replaced:
        return VERSION
    digest = f"sha256:{hashlib.sha256(json.dumps(replaced).encode()).hexdigest()}"
    return digest if len(replaced) == len(used) else f"{VERSION}+{digest}"


def _ours(suite: str) -> dict[str, str]:
    folder = files(__name__).joinpath(suite)
    texts = (file for file in folder.iterdir() if file.name.endswith(".txt"))
    return {file.name.removesuffix(".txt"): file.read_text("utf-8") for file in texts}


def _placeholders(text: str) -> set[str]:
    return {mark[1] for mark in _MARK.finditer(text) if mark[1]}


def _check(field: str, text: str, known: set[str]) -> None:
    if text.isspace() or not 0 < len(text) <= LONGEST:
        raise InvalidInput.of(field, received=text, accepted=f"text of up to {LONGEST} characters that is not blank")
    used = _placeholders(text)
    if not used <= known or (known and not used):
        received = ", ".join(f"{{{name}}}" for name in sorted(used - known)) or "no placeholder"
        accepted = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        raise InvalidInput.of(field, received=received, accepted=f"{accepted}; {{{{ and }}}} for braces")
