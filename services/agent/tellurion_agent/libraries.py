"""The folders that hold an installation's data, by name: files are known by library and place in it, never by path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tellurion_agent.catalogue.dataset import DataSet
from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound

ACCEPTED = "NAME=FOLDER, separated by commas"
LABELLED = 3
"""Places that are named in a line."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATA_SETS = TypeAdapter(dict[str, DataSet])


@dataclass(frozen=True)
class Libraries:
    """Folders by name."""

    folders: Mapping[str, Path]

    @classmethod
    def of(cls, text: str) -> Libraries:
        """Those of a setting, ``cmip6=/data/cmip6,obs=/data/obs``. Raises InvalidInput."""
        folders: dict[str, Path] = {}
        for entry in filter(None, map(str.strip, text.split(","))):
            name, equals, folder = entry.partition("=")
            if not equals or not _NAME.fullmatch(name) or name in folders or not Path(folder).is_dir():
                raise InvalidInput.of("TELLURION_AGENT_LIBRARIES", received=entry, accepted=ACCEPTED)
            folders[name] = Path(folder).resolve()
        return cls(folders)

    def chosen(self, names: Iterable[str]) -> Libraries:
        """Those of these names, all where there are none. Raises InvalidInput for a name that there is not."""
        wanted = list(names) or list(self.folders)
        for name in wanted:
            if name not in self.folders:
                raise InvalidInput.of("library", received=name, accepted=", ".join(self.folders) or "there is none")
        return Libraries({name: self.folders[name] for name in wanted})

    def with_folder(self, name: str, folder: Path) -> Libraries:
        """These and one more."""
        return Libraries({**self.folders, name: folder.resolve()})

    def place(self, path: str) -> str:
        """A file's library and place in it: ``cmip6/tos/tos_Omon.nc``. Raises InvalidInput for one in no library.

        What of a name is no UTF-8 becomes a question mark; the catalogue refuses to read such a file.
        """
        for name, folder in self.folders.items():
            if Path(path).is_relative_to(folder):
                return f"{name}/{Path(path).relative_to(folder).as_posix()}".encode(errors="replace").decode()
        raise InvalidInput.of("file", received=Path(path).name, accepted=f"one of {', '.join(self.folders)}")

    def path(self, place: str) -> Path:
        """The file at a place. Raises NotFound where there is no such library, or the place is outside of it."""
        name, _, within = place.partition("/")
        folder = self.folders.get(name)
        if folder is None or not within or ".." in Path(within).parts or Path(within).is_absolute():
            raise NotFound(f"there is no file {place}")
        return folder / within

    def stored(self, data: Mapping[str, DataSet]) -> dict[str, Any]:
        """Data sets by role, as JSON holds them; their files are places."""
        named = {role: _moved(each, self.place) for role, each in data.items()}
        stored: dict[str, Any] = json.loads(_DATA_SETS.dump_json(named))
        return stored

    def data(self, stored: Any) -> dict[str, DataSet]:
        """What was stored, with the files where they are here. Raises DataCorrupted and NotFound."""
        try:
            data = _DATA_SETS.validate_json(json.dumps(stored))
        except ValidationError as error:
            raise DataCorrupted("the data sets of a plan cannot be read") from error
        return {role: _moved(each, lambda place: str(self.path(place))) for role, each in data.items()}


def written(data: Mapping[str, DataSet]) -> bytes:
    """Data sets by role with the paths of their files, for a script to open."""
    return _DATA_SETS.dump_json(dict(data))


def read(content: bytes) -> dict[str, DataSet]:
    """What `written` wrote."""
    return _DATA_SETS.validate_json(content)


def labelled(places: Sequence[str], most: int = LABELLED) -> str:
    """Places, or other names, in a line, `most` of them."""
    more = len(places) - most
    return ", ".join(places[:most]) + (f" and {more} more" if more > 0 else "")


def _moved(data: DataSet, move: Any) -> DataSet:
    files = tuple(replace(file, location=move(file.location)) for file in data.files)
    return replace(data, files=files, parts=tuple(_moved(part, move) for part in data.parts))
