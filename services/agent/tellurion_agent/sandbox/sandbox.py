"""What runs a script that nobody vouches for: limits that it is held to, and what is said of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from tellurion_core.errors import InvalidInput


class Reason(StrEnum):
    """Why a run did not end well."""

    TIMEOUT = "TIMEOUT"
    MEMORY = "MEMORY"
    DISK = "DISK"
    PROCESSES = "PROCESSES"
    """Too many threads, or a process of its own, which no script may start."""
    OUTPUT = "OUTPUT"
    """It printed too much."""
    CANCELLED = "CANCELLED"
    FORBIDDEN = "FORBIDDEN"
    """It asked the system for what a script may not have: a file, a socket, a privilege."""
    CRASHED = "CRASHED"
    """A signal ended it."""
    FAILED = "FAILED"
    """It ended with an error of its own."""


@dataclass(frozen=True)
class Limits:
    """How much a run may take."""

    seconds: float = 600.0
    """Of wall-clock time, from the moment the script starts."""
    memory_bytes: int = 2 << 30
    """Resident memory that is not a file's."""
    disk_bytes: int = 2 << 30
    """In the output folder; an entry counts as 16 KiB at least."""
    processes: int = 256
    """Threads at once."""
    output_bytes: int = 16 << 20
    """On stdout and stderr together."""

    def __post_init__(self) -> None:
        """Raises InvalidInput."""
        for limit in fields(self):
            value = getattr(self, limit.name)
            if not isinstance(value, (int, float)) or not 0 < value <= 2**60:
                raise InvalidInput.of(f"limits.{limit.name}", received=value, accepted="a number above 0, up to 2⁶⁰")


@dataclass(frozen=True)
class Run:
    """What is known of a run, from outside of it."""

    exit_code: int
    """As the system has it; the negative number of the signal that ended it."""
    reason: Reason | None
    """None where the script ended well."""
    detail: str
    """The reason as a sentence, empty without one."""
    stdout: str
    """Its last 64 KiB."""
    stderr: str
    seconds: float
    peak_memory_bytes: int
    layers: tuple[str, ...]
    """Of the sandbox, as they were active."""
    refused: tuple[str, ...] = ()
    """What the script asked of the system in vain, each once: ``socket(AF_INET)``; also where it went on without."""


class Sandbox(Protocol):
    """Runs scripts; implementations differ in what separates a script from everything else."""

    def run(
        self,
        script: Path,
        inputs: Sequence[Path],
        output: Path,
        limits: Limits,
        *,
        cancelled: Callable[[], bool],
        log: Callable[[str], None],
    ) -> Run:
        """Runs a Python script and returns when nothing is left of it.

        `inputs` are files and folders that it may read; it finds their paths in ``sys.argv[1:]``. `output`, an empty
        folder, is where it starts and the only place where it may write; there it may make files only, folders in
        ``tempfile.gettempdir()``, which is gone afterwards. `log` is given what it prints, line by line.
        Raises InvalidInput, and Unavailable where a layer of the sandbox is missing: then nothing was run.
        """


def check_places(script: Path, inputs: Sequence[Path], output: Path) -> None:
    """Raises InvalidInput for a place that a run cannot use."""
    if not script.is_file():
        raise InvalidInput.of("script", received=script.name, accepted="a file")
    for index, path in enumerate(inputs):
        if not path.exists():
            raise InvalidInput.of(f"inputs[{index}]", received=path.name, accepted="a file or folder that is there")
    if output.is_symlink() or not output.is_dir() or any(output.iterdir()):
        raise InvalidInput.of("output", received=output.name, accepted="an empty folder, not a link")
