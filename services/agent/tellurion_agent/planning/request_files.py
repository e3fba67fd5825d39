"""The files that a request means, among those of its data."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tellurion_agent.capabilities.capability import FileInput
from tellurion_agent.planning.plan import Abstain, Clarify
from tellurion_core.errors import InvalidInput

MOST_FILES = 100_000
"""That are looked at."""
OPTIONS = 5
"""Files that are named where it is asked which."""
NEAR = 3
"""Words before a name that may say what it is for."""
_WORD = re.compile(r"[^\s,;:\"'“”‘’()<>]+")


@dataclass(frozen=True)
class Listing:
    """What is in some folders, these among them; nothing hidden."""

    files: tuple[Path, ...]
    folders: tuple[Path, ...]

    @classmethod
    def of(cls, roots: Iterable[Path]) -> Listing:
        """Raises InvalidInput where there are too many files."""
        files: list[Path] = []
        folders: list[Path] = []
        for root in roots:
            for parent, below, names in os.walk(root):
                below[:] = sorted(name for name in below if not name.startswith("."))
                folders.append(Path(parent))
                files += (Path(parent, name) for name in sorted(names) if not name.startswith("."))
                if len(files) > MOST_FILES:
                    raise InvalidInput.of("data", received="more files", accepted=f"at most {MOST_FILES}")
        return cls(tuple(files), tuple(folders))

    def for_input(self, wanted: FileInput) -> list[Path]:
        """What can be an input."""
        return [path for path in (self.folders if wanted.folder else self.files) if _fits(wanted, path)]


@dataclass(frozen=True)
class Chosen:
    """Files by input, and why those that nobody named."""

    files: Mapping[str, tuple[Path, ...]]
    assumptions: Mapping[str, str]


def words(request: str) -> list[str]:
    """The words of a request, names of files whole."""
    return [word for found in _WORD.findall(request) if (word := found.rstrip(".?!/"))]


def choose(inputs: Sequence[FileInput], request: str, there: Listing) -> Chosen | Clarify | Abstain:
    """The files of each input: those that the request names, else the only ones that there are."""
    said = words(request)
    able = {wanted.name: there.for_input(wanted) for wanted in inputs}
    places = {path: place for place, word in enumerate(said) for path in _named(word, able.values())}
    if (stranger := next(_strangers(said, inputs, places), None)) is not None:
        return Abstain(f"There is no file {stranger} among the data.")
    files: dict[str, tuple[Path, ...]] = {}
    assumptions: dict[str, str] = {}
    for wanted in inputs:  # first those of which the words around a name say what it is
        told = [path for path in able[wanted.name] if path in places and _cued(wanted, path, said, places)]
        told = [path for path in told if (path,) not in files.values()]
        if len(told) == 1:
            files[wanted.name] = (told[0],)
    for wanted in inputs:
        taken = {path for paths in files.values() for path in paths}
        left = [path for path in able[wanted.name] if path not in taken]
        named = [path for path in left if path in places]
        if wanted.name in files or (wanted.optional and not named):
            continue
        if wanted.many:
            within = [path for path in there.folders if path.name in said and path not in taken]
            inmost = [each for each in within if not any(each in other.parents for other in within)]
            left = named or [path for path in left if any(map(path.is_relative_to, inmost))] or left
        elif not named:
            left = [path for path in left if _has_cue(wanted, path.stem)] or left
        else:
            left = named
        if not left:
            return Abstain(f"There is no such thing among the data: {wanted.what}.")
        if len(left) > 1 and not wanted.many:
            shown = tuple(path.name for path in left[:OPTIONS])
            more = " …" if len(left) > OPTIONS else ""
            return Clarify(f"Which is {wanted.what}: {', '.join(shown)}{more}?", wanted.name, shown)
        files[wanted.name] = tuple(left)
        if not named:
            only = "all that there are" if wanted.many else f"{left[0].name}, which alone can be it"
            assumptions[wanted.name] = f"{wanted.name}: {only}."
    return Chosen(files, assumptions)


def _fits(wanted: FileInput, path: Path) -> bool:
    try:
        return wanted.fits(path)
    except OSError:
        return False


def _named(word: str, able: Iterable[Sequence[Path]]) -> Iterator[Path]:
    """The files whose name, or the end of whose place, a word is."""
    parts = Path(word).parts
    for paths in able:
        yield from (path for path in paths if path.parts[-len(parts) :] == parts)


def _strangers(said: Sequence[str], inputs: Sequence[FileInput], places: Mapping[Path, int]) -> Iterator[str]:
    """Words that can only be names of files, and are of none that there is."""
    for place, word in enumerate(said):
        a_file = Path(word).suffix and any(not wanted.folder and wanted.fits(Path(word)) for wanted in inputs)
        if a_file and place not in places.values():
            yield word


def _cued(wanted: FileInput, path: Path, said: Sequence[str], places: Mapping[Path, int]) -> bool:
    """Whether a name, or the words before it since the last one, say that it is this input."""
    place = places[path]
    since = max((other + 1 for other in places.values() if other < place), default=0)
    before = " ".join(said[max(since, place - NEAR) : place]).lower()
    return _has_cue(wanted, before) or _has_cue(wanted, path.stem)


def _has_cue(wanted: FileInput, text: str) -> bool:
    return any(re.search(rf"(?:^|[\W_]){re.escape(cue)}(?:[\W_]|$)", text.lower()) for cue in wanted.cues)
