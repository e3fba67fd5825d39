"""One picture of a reconstruction: truth, observations, analysis, its spread and its error, at three depths.

Needs matplotlib and cmocean: the extra `tellurion-ocean[plot]`.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
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
COLUMNS = ("truth", "observations", "analysis", "spread (1 std)", "error (analysis − truth)")


def draw_reconstruction(
    path: Path,
    *,
    grid: Grid,
    truth: NDArray[np.float64],  # [Z, Y, X] °C, land NaN
    observations: Observations,
    analysis: Analysis,
    month: int,
    method: str,
    depths: Sequence[float] = DEPTHS,
) -> None:
    """Write the picture, in the format that the suffix of `path` names; each row is the level nearest to a depth."""
    figure = Figure(figsize=(19, 2.0 * len(depths) + 1.1), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(depths), len(COLUMNS), squeeze=False, sharex=True, sharey=True)
    for column, title in enumerate(COLUMNS):
        axes[0, column].set_title(title, fontsize=13)
    for row, depth in zip(axes, depths, strict=True):
        _draw_level(figure, row, int(np.abs(grid.depth - depth).argmin()), grid, truth, observations, analysis)
    for bottom in axes[-1]:
        bottom.set_xticks([60, 120, 180, 240, 300, 360], ["60°E", "120°E", "180°", "120°W", "60°W", "0°"])
    for left in axes[:, 0]:
        left.set_yticks([-60, -30, 0, 30, 60], ["60°S", "30°S", "0°", "30°N", "60°N"])
    error = np.sqrt(np.nanmean((analysis.mean - truth) ** 2))
    figure.suptitle(
        f"Sea temperature in {calendar.month_name[month]}, reconstructed by {method}"
        f" from {len(observations)} observations at {len(grid.depth)} depths: root mean square error {error:.2f} °C",
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
    analysis: Analysis,
) -> None:
    wet = np.isfinite(analysis.mean[z])
    low, high = np.nanpercentile(np.where(wet, truth[z], np.nan), [0.5, 99.5])
    error = analysis.mean[z] - truth[z]
    widest = max(np.nanpercentile(np.abs(error), 99), 0.1)
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
    missed = _field(row[4], grid, error, balance, -widest, widest)

    row[0].set_ylabel(f"{grid.depth[z]:g} m", fontsize=13)
    for mappable, places, extend in ((shown, row[:3], "both"), (stated, row[3], "max"), (missed, row[4], "both")):
        figure.colorbar(mappable, ax=places, label="°C", extend=extend, shrink=0.9, pad=0.015, aspect=14)


def _field(axes: Axes, grid: Grid, level: NDArray[np.float64], colours: Colormap, low: float, high: float) -> QuadMesh:
    east = (grid.lon - WEST) % 360 + WEST
    order = np.argsort(east)
    axes.set_facecolor(LAND)
    axes.set(xlim=(WEST, WEST + 360), ylim=(-80, 90), aspect="equal")
    return axes.pcolormesh(
        east[order], grid.lat, level[:, order], cmap=colours, vmin=low, vmax=high, shading="nearest", rasterized=True
    )
