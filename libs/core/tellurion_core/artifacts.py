"""Content-addressed files that belong to a tenant, expire, and can be deleted.

    <root>/<tenant>/<id[:2]>/<id>         the bytes
    <root>/<tenant>/<id[:2]>/<id>.json    what they are, and until when they are kept

The id is the SHA-256 of the bytes, so storing the same bytes twice keeps one file. Knowing an id grants nothing:
another tenant's artifact looks like none. Files appear whole, by renaming, and the description last.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from tellurion_core.call import TENANT
from tellurion_core.errors import InvalidInput, NotFound, ResourceExhausted

UNFINISHED_SECONDS = 86_400
"""Age at which a file that was never finished is given up; no upload takes as long."""

SETTLED_NS = 2_000_000_000
"""Age from which a folder's time tells of every change: clocks of file systems tick coarsely."""

_ID = re.compile(r"[0-9a-f]{64}")


class Artifact(BaseModel):
    """What is known of one stored file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Lower-case hexadecimal SHA-256 of the bytes."""
    size: int
    """Bytes."""
    media_type: str
    """MIME type: ``application/x-netcdf``."""
    name: str
    """File name to offer when it is downloaded."""
    created: datetime
    """When it was first stored, UTC."""
    expires: datetime | None
    """When it may be deleted, UTC; never where None."""


