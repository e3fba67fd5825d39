"""How much of the sunlight does the surface reflect?"""

from __future__ import annotations

import xarray as xr

from tellurion_agent.diagnostics.times import climate_mean, monthly_means
from tellurion_agent.recipes.asked import LAND_FRACTION, PERIOD, REGION, SEASON, WHICH_DATA
from tellurion_agent.recipes.checking import FINITE, again, bounded
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, outcome, place, span, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Reflected over incoming sunlight of the region and the years, and month by month."""
    notes: Notes = []
    months = slots["season"].months
    fraction = inputs.get("land_fraction")
    up, down = xr.align(
        *(monthly_means(averaged(part(inputs[r], slots, notes, fraction=fraction), notes)) for r in ("up", "down")),
        join="inner",
    )
    reflected, incoming = (float(climate_mean(series, months)) for series in (up, down))
    if incoming <= 0:
        raise NoAnswer("no sunlight comes in there in these months")
    where = f"{place(slots.get('region'))}, {span(up, months)}"
    monthly = (up / down.where(down > 1.0)).dropna("time")  # the ratio of two traces of light says nothing
    return outcome(
        f"Surface albedo, {where}",
        [
            as_value(f"surface albedo, {where}", reflected / incoming, "1"),
            as_value("reflected sunlight", reflected, "W m-2"),
            as_value("incoming sunlight", incoming, "W m-2"),
        ],
        [*notes, "The ratio is of the means, so that it weighs with the sunlight."],
        albedo=written(monthly, "surface albedo", "1"),
        means=written(
            xr.DataArray([reflected, incoming], coords={"flux": ["up", "down"]}, dims="flux"), "sunlight", "W m-2"
        ),
    )


RECIPE = Recipe(
    name="surface_albedo",
    title="Surface albedo",
    phrases=(
        "Surface albedo of the Arctic",
        "mean albedo of the surface over Greenland",
        "which fraction of the incoming solar radiation does the surface reflect",
        "surface reflectivity as upwelling over downwelling shortwave",
        "ratio of reflected to incoming shortwave radiation at the surface",
        "how bright is the surface of Antarctica",
        "albedo rsus/rsds of the model",
        "how reflective is the ground in winter",
        "snow and ice albedo",
        "share of the sunlight that the ground reflects",
    ),
    slots=(REGION, PERIOD, SEASON, *WHICH_DATA),
    inputs=(
        Input("up", ("surface_upwelling_shortwave_flux_in_air",), needs=("time",)),
        Input("down", ("surface_downwelling_shortwave_flux_in_air",), needs=("time",)),
        LAND_FRACTION,
    ),
    method=(
        "Area-weighted mean of the upwelling over that of the downwelling shortwave radiation at the surface, both "
        "means over the complete years or seasons."
    ),
    references=(
        "Qu, X., and A. Hall, 2005: Surface contribution to planetary albedo variability in cryosphere regions. "
        "J. Climate, 18, 5239–5252.",
    ),
    compute=compute,
    plot=lines("albedo"),
    checks=(
        FINITE,
        bounded(0.0, 1.0),
        again("it is the ratio of the two means", lambda data, slots: float(data.means[0] / data.means[1])),
    ),
)
