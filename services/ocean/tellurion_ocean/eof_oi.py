"""Method `eof_oi`: a ridge fit of the EOFs to all observations, then local optimal interpolation of what they leave.

The mathematics stands in `tellurion_ocean.anchor`.
"""

from __future__ import annotations

from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_ocean import anchor
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.cancellation import never, silent
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior


def analyse(
    prior: Prior,
    observations: Observations,
    month: int,
    *,
    members: int = 0,
    seed: int = 0,
    cancelled: CancelCheck = never,
    progress: Progress = silent,
) -> Analysis:
    """The analysis; a member is the mean plus the error that the same gain makes on a draw from the prior."""
    return anchor.analyse(
        prior,
        observations,
        month,
        pattern_share=0.0,
        members=members,
        seed=seed,
        cancelled=cancelled,
        progress=progress,
    )
