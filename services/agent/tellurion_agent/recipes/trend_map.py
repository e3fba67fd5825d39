"""Where does a variable change fastest?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.averages import area_mean
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.diagnostics.trends import trend_map
from tellurion_agent.recipes.asked import FIELD, MAP_INPUTS
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import as_value, difference_units, name_of, outcome, subject, units_of, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Least-squares slopes per decade in every cell, where they are significant, their mean and extremes."""
    notes: Notes = []
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    # In single precision all years of a field of 10 GB, from which every cell's residuals come, fit in memory.
    yearly = season_means(field, slots["season"].months).astype(np.float32)
    trends = trend_map(yearly).compute()
    slope, p = masked(10 * trends.slope.assign_coords(area=field.area)), trends.p
    if not slope.notnull().any():
        raise NoAnswer(f"no cell has the five years, and half of all, that a trend of {name_of(field)} needs")
    units, what = f"{difference_units(units_of(field))} decade-1", subject(field, slots)
    average, _ = area_mean(slope, field.area)
    significant, _ = area_mean((p < 0.05).where(slope.notnull()).astype(float), field.area)
    values = [as_value(f"area mean of the trend map of {what}", average, units)]
    for word, at in (("largest", np.nanargmax(slope.values)), ("smallest", np.nanargmin(slope.values))):
        y, x = np.unravel_index(int(at), slope.shape)
        place = f"{slope.lat.values[y]:.4g}°N, {slope.lon.values[x] % 360:.4g}°E"
        values.append(as_value(f"{word} trend, at {place}", slope.values[y, x], units))
    values.append(as_value("area where the trend is significant at the 5 % level", 100 * float(significant), "%"))
    notes.append("Dots mark cells with p < 0.05; of cells without any trend one in twenty has a dot, too.")
    return outcome(
        f"Trend of {what}",
        values,
        notes,
        trend=written(slope, f"trend of {name_of(field)}", units),
        p=written(p, "probability of such a trend by chance", "1"),
    )


RECIPE = Recipe(
    name="trend_map",
    title="Map of trends",
    phrases=(
        "Map of temperature trends 1979-2014",
        "where is the ocean warming fastest",
        "spatial pattern of precipitation trends",
        "plot the trend at each grid point with significance stippling",
        "geographical distribution of linear trends in sea level pressure",
        "which regions cooled since 1980; show a map",
        "trend map of winter temperature over North America",
        "grid-cell trends in sea surface salinity",
    ),
    slots=FIELD,
    inputs=MAP_INPUTS,
    method=(
        "Ordinary least squares of the yearly or seasonal means in every cell that has half of the years; p from "
        "Student's "
        "t with n (1 − r₁)/(1 + r₁) independent values."
    ),
    references=("Santer, B. D., et al., 2000: Statistical significance of trends. J. Geophys. Res., 105, 7337–7356.",),
    compute=compute,
    plot=map_of("trend", diverging=True, hatched="p"),
    akin="linear_trend",
    checks=(FINITE, among("trend")),
)
