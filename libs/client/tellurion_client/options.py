"""What each option accepts, as far as it is known without asking a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from time import monotonic

from tellurion_core.errors import InvalidInput

METHODS = ("posterior", "hybrid", "gp", "eof_oi", "oi", "dineof", "reconmost", "climatology")
"""Methods of ocean reconstruction, best first."""
LEARNED = ("posterior", "reconmost")
"""Those that sample a learned model, and so take steps and weights."""
DEFAULT_METHOD = "gp"
"""The method where none is named."""
EVALUATION_MONTHS = (2, 8)
"""Months of the atlas that no method was fitted to."""
SUITES = {
    "sfe": ("official", "corrected", "vlmevalkit"),
    "omniearth": ("official", "corrected"),
    "msearth": ("official", "corrected", "vlmevalkit"),
    "earthse": ("official", "corrected"),
}
"""Benchmarks, and the variants of each."""
DEFAULT_VARIANT = "official"
"""The variant where none is named."""
MAX_MEMBERS = 64
MAX_STEPS = 1000
MAX_SEED = 2**63 - 1
"""Largest seed; as a signed number it fits into every format that records it."""


def check_method(method: str) -> None:
    """Raises InvalidInput unless this is a method of ocean reconstruction."""
    if method not in METHODS:
        raise InvalidInput.of("method", received=method, accepted=", ".join(METHODS))


def check_methods(methods: Iterable[str]) -> None:
    """Raises InvalidInput unless these are methods of ocean reconstruction, each once."""
    seen: set[str] = set()
    for method in methods:
        check_method(method)
        if method in seen:
            raise InvalidInput.of("method", received=f"{method} twice", accepted="each method once")
        seen.add(method)


def check_month(month: int) -> None:
    """Raises InvalidInput unless this is a calendar month."""
    check_within("month", month, 1, 12)


def check_evaluation_month(month: int) -> None:
    """Raises InvalidInput unless the truth of this month was kept from the methods."""
    if month not in EVALUATION_MONTHS:
        raise InvalidInput.of("month", received=month, accepted="2 (February) or 8 (August), kept from all methods")


def check_members(members: int, *, least: int) -> None:
    """Raises InvalidInput unless this is a size of ensemble, of at least so many members."""
    check_within("members", members, least, MAX_MEMBERS)


def check_seed(seed: int) -> None:
    """Raises InvalidInput unless this is a seed."""
    check_within("seed", seed, 0, MAX_SEED)


def check_learned(methods: Iterable[str], *, steps: int, weights: str) -> None:
    """Raises InvalidInput unless one of these methods takes `steps` and `weights`, or they are left out (0, empty)."""
    check_within("steps", steps, 0, MAX_STEPS)
    if not isinstance(weights, str):
        raise InvalidInput.of("weights", received=weights, accepted="a name or SHA-256 of registered weights")
    if set(methods).isdisjoint(LEARNED):
        for name, value in (("steps", steps), ("weights", weights)):
            if value:
                raise InvalidInput.of(name, received=value, accepted=f"none, except with {' or '.join(LEARNED)}")


def check_sampling(observed: float | None, profiles: int | None) -> None:
    """Raises InvalidInput unless exactly one kind of sampling is asked for, and possible."""
    if (observed is None) == (profiles is None):
        received = "neither" if observed is None else f"observed {observed:g} and profiles {profiles}"
        raise InvalidInput.of("observed", received=received, accepted="either observed or profiles")
    if observed is not None and not 1e-4 <= observed <= 0.9:
        raise InvalidInput.of("observed", received=observed, accepted="0.0001 to 0.9, a part of the wet cells")
    if profiles is not None:
        check_within("profiles", profiles, 1, 9000)


def check_suite(suite: str, variant: str) -> None:
    """Raises InvalidInput unless this is a benchmark and one of its variants."""
    if suite not in SUITES:
        raise InvalidInput.of("suite", received=suite, accepted=", ".join(SUITES))
    if variant not in SUITES[suite]:
        raise InvalidInput.of("variant", received=variant, accepted=", ".join(SUITES[suite]))


def check_priority(priority: int) -> None:
    """Raises InvalidInput unless this is how soon work may be asked for, compared with one's other work."""
    check_within("priority", priority, -1, 1)


def check_request_id(request_id: str) -> None:
    """Raises InvalidInput unless work can be submitted under this id."""
    if not isinstance(request_id, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", request_id):
        accepted = "1 to 64 letters, digits and . _ : -"
        raise InvalidInput.of("request_id", received=request_id or "nothing", accepted=accepted)


def check_timeout(timeout: float | None) -> None:
    """Raises InvalidInput unless this is a positive number of seconds, or None."""
    if timeout is not None and not timeout > 0:
        raise InvalidInput.of("timeout", received=timeout, accepted="more than 0 s")


def countdown(timeout: float | None) -> Callable[[], float | None]:
    """Checks a timeout, and tells how many of its seconds are left from now on, a moment at least.

    Raises InvalidInput unless it can be one.
    """
    check_timeout(timeout)
    end = None if timeout is None else monotonic() + timeout
    return lambda: None if end is None else max(end - monotonic(), 0.001)


def check_within(name: str, value: int, least: int, most: int) -> None:
    """Raises InvalidInput unless an option is a whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput.of(name, received=value, accepted=f"{least} to {most}")
