"""The record of a run: all that is needed to believe it, or to run it again."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

from tellurion_agent.recipes.recipe import Value
from tellurion_core.errors import InvalidInput

VERSION = 1
"""Of the form of a record."""
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
            return cls(
                **{
                    **stored,
                    **{name: tuple(stored[name]) for name in ("references", "reasons", "attempts", "steps", "notes")},
                    "settings": tuple(Setting(**each) for each in stored["settings"]),
                    "sources": tuple(_source(each) for each in stored["sources"]),
                    "values": tuple(Value(**each) for each in stored["values"]),
                    "checks": tuple((states, holds) for states, holds in stored["checks"]),
                    "results": tuple(File(**each) for each in stored["results"]),
                    "services": tuple(stored.get("services", ())),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput.of(
                "record", received="a damaged record", accepted="one that a run has written"
            ) from error


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


def _source(stored: Mapping[str, Any]) -> Source:
    return Source(**{**stored, "files": tuple(File(**each) for each in stored["files"])})
