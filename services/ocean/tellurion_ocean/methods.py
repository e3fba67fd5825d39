"""The methods of analysis by name, and the one way to call them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean import climatology, dineof, eof_oi, gp, oi
from tellurion_ocean.analysis import Analysis, Method
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "climatology": climatology.analyse,
        "oi": oi.analyse,
        "dineof": dineof.analyse,
        "eof_oi": eof_oi.analyse,
        "gp": gp.analyse,
    }
)
"""From the simplest to the best; the mathematics of each stands in its module."""

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
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> Analysis:
    """The analysis of `month` by the named method, from observations that passed quality control.

    Without observations every method is the climatology. The same arguments give the same analysis.
    Raises InvalidInput for an unknown method, a month outside 1…12, or members outside 0…MEMBER_LIMIT;
    ResourceExhausted and Cancelled as the method says.
    """
    if method not in METHODS:
        raise InvalidInput.of("method", received=method, accepted=f"one of {', '.join(METHODS)}")
    if not 1 <= month <= 12:
        raise InvalidInput.of("month", received=month, accepted="1…12")
    if not 0 <= members <= MEMBER_LIMIT:
        raise InvalidInput.of("members", received=members, accepted=f"0…{MEMBER_LIMIT}")
    if seed < 0:
        raise InvalidInput.of("seed", received=seed, accepted="an integer of at least 0")
    chosen = METHODS[method] if len(observations) else METHODS["climatology"]
    return chosen(prior, observations, month, members=members, seed=seed, cancelled=cancelled, progress=progress)
