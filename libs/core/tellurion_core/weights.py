"""Weights of learned models that users registered, by service and name, and by their SHA-256.

    <root>/<service>/<sha256>.safetensors   the bytes
    <root>/<service>/<name>.json            what the name means: which bytes, what they are weights of, since when

They belong to an installation rather than to a tenant: whoever may write the folder registers them, with `tellurion
models add`, and nobody does over the network. Bytes stay as long as a name means them. Files appear whole, by renaming,
and the name last.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from tellurion_core.errors import Conflict, InvalidInput, NotFound, ResourceExhausted, shown

MAX_HEADER_BYTES = 16 << 20
"""Largest header of a safetensors file that is read; that of a billion parameters has some hundred kilobytes."""
MAX_SPEC_BYTES = 1 << 20
"""Largest file that says what weights are of."""
NAMES_LISTED = 20
"""Most names that an error lists."""

_WHOLE = "a whole safetensors file"
_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")  # shorter than a SHA-256, so that none looks like one
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
_BYTES |= {"I8": 1, "U8": 1, "BOOL": 1}


class Entry(BaseModel):
    """Registered weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    """The service that they are for."""
    name: str
    """Name to ask for them by."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Lower-case hexadecimal SHA-256 of the bytes."""
    size: int
    """Bytes."""
    added: datetime
    """When the name was registered, UTC."""
    spec: dict[str, Any]
    """What they are weights of, as the service's model reads it."""
    path: Path = Field(exclude=True)
    """The safetensors file."""


class WeightsStore:
    """Registered weights in a local folder, which need not exist to be asked. Safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, path: Path, *, service: str, name: str, spec: Path | None = None) -> Entry:
        """Registers a safetensors file; memory does not grow with it.

        What it holds the weights of is the JSON object under `spec` in its metadata, or in a file of its own, `spec`.
        Registering the same bytes under the same name again changes nothing.

        Raises:
            InvalidInput: a name, a file or a specification that cannot be used; nothing is left.
            Conflict: the name means other bytes, or these bytes have another specification under another name.
            ResourceExhausted: the folder cannot be written, or the disk is full; nothing is left.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInput.of("name", received=name, accepted=_NAME.pattern)
        _check_service(service)
        _spec(checked_metadata(path), spec)  # refused before it is copied
        with _opened(path, "weights", _WHOLE) as source, self._changing(service) as folder:
            unfinished = folder / ".unfinished"
            try:
                with unfinished.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
                # of the bytes that are kept, whatever became of the file
                meaning = _spec(checked_metadata(unfinished), spec)
                with unfinished.open("rb+") as file:
                    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                    os.fsync(file.fileno())
                entry = Entry(
                    service=service,
                    name=name,
                    sha256=sha256,
                    size=unfinished.stat().st_size,
                    added=datetime.now(UTC),
                    spec=meaning,
                    path=folder / f"{sha256}.safetensors",
                )
                for known in self.list(service):
                    _check_agrees(known, entry)
                    if known.name == name:
                        return known
                unfinished.replace(entry.path)
                with unfinished.open("w") as file:
                    file.write(entry.model_dump_json())
                    file.flush()
                    os.fsync(file.fileno())
                unfinished.replace(folder / f"{name}.json")
            finally:
                unfinished.unlink(missing_ok=True)
        return entry

    def list(self, service: str | None = None) -> tuple[Entry, ...]:
        """What is registered, for one service or all, by service and name.

        Raises:
            InvalidInput: `service` cannot be the name of one.
        """
        if service is not None:
            _check_service(service)
        found = (_read(path) for path in self._root.glob(f"{service or '*'}/*.json"))
        return tuple(sorted((e for e in found if e is not None), key=lambda e: (e.service, e.name)))

    def get(self, service: str, name_or_sha256: str) -> Entry:
        """The weights of this name, or of these bytes.

        Raises:
            NotFound: there are none; it names those that there are.
            InvalidInput: `service` cannot be the name of one.
        """
        known = self.list(service)
        for entry in known:
            if name_or_sha256 in (entry.name, entry.sha256):
                return entry
        names = ", ".join(entry.name for entry in known[:NAMES_LISTED]) + (", …" if len(known) > NAMES_LISTED else "")
        raise NotFound(f"there are no weights {shown(name_or_sha256)} for {service}; registered: {names or 'none'}")

    def remove(self, service: str, name: str) -> Entry:
        """Forgets a name, and deletes the bytes where no other name means them.

        Raises:
            NotFound: there is no such name.
            ResourceExhausted: the folder cannot be written.
        """
        self.get(service, name)
        with self._changing(service) as folder:
            entry = self.get(service, name)
            (folder / f"{entry.name}.json").unlink()
            if all(other.sha256 != entry.sha256 for other in self.list(service)):
                entry.path.unlink(missing_ok=True)
        return entry

    @contextmanager
    def _changing(self, service: str) -> Iterator[Path]:
        """The folder of a service, which no other process changes meanwhile."""
        folder = self._root / service
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield folder
        except OSError as error:
            raise ResourceExhausted(f"the folder of weights cannot be written: {error.strerror}") from error


