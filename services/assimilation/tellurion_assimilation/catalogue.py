"""What the service offers: the methods and systems by name, what each takes, and the values that it leaves to us."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tellurion_assimilation import methods
from tellurion_assimilation.methods.ensemble import EnsembleMethod
from tellurion_assimilation.systems import SYSTEMS
from tellurion_assimilation.systems.atmosphere import Atmosphere
from tellurion_assimilation.systems.system import System
from tellurion_core.errors import InvalidInput

LEARNED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "align-dps": ("dps", "M"),
        "align-repaint": ("repaint", "M"),
        "align-p-dps": ("dps", "P"),
        "dps": ("dps", "none"),
        "repaint": ("repaint", "none"),
        "obsfree": ("obsfree", "none"),
    }
)
"""By name, the guidance (`guidance.METHODS`) and the alignment of the shipped prior (`prior.PRIORS`)."""
DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "align-dps": "dps of a prior aligned with accuracy, forecasts and physical balance",
        "align-repaint": "repaint of that prior",
        "align-p-dps": "dps of a prior aligned with physical balance alone",
        "dps": "samples of a diffusion prior, drawn to the observations at every level of noise",
        "repaint": "samples of a diffusion prior, with what was observed painted in at every level of noise",
        "obsfree": "samples of a diffusion prior, blind to the observations",
        "letkf": "ensemble transform Kalman filter, point by point from the observations nearby",
        "enkf_n": "ensemble transform Kalman filter that finds its inflation itself",
        "etkf": "ensemble transform Kalman filter, symmetric square root",
        "denkf": "deterministic ensemble Kalman filter: half the gain for the anomalies",
        "enkf": "ensemble Kalman filter with perturbed observations",
        "3dvar": "variational analysis with a constant covariance of background errors",
        "extended_kf": "Kalman filter along the tangent-linear model",
        "oi": "optimal interpolation: the climate is the background",
        "climatology": "the climate, whatever is observed",
    }
)
"""Of all methods, in the order in which they are listed."""
VARIATIONAL = "3dvar"
COMPARED = (*LEARNED, "letkf", VARIATIONAL)
"""Methods of a comparison on the atmosphere where none are named."""
CYCLED: Mapping[str, Callable[[], System | Atmosphere]] = MappingProxyType({**SYSTEMS, Atmosphere.name: Atmosphere})
"""Systems of twin experiments."""
WINDS = "winds"
COMPARABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {Atmosphere.name: COMPARED, WINDS: ("dps", VARIATIONAL, "oi", "damped_persistence", "persistence", "climatology")}
)
"""Systems on which methods are compared, and those that are where none are named; winds have no others."""
MEMBERS = 8
"""Members of an analysis where none are asked for."""
STEPS = 20
"""Steps of a learned method where none are asked for: those of `guidance.STEPS`, which takes PyTorch to look up."""
RADIUS = 1000.0
"""km of localisation where none is asked for: the best of 400 to 4500 on the validation run, by `training.filter`."""
PARAMETERS = frozenset({"inflation", "localization", "rotate", "amplitude"})
"""Parameters of methods that specifications have fields for."""


@dataclass(frozen=True)
class Offer:
    """A method that is offered."""

    name: str
    description: str
    ensemble: bool = False
    """Whether it needs an ensemble of forecasts."""
    learned: bool = False
    """Whether it samples a learned model."""
    options: frozenset[str] = frozenset()
    """Fields of the specifications that it takes."""
    analyses: bool = False
    """Whether it analyses states of the atmosphere."""
    systems: tuple[str, ...] = field(default_factory=tuple)
    """Those that it is cycled on."""


def _offered(name: str) -> Offer:
    description = DESCRIPTIONS[name]
    if name in LEARNED:
        options = frozenset({"members", "steps", "weights"})
        return Offer(name, description, learned=True, options=options, analyses=True, systems=(Atmosphere.name,))
    options, ensemble = PARAMETERS.intersection(methods.parameters(name)), _makes_ensembles(methods.METHODS[name])
    if analyses := ensemble or name == VARIATIONAL:
        options |= {"members"}
    return Offer(name, description, ensemble, False, options, analyses, tuple(CYCLED if analyses else SYSTEMS))


def offer(name: str, *, analyses: bool = False, system: str = "") -> Offer:
    """The method of this name. Raises InvalidInput, with the list of those that there are, where there is none.

    With `analyses` of those that analyse the atmosphere, with `system` of those that are cycled on it.
    """
    fitting = {
        offered.name: offered
        for offered in OFFERS.values()
        if (offered.analyses or not analyses) and (system in offered.systems or not system)
    }
    if name not in fitting:
        raise InvalidInput.of("method", received=name or "nothing", accepted=", ".join(fitting))
    return fitting[name]


def check_options(of: Offer, spec: Any, options: tuple[str, ...]) -> None:
    """Refuses options of a specification that its method does not take."""
    for option in options:
        if (value := getattr(spec, option)) and option not in of.options:
            takers = ", ".join(other.name for other in OFFERS.values() if option in other.options)
            raise InvalidInput.of(option, received=value, accepted=f"none with {of.name}; it is for {takers}")


def cycled_system(name: str) -> System | Atmosphere:
    """The system of this name. Raises InvalidInput, with the list of those that there are, where there is none."""
    if name not in CYCLED:
        raise InvalidInput.of("system", received=name, accepted=f"one of {', '.join(CYCLED)}")
    return CYCLED[name]()


def described_system(name: str) -> str:
    """What a system is: the first line of the module that defines it."""
    return (inspect.getdoc(inspect.getmodule(CYCLED[name])) or "").splitlines()[0].partition(": ")[2]


def _makes_ensembles(make: Any) -> bool:
    made = make if inspect.isclass(make) else inspect.signature(make, eval_str=True).return_annotation
    return inspect.isclass(made) and issubclass(made, EnsembleMethod)


OFFERS: Mapping[str, Offer] = MappingProxyType({name: _offered(name) for name in DESCRIPTIONS})
"""All methods."""
