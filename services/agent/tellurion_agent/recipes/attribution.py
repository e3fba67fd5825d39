"""Which forcing explains the observed change?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.attribution import scalings
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCE, VARIABLE, of
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written

FORCINGS = {"greenhouse": "hist-GHG", "natural": "hist-nat", "aerosols": "hist-aer"}
NAMES = {"greenhouse": "greenhouse gases", "natural": "natural forcings", "aerosols": "aerosols"}


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Scaling factors of the simulated responses, what they attribute of the trend, and which are detected."""
    notes: Notes = []
    months = slots["season"].months
    roles = [role for role in FORCINGS if role in inputs]
    if "natural" not in roles or len(roles) < 2:
        lacking = [FORCINGS[role] for role in FORCINGS if role not in inputs]
        raise NoAnswer(f"attribution needs hist-nat and at least hist-GHG or hist-aer; not found: {', '.join(lacking)}")
    notes += [f"{FORCINGS[role]} was not found: its part is in the others." for role in FORCINGS if role not in roles]
    runs = {}
    for role in ("observed", *roles):
        series = averaged(part(inputs[role], slots, notes), notes)
        runs[role] = season_means(series, months).dropna("year")
    aligned = dict(zip(runs, xr.align(*runs.values(), join="inner"), strict=True))
    observed, responses = aligned["observed"], np.stack([aligned[role].values for role in roles])
    found = scalings(observed.values, responses)
    x = observed.year.values.astype(float)
    units, what = difference_units(units_of(series)), subject(observed.assign_attrs(series.attrs), slots)
    trends = {role: 10 * np.polyfit(x, aligned[role].values, 1)[0] for role in aligned}
    values = []
    for role, s in zip(roles, found, strict=True):
        values.append(as_value(f"scaling factor of {NAMES[role]}, {what}", s.factor, "1", s.low, s.high))
    for role, s in zip(roles, found, strict=True):
        verdict = "detected" if s.detected else "not detected"
        verdict += ", consistent with the model" if s.detected and s.consistent else ""
        values.append(as_value(f"{NAMES[role]}", verdict, "1"))
        values.append(as_value(f"trend attributed to {NAMES[role]}", s.factor * trends[role], f"{units} decade-1"))
    values.append(as_value("observed trend", trends["observed"], f"{units} decade-1"))
    along = {"forcing": [NAMES[role] for role in roles]}
    notes.append("Responses are of the runs as they are: their own variability biases the factors towards 0.")
    arrays = {name: [getattr(s, name) for s in found] for name in ("factor", "low", "high")}
    residual = (
        observed
        - observed.mean()
        - xr.DataArray(
            np.array(arrays["factor"]) @ (responses - responses.mean(axis=1, keepdims=True)),
            coords={"year": observed.year},
            dims="year",
        )
    )
    return outcome(
        f"Scaling factors of simulated responses, {what}",
        values,
        notes,
        **{
            name: written(xr.DataArray(v, coords=along, dims="forcing"), f"scaling {name}", "1")
            for name, v in arrays.items()
        },
        residual=written(residual, "residual", units),
        responses=written(
            xr.DataArray(responses, coords={**along, "year": observed.year}, dims=("forcing", "year")),
            "responses",
            units_of(series),
        ),
    )


def _orthogonal(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    centred = outcome.data.responses - outcome.data.responses.mean("year")
    products = np.abs(xr.dot(centred, outcome.data.residual, dim="year"))
    scale = np.sqrt((centred**2).sum("year") * (outcome.data.residual**2).sum())
    return bool((products <= 1e-6 * scale + 1e-9).all())


RECIPE = Recipe(
    name="attribution",
    title="Attribution of a change to forcings",
    phrases=(
        "Attribute the observed warming to greenhouse gases and natural forcing",
        "detection and attribution of temperature change",
        "how much of the warming is due to greenhouse gases",
        "optimal fingerprint scaling factors with hist-nat and hist-GHG",
        "is the trend explained by natural forcings alone",
        "contribution of aerosols to the change",
        "anthropogenic versus natural contributions to warming over Europe",
        "regress observations on single-forcing runs",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        SOURCE,
        of("observed", SOURCE, "Which observations?", required=True),
    ),
    inputs=(
        Input("observed", (), needs=("time",)),
        *(Input(role, (), needs=("time",), experiment=run, optional=True) for role, run in FORCINGS.items()),
    ),
    method=(
        "Ordinary least squares of yearly area means on the responses simulated with each forcing alone; a forcing is "
        "detected where the 95 % interval of its factor is above 0, consistent where it holds 1."
    ),
    references=(
        "Allen, M. R., and S. F. B. Tett, 1999: Checking for model consistency in optimal fingerprinting. Clim. "
        "Dyn., 15, 419–434.",
    ),
    compute=compute,
    plot=bars("factor"),
    checks=(
        FINITE,
        BRACKETED,
        again("it is the first of the factors", lambda data, slots: float(data.factor[0])),
        Check("the residual is orthogonal to the responses", _orthogonal),
    ),
)
