"""Uploads on disk: what each will be, its bytes so far, and what became of it.

    <root>/<tenant>/<id>.json       what it will be
    <root>/<tenant>/<id>            the bytes so far; moved away once it is written down what they become
    <root>/<tenant>/<id>.checked    how many of them count, while bytes follow that must be checked first

Nothing else is kept, so that a process takes up what another left. Another tenant's upload looks like none.
"""

from __future__ import annotations

import fcntl
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import TENANT
from tellurion_core.errors import Conflict, DataCorrupted, NotFound, ResourceExhausted
from tellurion_core.whole_files import write_whole
from tellurion_gateway.uploads.declared import Checksum, Metadata
from tellurion_gateway.uploads.digests import Digests
from tellurion_gateway.uploads.incoming import Incoming

MAX_UPLOADS = 1000
"""Of one tenant that are not whole."""
MAX_KNOWN = 10 * MAX_UPLOADS
"""Of one tenant, those that are whole and not yet forgotten included."""
LENGTHS_HELD = 100_000
"""Uploads whose length is not read again."""
_ID = re.compile(r"[0-9a-f]{32}")


class Upload(BaseModel):
    """What is known of one upload."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """32 hexadecimal digits."""
    length: int
    """Bytes of the whole."""
    declared: str
    """`Upload-Metadata` as it came."""
    name: str
    """File name to offer when it is downloaded."""
    media_type: str
    """MIME type."""
    sha256: str | None
    """What the whole must have, where that was told."""
    expires: datetime
    """When it is forgotten, UTC."""
    artifact: str | None = None
    """The artifact that it became; None before it is whole."""


class UploadStore:
    """The uploads of all tenants. Safe for several processes on the same folder."""

    def __init__(
        self, root: Path, artifacts: ArtifactStore, *, tenant_bytes: int, keep: timedelta, keep_artifacts: timedelta
    ) -> None:
        """`root` is on the same disk as the artifacts; an upload that is not whole after `keep` is given up."""
        self._root = root
        self._artifacts = artifacts
        self._tenant_bytes = tenant_bytes
        self._keep = keep
        self._keep_artifacts = keep_artifacts
        self._digests = Digests()
        self._length = lru_cache(LENGTHS_HELD)(self._read_length)

    def create(self, tenant: str, length: int, declared: str, about: Metadata) -> Upload:
        """A new upload, whose bytes count as the tenant's from now on. One of no bytes is whole.

        Raises:
            ResourceExhausted: the tenant has no room for so many bytes, or too many uploads.
            DataCorrupted: it has no bytes, and they were to have another SHA-256.
        """
        folder = self._folder(tenant)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            names = [path.name for path in folder.iterdir()]
            underway = list(filter(_ID.fullmatch, names))
            if len(underway) >= MAX_UPLOADS or sum(name.endswith(".json") for name in names) >= MAX_KNOWN:
                raise ResourceExhausted(f"a tenant may have {MAX_UPLOADS} uploads at once, {MAX_KNOWN} with whole ones")
            promised = sum(self._length(tenant, upload_id) for upload_id in underway)
            if self._artifacts.used(tenant) + promised + length > self._tenant_bytes:
                raise ResourceExhausted(f"a tenant may store {self._tenant_bytes} bytes, uploads included")
            expires = datetime.now(UTC) + self._keep
            about_it = {"length": length, "declared": declared, "expires": expires, **about.model_dump()}
            upload = Upload(id=secrets.token_hex(16), **about_it)
            self._write(tenant, upload)
            self._path(tenant, upload.id).touch()
        if length == 0:
            self.add(tenant, upload.id, 0, None, ())
        return self.get(tenant, upload.id)

    def get(self, tenant: str, upload_id: str) -> Upload:
        """What is known of an upload.

        Raises:
            NotFound: this tenant has no such upload, or its time is over.
            ResourceExhausted: it is whole, and the disk too full to make it an artifact.
        """
        upload = self._read(tenant, upload_id)
        if upload.expires <= datetime.now(UTC):
            raise _missing(upload_id)
        self._settle(tenant, upload)
        return upload

    def offset(self, tenant: str, upload: Upload) -> int:
        """How many bytes have arrived and count.

        Raises:
            NotFound: it went meanwhile.
        """
        if upload.artifact is not None:
            return upload.length
        path = self._path(tenant, upload.id)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise _missing(upload.id) from None
        with suppress(FileNotFoundError):
            return min(size, int(path.with_suffix(".checked").read_text()))
        return size

    def add(
        self, tenant: str, upload_id: str, offset: int, checksum: Checksum | None, blocks: Iterable[bytes]
    ) -> Upload:
        """Writes bytes behind those that are there; the last ones make the upload an artifact.

        What came before the blocks broke off counts; with a checksum, all of them count or none.

        Raises:
            NotFound: this tenant has no such upload.
            Conflict: it does not stand at the offset, or another request is adding bytes.
            InvalidInput: there are more bytes than it was to have.
            DataCorrupted: the bytes do not have the checksum, or the whole not its SHA-256, which is then gone.
            ResourceExhausted: the disk is full.
        """
        if self.get(tenant, upload_id).artifact is not None:
            raise Conflict("the upload is whole already", reason="UPLOAD_OFFSET")
        with self._locked(tenant, upload_id) as file:
            upload = self.get(tenant, upload_id)  # as nobody changes it any more
            stands = self.offset(tenant, upload)
            if offset != stands or upload.artifact is not None:
                raise Conflict(f"the upload stands at {stands} bytes, not at {offset}", reason="UPLOAD_OFFSET")
            mark = self._path(tenant, upload_id).with_suffix(".checked")
            if checksum is not None:
                write_whole(mark, str(offset).encode())
            file.truncate(offset)
            incoming = Incoming(file, self._digests.of(upload_id, file, offset), upload.length, checksum)
            try:
                for block in blocks:
                    incoming.add(block)
                incoming.check()
            finally:
                digest, stands = incoming.close()
                self._digests.keep(upload_id, digest, stands)
                mark.unlink(missing_ok=True)
            return upload if stands < upload.length else self._finished(tenant, upload, digest.hexdigest())

    def delete(self, tenant: str, upload_id: str) -> None:
        """Gives an upload up; the artifact that it became stays.

        Raises:
            NotFound: this tenant has no such upload.
            Conflict: a request is adding bytes.
        """
        upload = self.get(tenant, upload_id)
        with self._locked(tenant, upload_id) if upload.artifact is None else nullcontext():
            self._remove(tenant, upload_id)

    def sweep(self) -> int:
        """Deletes the uploads whose time is over, of all tenants, and returns how many went.

        What a process that was killed left is cleared up: bytes of no upload, whole ones that were not yet moved.
        """
        gone, now = 0, datetime.now(UTC)
        for path in self._root.glob("*/*"):
            tenant, upload_id = path.parent.name, path.stem
            with suppress(NotFound, Conflict, ResourceExhausted):
                if path.suffix == ".json":
                    upload = self._read(tenant, upload_id)
                    self._settle(tenant, upload)
                    if upload.expires <= now:
                        with self._locked(tenant, upload_id) if path.with_suffix("").exists() else nullcontext():
                            self._remove(tenant, upload_id)
                        gone += 1
                elif _ID.fullmatch(upload_id) and not path.with_suffix(".json").exists():
                    path.unlink(missing_ok=True)
        return gone

    def _finished(self, tenant: str, upload: Upload, sha256: str) -> Upload:
        if upload.sha256 not in (None, sha256):
            self._remove(tenant, upload.id)
            raise DataCorrupted(f"bytes of SHA-256 {sha256} arrived, and {upload.sha256} was declared")
        upload = upload.model_copy(update={"artifact": sha256})
        self._write(tenant, upload)
        self._move(tenant, upload)
        self._digests.forget(upload.id)
        return upload

    def _settle(self, tenant: str, upload: Upload) -> None:
        """Moves whole bytes that a process which was killed, or had no room, did not move."""
        if upload.artifact is None or not self._path(tenant, upload.id).exists():
            return
        with suppress(NotFound, Conflict), self._locked(tenant, upload.id):  # or another is moving them
            self._move(tenant, upload)

    def _move(self, tenant: str, upload: Upload) -> None:
        assert upload.artifact is not None
        path, about = self._path(tenant, upload.id), {"media_type": upload.media_type, "name": upload.name}
        self._artifacts.take(tenant, path, upload.artifact, keep=self._keep_artifacts, **about)

    def _read(self, tenant: str, upload_id: str) -> Upload:
        try:
            return Upload.model_validate_json(self._path(tenant, upload_id).with_suffix(".json").read_bytes())
        except (FileNotFoundError, ValidationError):
            raise _missing(upload_id) from None

    def _read_length(self, tenant: str, upload_id: str) -> int:
        with suppress(NotFound):
            return self._read(tenant, upload_id).length
        return 0  # bytes of no upload

    @contextmanager
    def _locked(self, tenant: str, upload_id: str) -> Iterator[BinaryIO]:
        """The bytes' file, which no other request changes meanwhile."""
        try:
            file = self._path(tenant, upload_id).open("r+b", buffering=0)
        except FileNotFoundError:
            raise _missing(upload_id) from None
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("another request is adding bytes to the upload", reason="UPLOAD_BUSY") from None
            yield file

    def _write(self, tenant: str, upload: Upload) -> None:
        try:
            write_whole(self._path(tenant, upload.id).with_suffix(".json"), upload.model_dump_json().encode())
        except OSError:
            raise ResourceExhausted("the upload could not be stored; is the disk full?") from None

    def _remove(self, tenant: str, upload_id: str) -> None:
        path = self._path(tenant, upload_id)
        # What it is goes first: an upload of which that is not known is not there.
        for part in (path.with_suffix(".json"), path.with_suffix(".checked"), path):
            part.unlink(missing_ok=True)
        self._digests.forget(upload_id)

    def _folder(self, tenant: str) -> Path:
        if not TENANT.fullmatch(tenant):
            raise NotFound(f"there is no tenant {tenant[:80]!r}")
        return self._root / tenant

    def _path(self, tenant: str, upload_id: str) -> Path:
        if not _ID.fullmatch(upload_id):
            raise _missing(upload_id)
        return self._folder(tenant) / upload_id


def _missing(upload_id: str) -> NotFound:
    return NotFound(f"there is no upload {upload_id[:80]!r}")
