"""Scores of an analysis or an ensemble of the atmosphere against the truth: by channel, over all, of its balance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.scores import assess, rmse, spread_skill
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import InvalidInput
from tellurion_geo import SigmaGrid, area_weights


@dataclass(frozen=True, eq=False)
class FieldScores:
    """Of one channel, in its units, or of all, in units of the scale."""

    rmse: float
    crps: float | None = None
    spread: float | None = None
    spread_skill: float | None = None
    ranks: NDArray[np.int64] | None = None


class Balance(NamedTuple):
    """How geostrophic the winds of members are, on average."""

    departure: float
    departure_of_truth: float
    physics: float


@dataclass(frozen=True)
class StateScores:
    """Of a state."""

    channels: dict[str, FieldScores]
    total: FieldScores
    balance: Balance | None
    """None for a grid that is none of the model's, and where there is no wind or no pressure."""


def score(
    grid: SigmaGrid,
    states: NDArray[np.float32],  # [N, C, Y, X]; one is an analysis, more are an ensemble
    truth: NDArray[np.float32],  # [C, Y, X]
    scale: NDArray[np.float64] | None = None,  # [C]
) -> StateScores:
    """Scores weighted by area; over all channels in units of `scale`, the truth's own standard deviation where None.

    Raises InvalidInput for shapes that are not the grid's, values that are not finite, or a scale that is not positive.
    """
    for field, given in (("states", states), ("truth", truth)):
        if given.shape[-3:] != grid.shape or not np.isfinite(given).all():
            c, y, x = grid.shape
            received = f"shape {list(given.shape)}" if given.shape[-3:] != grid.shape else "a value that is not finite"
            raise InvalidInput.of(field, received=received, accepted=f"[…, {c}, {y}, {x}], finite")
    area = area_weights(grid.surface).ravel()
    area /= area.sum()
    expected = truth.astype(np.float64).reshape(len(truth), -1)  # [C, M]
    members = states.astype(np.float64).reshape(*states.shape[:2], -1)  # [N, C, M]
    scale = _checked(_variability(expected, area) if scale is None else scale)
    each = {name: _scores(members[:, c], expected[c], area) for c, name in enumerate(grid.channels)}
    scaled = members / scale[:, None], expected / scale[:, None]
    total = _scores(scaled[0].reshape(len(members), -1), scaled[1].ravel(), np.tile(area, len(scale)) / len(scale))
    layout = _layout(grid)
    return StateScores(each, total, None if layout is None else balance(layout, states, truth))


def _scores(members: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64]) -> FieldScores:
    members, truth = np.ascontiguousarray(members), np.ascontiguousarray(truth)  # compiled for such arrays
    if len(members) == 1:
        return FieldScores(rmse(members, truth, weights))
    found = assess(members, truth, weights)
    ratio = spread_skill(found.spread, found.rmse, len(members)) if found.rmse > 0 else math.inf
    return FieldScores(found.rmse, found.crps, found.spread, ratio, found.ranks)


def balance(
    layout: Layout,
    members: NDArray[np.floating],  # [N, C, Y, X]
    truth: NDArray[np.floating],  # [C, Y, X]
) -> Balance | None:
    """Means over the members: their mean would be smoother than any weather, and too balanced.

    None where the truth has no wind, or a surface pressure is not positive.
    """
    import torch  # takes seconds, and no other score needs it

    from tellurion_assimilation.geostrophy import Geostrophy

    judge = Geostrophy(layout)
    ours, true = (torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in (members, truth))
    found = judge.departure(ours, true), judge.departure(true), judge.physics_score(ours, true)
    balanced = Balance(*(float(each.mean()) for each in found))
    return balanced if np.isfinite(balanced).all() else None


def _layout(grid: SigmaGrid) -> Layout | None:
    """Of the model's grids the one that this is."""
    truncation = (2 * grid.lat.size - 1) // 3
    try:
        layout = Layout(truncation, grid.sigma.size)
    except InvalidInput:
        return None
    return layout if grid.same(SigmaGrid(layout.sigma, layout.latitude, layout.longitude)) else None


def _variability(truth: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """[C] standard deviation of each channel [C, M]; 0 where it is no more than the rounding of single precision."""
    size = np.sqrt(truth**2 @ area)
    deviation = np.sqrt((truth - (truth @ area)[:, None]) ** 2 @ area)
    return np.where(deviation > np.finfo(np.float32).eps * size, deviation, 0.0)


def _checked(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    wrong = ~(np.isfinite(scale) & (scale > 0))
    if wrong.any():
        first = int(np.argmax(wrong))
        accepted = "above 0: give a scale where the truth does not vary"
        raise InvalidInput.of(f"scale[{first}]", received=f"{scale[first]:g}", accepted=accepted)
    return scale
