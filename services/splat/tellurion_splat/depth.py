"""Depth from single images, brought to the scale of the scene.

Such a depth is an inverse depth up to a scale and a shift that differ from view to view. Both are found by making
medians and median deviations agree, so that wrong values hardly move them: with the inverse depths of the scene's
points where enough of them are seen, or else with what the fit itself renders. Source: Ranftl et al. (2020), Towards
robust monocular depth estimation, eq. 5, with the median deviation in place of the mean one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

LEAST_POINTS = 32
"""Seen in a view, for its scale to be found from them."""
CELLS = 32
"""Across an image: the nearest of the points in each of these squares is taken to hide the others."""


def seen_points(
    points: NDArray[np.floating],  # [P, 3]
    viewmat: NDArray[np.float64],  # [4, 4]
    K: NDArray[np.float64],  # [3, 3]
    size: tuple[int, int],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The pixels in which a camera sees points, as row · width + column, and the inverse depths of these points."""
    width, height = size
    in_camera = points @ viewmat[:3, :3].T + viewmat[:3, 3]
    in_camera = in_camera[in_camera[:, 2] > 0]
    column, row = np.floor((in_camera @ K.T)[:, :2] / in_camera[:, 2:]).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row, z = column[inside].astype(np.intp), row[inside].astype(np.intp), in_camera[inside, 2]
    nearest_first = np.argsort(z, kind="stable")
    side = max(1, width // CELLS)
    cells = (row // side * width + column // side)[nearest_first]
    seen = nearest_first[np.unique(cells, return_index=True)[1]]
    return (row * width + column)[seen], 1 / z[seen]


def aligned(prior: Tensor, at: Tensor, inverse_depth: Tensor) -> Tensor | None:
    """The prior [H, W] with the median and the median deviation that the inverse depth has at the same places.

    `at` [P] are pixels, row · width + column, with `inverse_depth` [P]. None where the prior is flat there.
    """
    (median, deviation), (wanted, wanted_deviation) = map(_centre, (prior.flatten()[at], inverse_depth))
    return (prior - median) * (wanted_deviation / deviation) + wanted if deviation > 0 else None


def aligned_to_render(prior: Tensor, inverse_depth: Tensor, alpha: Tensor) -> Tensor | None:
    """The same with a rendered inverse depth [H, W], not divided by alpha [H, W], where more than half is opaque."""
    at = (alpha > 0.5).flatten().nonzero()[:, 0]
    if len(at) < LEAST_POINTS:
        return None
    return aligned(prior, at, (inverse_depth / alpha).flatten()[at])


def _centre(values: Tensor) -> tuple[Tensor, Tensor]:
    median = values.median()
    return median, (values - median).abs().median()
