"""How strong is the Atlantic's overturning?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.cells import widths
from tellurion_agent.diagnostics.ocean import DENSITY, SVERDRUP, atlantic, overturning
from tellurion_agent.diagnostics.samples import mean_interval
from tellurion_agent.diagnostics.times import climate_mean, season_means
from tellurion_agent.diagnostics.trends import FEWEST, least_squares
from tellurion_agent.recipes.asked import ANNUAL, PERIOD, WHICH_DATA
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import profile
from tellurion_agent.recipes.recipe import Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, years
from tellurion_agent.recipes.wording import as_value, headline, outcome, span, written
from tellurion_agent.slots import Kind, Slot

TITLE = "Atlantic meridional overturning circulation"
STRENGTH = f"strength of the {TITLE}"
QUANTITIES = ("strength", "depth of the maximum", "standard deviation", "trend per decade")
DEPTH = 500.0
"""Metres, below which the maximum is sought: above, wind cells overturn."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Maximum of the streamfunction over depth at a latitude, its depth, and its trend."""
    notes: Notes = []
    latitude = float(slots.get("latitude") or 26.5)
    if not -35 <= latitude <= 80:
        raise NoAnswer(f"the Atlantic's overturning is defined between 35°S and 80°N, not at {latitude:g}°")
    name = "streamfunction" if "streamfunction" in inputs else "velocity"
    if name not in inputs:
        raise NoAnswer("neither an overturning streamfunction nor northward velocities were found")
    field = years(inputs[name], slots.get("period"), notes)
    lat = field.lat.values
    row = int(np.argmin(np.abs(lat - latitude)))
    if abs(lat[row] - latitude) > (np.diff(lat).max() if lat.size > 1 else 1.0):
        raise NoAnswer(f"the data's latitudes, {lat.min():g}–{lat.max():g}°, do not reach {latitude:g}°N")
    psi = (
        _given(field.isel(lat=row), notes) if name == "streamfunction" else _from_velocity(field, row, notes)
    ).compute()
    if float(psi.level.max()) < DEPTH:
        raise NoAnswer(
            f"the levels end at {float(psi.level.max()):g} m: the overturning's maximum lies below {DEPTH:g} m"
        )
    deep = psi.where(psi.level >= DEPTH).drop_vars("lat")
    mean = climate_mean(psi, ANNUAL.months) if psi.sizes["time"] > 1 else psi.isel(time=0)
    mean_deep = mean.where(mean.level >= DEPTH)
    at = int(mean_deep.argmax("level"))
    series = deep.max("level")
    where = f"{lat[row]:.4g}°N, {span(psi)}"
    values = {
        QUANTITIES[0]: as_value(f"{STRENGTH} at {where}", mean_deep[at], "Sv"),
        QUANTITIES[1]: as_value(f"depth of the maximum of the {TITLE} at {where}", mean.level[at], "m"),
    }
    yearly = None
    if psi.sizes["time"] >= 12:
        yearly = season_means(deep.isel(level=at, drop=True)).drop_vars("level", errors="ignore")
        if yearly.size >= FEWEST:
            middle, low, high = mean_interval(yearly.values)
            ends = (e - middle + float(mean_deep[at]) for e in (low, high))
            values[QUANTITIES[0]] = as_value(values[QUANTITIES[0]].label, mean_deep[at], "Sv", *ends)
            spread = float(yearly.std(ddof=1))
            values[QUANTITIES[2]] = as_value(f"standard deviation of its yearly means at {where}", spread, "Sv")
            trend = least_squares(yearly.year.values.astype(float), yearly.values)
            slope, low, high = (10 * each for each in (trend.slope, trend.low, trend.high))
            values[QUANTITIES[3]] = as_value(f"trend at that depth, at {where}", slope, "Sv decade-1", low, high)
    kept = {} if yearly is None else {"yearly": written(yearly, "yearly mean at the depth of the maximum", "Sv")}
    return outcome(
        f"Overturning streamfunction of the Atlantic at {where}",
        headline(slots.get("quantity") or QUANTITIES[0], values),
        [*notes, f"The maximum is sought below {DEPTH:g} m in the mean over time."],
        profile=written(mean.drop_vars("lat"), "overturning streamfunction", "Sv"),
        series=written(series, "maximum over depth at each time", "Sv"),
        **kept,
    )


