"""Values that stay in their file until they are needed, in chunks of bounded size."""

from __future__ import annotations

from math import prod
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import LARGEST_CHUNK, numbers


class _Numbers:
    """A variable as an array whose parts are read, unpacked and masked when they are asked for."""

    def __init__(self, variable: xr.DataArray, path: str) -> None:
        self._variable, self._path = variable, path
        self.shape, self.ndim, self.dtype = variable.shape, variable.ndim, np.dtype(np.float64)

    def __getitem__(self, key: Any) -> NDArray[np.float64]:
        return numbers(self._variable[key], self._path)


def lazy_numbers(variable: xr.DataArray, path: str, chunk_bytes: int) -> da.Array:
    """The values of a variable of an undecoded dataset, float64, NaN where the file has none.

    Chunks have up to `chunk_bytes`, more only where one that is compressed as a whole has more. Raises InvalidInput for
    `path` when the values are no numbers or a chunk in the file is too large; what is damaged shows when it is read.
    """
    if variable.dtype.kind not in "iuf":
        raise InvalidInput.of(path, received=f"values of type {variable.dtype}", accepted="numbers")
    stored = tuple(variable.encoding.get("chunksizes") or variable.encoding.get("chunks") or (1,) * variable.ndim)
    if (largest := prod(stored) * variable.dtype.itemsize) > LARGEST_CHUNK:
        raise InvalidInput.of(path, received=f"chunks of {largest} bytes", accepted=f"at most {LARGEST_CHUNK} bytes")
    chunks = _chunks(variable.shape, stored, chunk_bytes // 8)
    return da.from_array(_Numbers(variable, path), chunks=chunks, name=False, asarray=False, meta=np.empty(0))


def _chunks(shape: tuple[int, ...], stored: tuple[int, ...], budget: int) -> tuple[int, ...]:
    """Whole along the last dimensions, as far as they fit, in multiples of the chunks in the file."""
    chosen = list(map(min, stored, shape))
    for axis in reversed(range(len(shape))):
        others = prod(chosen[:axis]) * prod(chosen[axis + 1 :])
        fitting = budget // max(others, 1)
        if fitting < shape[axis]:
            chosen[axis] = max(fitting // stored[axis], 1) * chosen[axis]
            break
        chosen[axis] = shape[axis]
    return tuple(chosen)
