"""What scripts call inside the sandbox: how an answer is written so that it can be read outside.

answer.json    values, notes, checks, what the axes of the figure say; or why there is no answer
data.nc        the fields behind it
figure.png     the figure
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tellurion_agent.catalogue.canonical import canonical
from tellurion_agent.laboratory.units import asked_first, in_units, of_other_quantities
from tellurion_agent.libraries import read
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots, Value

ANSWER, DATA, FIGURE = "answer.json", "data.nc", "figure.png"
INCHES, DPI = (8.0, 5.0), 120


def opened(manifest: str) -> Inputs:
    """The fields of a run by role, in canonical form, nothing of them in memory yet."""
    return {role: canonical(data) for role, data in read(Path(manifest).read_bytes()).items()}


def answer(recipe: Recipe, inputs: Inputs, slots: Slots, output: Path) -> None:
    """Does what a recipe says and keeps what comes of it, or why nothing does."""
    try:
        outcome = recipe.compute(inputs, slots)
    except NoAnswer as reason:
        _write(output, {"no_answer": str(reason)})
        return
    asked = slots.get("answer_units")
    if asked and of_other_quantities(outcome.values, asked):
        units = ", ".join(dict.fromkeys(value.units for value in outcome.values))
        _write(output, {"no_answer": f"“{recipe.title}” gives {units}, and what was asked for is in {asked}."})
        return
    outcome = Outcome(outcome.values, outcome.data.compute(), outcome.notes)
    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    recipe.plot(figure, outcome, slots)
    checks = [{"states": each.states, "holds": bool(each.holds(outcome, inputs, slots))} for each in recipe.checks]
    values = [in_units(value, asked) for value in asked_first(outcome.values, asked)] if asked else outcome.values
    keep(values, output, data=outcome.data, figure=figure, notes=outcome.notes, checks=checks)


def keep(
    values: Sequence[Value],
    output: Path,
    *,
    data: xr.Dataset | None = None,
    figure: Figure | None = None,
    notes: Sequence[str] = (),
    checks: Sequence[dict[str, Any]] = (),
) -> None:
    """Writes an answer: its values, the answer itself first, and what stands behind them."""
    found: dict[str, Any] = {
        "values": [_finite(asdict(value)) for value in values],
        "notes": list(notes),
        "checks": list(checks),
    }
    if data is not None:
        data.to_netcdf(output / DATA)
    if figure is not None:
        FigureCanvasAgg(figure).print_png(output / FIGURE)
        found["axes"] = [_described(axes) for axes in figure.axes]
    _write(output, found)


def _write(output: Path, found: dict[str, Any]) -> None:
    (output / ANSWER).write_text(json.dumps(found, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _finite(value: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinities: a bound that is none is left out, a value that is none is told in words."""
    bounds = {name: value[name] if _is_finite(value[name]) else None for name in ("low", "high")}
    return {**value, **bounds, "value": value["value"] if _is_finite(value["value"]) else "not a number"}


def _is_finite(number: object) -> bool:
    return isinstance(number, str) or (number is not None and math.isfinite(float(number)))  # type: ignore[arg-type]


def _described(axes: Axes) -> dict[str, Any]:
    """What axes say, and whether they show anything."""
    drawn = [*axes.lines, *axes.collections, *axes.images, *axes.patches]
    return {
        "title": axes.get_title(),
        "x": axes.get_xlabel(),
        "y": axes.get_ylabel(),
        "bar": getattr(axes, "_colorbar", None) is not None,
        "drawn": len(drawn),
    }
