"""The methods of assimilation by name, and how one is made from its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any

from tellurion_assimilation.localization import Domain
from tellurion_assimilation.methods import var3d
from tellurion_assimilation.methods.climatological import Climatology, OptimalInterpolation
from tellurion_assimilation.methods.denkf import DEnKF
from tellurion_assimilation.methods.enkf import EnKF
from tellurion_assimilation.methods.enkf_n import EnKFN
from tellurion_assimilation.methods.ensemble import EnsembleMethod
from tellurion_assimilation.methods.etkf import ETKF
from tellurion_assimilation.methods.extended_kf import ExtendedKF
from tellurion_assimilation.methods.gaussian import Gaussian
from tellurion_assimilation.methods.letkf import LETKF
from tellurion_core.errors import InvalidInput

GaussianMethod = Climatology | var3d.Var3D | ExtendedKF
Method = EnsembleMethod | GaussianMethod


def letkf(domain: Domain, localization: float, inflation: float = 1.0, rotate: bool = False) -> LETKF:
    """With localization's radius, in the domain's units."""
    return LETKF(inflation, rotate, domain=domain, radius=localization)


METHODS: Mapping[str, Callable[..., Method]] = MappingProxyType(
    {
        "climatology": Climatology,
        "oi": OptimalInterpolation,
        "3dvar": var3d.of_climate,
        "extended_kf": ExtendedKF,
        "enkf": EnKF,
        "denkf": DEnKF,
        "etkf": ETKF,
        "enkf_n": EnKFN,
        "letkf": letkf,
    }
)
"""What makes each: a class, or a function, whose arguments are the method's parameters, and what it needs to know."""

KNOWN = frozenset({"climate", "domain"})
"""The arguments that are no parameters, but what is known of the system."""


def parameters(name: str) -> dict[str, Parameter]:
    """What a method takes, by name. Raises InvalidInput for an unknown method."""
    if name not in METHODS:
        raise InvalidInput.of("method", received=name, accepted=f"one of {', '.join(METHODS)}")
    taken = signature(METHODS[name]).parameters
    return {argument: parameter for argument, parameter in taken.items() if argument not in KNOWN}


def needs(name: str, known: str) -> bool:
    """Whether a method has to be told the `climate` or the `domain`."""
    return known in signature(METHODS[name]).parameters


def build(
    name: str, options: Mapping[str, Any], *, climate: Gaussian | None = None, domain: Domain | None = None
) -> Method:
    """A method by its name and parameters.

    Raises InvalidInput for an unknown method or parameter, one that is missing, or a value that it cannot have.
    """
    accepted = parameters(name)
    for option, value in options.items():
        if option not in accepted:
            known = ", ".join(accepted) or "no parameter"
            raise InvalidInput.of(option, received=value, accepted=f"for method {name}: {known}")
    for option, parameter in accepted.items():
        if parameter.default is Parameter.empty and option not in options:
            raise InvalidInput.of(option, received="none", accepted=f"a value, for method {name}")
    told = {"climate": climate, "domain": domain}
    return METHODS[name](**{known: value for known, value in told.items() if needs(name, known)}, **options)
