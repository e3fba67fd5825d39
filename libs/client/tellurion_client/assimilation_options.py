"""What each option of assimilation accepts, as far as it is known without asking the service."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypedDict

from tellurion_client.options import check_seed
from tellurion_core.errors import InvalidInput

LEARNED = ("align-dps", "align-repaint", "align-p-dps", "dps", "repaint", "obsfree")
"""Methods that sample a learned model, and so take steps and weights."""
ENSEMBLE = ("letkf", "enkf_n", "etkf", "denkf", "enkf")
"""Methods that need an ensemble of forecasts."""
ANALYSES = (*LEARNED, *ENSEMBLE, "3dvar")
"""Methods that analyse states of the atmosphere."""
ATMOSPHERE = "atmosphere"
TWINS: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(
        ("lorenz63", "lorenz96", "kuramoto_sivashinsky"), (*ENSEMBLE, "3dvar", "extended_kf", "oi", "climatology")
    ),
    ATMOSPHERE: ANALYSES,
}
"""Systems of twin experiments, and the methods that are cycled on each."""
WINDS = "winds"
COMPARABLE: Mapping[str, Sequence[str]] = {
    ATMOSPHERE: ANALYSES,
    WINDS: ("dps", "3dvar", "oi", "damped_persistence", "persistence", "climatology"),
}
"""Systems on which methods are compared, and those methods."""
CASES: Mapping[str, tuple[int, int, int]] = {ATMOSPHERE: (2, 100, 10_000), WINDS: (5, 32, 32)}
"""Cases of a comparison: the fewest, those where no number is given, and the most."""
OPERATORS = ("point", "interpolation", "layer_mean")
"""How observations see a state."""
TAKERS: Mapping[str, Sequence[str]] = {
    "inflation": (*ENSEMBLE, "extended_kf"),
    "localization": ("letkf",),
    "rotate": ENSEMBLE,
    "steps": LEARNED,
    "weights": LEARNED,
    "amplitude": ("3dvar",),
}
"""By the option, the methods that take it."""
CYCLES = 10_000
ATMOSPHERE_CYCLES = 200
"""Analyses of a twin experiment where no number is given."""
MAX_MEMBERS = 100_000
MAX_STEPS = 500
MAX_CYCLES = 1_000_000


class AnalysisOptions(TypedDict, total=False):
    """Options of one analysis; those that are None or empty are left to the method."""

    members: int | None
    """Members of the analysis, at least 2; those of the ensemble, else 8."""
    seed: int
    """Of all that is random."""
    inflation: float | None
    """Factor of an ensemble's anomalies after the analysis; 1."""
    localization: float | None
    """Radius of localisation, km."""
    rotate: bool
    """Whether an ensemble's anomalies are rotated at random after the analysis."""
    steps: int | None
    """Of a learned method's sampler."""
    weights: str
    """Name or SHA-256 of registered weights of a learned method; those shipped."""
    operator: str
    """`point`, `interpolation` or `layer_mean`; the last where the observations have bounds of σ, else the second."""


class TwinOptions(TypedDict, total=False):
    """Options of a twin experiment; those that are None are left to system and method."""

    members: int | None
    """Size of the ensemble, at least 2 for a method that has one; on the atmosphere members that others draw; 8."""
    inflation: float | None
    """Factor of the anomalies after each analysis; 1."""
    localization: float | None
    """Radius of localisation, in variables of the system, on the atmosphere in km."""
    rotate: bool
    """Whether the anomalies are rotated at random after each analysis."""
    amplitude: float | None
    """Factor from the covariance of the climate, on the atmosphere of forecasts' errors, to that of background errors,
    for `3dvar`; 1."""
    cycles: int | None
    """Number of analyses, the burn-in included; 10 000, on the atmosphere 200."""
    seed: int
    """Of the truth, the observations and the ensemble."""
    observed: float | None
    """Part of the variables that is observed, evenly spread; all. Of the atmosphere's cells, others each time; 0.01."""
    interval: int | None
    """Steps of the system between two analyses; on the atmosphere hours, 48."""
    variance: float | None
    """Of the observations' errors; not on the atmosphere."""


