"""Quick-look pictures: one level of one variable of a NetCDF file, drawn small."""

from __future__ import annotations

from io import BytesIO
from math import ceil, prod
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput, shown
from tellurion_geo.datasets import check_size, numbers, opened

FILE = "artifact"
"""What errors call the file."""
MAX_VALUES = 4 << 20
"""Of one level."""
MAX_UNPACKED = 512 << 20
"""Bytes that may have to be unpacked for them: compressed chunks are unpacked whole."""
MAX_PIXELS = 720
"""Values drawn along each side; of more, every n-th is."""
LARGEST = 1e30
"""Larger values are taken for missing: no quantity has them, and scales of colours overflow."""


def picture(path: Path, variable: str | None = None, *, time: int = 0, level: int = 0) -> bytes:
    """A PNG of a variable, the first with two dimensions where none is named, at indices of time and level.

    Raises:
        InvalidInput: it is no NetCDF file, has no such variable, time or level, or that is too large to be drawn.
    """
    with opened(path, FILE) as dataset:
        found = chosen_variable(dataset, variable)
        plane = found.isel(chosen_indices(dataset, found, time, level))
        check_size(plane, MAX_VALUES, FILE)
        _check_chunks(found)
        values = numbers(plane, FILE)
        steps = tuple(ceil(size / MAX_PIXELS) for size in plane.shape)
        y, x = (axis(dataset, str(dim), step) for dim, step in zip(plane.dims, steps, strict=True))
        label = " ".join(shown(str(part)) for part in (found.name, found.attrs.get("units", "")))
    values = values[:: steps[0], :: steps[1]]
    return _drawn(np.where(np.abs(values) < LARGEST, values, np.nan), y, x, label)


def chosen_variable(dataset: xr.Dataset, name: str | None) -> xr.DataArray:
    """The field of this name, or the first of the file. Raises InvalidInput."""
    fields = [str(key) for key, value in dataset.variables.items() if value.ndim >= 2 and value.dtype.kind in "iuf"]
    if not fields or (name is not None and name not in fields):
        received = "no field in the file" if name is None else name
        raise InvalidInput.of("variable", received=received, accepted=shown(", ".join(fields)) or "a file with fields")
    return dataset[name if name is not None else fields[0]]


def chosen_indices(dataset: xr.Dataset, variable: xr.DataArray, time: int, level: int | None) -> dict[str, int]:
    """An index for each dimension but the last two: members and whatever else there is, the first.

    Without a `level`, the levels are left whole. Raises InvalidInput.
    """
    indices = dict.fromkeys(map(str, variable.dims[:-2]), 0)
    times = [dim for dim in indices if _is_time(dataset, dim)]
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


def _is_time(dataset: xr.Dataset, dim: str) -> bool:
    attrs = dataset[dim].attrs if dim in dataset.variables else {}
    return dim == "time" or attrs.get("standard_name") == "time" or " since " in str(attrs.get("units", ""))


def _check_chunks(variable: xr.DataArray) -> None:
    chunk = variable.encoding.get("chunksizes")
    if not chunk:
        return
    across = prod(ceil(size / length) for size, length in zip(variable.shape[-2:], chunk[-2:], strict=True))
    if (unpacked := across * prod(chunk) * variable.dtype.itemsize) > MAX_UNPACKED:
        received = f"chunks of {unpacked} bytes for one level"
        raise InvalidInput.of(FILE, received=received, accepted=f"at most {MAX_UNPACKED}")


def axis(dataset: xr.Dataset, dim: str, step: int = 1) -> NDArray[np.float64]:
    """The coordinate of a dimension where it is one that can be drawn, else indices."""
    size = dataset.sizes[dim]
    if dim in dataset.variables and dataset[dim].dims == (dim,) and dataset[dim].dtype.kind in "iuf":
        check_size(dataset[dim], MAX_VALUES, FILE)
        along = numbers(dataset[dim], FILE)
        steps = np.diff(along)
        if np.all(np.abs(along) < LARGEST) and (np.all(steps > 0) or np.all(steps < 0)):
            return along[::step]
    return np.arange(0.0, size, step)


def _drawn(values: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64], label: str) -> bytes:
    # Here, because it takes a second and most gateways never draw.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(values), shading="nearest", cmap="viridis", rasterized=True)
    if not np.isfinite(values).any():
        mesh.set_clim(0, 1)
    # A file's own words are no formulas.
    figure.colorbar(mesh).set_label(label, parse_math=False)
    file = BytesIO()
    canvas.print_png(file)
    return file.getvalue()
