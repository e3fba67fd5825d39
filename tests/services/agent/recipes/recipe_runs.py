"""Small fields with known answers, and a recipe run on them as the laboratory runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cftime
import numpy as np
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tellurion_agent.recipes.recipe import Outcome, Recipe, Value
from tellurion_agent.recipes.registry import RECIPES

LAT = np.arange(-75.0, 76.0, 30.0)
LON = np.arange(15.0, 360.0, 30.0)
UNITS = {
    "air_temperature": "degC",
    "sea_surface_temperature": "degC",
    "sea_water_potential_temperature": "degC",
    "precipitation_flux": "mm day-1",
    "air_pressure_at_mean_sea_level": "hPa",
    "sea_water_y_velocity": "m s-1",
    "sea_ice_area_fraction": "%",
}


def times(first: int, last: int, *, calendar: str = "noleap", step: str = "monthly") -> list[cftime.datetime]:
    """Middle of each month, each day, or each year from January of `first` to December of `last`."""
    if step == "daily":
        end = f"{last:04d}-12-{30 if calendar == '360_day' else 31}"
        return list(xr.date_range(f"{first:04d}-01-01", end, freq="D", calendar=calendar, use_cftime=True))
    months = range(1, 13) if step == "monthly" else (7,)
    return [cftime.datetime(y, m, 15, calendar=calendar) for y in range(first, last + 1) for m in months]


def field(
    value: Callable[..., Any],
    first: int = 1991,
    last: int = 2010,
    *,
    name: str = "air_temperature",
    units: str | None = None,
    lat: np.ndarray = LAT,
    lon: np.ndarray = LON,
    level: np.ndarray | None = None,
    level_units: str = "m",
    calendar: str = "noleap",
    step: str = "monthly",
) -> xr.DataArray:
    """`value(year, month, lat, lon[, level])` of every cell, dask-chunked; `year` and `month` are arrays over time."""
    axis = xr.DataArray(times(first, last, calendar=calendar, step=step), dims="time")
    axis = axis.assign_coords(time=axis)
    grid = [xr.DataArray(lat, dims="lat", coords={"lat": lat}), xr.DataArray(lon, dims="lon", coords={"lon": lon})]
    if level is not None:
        grid.append(xr.DataArray(level, dims="level", coords={"level": level}))
    ones = xr.ones_like(axis, dtype=float)
    for each in grid:
        ones = ones * xr.ones_like(each)
    array = ones * value(axis.dt.year, axis.dt.month, *grid)
    if level is not None:
        array = array.transpose("time", "level", "lat", "lon")
        array.level.attrs.update(units=level_units, positive="down")
    array.attrs = {"standard_name": name, "units": units or UNITS.get(name, "1")}
    return array.rename(name).chunk(time=50)


@dataclass(frozen=True)
class Answer:
    """An outcome, its values by how their labels begin."""

    outcome: Outcome

    def __getitem__(self, beginning: str) -> Value:
        return next(v for v in self.outcome.values if v.label.startswith(beginning))

    @property
    def value(self) -> Any:
        """The answer itself."""
        return self.outcome.values[0].value

    @property
    def units(self) -> str:
        return self.outcome.values[0].units

    @property
    def notes(self) -> str:
        return " ".join(self.outcome.notes)


def run(name: str, inputs: Mapping[str, xr.DataArray], **slots: Any) -> Answer:
    """A recipe's outcome; its own checks hold, and its figure shows something."""
    recipe = RECIPES[name]
    known = {slot.name for slot in recipe.slots}
    assert set(slots) <= known, f"{name} has no slot {set(slots) - known}"
    filled = {slot.name: slot.default for slot in recipe.slots} | slots
    outcome = recipe.compute(inputs, filled)
    for check in recipe.checks:
        assert check.holds(outcome, inputs, filled), f"{name}: {check.states}"
    false = _falsified(outcome)
    assert not all(check.holds(false, inputs, filled) for check in recipe.checks), f"{name} believes anything"
    for variable in outcome.data.data_vars.values():
        assert {"units", "long_name"} <= set(variable.attrs), variable.name
    assert all(isinstance(v.value, str) or type(v.value) is float for v in outcome.values)
    if name not in _DRAWN:
        _DRAWN.add(name)
        assert_shows(recipe, outcome, filled)
    return Answer(outcome)


def _falsified(outcome: Outcome) -> Outcome:
    """The same with another answer."""
    first = outcome.values[0]
    other = "another" if isinstance(first.value, str) else first.value + 1 + abs(first.value)
    if isinstance(first.value, str) and first.value in ("none found", "not reached"):
        other = 1.0
    return replace(outcome, values=(replace(first, value=other, low=None, high=None), *outcome.values[1:]))


_DRAWN: set[str] = set()
"""Recipes whose figure was looked at in this session: drawing takes longer than computing."""


def assert_shows(recipe: Recipe, outcome: Outcome, slots: Mapping[str, Any]) -> None:
    """That a recipe's figure has a title, labelled axes and something drawn in them."""
    figure = Figure(figsize=(4, 3), dpi=40)
    recipe.plot(figure, outcome, slots)
    axes = figure.axes[0]
    assert axes.get_title()
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    inside = axes.get_window_extent().frozen()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    height = pixels.shape[0]
    drawn = pixels[int(height - inside.y1) + 3 : int(height - inside.y0) - 3, int(inside.x0) + 3 : int(inside.x1) - 3]
    assert (drawn < 250).any(axis=-1).mean() > 0.005, f"{recipe.name}: the figure is blank"
