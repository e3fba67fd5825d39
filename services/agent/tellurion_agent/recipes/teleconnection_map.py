"""With what does an index go together elsewhere?"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import stdtr

from tellurion_agent.diagnostics.samples import effective_size, lag1
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCE, VARIABLE, of
from tellurion_agent.recipes.checking import FINITE, among
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, masked, part
from tellurion_agent.recipes.wording import as_value, difference_units, name_of, outcome, subject, units_of, written
from tellurion_agent.regions import GLOBAL


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Regression of a field on the standardised index, where it is significant, and the strongest correlation."""
    notes: Notes = []
    months = slots["season"].months
    series = averaged(part(inputs["index"], {**slots, "region": slots.get("index_region")}, notes), notes)
    index = season_means(series, months).dropna("year")
    field = part(inputs["field"], slots, notes)
    yearly = season_means(field, months).assign_coords(area=field.area)
    index, yearly = xr.align(index, yearly, join="inner")
    if index.size < 8 or float(index.std()) == 0:
        raise NoAnswer(f"index and field have {index.size} years in common, or the index does not vary")
    z = ((index - index.mean()) / index.std()).drop_vars("area", errors="ignore")
    # One pass over the field: the sum of y z needs no mean taken off, as z sums to nothing.
    sums = xr.Dataset(
        {
            "count": yearly.notnull().sum("year"),
            "mean": yearly.mean("year", skipna=False),
            "square": (yearly**2).mean("year", skipna=False),
            "product": (yearly * z).mean("year", skipna=False),
        }
    ).compute()
    regression = masked(sums["product"])
    variance = sums["square"] - sums["mean"] ** 2
    r = regression / np.sqrt(variance.where(variance > 1e-12 * sums["square"]))
    if not r.notnull().any():
        raise NoAnswer("no cell has a value in every year")
    n = effective_size(index.size, max(lag1(index.values), 0.0))
    t = np.abs(r) * np.sqrt(max(n - 2, 1e-9) / np.maximum(1 - r**2, 1e-12))
    p = 2 * stdtr(max(n - 2, 1.0), -t)
    y, x = np.unravel_index(int(np.nanargmax(np.abs(r.values))), r.shape)
    place = f"{float(r.lat[y]):.4g}°N, {float(r.lon[x]) % 360:.4g}°E"
    units = difference_units(units_of(field))
    box = (slots.get("index_region") or GLOBAL).name
    what = f"{subject(yearly.assign_attrs(field.attrs), slots)} on {name_of(series)} of {box}"
    notes.append(
        "Dots mark cells with p < 0.05, the index's autocorrelation regarded; one in twenty has a dot by chance."
    )
    return outcome(
        f"Regression of {what}",
        [
            as_value(f"strongest correlation, at {place}; {what}", r[y, x], "1"),
            as_value("regression there, for one standard deviation of the index", regression[y, x], units),
        ],
        notes,
        regression=written(regression, f"{name_of(field)} for one standard deviation of the index", units),
        correlation=written(r, "correlation", "1"),
        p=written(p, "probability of such a correlation by chance", "1"),
    )


RECIPE = Recipe(
    name="teleconnection_map",
    title="Map of a teleconnection",
    phrases=(
        "Regress global precipitation on the Niño 3.4 index",
        "map of the correlation between ENSO and temperature",
        "teleconnection pattern of the Indian Ocean Dipole",
        "where is rainfall related to North Atlantic sea surface temperature",
        "regression map of sea level pressure onto Niño 3.4 in DJF",
        "impact of El Niño on winter temperature worldwide as a map",
        "spatial pattern associated with the Atlantic index",
        "composite-like regression of wind on tropical SST",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        of("index", VARIABLE, "Of which variable is the index?", required=True),
        of("index", REGION, "Of which region is the index the mean?", required=True),
        of("index", SOURCE, "From which data set is the index?"),
        of("field", SOURCE, "From which data set is the field?"),
    ),
    inputs=(Input("field", (), needs=("time", "lat", "lon")), Input("index", (), needs=("time",))),
    method=(
        "Yearly or seasonal means; least-squares regression of every cell on the index of unit variance, its p "
        "with the "
        "index's lag-1 autocorrelation regarded. Trends are not removed."
    ),
    references=(
        "von Storch, H., and F. W. Zwiers, 1999: Statistical Analysis in Climate Research, chapter 17. Cambridge "
        "University Press.",
    ),
    compute=compute,
    plot=map_of("regression", diverging=True, hatched="p"),
    checks=(FINITE, among("correlation"), among("regression", which=1)),
)
