"""How differently do two parts of the Earth warm?"""

from __future__ import annotations

from dataclasses import replace

import xarray as xr

from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.diagnostics.trends import least_squares
from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, difference_units, name_of, outcome, span, units_of, written
from tellurion_agent.slots import Region


def contrast(inputs: Inputs, slots: Slots, first: Region, second: Region, title: str) -> Outcome:
    """Ratio of the trends of two regions, the trends and the yearly anomalies of both.

    Raises NoAnswer when the second region's trend is not told from none.
    """
    notes: Notes = []
    trends, data = {}, {}
    for role, region in (("first", first), ("second", second)):
        series = mean_series(inputs, "field", {**slots, "region": region}, notes)
        yearly = season_means(series, slots["season"].months)
        trends[role] = least_squares(yearly.year.values.astype(float), yearly.values)
        units = difference_units(units_of(series))
        data[role] = written(yearly - yearly.mean(), f"anomaly, {region.name}", units)
    below = trends["second"]
    if below.low <= 0 <= below.high:
        raise NoAnswer(
            f"the trend of {second.name}, {10 * below.slope:.3g} {units} per decade, is not told from none: a "
            f"ratio means nothing"
        )
    what = f"{title}, {name_of(series)}, {span(yearly)}"
    return outcome(
        what,
        [
            as_value(
                f"{title}: ratio of the trends of {first.name} and {second.name}, {span(yearly)}",
                trends["first"].slope / below.slope,
                "1",
            ),
            *(
                as_value(f"trend, {region.name}", 10 * t.slope, f"{units} decade-1", 10 * t.low, 10 * t.high)
                for region, t in ((first, trends["first"]), (second, below))
            ),
        ],
        notes,
        **data,
    )


def consistent(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    """That the ratio is that of the slopes found again from the anomalies."""
    slopes = []
    for role in ("first", "second"):
        array: xr.DataArray = outcome.data[role].dropna("year")
        slopes.append(float(array.polyfit("year", 1).polyfit_coefficients.sel(degree=1)))
    return abs(slopes[0] / slopes[1] - float(outcome.values[0].value)) < 1e-6 * max(1.0, abs(slopes[0] / slopes[1]))


def on(region: Region | None, surface: str) -> Region:
    """The land or the ocean of a region, of the globe where none is named."""
    return (
        replace(region, name=f"{surface} of {region.name}", surface=surface)
        if region
        else Region(f"global {surface}", surface=surface)
    )
