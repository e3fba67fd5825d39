"""Preference pairs: which two members of one background a prior is shown as better and worse.

Both of Align-DA's choices, from N unguided members of a background:

    P   by physics alone: the best few, each against one of the worst
    M   by accuracy, forecast and physics at once: no reward of a winner may be poor, none of a loser good

Align-DA takes for M the top decile in all three against the bottom decile in all three, which hardly any of 32 members
is in. Here a winner is as good as its poorest rank and a loser as bad as its best: the same where the deciles are not
empty, and always the best that there are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.rewards import REWARDS, rank
from tellurion_core.errors import InvalidInput

ALIGNMENTS: Mapping[str, tuple[str, ...]] = {"P": ("physics",), "M": REWARDS}
"""The rewards that each goes by."""


def select(rewards: Mapping[str, NDArray[np.float64]], alignment: str, pairs: int) -> NDArray[np.intp]:
    """Winners and losers [pairs, 2] of members with these rewards [N]: the best and the worst, the next and the next.

    Raises InvalidInput for an unknown alignment, rewards that are not finite, or more pairs than half of the members.
    """
    if alignment not in ALIGNMENTS:
        raise InvalidInput.of("alignment", received=alignment, accepted=" or ".join(ALIGNMENTS))
    values = np.stack([rewards[name] for name in ALIGNMENTS[alignment]])
    if not np.isfinite(values).all():
        raise InvalidInput.of("rewards", received="a value that is not finite", accepted="finite values")
    half = values.shape[1] // 2
    if not 1 <= pairs <= half:
        raise InvalidInput.of("pairs", received=pairs, accepted=f"1 to {half}, half of the members")
    ranks = rank(values)
    winners = np.argsort(-ranks.min(axis=0), kind="stable")[:pairs]
    losers = [k for k in np.argsort(ranks.max(axis=0), kind="stable") if k not in winners][:pairs]
    return np.stack([winners, losers], axis=1)
