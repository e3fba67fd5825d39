"""Method `hybrid`: as `eof_oi`, with a covariance that is partly that of the residuals of the training months.

A share of the residual variance is given to what each month showed when the climatology was fitted without it,
modulated by a slowly varying random field: a hybrid of a static and an ensemble covariance (Hamill and Snyder 2000;
Lorenc 2003), localised by modulation (Bishop and Hodyss 2009). Those patterns know what distances do not: which way
fronts run, how deep a season reaches. The mathematics stands in `tellurion_ocean.anchor`.
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
        pattern_share=prior.hyperparameters.pattern_share,
        members=members,
        seed=seed,
        cancelled=cancelled,
        progress=progress,
    )