def check_analysis(method: str, options: AnalysisOptions) -> None:
    """Raises InvalidInput unless one analysis by this method can have these options."""
    _check_one_of("method", method, ANALYSES)
    _check_whole("members", options.get("members"), 2, MAX_MEMBERS)
    check_seed(options.get("seed", 0))
    _check_number("inflation", options.get("inflation"), 100)
    _check_number("localization", options.get("localization"), 40_000, " km")
    _check_whole("steps", options.get("steps"), 1, MAX_STEPS)
    if operator := options.get("operator", ""):
        _check_one_of("operator", operator, OPERATORS)
    _check_takers(method, options)


def check_twin(system: str, method: str, options: TwinOptions) -> None:
    """Raises InvalidInput unless a twin experiment with this system and method can have these options."""
    _check_one_of("system", system, list(TWINS))
    _check_one_of("method", method, TWINS[system])
    on_atmosphere = system == ATMOSPHERE
    members, localization, variance = options.get("members"), options.get("localization"), options.get("variance")
    if method in ENSEMBLE and members is None:
        raise InvalidInput.of("members", received="nothing", accepted=f"2 to {MAX_MEMBERS}")
    if members is not None and not (method in ENSEMBLE or on_atmosphere):
        raise InvalidInput.of("members", received=members, accepted=f"none, except with {', '.join(ENSEMBLE)}")
    _check_whole("members", members, 2, MAX_MEMBERS)
    _check_number("inflation", options.get("inflation"), 100)
    _check_number("localization", localization, *((40_000, " km") if on_atmosphere else (1_000_000, " variables")))
    _check_number("amplitude", options.get("amplitude"), 1_000_000)
    _check_whole("cycles", options.get("cycles"), 1, MAX_CYCLES)
    check_seed(options.get("seed", 0))
    _check_number("observed", options.get("observed"), 1)
    _check_whole("interval", options.get("interval"), 1, 100_000)
    _check_number("variance", variance, 1e12)
    _check_takers(method, options)
    if on_atmosphere and variance:
        raise InvalidInput.of("variance", received=variance, accepted=f"none on {ATMOSPHERE}")
    if method in TAKERS["localization"] and not (localization or on_atmosphere):
        raise InvalidInput.of("localization", received="nothing", accepted=f"a radius above 0, for method {method}")


def usual_cycles(system: str) -> int:
    """Analyses of a twin experiment on this system where no number is given."""
    return ATMOSPHERE_CYCLES if system == ATMOSPHERE else CYCLES


def check_comparison(system: str, methods: Sequence[str], *, observed: float, cases: int | None, seed: int) -> int:
    """The number of cases. Raises InvalidInput unless these methods can be compared on so many of this system."""
    _check_one_of("system", system, list(COMPARABLE))
    for index, method in enumerate(methods):
        _check_one_of("method", method, COMPARABLE[system])
        if method in methods[:index]:
            raise InvalidInput.of("method", received=f"{method} twice", accepted="each method once")
    if isinstance(observed, bool) or not isinstance(observed, int | float) or not 1e-4 <= observed <= 0.1:
        raise InvalidInput.of("observed", received=observed, accepted="0.0001 to 0.1, a part of the cells")
    fewest, usual, most = CASES[system]
    _check_whole("cases", cases, fewest, most)
    check_seed(seed)
    return usual if cases is None else cases


def _check_takers(method: str, given: Mapping[str, object]) -> None:
    for option, takers in TAKERS.items():
        if (value := given.get(option)) and method not in takers:
            raise InvalidInput.of(option, received=value, accepted=f"none, except with {', '.join(takers)}")


def _check_one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InvalidInput.of(name, received=value or "nothing", accepted=", ".join(known))


def _check_whole(name: str, value: int | None, least: int, most: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput.of(name, received=value, accepted=f"{least} to {most}")


def _check_number(name: str, value: float | None, most: float, unit: str = "") -> None:
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and 0 < value <= most):
        raise InvalidInput.of(name, received=value, accepted=f"above 0, up to {most:g}{unit}")
