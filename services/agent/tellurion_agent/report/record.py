"""The record of a run: all that is needed to believe it, or to run it again."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from tellurion_agent.recipes.recipe import Value
from tellurion_core.errors import InvalidInput

VERSION = 1
"""Of the form of a record."""
RECORD, PROVENANCE = "record.json", "prov.json"
"""Names of the files that say how results came about; no result may have them."""
PACKAGES = ("tellurion-agent", "numpy", "scipy", "xarray", "dask", "netcdf4", "xeofs", "xclim", "gsw", "matplotlib")
"""Those that a script's numbers may depend on."""


@dataclass(frozen=True, kw_only=True)
class File:
    """One that was read or written; its hash was made outside the sandbox."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A data set, in the role that it had."""

    role: str
    title: str
    """Variable, product or model, experiment, member, period, in a line."""
    facets: Mapping[str, Any]
    """What the catalogue says of it."""
    files: tuple[File, ...]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One choice that was made."""

    name: str
    value: str
    assumed: bool = False
    """Whether the request did not say it."""
    lesson: str = ""
    """Id of the lesson that it comes from."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run, in JSON's types."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    run: str
    question: str
    created: str
    """ISO 8601, UTC."""
    recipe: str
    """Its name, that of what another service did, or ``script`` where a language model wrote the code."""
    title: str
    method: str
    references: tuple[str, ...]
    settings: tuple[Setting, ...]
    slots: Mapping[str, Any]
    """As `slot_json` stores them."""
    reasons: tuple[str, ...]
    sources: tuple[Source, ...]
    script: str
    """Text of the script that ran; empty where none did."""
    attempts: tuple[Mapping[str, Any], ...]
    """Each run of a script: how it ended, and which layers of the sandbox held it."""
    steps: tuple[Mapping[str, Any], ...]
    status: str
    """``answered``, ``abstained`` or ``failed``."""
    values: tuple[Value, ...]
    notes: tuple[str, ...]
    checks: tuple[tuple[str, bool], ...]
    reason: str = ""
    """Why, where there is no answer."""
    results: tuple[File, ...] = ()
    services: tuple[Mapping[str, Any], ...] = ()
    """Other services that did work of the run: under which request id, by which method, version and weights."""
    environment: Mapping[str, Any] = field(default_factory=lambda: environment())
    version: int = VERSION

    def json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Any) -> Self:
        """A record that was stored. Raises InvalidInput where it is none that this version can read."""
        if not isinstance(stored, Mapping) or stored.get("version") != VERSION:
            raise InvalidInput.of("record", received="something else", accepted=f"a record of version {VERSION}")
        try:
            return TypeAdapter(cls).validate_json(json.dumps(stored))
        except ValidationError as error:
            place = ".".join(map(str, ("record", *error.errors()[0]["loc"])))
            raise InvalidInput.of(place, received="something else", accepted="what a run has written") from None


def environment() -> dict[str, Any]:
    """What the numbers of a script may depend on beside it."""
    return {"python": platform.python_version(), "packages": _versions(PACKAGES)}


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