def _given(psi: xr.DataArray, notes: Notes) -> xr.DataArray:
    units = str(psi.attrs.get("units", ""))
    if "kg" not in units:
        return psi
    notes.append(f"Mass transport is divided by {DENSITY:g} kg m-3.")
    scale = 1e9 if units.startswith("1e9") else 1.0
    return psi * scale / DENSITY / SVERDRUP


def _from_velocity(velocity: xr.DataArray, row: int, notes: Notes) -> xr.DataArray:
    width = atlantic(widths(velocity).isel(lat=row), float(velocity.lat[row]))
    section = atlantic(velocity.isel(lat=row), float(velocity.lat[row]))
    if not section.sizes["lon"]:
        raise NoAnswer("the data do not cover the Atlantic")
    notes.append(
        "From velocities, summed from the surface over the Atlantic's width as the grid has it; a net flow through the "
        "section is not taken off."
    )
    return overturning(section, width)


def _again(data: xr.Dataset, slots: Slots) -> float:
    deep = data.profile.where(data.profile.level >= DEPTH)
    asked = slots.get("quantity") or QUANTITIES[0]
    if asked == QUANTITIES[1]:
        return float(deep.idxmax("level"))
    if asked == QUANTITIES[0]:
        return float(deep.max())
    yearly = data.yearly.dropna("year")
    x = yearly.year - yearly.year.mean()
    return float(np.std(yearly, ddof=1) if asked == QUANTITIES[2] else 10 * (x * yearly).sum() / (x**2).sum())


RECIPE = Recipe(
    name="overturning",
    title=TITLE,
    phrases=(
        "AMOC strength at 26.5N",
        "Atlantic meridional overturning circulation at 26.5 degrees north",
        "maximum of the overturning streamfunction at 30N",
        "how strong is the overturning in the model, in Sverdrup",
        "does the AMOC weaken",
        "compare with RAPID: overturning at 26N",
        "meridional overturning profile from northward velocity",
        "AMOC at 26.5N in 2009",
        "AMOC time series and trend",
        "depth of the maximum Atlantic overturning",
        "interannual standard deviation of the annual mean AMOC",
        "at what depth is the AMOC streamfunction strongest",
    ),
    slots=(
        Slot("latitude", Kind.NUMBER, "At which latitude, in °N?", default=26.5),
        PERIOD,
        Slot(
            "quantity",
            Kind.CHOICE,
            "Its strength, the depth of its maximum, its variability or its trend?",
            default=QUANTITIES[0],
            choices=QUANTITIES,
        ),
        *WHICH_DATA,
    ),
    inputs=(
        Input(
            "streamfunction",
            ("ocean_meridional_overturning_mass_streamfunction", "ocean_meridional_overturning_streamfunction"),
            needs=("time", "level", "lat"),
            optional=True,
        ),
        Input("velocity", ("sea_water_y_velocity",), needs=("time", "level", "lat", "lon"), optional=True),
    ),
    method=(
        "Maximum below 500 m of the time-mean streamfunction at the row nearest to the latitude: as the model "
        "has it, or "
        "∫∫ v R cos φ dλ dz over the Atlantic from the surface down."
    ),
    references=(
        "Frajka-Williams, E., et al., 2019: Atlantic meridional overturning circulation. Front. Mar. Sci., 6, 260.",
    ),
    compute=compute,
    plot=profile("profile"),
    checks=(FINITE, BRACKETED, again("profile and yearly means give it again", _again)),
)
