"""What is read of a NetCDF file: a variable at a time, one of its levels or all, and its coordinates."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from math import ceil, prod
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput, shown
from tellurion_geo.datasets import check_size, numbers

FILE = "artifact"
"""What errors call the file."""
MAX_LENGTH = 4 << 20
"""Values of a coordinate."""
MAX_UNPACKED = 512 << 20
"""Bytes that may have to be unpacked for what is read: compressed chunks are unpacked whole."""
LARGEST = 1e30
"""Larger values are taken for missing: no quantity has them, and scales of colours overflow."""


def chosen(dataset: xr.Dataset, name: str | None, *, time: int, level: int | None, most: int) -> xr.DataArray:
    """The variable of this name, or the first with two dimensions, at an index of time and of level; not read yet.

    Without a `level`, the levels are left whole: [Z, Y, X], else [Y, X]. Of members and whatever else, the first.

    Raises:
        InvalidInput: there is no such variable, time or level, it has more than `most` values, or too much is packed.
    """
    found = _variable(dataset, name)
    kept = found.isel(_indices(dataset, found, time, level))
    check_size(kept, most, FILE)
    _check_chunks(found, kept.dims)
    return kept


def coordinate(dataset: xr.Dataset, dim: str) -> NDArray[np.float64] | None:
    """The coordinate of a dimension; None where there is none, or one that does not rise or fall all along."""
    if dim not in dataset.variables or dataset[dim].dims != (dim,) or dataset[dim].dtype.kind not in "iuf":
        return None
    check_size(dataset[dim], MAX_LENGTH, FILE)
    along = numbers(dataset[dim], FILE)
    steps = np.diff(along)
    good = np.all(np.abs(along) < LARGEST) and (np.all(steps > 0) or np.all(steps < 0))
    return along if good else None


def moment(variable: xr.DataArray) -> str | None:
    """When a variable that was chosen is, in ISO 8601; None where the file does not say."""
    for name in variable.coords:
        told = variable[name]
        if told.ndim == 0 and told.dtype.kind in "iuf" and _is_time(str(name), told.attrs):
            with suppress(ValueError, OverflowError, TypeError):
                value, calendar = numbers(told, FILE).item(), str(told.attrs.get("calendar", "standard"))
                return str(cftime.num2date(value, str(told.attrs["units"]), calendar).isoformat())
    return None


def without_fills(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values, NaN where they are missing or too large to be any."""
    return np.where(np.abs(values) < LARGEST, values, np.nan)


def _variable(dataset: xr.Dataset, name: str | None) -> xr.DataArray:
    fields = [str(key) for key, value in dataset.variables.items() if value.ndim >= 2 and value.dtype.kind in "iuf"]
    if not fields or (name is not None and name not in fields):
        received = "no field in the file" if name is None else name
        raise InvalidInput.of("variable", received=received, accepted=shown(", ".join(fields)) or "a file with fields")
    return dataset[name if name is not None else fields[0]]


def _indices(dataset: xr.Dataset, variable: xr.DataArray, time: int, level: int | None) -> dict[str, int]:
    indices = dict.fromkeys(map(str, variable.dims[:-2]), 0)
    times = [dim for dim in indices if _is_time(dim, dataset[dim].attrs if dim in dataset.variables else {})]
    levels = [dim for dim in indices if dim not in times]
    # The dimension before the field is the level; members come first (CF, section 2.4).
    for field, dims, index in (("time", times[:1], time), ("level", levels[-1:], level)):
        if index is None:
            indices = {dim: first for dim, first in indices.items() if dim not in dims}
            continue
        size = variable.sizes[dims[0]] if dims else 1
        if index >= size:
            raise InvalidInput.of(
                field, received=index, accepted=f"0 to {size - 1}" if size else "nothing: it is empty"
            )
        indices.update(dict.fromkeys(dims, index))
    if 0 in variable.shape:
        raise InvalidInput.of("variable", received="a field without values", accepted="a field with some")
    return indices


def _is_time(name: str, attributes: Mapping[str, Any]) -> bool:
    told = attributes.get("standard_name") == "time" or " since " in str(attributes.get("units", ""))
    return name == "time" or told


def _check_chunks(variable: xr.DataArray, kept: Sequence[Hashable]) -> None:
    chunk = variable.encoding.get("chunksizes")
    if not chunk:
        return
    along = zip(variable.dims, variable.shape, chunk, strict=True)
    touched = prod(ceil(size / length) for dim, size, length in along if dim in kept)
    if (unpacked := touched * prod(chunk) * variable.dtype.itemsize) > MAX_UNPACKED:
        received = f"chunks of {unpacked} bytes for what is read"
        raise InvalidInput.of(FILE, received=received, accepted=f"at most {MAX_UNPACKED}")
