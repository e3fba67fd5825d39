"""What is looked through for a request: libraries and uploaded files, and what is kept on disk to do so fast again.

    <state>/files/<digest>/            the files that came with a request, second names of artifacts
    <state>/catalogue-<digest>.sqlite  what was read of the files of some folders (`catalogue.index`)

Both are made again where they are lost, and go when nobody has asked for them for as long as jobs are kept.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tellurion.agent.v1 import agent_pb2
from tellurion_agent.catalogue.index import Index
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.libraries import Libraries
from tellurion_agent.uploads import LIBRARY, laid_out
from tellurion_core.artifacts import ArtifactStore

LEAST_KEPT = timedelta(hours=1)
"""Longer than anything is looked through."""


@dataclass(frozen=True)
class Looking:
    """Through the libraries of an installation, and the files of its tenants."""

    libraries: Libraries
    artifacts: ArtifactStore
    state: Path
    keep: timedelta

    def through(self, data: agent_pb2.Data, tenant: str) -> tuple[Libraries, Catalogue]:
        """The libraries that a request is about, and what is in them. Raises InvalidInput."""
        files = dict(data.files)
        chosen = self.libraries.chosen(data.libraries) if data.libraries or not files else Libraries({})
        if files:
            folder = self.state / "files" / _digest(tenant, sorted(files.items()))
            folder.mkdir(parents=True, exist_ok=True)
            folder.touch()  # so that it is seen to be used
            laid_out(self.artifacts, tenant, files, folder)
            chosen = chosen.with_folder(LIBRARY, folder)
        index = self.state / f"catalogue-{_digest(sorted(map(str, chosen.folders.values())))}.sqlite"
        index.parent.mkdir(parents=True, exist_ok=True)
        index.touch()
        return chosen, Catalogue.open(list(chosen.folders.values()), index)

    def sweep(self) -> None:
        """Removes what nobody has asked for in a long time."""
        before = time.time() - max(self.keep, LEAST_KEPT).total_seconds()
        for folder in self.state.glob("files/*"):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
        for index in self.state.glob("catalogue-*.sqlite"):
            if index.stat().st_mtime < before:
                Index.discard(index)
                index.with_name(f"{index.name}-lock").unlink(missing_ok=True)


def _digest(*parts: str | Sequence[Any]) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
