"""Fields of a NetCDF file as numbers for a page to draw: a variable with its coordinates, in the safetensors format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from tellurion_gateway.pictures import FILE, LARGEST, axis, chosen_indices, chosen_variable
from tellurion_geo.datasets import check_size, numbers, opened

MAX_VALUES = 16 << 20
"""Of one field at all its levels."""


def field(path: Path, variable: str | None = None, *, time: int = 0) -> bytes:
    """A variable at all levels of one time: `values`, float32 [Z, Y, X] or [Y, X], NaN where missing, and coordinates.

    Coordinates, float64, have the names of their dimensions. The metadata tell the name of the variable, its `dims` and
    `units`, and the units of the coordinates as `units.<dimension>`.

    Raises:
        InvalidInput: it is no NetCDF file, has no such variable or time, or that is too large.
    """
    with opened(path, FILE) as dataset:
        found = chosen_variable(dataset, variable)
        body = found.isel(chosen_indices(dataset, found, time, None))
        check_size(body, MAX_VALUES, FILE)
        values = numbers(body, FILE)
        dims = [str(dim) for dim in body.dims]
        tensors = {dim: axis(dataset, dim) for dim in dims}
        units = {f"units.{dim}": dataset[dim].attrs.get("units", "") for dim in dims if dim in dataset.variables}
        told = {"variable": found.name, "dims": " ".join(dims), "units": found.attrs.get("units", "")} | units
    tensors["values"] = np.where(np.abs(values) < LARGEST, values, np.nan).astype("<f4")
    return save(tensors, {name: str(text) for name, text in told.items()})
