"""How much does the climate warm in the end for twice the carbon dioxide?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.climate_response import gregory
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import SOURCE
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again, bounded
from tellurion_agent.recipes.figures import scatter
from tellurion_agent.recipes.radiation_balance import imbalance
from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.runs import WHOLE, above_control, radiation_inputs, temperature_inputs, yearly_mean
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, headline, outcome, written
from tellurion_agent.slots import Kind, Slot

QUANTITIES = ("equilibrium sensitivity", "feedback parameter", "radiative forcing")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Equilibrium climate sensitivity with its interval, forcing, feedback, and the points of the regression."""
    notes: Notes = []
    t = above_control(yearly_mean(inputs, "warming", notes), yearly_mean(inputs, "control", notes), notes)
    n, n_control = (season_means(imbalance(inputs, WHOLE, notes, suffix)).dropna("year") for suffix in ("", "_control"))
    n = above_control(n, n_control, notes)
    t, n = xr.align(t, n, join="inner")
    years = int(slots.get("years") or 150)
    t, n = t[:years], n[:years]
    if t.size < years:
        notes.append(f"The run has {t.size} whole years; {years} are usual.")
    found = gregory(t.values, n.values)
    fit = n.copy(data=found.forcing + found.feedback * t.values)
    what = f"{t.size} years of abrupt-4xCO2"
    model = str(inputs["warming"].attrs.get("source", ""))
    what = f"{model}, {what}" if model else what
    values = (
        as_value(f"equilibrium climate sensitivity, {what}", found.sensitivity, "K", found.low, found.high),
        as_value(f"climate feedback parameter, {what}", found.feedback, "W m-2 K-1"),
        as_value(f"effective radiative forcing of a doubling, {what}", found.forcing / 2, "W m-2"),
    )
    return outcome(
        f"Gregory regression, {what}",
        headline(slots.get("quantity") or QUANTITIES[0], dict(zip(QUANTITIES, values, strict=True))),
        [*notes, "Of 4×CO₂ the intercept is halved: a doubling is half of two doublings."],
        warming=written(t, "global-mean warming", "K"),
        imbalance=written(n, "net downward radiation at the top of the atmosphere", "W m-2"),
        fit=written(fit, "fit", "W m-2"),
    )


def _orthogonal(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    data = outcome.data
    rest = (data.imbalance - data.fit).values
    scale = float(np.abs(data.imbalance).max()) * rest.size
    return abs(rest.sum()) <= 1e-6 * scale and abs((rest * data.warming.values).sum()) <= 1e-6 * scale * float(
        data.warming.max()
    )


def _from_the_line(data: xr.Dataset, slots: Slots) -> float:
    t, fit = data.warming.values, data.fit.values
    a, b = int(np.argmin(t)), int(np.argmax(t))
    slope = (fit[b] - fit[a]) / (t[b] - t[a])
    forcing = (fit[a] - slope * t[a]) / 2
    return float({QUANTITIES[1]: slope, QUANTITIES[2]: forcing}.get(slots.get("quantity") or "", -forcing / slope))


RECIPE = Recipe(
    name="equilibrium_sensitivity",
    title="Equilibrium climate sensitivity",
    phrases=(
        "Equilibrium climate sensitivity of the model",
        "compute ECS with the Gregory method",
        "effective climate sensitivity from abrupt-4xCO2",
        "how much does the model warm for a doubling of CO2 in equilibrium",
        "Gregory plot of net radiation against warming",
        "climate feedback parameter and forcing",
        "radiative forcing of 2xCO2 and climate feedback",
        "ECS of CanESM5 from abrupt4xCO2 and piControl",
        "climate sensitivity by regression of N on T over 150 years",
        "what is the ECS of this model",
        "slope of the Gregory regression, lambda",
        "ERF of 2xCO2 by the Gregory method",
        "long-term warming for doubled carbon dioxide",
    ),
    slots=(
        SOURCE,
        Slot("years", Kind.NUMBER, "How many years after the quadrupling?", default=150),
        Slot(
            "quantity",
            Kind.CHOICE,
            "The sensitivity, the feedback or the forcing?",
            default=QUANTITIES[0],
            choices=QUANTITIES,
        ),
    ),
    inputs=(*temperature_inputs("abrupt-4xCO2"), *radiation_inputs("abrupt-4xCO2")),
    method=(
        "Yearly global means of temperature and net downward radiation at the top of the atmosphere of the first "
        "150 years of "
        "abrupt-4xCO2, less the linear fit of piControl; least squares of N on ΔT; the intercept with N = 0, "
        "halved. The "
        "95 % interval is Fieller's."
    ),
    references=(
        "Gregory, J. M., et al., 2004: A new method for diagnosing radiative forcing and climate sensitivity. "
        "Geophys. Res. Lett., 31, L03205.",
        "Andrews, T., et al., 2012: Forcing, feedbacks and climate sensitivity in CMIP5. Geophys. Res. Lett., "
        "39, L09712.",
    ),
    compute=compute,
    plot=scatter("warming", "imbalance", "fit"),
    checks=(
        FINITE,
        BRACKETED,
        bounded(-20.0, 20.0),
        again("the fitted line gives it again", _from_the_line),
        Check("residuals are orthogonal to the warming", _orthogonal),
    ),
)