def _check_service(service: str) -> None:
    if not _SERVICE.fullmatch(service):
        raise InvalidInput.of("service", received=service, accepted=_SERVICE.pattern)


def _check_agrees(known: Entry, new: Entry) -> None:
    """Raises Conflict where both cannot be registered: a name means one file, and a file one model."""
    if known.name == new.name and known.sha256 != new.sha256:
        raise Conflict(f"{known.name} already means other weights, {known.sha256}; remove it, or choose another name")
    if known.sha256 == new.sha256 and known.spec != new.spec:
        raise Conflict(f"the same weights are registered with another specification, as {known.name}")


def _read(path: Path) -> Entry | None:
    """The entry in a file of one; None where another process removed it just now, or it was damaged."""
    try:
        stored = from_json(path.read_bytes())
        return Entry(**stored, path=path.with_name(f"{stored['sha256']}.safetensors"))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


class _Tensor(BaseModel):
    """What a header tells of one tensor."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dtype: str
    shape: Annotated[list[Annotated[int, Field(ge=0, lt=1 << 48)]], Field(max_length=16)]
    data_offsets: Annotated[list[int], Field(min_length=2, max_length=2)]
    """Where its bytes begin and end, counted from the end of the header."""


class _Header(BaseModel):
    """The header of a safetensors file: a tensor under every key but one."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, _Tensor] = Field(init=False)

    metadata: dict[str, str] = Field(default={}, alias="__metadata__")


def checked_metadata(path: Path) -> Mapping[str, str]:
    """The metadata of a safetensors file, of which no more than the header is read; that is held against its size.

    The format: eight bytes with the length of the header, least first; the header, JSON; the tensors' bytes without a
    gap (github.com/huggingface/safetensors, README). Raises InvalidInput.
    """

    def refusal(received: str) -> InvalidInput:
        return InvalidInput.of("weights", received=f"{path.name}: {received}", accepted=_WHOLE)

    with _opened(path, "weights", _WHOLE) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise refusal(f"{size} bytes with a header of {length}")
        text = file.read(length)
    try:
        header = _Header.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise refusal(f"header {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    tensors = sorted(header.__pydantic_extra__.items(), key=lambda item: item[1].data_offsets)
    end = 0
    for name, tensor in tensors:
        if tensor.dtype not in _BYTES:
            raise refusal(f"{name} of {tensor.dtype}")
        place = [end, end + math.prod(tensor.shape) * _BYTES[tensor.dtype]]
        if tensor.data_offsets != place:
            raise refusal(f"{name} at {tensor.data_offsets}, not {place}")
        end = place[1]
    if not tensors or 8 + length + end != size:
        raise refusal(f"{size} bytes, where {len(tensors)} tensors make {8 + length + end}")
    return header.metadata


def _spec(metadata: Mapping[str, str], path: Path | None) -> dict[str, Any]:
    """The specification in the metadata of weights, or in a file where they have none. Raises InvalidInput."""
    accepted = "a JSON object, in the metadata of the weights or, where they have none, in a file"

    def refusal(received: str) -> InvalidInput:
        return InvalidInput.of("spec", received=received, accepted=accepted)

    text: str | bytes | None = metadata.get("spec")
    if path is not None:
        if text is not None:
            raise refusal(f"{path.name}, beside the one in the weights")
        with _opened(path, "spec", accepted) as file:
            text = file.read(MAX_SPEC_BYTES + 1)
    if text is None:
        raise refusal("nothing")
    if len(text) > MAX_SPEC_BYTES:
        raise refusal(f"more than {MAX_SPEC_BYTES} bytes")
    try:
        spec = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise refusal(f"text that is not JSON: {error}") from None
    if not isinstance(spec, dict):
        raise refusal(f"JSON of type {type(spec).__name__}")
    return spec


def _opened(path: Path, field: str, accepted: str) -> BinaryIO:
    """A regular file, to be read. Raises InvalidInput; a device or a pipe would be waited for."""
    try:
        if path.exists() and not path.is_file():
            raise InvalidInput.of(field, received=f"{path.name}, a folder, device or pipe", accepted=accepted)
        return path.open("rb")
    except OSError as error:
        raise InvalidInput.of(field, received=f"{path.name}: {error.strerror}", accepted=accepted) from error
