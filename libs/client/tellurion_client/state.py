"""The state folder of a platform: who runs it, where its services listen, and its logs.

    STATE/lock        held (flock) by the `tellurion up` that runs; the truth about whether one does
    STATE/run.json    what it runs, written whole; means nothing while the lock is free
    STATE/log/        one log a service

The lock ends with its process, however that ends: there is no stale lock, and a stale run file is never believed.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tellurion_core.errors import Conflict, InvalidInput

PROBE_SECONDS = 0.5
"""How long taking the lock is tried: whoever only looks whether it is free holds it for microseconds."""

Phase = Literal["starting", "ready", "restarting"]


@dataclass(frozen=True)
class RunningService:
    """One service of a running platform."""

    address: str
    """Where it listens: `unix:/path`, `http://host:port` or `https://host:port`; empty before its first start."""
    pid: int
    """Its process; 0 while there is none."""
    restarts: int
    """How often it was started again."""
    phase: Phase
    """What its supervisor knows of it."""


@dataclass(frozen=True)
class Run:
    """A running platform."""

    pid: int
    """Process of its supervisor."""
    ready: bool
    """Whether every service has been ready once."""
    services: dict[str, RunningService]
    """Its services by name, in the order in which they were started."""


class State:
    """A state folder; it need not exist to be asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.folder / "log"

    def run(self) -> Run | None:
        """What runs on this state; None where nothing does, whatever an earlier run left behind."""
        if not self._locked():
            return None
        try:
            written = json.loads((self.folder / "run.json").read_bytes())
            services = {name: RunningService(**service) for name, service in written["services"].items()}
            return Run(written["pid"], written["ready"], services)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None  # the supervisor took the lock just now and has not written yet

    def write(self, run: Run) -> None:
        """Replaces what is known of the run, in one step."""
        new = self.folder / "run.json.new"
        new.write_text(json.dumps(asdict(run), indent=1) + "\n")
        new.replace(self.folder / "run.json")

    def make(self) -> None:
        """Makes the folders, for nobody but their user; a folder that is there keeps its mode."""
        for folder in (self.folder, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder and holds its lock; what an earlier run left is removed.

        Raises:
            InvalidInput: the folder cannot be made or written.
            Conflict: another `tellurion up` runs on this state.
        """
        try:
            self.make()
            lock = (self.folder / "lock").open("a")
        except OSError as error:
            raise InvalidInput.of(
                "state", received=f"{self.folder}: {error.strerror}", accepted="a folder to write in"
            ) from error
        with lock:
            until = time.monotonic() + PROBE_SECONDS
            while not _try_lock(lock.fileno()):
                if time.monotonic() > until:
                    run = self.run()
                    who = f"process {run.pid}" if run else "another process"
                    raise Conflict(f"{who} already runs a platform on {self.folder}; `tellurion down` stops it")
                time.sleep(0.02)
            (self.folder / "run.json").unlink(missing_ok=True)
            yield
            (self.folder / "run.json").unlink(missing_ok=True)

    def wait_until_free(self, seconds: float) -> bool:
        """Waits until nothing runs on this state any more; False where something still does after so many seconds."""
        until = time.monotonic() + seconds
        while self._locked():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def _locked(self) -> bool:
        try:
            lock = os.open(self.folder / "lock", os.O_RDONLY)
        except OSError:
            return False
        try:
            return not _try_lock(lock)
        finally:
            os.close(lock)


def _try_lock(lock: int) -> bool:
    """Takes the lock, for as long as the file stays open, unless another process has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
