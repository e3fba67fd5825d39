"""Method `dineof`: the month as one more column beside the training months, its gaps filled by truncated SVD.

Gaps start at zero anomaly; the matrix is decomposed, truncated to r EOFs, the gaps are refilled from it, until nothing
changes. r is the number with the smallest error at observations that are held out. Sources: Beckers and Rixen (2003);
Alvera-Azcárate et al. (2005).

A filled gap always lies in the span of the training EOFs there, Φ q, so the iteration runs on q [K] and the inner
products of the EOFs alone: the same numbers as on the whole matrix, at no cost.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_geo import point_operator
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.cancellation import never, silent, stop_if
from tellurion_ocean.departures import departures
from tellurion_ocean.observations import Observations
from tellurion_ocean.prior import Prior
from tellurion_ocean.samples import draw

HELD_OUT = 0.1
"""Share of the observed cells that judge the number of EOFs."""
FEWEST_CELLS = 20
"""Observed cells below which nothing can be held out."""
CROSS_VALIDATION_SEED = 0
"""The held-out cells do not change with the caller's seed, so neither does the analysis."""
TOLERANCE = 1e-6
LONGEST = 2000
"""Iterations."""


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
    """The filled month. Its error is the held-out one, in units of the prior's std, the same for every cell.

    DINEOF gives no error covariance: members are the mean plus Matérn fields of that standard deviation.
    Raises InvalidInput when fewer than FEWEST_CELLS cells are observed.
    """
    cells, anomalies = _on_cells(prior, observations)
    if len(cells) < FEWEST_CELLS:
        accepted = f"observations in at least {FEWEST_CELLS} cells for method dineof"
        raise InvalidInput.of("observations", received=f"observations in {len(cells)} cells", accepted=accepted)
    training = prior.modes * np.sqrt(len(prior.months) / prior.hyperparameters.eof_variance)
    inner = training.T @ training

    held_out = np.random.default_rng(CROSS_VALIDATION_SEED).permutation(len(cells)) < HELD_OUT * len(cells)
    errors = []
    for count in range(1, training.shape[1] + 1):
        stop_if(cancelled)
        progress((count - 1) / training.shape[1], "cross-validating the number of EOFs")
        amplitudes = fill_gaps(training[cells[~held_out]], anomalies[~held_out], inner, count)
        errors.append(np.mean((training[cells[held_out]] @ amplitudes - anomalies[held_out]) ** 2))
    best = int(np.argmin(errors))
    filled = training @ fill_gaps(training[cells], anomalies, inner, best + 1)

    nothing = departures(prior, observations[np.zeros(0, dtype=np.int64)], month)
    nothing = replace(nothing, modes=nothing.modes[:, :0])
    draws = draw(
        prior, nothing, range(members), seed, amplitude=1.0, residual_variance=errors[best], cancelled=cancelled
    )
    anomaly = filled + (prior.coefficients[0] - prior.climatology(month)) / prior.std
    variance = np.full(len(anomaly), errors[best])
    return Analysis.of_scaled(prior, month, anomaly, variance, anomaly[:, None] + draws.at_cells)


def fill_gaps(
    observed_eofs: NDArray[np.float64],  # [N, K] columns of the matrix, at the observed cells
    observed: NDArray[np.float64],  # [N] the new column there
    inner: NDArray[np.float64],  # [K, K] inner products of the columns over all cells
    count: int,
) -> NDArray[np.float64]:
    """Amplitudes q [K] with which the columns fill the new one's gaps, at the fixed point of DINEOF with `count` EOFs.

    With V the leading eigenvectors of the inner products of [Φ | x], the truncated SVD replaces the last column x by
    [Φ | x] V Vᵀ e_last.
    """
    known, gap = observed_eofs.T @ observed, inner - observed_eofs.T @ observed_eofs
    size = len(inner)
    products = np.zeros((size + 1, size + 1))
    products[:size, :size] = inner
    amplitudes = np.zeros(size)
    for _ in range(LONGEST):
        products[size, :size] = products[:size, size] = known + gap @ amplitudes
        products[size, size] = observed @ observed + amplitudes @ gap @ amplitudes
        leading = np.linalg.eigh(products)[1][:, -count:]
        share = leading @ leading[size]
        refilled = share[:size] + share[size] * amplitudes
        change = np.abs(refilled - amplitudes).max()
        amplitudes = refilled
        if change <= TOLERANCE * np.abs(amplitudes).max():
            break
    return amplitudes


def _on_cells(prior: Prior, observations: Observations) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The observed wet cells [C] and the scaled anomaly from the year's mean there [C], averaged over a cell."""
    places = observations.latitude, observations.longitude, observations.depth
    seen = point_operator(prior.grid, prior.wet, *places)[0][:, prior.wet.ravel()].tocoo()
    by_weight = np.lexsort((seen.data, seen.row))
    heaviest = by_weight[np.searchsorted(seen.row[by_weight], np.arange(len(observations)), side="right") - 1]
    cells, member_of, count = np.unique(seen.col[heaviest], return_inverse=True, return_counts=True)
    operator = seen.tocsr()
    anomalies = (observations.temperature - operator @ prior.coefficients[0]) / (operator @ prior.std)
    return cells, np.bincount(member_of, weights=anomalies) / count
