"""What the headers of an upload declare: how long it is, what it is, and what its bytes are checked against."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field

from tellurion.artifacts.v1 import artifacts_pb2
from tellurion_core.errors import InvalidInput
from tellurion_gateway.options import ruled
from tellurion_gateway.problems import refusal
from tellurion_gateway.validation import checked_fields

ALGORITHMS = ("sha256", "sha1")
"""Of `Upload-Checksum`; the protocol asks every server for SHA-1."""
MAX_METADATA_CHARACTERS = 4096
_WHOLE = re.compile(r"[0-9]{1,18}")
_DESCRIPTION = artifacts_pb2.ArtifactDescription.DESCRIPTOR


class Metadata(BaseModel):
    """What of `Upload-Metadata` is understood: names and values as tus clients commonly send them."""

    model_config = ConfigDict(frozen=True)

    name: str = ruled(_DESCRIPTION, "name", default="upload", validation_alias="filename")
    media_type: str = ruled(_DESCRIPTION, "media_type", default="application/octet-stream", validation_alias="filetype")
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Lower-case hexadecimal; what the whole must have."""


@dataclass(frozen=True)
class Checksum:
    """What the bytes of one request must have."""

    algorithm: str
    digest: bytes


def whole_number(header: str, value: str | None) -> int:
    """The bytes that `Upload-Length` or `Upload-Offset` tells.

    Raises:
        HTTPException: 400, when it tells none.
    """
    if not _WHOLE.fullmatch(value or ""):
        accepted = "a number of bytes"
        raise refusal(HTTPStatus.BAD_REQUEST, header, received=value or "nothing", accepted=accepted)
    return int(value or "")


def metadata(header: str) -> Metadata:
    """The metadata: pairs of a key and a value in base64, separated by commas; keys that are not known are passed over.

    Raises:
        InvalidInput: a pair cannot be read, a key comes twice, or a value is not accepted.
    """
    if len(header) > MAX_METADATA_CHARACTERS:
        received, accepted = f"{len(header)} characters", f"at most {MAX_METADATA_CHARACTERS}"
        raise InvalidInput.of("Upload-Metadata", received=received, accepted=accepted)
    fields: dict[str, str] = {}
    for pair in filter(None, header.split(",")):
        key, _, value = pair.strip().partition(" ")
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = None
        if text is None or key in fields:
            accepted = "each key once, with UTF-8 text in base64"
            raise InvalidInput.of("Upload-Metadata", received=pair, accepted=accepted)
        fields[key] = text
    return checked_fields(Metadata, fields)


def checksum(header: str | None) -> Checksum | None:
    """The checksum of `Upload-Checksum`: an algorithm, and a digest in base64.

    Raises:
        HTTPException: 400, when it is none, as the protocol has it.
    """
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error:
        digest = b""
    if algorithm not in ALGORITHMS or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        accepted = f"{' or '.join(ALGORITHMS)}, and the digest in base64"
        raise refusal(HTTPStatus.BAD_REQUEST, "Upload-Checksum", received=header, accepted=accepted)
    return Checksum(algorithm, digest)
