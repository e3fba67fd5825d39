"""Folders in the place of those that a run read: its files are found in them by the names that they had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tellurion_agent.libraries import Libraries
from tellurion_agent.uploads import LIBRARY
from tellurion_core.errors import InvalidInput, NotFound


@dataclass(frozen=True)
class StandIn(Libraries):
    """Libraries, some of which stand in for those of a run."""

    given: Mapping[str, Path]
    """Folders by the names that a user knows."""
    kept: Libraries
    """Where what did not come with the run's question is as it was."""

    @classmethod
    def with_given(cls, given: Libraries, kept: Libraries) -> Self:
        """What is given, files that came with the request among it, for all that is not in the libraries kept."""
        named = dict(given.folders)
        sent = named.pop(LIBRARY, None)
        tops = {} if sent is None else {each.name: each for each in sent.iterdir()}
        return cls({**kept.folders, **given.folders}, {**named, **tops}, kept)

    def path(self, place: str) -> Path:
        """The file that stands in for the one at a place: in the folder of the same name, or else in any.

        Raises:
            NotFound: there is none.
            InvalidInput: several folders have one, and none has the name.
        """
        name, _, within = place.removeprefix(f"{LIBRARY}/").partition("/")
        if name in self.kept.folders and not place.startswith(f"{LIBRARY}/"):
            return self.kept.path(place)
        if ".." in Path(within).parts or Path(within).is_absolute():
            raise NotFound(f"there is no file {place}")
        named = {name: self.given[name] / within} if name in self.given else {}
        paths = named or {each: folder / (within or name) for each, folder in self.given.items()}
        found = {each: path for each, path in paths.items() if path.exists()}
        if not found:
            raise NotFound(f"there is no file {within or name} in {', '.join(sorted(paths)) or 'what is given'}")
        if len(found) > 1:
            raise InvalidInput.of("data", received=f"{within} in {', '.join(sorted(found))}", accepted=f"one in {name}")
        return next(iter(found.values()))
