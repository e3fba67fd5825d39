"""Files that came with a request, laid out in a folder so that the catalogue can look through them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import InvalidInput, NotFound
from tellurion_core.whole_files import placed

LIBRARY = "@files"
"""Name of the library that they are; no setting can name one so."""
_PART = re.compile(r"[\w][\w.+=-]{0,199}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_PARTS = 12


def check_names(files: Mapping[str, str]) -> None:
    """Raises InvalidInput for a name that is no place in a folder, or a hash that is none."""
    for name, sha256 in files.items():
        parts = name.split("/")
        if len(parts) > MOST_PARTS or not all(map(_PART.fullmatch, parts)):
            accepted = "names of folders and a file, of letters, digits and . _ - + ="
            raise InvalidInput.of("data.files", received=name, accepted=accepted)
        if not _SHA256.fullmatch(sha256):
            raise InvalidInput.of(f"data.files[{name}]", received=sha256, accepted="the SHA-256 of an uploaded file")


def check_files(artifacts: ArtifactStore, tenant: str, files: Mapping[str, str]) -> None:
    """Raises InvalidInput for a name that cannot be used, NotFound for a file that the tenant has not."""
    check_names(files)
    for name, sha256 in files.items():
        with _of(name):
            artifacts.get(tenant, sha256)


def laid_out(artifacts: ArtifactStore, tenant: str, files: Mapping[str, str], folder: Path) -> None:
    """Puts a tenant's files into a folder, those that are not there yet.

    Raises as `check_files`.
    """
    check_names(files)
    for name, sha256 in files.items():
        path = folder / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with _of(name), placed(path) as place:
            artifacts.fetch(tenant, sha256, place)


@contextmanager
def _of(name: str) -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise NotFound(f"data.files[{name}]: {error.message}") from None
