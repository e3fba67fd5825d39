"""Every capability, by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from tellurion_agent import capabilities
from tellurion_agent.capabilities.capability import Capability


def _found() -> Iterator[Capability]:
    for module in iter_modules(capabilities.__path__, f"{capabilities.__name__}."):
        if module.name != __name__ and (known := getattr(import_module(module.name), "CAPABILITY", None)) is not None:
            yield known


CAPABILITIES: Mapping[str, Capability] = MappingProxyType({known.name: known for known in _found()})
"""Of each module of this package that has a `CAPABILITY`."""
