"""Quick-look pictures: one level of one variable of a NetCDF file, drawn small."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import shown
from tellurion_gateway.variables import FILE, chosen, coordinate, without_fills
from tellurion_geo.datasets import numbers, opened

MAX_VALUES = 4 << 20
"""Of one level."""
MAX_PIXELS = 720
"""Values drawn along each side; of more, every n-th is."""


def picture(path: Path, variable: str | None = None, *, time: int = 0, level: int = 0) -> bytes:
    """A PNG of a variable, the first with two dimensions where none is named, at indices of time and level.

    Raises:
        InvalidInput: it is no NetCDF file, has no such variable, time or level, or that is too large to be drawn.
    """
    with opened(path, FILE) as dataset:
        plane = chosen(dataset, variable, time=time, level=level, most=MAX_VALUES)
        values = numbers(plane, FILE)
        steps = tuple(ceil(size / MAX_PIXELS) for size in plane.shape)
        y, x = (_axis(dataset, str(dim), step) for dim, step in zip(plane.dims, steps, strict=True))
        label = " ".join(shown(str(part)) for part in (plane.name, plane.attrs.get("units", "")))
    return _drawn(without_fills(values[:: steps[0], :: steps[1]]), y, x, label)


def _axis(dataset: xr.Dataset, dim: str, step: int) -> NDArray[np.float64]:
    """The coordinate of a dimension where it is one that can be drawn, else indices."""
    along = coordinate(dataset, dim)
    return np.arange(0.0, dataset.sizes[dim], step) if along is None else along[::step]


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
