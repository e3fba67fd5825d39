"""Points spread evenly over triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput


def spread(
    vertices: NDArray[np.floating], faces: NDArray[np.integer], count: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Places [count, 3] with even density over faces [F, 3] of vertices [V, 3], and the face [count] of each.

    Raises InvalidInput for faces without any area.
    """
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if not (len(faces) and np.isfinite(areas).all() and areas.sum() > 0):
        raise InvalidInput.of("mesh", received=f"{len(faces)} triangles without area", accepted="a finite surface")
    # strata of equal area: the noise of independent draws would be in all that is learned from the clouds
    shares = (np.arange(count) + random.random(count)) / count
    chosen = np.searchsorted(np.cumsum(areas) / areas.sum(), shares).clip(max=len(faces) - 1)
    root, along = np.sqrt(random.random(count))[:, None], random.random(count)[:, None]
    return (1 - root) * a[chosen] + root * ((1 - along) * b[chosen] + along * c[chosen]), chosen
