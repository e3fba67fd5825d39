"""What a capability of another service is, what it is called with, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tellurion_agent.recipes.recipe import Value
from tellurion_client.client import Client
from tellurion_client.operations import Operation


@dataclass(frozen=True)
class FileInput:
    """Files of the request's data that a service is sent."""

    name: str
    what: str
    """``a file of Gaussians (.ply, .splat, .spz, .sog)``."""
    fits: Callable[[Path], bool]
    """Whether a file, or where `folder` a folder, can be it, by its name or by what is in it."""
    cues: tuple[str, ...] = ()
    """Words beside or within a name that tell it from those of the other inputs."""
    folder: bool = False
    many: bool = False
    optional: bool = False


def named(*suffixes: str) -> Callable[[Path], bool]:
    """Whether a path ends so."""
    return lambda path: path.suffix.lower() in suffixes


def holding(*names: str) -> Callable[[Path], bool]:
    """Whether one of these is in a folder."""
    return lambda path: any((path / name).exists() for name in names)


@dataclass(frozen=True)
class Option:
    """What may be said of a call."""

    name: str
    question: str
    """Asked where it is required and was not said."""
    read: Callable[[str], Any]
    """From what is said, in lower case, to its value; None where that says nothing of it."""
    default: Any = None
    """Left to the service where None."""
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a service, with all that it needs."""

    client: Client
    """Speaks for whoever asked."""
    files: Mapping[str, tuple[Path, ...]]
    """By input; inputs that are optional and were not given are left out."""
    options: Mapping[str, Any]
    """Those that were said, and defaults."""
    output: Path
    """Folder for the files that come back."""
    request_id: str
    """The same whenever this step of this run is begun again: long work that was submitted is found by it."""
    wait: Callable[[Operation], None]
    """Returns when long work has ended; cancels it where the run is cancelled."""
    seconds: float
    """That one exchange with the service may take."""

    def file(self, name: str) -> Path:
        """The one file or folder of an input."""
        return self.files[name][0]


@dataclass(frozen=True)
class Returned:
    """What came back beside files."""

    values: tuple[Value, ...]
    """The answer itself first."""
    notes: tuple[str, ...] = ()
    by: Mapping[str, str] = field(default_factory=dict)
    """What the service says of how it was made: method, version, SHA-256 of weights."""


@dataclass(frozen=True, eq=False)
class Capability:
    """One thing that a service can do for a request."""

    name: str
    """``ocean.reconstruct``: the service, a dot, and what it does."""
    title: str
    phrases: tuple[str, ...]
    """How it may be asked for."""
    asks: tuple[str, ...]
    """Regular expressions, in lower case, that a request for it has all of; no request for an analysis has."""
    inputs: tuple[FileInput, ...]
    options: tuple[Option, ...]
    method: str
    """What is done, in the words of a methods section."""
    call: Callable[[Call], Returned]
    """Raises what the SDK raises."""
    references: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """Whose it is."""
        return self.name.partition(".")[0]
