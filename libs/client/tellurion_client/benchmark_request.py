"""What an evaluation is asked for with: endpoints, budget and prompts, checked as far as this side knows the rules."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_core.errors import InvalidInput
from tellurion_core.fields import rules

LARGEST_PROMPT = 1 << 16
"""Bytes of a file with a prompt; published ones have a few thousand."""
ADDRESS = "http(s)://host[:port]/path without a user or query"
VARIABLE = "the name of an environment variable of the service, not the key: capitals, digits and _"
_VARIABLE = re.compile(rules(benchmark_pb2.Endpoint.DESCRIPTOR.fields_by_name["api_key_env"]).pattern)

Prompts: TypeAlias = str | os.PathLike[str] | Mapping[str, str]
"""Texts by name, or a folder of `<name>.txt`."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible server and a model of it."""

    url: str
    """Base address, up to what precedes `/chat/completions`; the installation must allow it."""
    model: str
    """Name of the model."""
    api_key_env: str = ""
    """Environment variable of the service that holds the key; the installation must allow it. No key where empty."""
    concurrency: int = 0
    """Most questions asked at once; the service chooses where 0."""
    timeout: float = 0.0
    """Seconds that one request may take; the service chooses where 0."""
    input_price: float = 0.0
    """Of a million tokens sent, in any currency."""
    output_price: float = 0.0
    """Of a million tokens received, in the same currency."""

    def wire(self, place: str) -> benchmark_pb2.Endpoint:
        """On the wire.

        Raises:
            InvalidInput: naming what cannot be used, below `place`.
        """
        wire = benchmark_pb2.Endpoint()
        fill(wire, f"{place}.", asdict(self))
        if self.api_key_env and not _VARIABLE.fullmatch(self.api_key_env):
            # What was received is not repeated: it may be the key itself.
            raise InvalidInput.of(f"{place}.api_key_env", received="something else", accepted=VARIABLE)
        if not _is_base_address(self.url):
            # Nor is this: a password may stand in it.
            raise InvalidInput.of(f"{place}.url", received="another address", accepted=ADDRESS)
        return wire


@dataclass(frozen=True)
class Budget:
    """What an evaluation may use up at most, model and judge together; no bound where 0."""

    requests: int = 0
    """Requests."""
    tokens: int = 0
    """Tokens, sent and received."""
    cost: float = 0.0
    """Cost, in the currency of the prices."""

    def wire(self) -> benchmark_pb2.Budget:
        """On the wire.

        Raises:
            InvalidInput: naming what cannot be used, below `budget`.
        """
        wire = benchmark_pb2.Budget()
        fill(wire, "budget.", asdict(self))
        return wire


def prompts_of(given: Prompts) -> dict[str, str]:
    """The texts by name.

    Raises:
        InvalidInput: a folder that holds no `.txt`, or a file that is no short text in UTF-8.
    """
    if isinstance(given, Mapping):
        return dict(given)
    folder = Path(given)
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".txt" and path.is_file())
    except OSError as error:
        received = f"{error.strerror}: {folder}"
        raise InvalidInput.of("prompts", received=received, accepted="a folder of prompts, <name>.txt") from error
    if not paths:
        accepted = "a folder of prompts, <name>.txt"
        raise InvalidInput.of("prompts", received=f"none in {folder}", accepted=accepted)
    return {path.stem: _text(path) for path in paths}


def fill(message: Message, place: str, values: Mapping[str, Any]) -> None:
    """Sets fields that hold one value each.

    Raises:
        InvalidInput: a value is not of its field's type; `place` goes before the field's name.
    """
    for name, value in values.items():
        try:
            setattr(message, name, value)
        except (TypeError, ValueError):
            accepted = _ACCEPTED[message.DESCRIPTOR.fields_by_name[name].cpp_type]
            raise InvalidInput.of(f"{place}{name}", received=value, accepted=accepted) from None


_ACCEPTED = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_UINT32: f"a whole number, 0 to {2**32 - 1}",
    FieldDescriptor.CPPTYPE_UINT64: f"a whole number, 0 to {2**64 - 1}",
    FieldDescriptor.CPPTYPE_INT32: f"a whole number, {-(2**31)} to {2**31 - 1}",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
}


def _is_base_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        _ = url.port  # raises where it is none
    except ValueError:
        return False
    plain = url.username is None and url.password is None and not url.query and not url.fragment
    return url.scheme in ("http", "https") and bool(url.hostname) and plain


def _text(path: Path) -> str:
    accepted = f"text in UTF-8 of at most {LARGEST_PROMPT} bytes"
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_PROMPT + 1)
        text = data.decode()
    except OSError as error:
        raise InvalidInput.of("prompts", received=f"{error.strerror}: {path}", accepted=accepted) from error
    except UnicodeDecodeError:
        raise InvalidInput.of("prompts", received=f"other bytes: {path}", accepted=accepted) from None
    if len(data) > LARGEST_PROMPT:
        raise InvalidInput.of("prompts", received=f"more: {path}", accepted=accepted)
    return text
