"""What every function of this package asks of points before it computes with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

FARTHEST = 1e18
"""Of a coordinate: the square of a difference is then a float32."""
BITS = 21
"""Of a voxel's number along one axis; three make a key of 63."""


def points_of(points: Any, field: str, *, axes: int) -> NDArray[np.floating]:
    """The points [..., 3] as an array of floats with so many axes, at least one point, of bounded coordinates."""
    points = np.asarray(points)
    if points.ndim != axes or points.shape[-1] != 3 or points.size == 0:
        shape = "[B, N, 3]" if axes == 3 else "[N, 3]"
        raise InvalidInput.of(field, received=f"shape {list(points.shape)}", accepted=f"{shape} of at least one point")
    if points.dtype.kind not in "fiu":
        raise InvalidInput.of(field, received=f"{points.dtype}", accepted="real numbers")
    if points.dtype.kind != "f":
        points = points.astype(np.float64)
    largest = max(points.max(), -points.min())
    if not largest <= FARTHEST:
        raise InvalidInput.of(field, received=f"a coordinate of {largest}", accepted=f"finite, of at most {FARTHEST:g}")
    return points


def by_axis(points: NDArray[np.floating], *, block: int = 1) -> NDArray[np.float32]:
    """A copy [..., 3, N] of the points [..., N, 3], by which a loop over points loads whole vectors.

    Infinitely far points fill up the last block.
    """
    count = points.shape[-2]
    columns = np.full((*points.shape[:-2], 3, -(-count // block) * block), np.inf, np.float32)
    columns[..., :count] = np.swapaxes(points, -1, -2)
    return columns


def check_count(count: int, field: str, *, most: int) -> None:
    """That there can be so many points.

    Raises:
        InvalidInput: there are not 1 … `most`.
    """
    if not 1 <= count <= most:
        raise InvalidInput.of(field, received=count, accepted=f"1 … {most}, the points of a cloud")


def check_pair(queries: NDArray[np.floating], clouds: NDArray[np.floating]) -> None:
    """That there is a cloud for each set of queries."""
    if len(queries) != len(clouds):
        raise InvalidInput.of(
            "queries", received=f"{len(queries)} sets", accepted=f"one for each of {len(clouds)} clouds"
        )


def check_span(voxels: float) -> None:
    """That so many voxels along an axis can be numbered."""
    if not voxels < 2**BITS:
        raise InvalidInput.of("size", received=f"{voxels:.3g} voxels along an axis", accepted=f"fewer than {2**BITS}")
