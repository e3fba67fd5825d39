"""The methods of analysis by name, and the one way to call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean import climatology, dineof, eof_oi, gp, hybrid, oi, posterior, reconmost
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.network import Network
from tellurion_ocean.observations import Observations
from tellurion_ocean.posterior import STEP_LIMIT
from tellurion_ocean.prior import Prior

METHODS: Mapping[str, Callable[..., Analysis]] = MappingProxyType(
    {
        "climatology": climatology.analyse,
        "reconmost": reconmost.analyse,
        "dineof": dineof.analyse,
        "oi": oi.analyse,
        "eof_oi": eof_oi.analyse,
        "gp": gp.analyse,
        "hybrid": hybrid.analyse,
        "posterior": posterior.analyse,
    }
)
"""In the order, read backwards, in which they are recommended; the mathematics of each stands in its module. Member k
of each is, to rounding, the same whatever the number of members; each raises Cancelled soon after `cancelled()` turns
true."""

DEFAULT_STEPS: Mapping[str, int] = MappingProxyType({"posterior": posterior.STEPS, "reconmost": reconmost.STEPS})
"""Of the learned methods: those that use a network, and so take steps and weights."""

LEARNED = frozenset(DEFAULT_STEPS)

COMPARED = tuple(name for name in reversed(METHODS) if name != "reconmost")
"""Best first, those that are scored when nothing else is said; the thousand steps of `reconmost` take minutes."""

TYPICAL_SECONDS: Mapping[str, float] = MappingProxyType(
    {
        "climatology": 1.0,
        "reconmost": 150.0,
        "dineof": 1.0,
        "oi": 2.0,
        "eof_oi": 2.5,
        "gp": 16.0,
        "hybrid": 3.5,
        "posterior": 25.0,
    }
)
"""What each takes on two cores: 8 members, of `reconmost` 2, from 14 000 observations on the atlas's grid, as measured
in tests/bench/RESULTS.md."""

EVALUATION_LIMIT = 8000
"""Network evaluations of one analysis, as `evaluations` counts them; ten minutes of two cores."""

MEMBER_LIMIT = 64
"""Members of one analysis."""


def analyse(
    method: str,
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    members: int = 0,
    seed: int = 0,
    steps: int | None = None,
    network: Network | None = None,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> Analysis:
    """The analysis of `month` by the named method, from observations that passed quality control.

    A learned method takes its default number of steps and the shipped network where none is given. Without observations
    every method is the climatology. The same arguments give the same analysis.
    Raises InvalidInput for an unknown method, a month outside 1…12, members outside 0…MEMBER_LIMIT, steps outside
    1…STEP_LIMIT, more than EVALUATION_LIMIT network evaluations, or steps or a network for a method that is not
    learned; ResourceExhausted and Cancelled as the method says.
    """
    if method not in METHODS:
        raise InvalidInput.of("method", received=method, accepted=f"one of {', '.join(METHODS)}")
    if not 1 <= month <= 12:
        raise InvalidInput.of("month", received=month, accepted="1…12")
    if not 0 <= members <= MEMBER_LIMIT:
        raise InvalidInput.of("members", received=members, accepted=f"0…{MEMBER_LIMIT}")
    if seed < 0:
        raise InvalidInput.of("seed", received=seed, accepted="an integer of at least 0")
    learned = method in LEARNED
    if steps is not None and not (learned and 1 <= steps <= STEP_LIMIT):
        accepted = f"1…{STEP_LIMIT}" if learned else f"none for method {method}"
        raise InvalidInput.of("steps", received=steps, accepted=accepted)
    if network is not None and not learned:
        raise InvalidInput.of("weights", received="a network", accepted=f"none for method {method}")
    options: dict[str, Any] = {}
    if learned:
        options["steps"] = taken = DEFAULT_STEPS[method] if steps is None else steps
        check_evaluations(method, members, taken)
    if not len(observations):
        method, options = "climatology", {}
    elif learned:
        options["network"] = network or Network.shipped()
    return METHODS[method](
        prior, observations, month, members=members, seed=seed, cancelled=cancelled, progress=progress, **options
    )


def evaluations(method: str, members: int, steps: int) -> int:
    """Times that a learned method shows its network one state: a member of `posterior` has a mirror image."""
    if method == "posterior":
        return 2 * max(members, posterior.LEAST_MEMBERS) * steps
    return max(members, reconmost.LEAST_MEMBERS) * steps


def check_evaluations(method: str, members: int, steps: int) -> None:
    """Raises InvalidInput when a learned method would make more than EVALUATION_LIMIT evaluations.

    The steps are blamed where even the fewest members are too many, else the members.
    """
    if (made := evaluations(method, members, steps)) <= EVALUATION_LIMIT:
        return
    reason = f"so that {method} makes {EVALUATION_LIMIT} network evaluations, not {made}"
    if evaluations(method, 0, steps) > EVALUATION_LIMIT:
        most = EVALUATION_LIMIT // evaluations(method, 0, 1)
        raise InvalidInput.of("steps", received=steps, accepted=f"at most {most}, {reason}")
    most = max(count for count in range(members) if evaluations(method, count, steps) <= EVALUATION_LIMIT)
    raise InvalidInput.of("members", received=members, accepted=f"at most {most} with {steps} steps, {reason}")
