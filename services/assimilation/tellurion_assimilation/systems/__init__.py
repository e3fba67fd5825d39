"""Dynamical systems: truth and forecasts of a twin experiment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tellurion_assimilation.systems.kuramoto_sivashinsky import KuramotoSivashinsky
from tellurion_assimilation.systems.lorenz63 import Lorenz63
from tellurion_assimilation.systems.lorenz96 import Lorenz96
from tellurion_assimilation.systems.system import System
from tellurion_core.errors import InvalidInput

SYSTEMS: Mapping[str, Callable[[], System]] = MappingProxyType(
    {
        "lorenz63": Lorenz63,
        "lorenz96": Lorenz96,
        "kuramoto_sivashinsky": KuramotoSivashinsky,
    }
)
"""Those of twin experiments, each a circle of variables or a few."""


def system(name: str) -> System:
    """A system by its name, with the parameters of its paper. Raises InvalidInput for an unknown one."""
    if name not in SYSTEMS:
        raise InvalidInput.of("system", received=name, accepted=f"one of {', '.join(SYSTEMS)}")
    return SYSTEMS[name]()