class ArtifactStore:
    """Artifacts in a local folder. Safe for several processes at once."""

    def __init__(self, root: Path, *, max_bytes: int = 20 << 30, tenant_bytes: int | None = None) -> None:
        """`max_bytes` is the most that one artifact may have, `tenant_bytes` what all of a tenant may have together."""
        self._root = root
        self._max_bytes = max_bytes
        self._tenant_bytes = tenant_bytes
        self._sizes: dict[Path, tuple[int, int]] = {}

    def put(
        self, tenant: str, chunks: Iterable[bytes], *, media_type: str, name: str, keep: timedelta | None
    ) -> Artifact:
        """Stores a stream of bytes; memory does not grow with it.

        Storing bytes again extends how long they are kept, and never shortens it.

        Raises:
            ResourceExhausted: more bytes than one artifact, or the tenant, may have, or the disk is full; nothing is
                left.
        """
        digest, size = hashlib.sha256(), 0
        with self._unfinished(tenant) as written:
            with _room(), written.open("wb") as file:  # closing it may still write
                for chunk in chunks:
                    size += len(chunk)
                    if size > self._max_bytes:
                        raise ResourceExhausted(f"an artifact may have at most {self._max_bytes} bytes")
                    digest.update(chunk)
                    file.write(chunk)
            return self._keep(tenant, written, digest.hexdigest(), media_type=media_type, name=name, keep=keep)

    def take(
        self, tenant: str, path: Path, sha256: str, *, media_type: str, name: str, keep: timedelta | None
    ) -> Artifact:
        """Stores a whole file of this SHA-256 by moving it from `path`, on the same disk; as `put` otherwise.

        It is the caller who has seen to it that the tenant may have so many bytes, before they were written.

        Raises:
            ResourceExhausted: the disk is full; the file is where it was.
        """
        return self._keep(tenant, path, sha256, media_type=media_type, name=name, keep=keep, counted=True)

    def used(self, tenant: str) -> int:
        """Bytes of the tenant's artifacts. Folders in which no name has changed are not looked through again."""
        return sum(map(self._size_of, self._tenant(tenant).glob("??")))

    def get(self, tenant: str, artifact_id: str) -> Artifact:
        """What is known of an artifact.

        Raises:
            NotFound: this tenant has no such artifact, or its time is over.
        """
        try:
            artifact = Artifact.model_validate_json(self._description(tenant, artifact_id).read_bytes())
        except (FileNotFoundError, ValidationError):
            raise _missing(artifact_id) from None
        if artifact.expires is not None and artifact.expires <= datetime.now(UTC):
            raise _missing(artifact_id)
        return artifact

    def open(self, tenant: str, artifact_id: str) -> BinaryIO:
        """The artifact's bytes, to be read and closed by the caller.

        Raises:
            NotFound: this tenant has no such artifact.
        """
        self.get(tenant, artifact_id)
        try:
            return self._path(tenant, artifact_id).open("rb")
        except FileNotFoundError:
            raise _missing(artifact_id) from None

    def fetch(self, tenant: str, artifact_id: str, path: Path) -> None:
        """Puts the artifact's bytes at `path`, to be read only: a second name of the file, or a copy on another disk.

        They stay there when the artifact is deleted; a file that is at `path` already is left alone.

        Raises:
            NotFound: this tenant has no such artifact.
            ResourceExhausted: the disk is full.
        """
        with self.open(tenant, artifact_id) as source, _room():
            try:
                path.hardlink_to(self._path(tenant, artifact_id))
            except FileExistsError:
                return
            except OSError:
                part = path.with_name(path.name + ".part")
                with part.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                part.replace(path)

    def list(self, tenant: str) -> Iterator[Artifact]:
        """The tenant's artifacts, by id."""
        for path in sorted(self._tenant(tenant).glob("??/*.json")):
            try:
                yield self.get(tenant, path.stem)
            except NotFound:
                continue

    def delete(self, tenant: str, artifact_id: str) -> None:
        """Deletes an artifact.

        Raises:
            NotFound: this tenant has no such artifact.
        """
        self.get(tenant, artifact_id)
        with self._locked(self._tenant(tenant)):
            self._remove(self._path(tenant, artifact_id))

    def sweep(self, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """Deletes what has expired, of all tenants, and returns how many artifacts went; ends early once `stopping()`.

        What a process that was killed left half-written goes after a day.
        """
        now, gone = datetime.now(UTC), 0
        for folder in filter(Path.is_dir, self._root.glob("*")):
            for path in folder.glob("??/*.json"):
                if stopping():
                    return gone
                if not self._expired(path, now):
                    continue
                with self._locked(folder):
                    if self._expired(path, now):  # still: it may have been stored again
                        self._remove(path.with_suffix(""))
                        gone += 1
            for path in (*folder.glob(".put-*"), *filter(self._lacks_description, folder.glob("??/*"))):
                with suppress(FileNotFoundError):
                    if path.stat().st_ctime < now.timestamp() - UNFINISHED_SECONDS:
                        path.unlink()
        return gone

    def _lacks_description(self, path: Path) -> bool:
        return _ID.fullmatch(path.name) is not None and not path.with_name(path.name + ".json").exists()

    def _size_of(self, folder: Path) -> int:
        now, changed = time.time_ns(), folder.stat().st_mtime_ns
        if (known := self._sizes.get(folder)) is not None and known[0] == changed:
            return known[1]
        size = 0
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # it went meanwhile
                size += path.stat().st_size if _ID.fullmatch(path.name) else 0
        if now - changed > SETTLED_NS:
            self._sizes[folder] = changed, size
        return size

    def _expired(self, description: Path, now: datetime) -> bool:
        try:
            expires = Artifact.model_validate_json(description.read_bytes()).expires
        except (FileNotFoundError, ValidationError):
            return False
        return expires is not None and expires <= now

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Keeps other processes from changing this tenant's descriptions meanwhile."""
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _unfinished(self, tenant: str) -> Iterator[Path]:
        """A file to write to; it is gone in the end unless it was renamed."""
        folder = self._tenant(tenant)
        with _room():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".put-", delete=False) as file:
                written = Path(file.name)
        try:
            yield written
        finally:
            written.unlink(missing_ok=True)

    def _keep(
        self,
        tenant: str,
        written: Path,
        sha256: str,
        *,
        media_type: str,
        name: str,
        keep: timedelta | None,
        counted: bool = False,
    ) -> Artifact:
        """Makes a written file the artifact of its SHA-256; `counted` where its bytes are among the tenant's."""
        now = datetime.now(UTC)
        expires = None if keep is None else now + keep
        size = written.stat().st_size
        artifact = Artifact(id=sha256, size=size, media_type=media_type, name=name, created=now, expires=expires)
        with _room(), written.open("rb") as file:
            os.fsync(file.fileno())
        path = self._path(tenant, artifact.id)
        # The description is written before the bytes are moved: where the disk is full, nothing has changed.
        with self._unfinished(tenant) as description, _room(), self._locked(self._tenant(tenant)):
            path.parent.mkdir(exist_ok=True)
            try:
                known = self.get(tenant, artifact.id)
            except NotFound:
                if not counted and self._tenant_bytes is not None and self.used(tenant) + size > self._tenant_bytes:
                    raise ResourceExhausted(f"a tenant's artifacts may have {self._tenant_bytes} bytes") from None
            else:
                ends = (known.expires, artifact.expires)
                longest = None if None in ends else max(end for end in ends if end is not None)
                artifact = artifact.model_copy(update={"created": known.created, "expires": longest})
            description.write_text(artifact.model_dump_json())
            written.replace(path)
            description.replace(self._description(tenant, artifact.id))
        return artifact

    def _remove(self, path: Path) -> None:
        # The description first: an artifact without one is not there.
        path.with_name(path.name + ".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def _tenant(self, tenant: str) -> Path:
        if not TENANT.fullmatch(tenant):
            raise InvalidInput.of("tenant", received=tenant, accepted=TENANT.pattern)
        return self._root / tenant

    def _path(self, tenant: str, artifact_id: str) -> Path:
        if not _ID.fullmatch(artifact_id):
            raise _missing(artifact_id)
        return self._tenant(tenant) / artifact_id[:2] / artifact_id

    def _description(self, tenant: str, artifact_id: str) -> Path:
        path = self._path(tenant, artifact_id)
        return path.with_name(path.name + ".json")


@contextmanager
def _room() -> Iterator[None]:
    """Says that the store is full where the disk is."""
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT, EFBIG):
            raise
        raise ResourceExhausted("the artifact could not be stored: the disk is full") from error


def _missing(artifact_id: str) -> NotFound:
    return NotFound(f"there is no artifact {artifact_id[:80]!r}")
