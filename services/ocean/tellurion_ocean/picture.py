"""One picture of a reconstruction: truth, observations, analysis, its spread, and errors side by side, at three depths.

Needs matplotlib and cmocean: the extra `tellurion-ocean[plot]`.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from pathlib import Path

import cmocean
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from tellurion_geo import Grid
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.observations import Observations

DEPTHS = (0.0, 100.0, 500.0)
"""Metres."""
WEST = 20.0
"""Degrees east of the picture's left edge: through Africa, so that no ocean is cut."""
LAND = "#b8b8b8"
SEA = "#ffffff"


def draw_reconstruction(
    path: Path,
    *,
    grid: Grid,
    truth: NDArray[np.float64],  # [Z, Y, X] °C, land NaN
    observations: Observations,
    analyses: Mapping[str, Analysis],
    month: int,
    depths: Sequence[float] = DEPTHS,
) -> None:
    """Write the picture, in the format that the suffix of `path` names; each row is the level nearest to a depth.

    Of the `analyses` by method the first is shown with its spread, and the error of each on one scale.
    """
    first = next(iter(analyses))
    titles = ["truth", "observations", first, f"spread of {first} (1 std)", *(f"error of {name}" for name in analyses)]
    figure = Figure(figsize=(3.8 * len(titles), 2.0 * len(depths) + 1.1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(depths), len(titles), squeeze=False, sharex=True, sharey=True)
    for column, title in zip(axes[0], titles, strict=True):
        column.set_title(title, fontsize=13)
    for row, depth in zip(axes, depths, strict=True):
        level = int(np.abs(grid.depth - depth).argmin())
        _draw_level(figure, row, level, grid, truth, observations, list(analyses.values()))
    for bottom in axes[-1]:
        bottom.set_xticks([60, 120, 180, 240, 300, 360], ["60°E", "120°E", "180°", "120°W", "60°W", "0°"])
    for left in axes[:, 0]:
        left.set_yticks([-60, -30, 0, 30, 60], ["60°S", "30°S", "0°", "30°N", "60°N"])
    errors = {name: np.sqrt(np.nanmean((analysis.mean - truth) ** 2)) for name, analysis in analyses.items()}
    figure.suptitle(
        f"Sea temperature in {calendar.month_name[month]}, reconstructed"
        f" from {len(observations)} observations at {len(grid.depth)} depths; root mean square error "
        + ", ".join(f"{error:.3f} °C by {name}" for name, error in errors.items()),
        fontsize=15,
    )
    legend = [
        Patch(facecolor=LAND, label="land or sea floor"),
        Patch(facecolor=SEA, edgecolor="k", label="not observed"),
    ]
    figure.legend(handles=legend, loc="outside lower center", ncols=len(legend), frameon=False, fontsize=11)
    figure.savefig(path, dpi=110)


def _draw_level(
    figure: Figure,
    row: Sequence[Axes],
    z: int,
    grid: Grid,
    truth: NDArray[np.float64],
    observations: Observations,
    analyses: Sequence[Analysis],
) -> None:
    analysis = analyses[0]
    wet = np.isfinite(analysis.mean[z])
    low, high = np.nanpercentile(np.where(wet, truth[z], np.nan), [0.5, 99.5])
    errors = [each.mean[z] - truth[z] for each in analyses]
    widest = max(np.nanpercentile(np.abs(errors[0]), 99), 0.1)
    spread = max(np.nanpercentile(analysis.std[z], 99.5), 0.1)
    thermal, amp, balance = cmocean.cm.thermal, cmocean.cm.amp, cmocean.cm.balance

    shown = _field(row[0], grid, np.where(wet, truth[z], np.nan), thermal, low, high)
    _field(row[1], grid, np.where(wet, 0.0, np.nan), ListedColormap([SEA]), 0, 1)
    near = np.abs(observations.depth[:, None] - grid.depth[None, :]).argmin(axis=1) == z
    row[1].scatter(
        (observations.longitude[near] - WEST) % 360 + WEST,
        observations.latitude[near],
        c=observations.temperature[near],
        s=4,
        marker="s",
        linewidths=0,
        cmap=thermal,
        vmin=low,
        vmax=high,
    )
    _field(row[2], grid, analysis.mean[z], thermal, low, high)
    stated = _field(row[3], grid, analysis.std[z], amp, 0, spread)
    for axes, error in zip(row[4:], errors, strict=True):
        missed = _field(axes, grid, error, balance, -widest, widest)

    row[0].set_ylabel(f"{grid.depth[z]:g} m", fontsize=13)
    for mappable, places, extend in ((shown, row[:3], "both"), (stated, row[3], "max"), (missed, row[4:], "both")):
        figure.colorbar(mappable, ax=places, label="°C", extend=extend, shrink=0.9, pad=0.015, aspect=14)


def _field(axes: Axes, grid: Grid, level: NDArray[np.float64], colours: Colormap, low: float, high: float) -> QuadMesh:
    east = (grid.lon - WEST) % 360 + WEST
    order = np.argsort(east)
    axes.set_facecolor(LAND)
    axes.set(xlim=(WEST, WEST + 360), ylim=(-80, 90), aspect="equal")
    return axes.pcolormesh(
        east[order], grid.lat, level[:, order], cmap=colours, vmin=low, vmax=high, shading="nearest", rasterized=True
    )
