"""Plots of outcomes: lines, profiles and maps, with titles, axes and units."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import fill

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tellurion_agent.diagnostics.times import decimal_years
from tellurion_agent.recipes.recipe import Outcome, Slots

Plot = Callable[[Figure, Outcome, Slots], None]
_COORDINATES = {
    "time": "year",
    "year": "year",
    "month": "month",
    "lat": "latitude (°N)",
    "lon": "longitude (°E)",
    "lag": "lag (months)",
    "mode": "mode",
}


def lines(*names: str, logarithmic: bool = False) -> Plot:
    """Curves of arrays with one dimension, or one for each label of a second, over the coordinate they share."""

    def plot(figure: Figure, outcome: Outcome, slots: Slots) -> None:
        axes = _axes(figure, outcome)
        for name in (name for name in names if name in outcome.data):
            _curves(axes, outcome.data[name])
        first = outcome.data[names[0]]
        axes.set_xlabel(_x_label(first))
        axes.set_ylabel(_with_units(first))
        axes.grid(alpha=0.3)
        if logarithmic:
            axes.set_xscale("log", base=2)
        if 1 < len(axes.lines) <= 12:
            axes.legend(fontsize="small")
        if first.dims[0] == "month":
            axes.set_xticks(range(1, 13))
        elif _x_label(first) == _COORDINATES["year"]:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return plot


def profile(name: str) -> Plot:
    """A curve against level, deep water and high pressures below."""

    def plot(figure: Figure, outcome: Outcome, slots: Slots) -> None:
        axes, array = _axes(figure, outcome), outcome.data[name]
        axes.plot(array.values, array.level.values, marker="o", markersize=3)
        if array.level.attrs.get("positive") != "up":
            axes.invert_yaxis()
        axes.set_xlabel(_with_units(array))
        axes.set_ylabel(_level_label(array))
        axes.grid(alpha=0.3)

    return plot


def map_of(name: str, *, diverging: bool = False, hatched: str = "") -> Plot:
    """A map, or a section; `hatched` names a field of probabilities, dotted where they are below 0.05."""

    def plot(figure: Figure, outcome: Outcome, slots: Slots) -> None:
        axes, array = _axes(figure, outcome), outcome.data[name]
        if array.ndim == 3:  # of modes: the first
            array = array.isel({array.dims[0]: 0})
        across = next((d for d in ("lon", "time", "year", "lat") if d in array.dims), array.dims[-1])
        up = next(d for d in array.dims if d != across)
        if across == "lon" and up in ("time", "year"):
            array = array.transpose(up, across)
        _mesh(figure, axes, array.transpose(up, across), diverging)
        if hatched and hatched in outcome.data:
            sure = (outcome.data[hatched] < 0.05).transpose(up, across).values
            y, x = np.nonzero(sure)
            axes.scatter(_x(array, across)[x], _x(array, up)[y], s=1, c="black", linewidths=0)
        axes.set_xlabel(_label(array, across))
        axes.set_ylabel(_label(array, up))
        if up == "level" and array.level.attrs.get("positive") != "up":
            axes.invert_yaxis()

    return plot


def scatter(x: str, y: str, fit: str = "") -> Plot:
    """Points of two arrays against each other, and a line that is fitted to them."""

    def plot(figure: Figure, outcome: Outcome, slots: Slots) -> None:
        axes, first, second = _axes(figure, outcome), outcome.data[x], outcome.data[y]
        axes.scatter(first.values, second.values, s=14)
        if fit:
            order = np.argsort(first.values)
            axes.plot(first.values[order], outcome.data[fit].values[order], color="tab:red", label="fit")
            axes.legend(fontsize="small")
        axes.set_xlabel(_with_units(first))
        axes.set_ylabel(_with_units(second))
        axes.grid(alpha=0.3)

    return plot


def bars(name: str) -> Plot:
    """A bar for each label of an array, with whiskers where the outcome has `low` and `high`."""

    def plot(figure: Figure, outcome: Outcome, slots: Slots) -> None:
        axes, array = _axes(figure, outcome), outcome.data[name]
        error = None
        if {"low", "high"} <= set(outcome.data):
            error = np.abs(np.stack([array - outcome.data["low"], outcome.data["high"] - array]))
        at = np.arange(array.size)
        axes.bar(at, array.values, yerr=error, color="tab:blue", ecolor="black", capsize=3)
        axes.set_xticks(at, [fill(str(label), 14) for label in array[array.dims[0]].values], fontsize="small")
        axes.axhline(0.0, color="black", linewidth=0.8)
        axes.set_xlabel(str(array.dims[0]).replace("_", " "))
        axes.set_ylabel(_with_units(array))

    return plot


def _axes(figure: Figure, outcome: Outcome) -> Axes:
    axes = figure.subplots()
    axes.set_title(fill(str(outcome.data.attrs["title"]), 64), fontsize="medium")
    figure.set_layout_engine("constrained")
    return axes


def _curves(axes: Axes, array: xr.DataArray) -> None:
    along = next((d for d in _COORDINATES if d in array.dims), array.dims[-1])
    for label in array[other].values if (other := next((d for d in array.dims if d != along), "")) else [None]:
        curve = array.sel({other: label}) if label is not None else array
        text = str(label) if label is not None else str(array.attrs.get("long_name", array.name))
        marker = "o" if int(curve.notnull().sum()) < 40 else None
        axes.plot(_x(array, along), curve.values, label=text, linewidth=1.2, marker=marker, markersize=3)


def _mesh(figure: Figure, axes: Axes, array: xr.DataArray, diverging: bool) -> None:
    import cmocean  # slow to import

    finite = array.values[np.isfinite(array.values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if diverging:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    elif low == high:
        low, high = low - 0.5, high + 0.5
    up, across = array.dims
    mesh = axes.pcolormesh(
        _x(array, across),
        _x(array, up),
        array.values,
        cmap=cmocean.cm.balance if diverging else "viridis",
        vmin=low,
        vmax=high,
        shading="nearest",
    )
    figure.colorbar(mesh, ax=axes, label=_with_units(array))


def _x(array: xr.DataArray, dim: str) -> np.ndarray:
    return decimal_years(array.time) if dim == "time" else array[dim].values


def _label(array: xr.DataArray, dim: str) -> str:
    if dim == "level":
        return _level_label(array)
    if dim in _COORDINATES:
        return _COORDINATES[dim]
    return _with_units(array[dim])


def _x_label(array: xr.DataArray) -> str:
    return _label(array, next((d for d in _COORDINATES if d in array.dims), array.dims[-1]))


def _level_label(array: xr.DataArray) -> str:
    units = array.level.attrs.get("units", "m")
    kind = "pressure" if units == "hPa" else "height" if array.level.attrs.get("positive") == "up" else "depth"
    return f"{kind} ({units})"


def _with_units(array: xr.DataArray) -> str:
    """A label that fits beside an axis; labels such as those of periods have no units."""
    units = f" ({array.attrs['units']})" if "units" in array.attrs else ""
    return fill(f"{array.attrs.get('long_name', array.name)}{units}", 44)
