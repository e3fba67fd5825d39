"""When does the world reach a level of warming?"""

from __future__ import annotations

from tellurion_agent.diagnostics.climate_response import crossing
from tellurion_agent.diagnostics.oscillations import running_mean
from tellurion_agent.recipes.asked import ANNUAL, BASE, EXPERIMENT, LAND_FRACTION, REGION, SOURCE, TEMPERATURE, of
from tellurion_agent.recipes.bases import in_years, years_of
from tellurion_agent.recipes.checking import FINITE
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.scenario_change import joined
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, outcome, place, written
from tellurion_agent.slots import Kind, Period, Slot

PREINDUSTRIAL = Period(1850, 1900)
WINDOW = 20
AVERAGINGS = ("20-year mean", "annual")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """First year of lasting warming beyond the level, or that it is not reached, and the warming at the end."""
    notes: Notes = []
    level = float(slots.get("warming") or 2.0)
    yearly = joined(inputs, slots, notes, ANNUAL.months)
    years, base = years_of(yearly), slots.get("base") or PREINDUSTRIAL
    normal = in_years(yearly, base).dropna("year")
    if 2 * normal.size < base.last - base.first + 1:
        raise NoAnswer(f"the data, {years[0]}–{years[-1]}, do not hold the base period {base.first}–{base.last}")
    if yearly.size <= WINDOW:
        raise NoAnswer(f"{yearly.size} years are too few for {WINDOW}-year means")
    warming = yearly - normal.mean()
    annual = slots.get("averaging") == AVERAGINGS[1]
    smooth = warming if annual else running_mean(warming, WINDOW)
    beyond = years[smooth.values >= level]
    year = (int(beyond[0]) if beyond.size else None) if annual else crossing(years, smooth.values, level)
    mean_of = "annual mean" if annual else f"{WINDOW}-year mean"
    reached = f"{year}" if year is not None else "not reached"
    where = place(slots.get("region"))
    last = smooth.dropna("year")
    label = f"year in which the {mean_of} warming of {where} passes {level:g} K above {base.first}–{base.last}"
    return outcome(
        f"Warming of {where} above {base.first}–{base.last}: {level:g} K {'in ' if year else ''}{reached}",
        [
            as_value(label, year if year is not None else "not reached", "year" if year is not None else "1"),
            as_value(f"{mean_of} warming about {int(last.year[-1])}, the last", last[-1], "K"),
        ],
        [
            *notes,
            "The year is the first that is as warm; later ones may be cooler."
            if annual
            else "The year is the middle of the first window after which the mean does not fall below the level again.",
        ],
        warming=written(warming, "yearly warming", "K"),
        smooth=written(smooth, mean_of, "K"),
    )


def _beyond(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    level, year = float(slots.get("warming") or 2.0), outcome.values[0].value
    smooth = outcome.data.smooth.dropna("year")
    annual = slots.get("averaging") == AVERAGINGS[1]
    if isinstance(year, str):
        return float(smooth.max() if annual else smooth[-1]) < level
    after, before = smooth.sel(year=slice(int(year), None)), smooth.sel(year=slice(None, int(year) - 1))
    if annual:
        return after.size > 0 and float(after[0]) >= level and bool((before < level).all())
    return bool((after >= level).all()) and (before.size == 0 or float(before[-1]) < level)


RECIPE = Recipe(
    name="warming_level",
    title="Year of a warming level",
    phrases=(
        "When does global warming reach 2 degrees above preindustrial?",
        "year in which 1.5 °C is exceeded under SSP5-8.5",
        "crossing time of the 3 degree warming level",
        "in which year does the scenario pass two degrees",
        "is 1.5 K warming reached in ssp126",
        "global warming level timing relative to 1850-1900",
        "how soon will the model exceed 2 K",
        "date of crossing the Paris temperature target",
    ),
    slots=(
        Slot("warming", Kind.NUMBER, "Which level of warming, in K?", default=2.0),
        REGION,
        BASE,
        Slot(
            "averaging",
            Kind.CHOICE,
            "The 20-year mean, or the first single year?",
            default=AVERAGINGS[0],
            choices=AVERAGINGS,
        ),
        SOURCE,
        of("scenario", EXPERIMENT, "Which scenario?", required=True),
    ),
    inputs=(
        Input("scenario", TEMPERATURE, needs=("time",)),
        Input("historical", TEMPERATURE, needs=("time",), experiment="historical", optional=True),
        LAND_FRACTION,
    ),
    method=(
        "Yearly means of near-surface temperature of the historical run followed by the scenario, relative to "
        "1850–1900 unless "
        "another base is named; centred 20-year mean; first year from which on it does not fall below the level."
    ),
    references=(
        "Lee, J.-Y., et al., 2021: Future global climate. IPCC AR6 WG1, chapter 4, section 4.3.4. Cambridge "
        "University Press.",
    ),
    compute=compute,
    plot=lines("warming", "smooth"),
    checks=(FINITE, Check("from that year on, and not before, the mean is beyond the level", _beyond)),
)
