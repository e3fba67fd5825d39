"""The files that an analysis is written to: checked before any work is done, and shown all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tellurion_client.ocean_wire import Reconstruction
from tellurion_core.errors import InvalidInput


@dataclass(frozen=True)
class Output:
    """Where an analysis goes."""

    analysis: Path
    members: Path | None
    """File of the members, where they have one of their own."""

    def of_month(self, month: int) -> Output:
        """The files of one of several months, which have its number in their names."""
        members = None if self.members is None else _of_month(self.members, month)
        return Output(_of_month(self.analysis, month), members)

    def check(self, inputs: Sequence[Path] = ()) -> None:
        """Raises InvalidInput where a file cannot be written, is one of the inputs, or is named twice."""
        for option, path in self.by_option().items():
            _check(option, path, inputs)
            with _folder_in(option, path.parent):
                pass  # it can be written in
        if self.members is not None and self.members.resolve() == self.analysis.resolve():
            received = f"{self.members}, the analysis"
            raise InvalidInput.of("members-out", received=received, accepted="another file")

    def by_option(self) -> dict[str, Path]:
        """The files, by the option that names each."""
        return {"output": self.analysis} | ({} if self.members is None else {"members-out": self.members})

    def write(self, reconstruction: Reconstruction, staged: Staged) -> None:
        """Writes the analysis out of sight."""
        places = {option: staged.place(option, path) for option, path in self.by_option().items()}
        reconstruction.write(places["output"], members_out=places.get("members-out"))


class Staged:
    """Files that are written out of sight, in folders from which each can be renamed to its own place in one step."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        # A folder is made when there is something to write: a killed process leaves it behind.
        self._folders: dict[Path, Path] = {}
        self._places: dict[Path, Path] = {}

    def place(self, option: str, output: Path) -> Path:
        """Where to write what is to become `output`."""
        target = output.resolve()  # through a link, to what it names
        if target.parent not in self._folders:
            self._folders[target.parent] = self._stack.enter_context(_folder_in(option, target.parent))
        place = self._folders[target.parent] / target.name
        self._places[place] = target
        return place

    def show(self) -> None:
        """Renames all of them."""
        for place, target in self._places.items():
            place.replace(target)


def _of_month(path: Path, month: int) -> Path:
    return path.with_name(f"{path.stem}-{month:02d}{path.suffix}")


def _check(option: str, output: Path, inputs: Sequence[Path]) -> None:
    if output.is_dir() or not output.name:
        raise InvalidInput.of(option, received=f"{output}, a folder", accepted="a file to write")
    if output.exists() and not (output.is_file() and os.access(output, os.W_OK)):
        received = f"{output}, {'read-only' if output.is_file() else 'a device or a pipe'}"
        raise InvalidInput.of(option, received=received, accepted="a file that may be written")
    if output.exists() and any(path.exists() and output.samefile(path) for path in inputs):
        raise InvalidInput.of(option, received=f"{output}, an input", accepted="another file")


@contextmanager
def _folder_in(option: str, parent: Path) -> Iterator[Path]:
    """A folder for the time of the block, whose files can be renamed into `parent` in one step."""
    try:
        folder = TemporaryDirectory(prefix=".tellurion-", dir=parent)
    except OSError as error:
        accepted = "a file in a folder that can be written"
        raise InvalidInput.of(option, received=f"{parent}: {error.strerror}", accepted=accepted) from error
    with folder as path:
        yield Path(path)
