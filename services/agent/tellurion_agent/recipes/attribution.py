"""Which forcing explains the observed change?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.attribution import Scaling, scalings
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCE, TEMPERATURE, VARIABLE, of
from tellurion_agent.recipes.checking import BRACKETED, FINITE, again
from tellurion_agent.recipes.figures import bars
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots, Value
from tellurion_agent.recipes.selection import Notes, averaged, part, several
from tellurion_agent.recipes.wording import as_value, difference_units, headline, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

FORCINGS = {"greenhouse": "hist-GHG", "aerosols": "hist-aer", "natural": "hist-nat"}
NAMES = {"greenhouse": "greenhouse gases", "aerosols": "aerosols", "natural": "natural forcings"}
MEASURES = ("scaling factor", "attributed trend")


@dataclass(frozen=True)
class Regressed:
    """The observed years regressed on the simulated responses."""

    what: str
    roles: tuple[str, ...]
    scalings: dict[str, Scaling]
    trends: dict[str, float]
    """Per decade, of each response and of what was observed."""
    residual: xr.DataArray
    responses: xr.DataArray
    """[forcing, year]."""
    units: str
    """Of a difference."""

    def attributed(self, role: str) -> float:
        """Trend per decade of the response, scaled."""
        return self.scalings[role].factor * self.trends[role]


def regressed(inputs: Inputs, slots: Slots, notes: Notes) -> Regressed:
    """The regression. Raises NoAnswer where a forcing's runs are missing."""
    months = slots["season"].months
    runs = {role: several(inputs, role, 1) for role in FORCINGS if any(key.startswith(f"{role}:") for key in inputs)}
    if "natural" not in runs or len(runs) < 2:
        lacking = [FORCINGS[role] for role in FORCINGS if role not in runs]
        raise NoAnswer(f"attribution needs hist-nat and at least hist-GHG or hist-aer; not found: {', '.join(lacking)}")
    notes += [f"{FORCINGS[role]} was not found: its part is in the others." for role in FORCINGS if role not in runs]
    models = sorted(set.intersection(*(set(found) for found in runs.values())))
    if not models:
        raise NoAnswer("no model has all of the runs with single forcings")
    notes.append(f"Responses are means over {', '.join(models)}.")
    observed = averaged(part(inputs["observed"], slots, notes), notes)
    attrs = observed.attrs
    yearly = {"observed": season_means(observed, months).dropna("year")}
    for role in runs:
        each = [season_means(averaged(part(runs[role][m], slots, notes), notes), months) for m in models]
        whole = xr.align(*(one.dropna("year") for one in each), join="inner")
        yearly[role] = xr.concat([one - one.mean() for one in whole], dim="model").mean("model")
    aligned = dict(zip(yearly, xr.align(*yearly.values(), join="inner"), strict=True))
    y, responses = aligned["observed"], np.stack([aligned[role].values for role in runs])
    found = dict(zip(runs, scalings(y.values, responses), strict=True))
    x = y.year.values.astype(float)
    factors = np.array([found[role].factor for role in runs])
    explained = factors @ (responses - responses.mean(axis=1, keepdims=True))
    along = {"forcing": [NAMES[role] for role in runs], "year": y.year}
    return Regressed(
        what=subject(y.assign_attrs(attrs), slots),
        roles=tuple(runs),
        scalings=found,
        trends={role: float(10 * np.polyfit(x, aligned[role].values, 1)[0]) for role in aligned},
        residual=y - y.mean() - explained,
        responses=xr.DataArray(responses, coords=along, dims=("forcing", "year")),
        units=difference_units(units_of(observed)),
    )


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Scaling factors of the simulated responses, what they attribute of the trend, and which are detected."""
    notes: Notes = []
    found = regressed(inputs, slots, notes)
    units, roles = found.units, found.roles
    values: dict[str, Value] = {}
    for role in roles:
        s, name = found.scalings[role], NAMES[role]
        values[f"{MEASURES[0]} {name}"] = as_value(
            f"scaling factor of {name}, {found.what}", s.factor, "1", s.low, s.high
        )
        trend, label = found.attributed(role), f"trend attributed to {name}, {found.what}"
        ends = sorted(end * found.trends[role] for end in (s.low, s.high))
        values[f"{MEASURES[1]} {name}"] = as_value(label, trend, f"{units} decade-1", *ends)
    forcing = slots.get("forcing") or NAMES[roles[0]]
    ordered = headline(f"{slots.get('measure') or MEASURES[0]} {forcing}", values)
    for role in roles:
        s = found.scalings[role]
        verdict = "detected" if s.detected else "not detected"
        verdict += ", consistent with the model" if s.detected and s.consistent else ""
        ordered.append(as_value(NAMES[role], verdict, "1"))
    ordered.append(as_value("observed trend", found.trends["observed"], f"{units} decade-1"))
    notes.append("The responses' own variability biases the factors towards 0.")
    return outcome(
        f"Scaling factors of simulated responses, {found.what}",
        ordered,
        notes,
        **factors(found),
        residual=written(found.residual, "residual", units),
        responses=written(found.responses, "responses", units),
    )


def factors(found: Regressed) -> dict[str, xr.DataArray]:
    """[forcing] the factors, their intervals, and what is attributed."""
    along = {"forcing": [NAMES[role] for role in found.roles]}
    arrays = {
        name: xr.DataArray([getattr(s, name) for s in found.scalings.values()], coords=along, dims="forcing")
        for name in ("factor", "low", "high")
    }
    trends = xr.DataArray([found.attributed(role) for role in found.roles], coords=along, dims="forcing")
    return {name: written(array, f"scaling {name}", "1") for name, array in arrays.items()} | {
        "attributed": written(trends, "attributed trend", f"{found.units} decade-1")
    }


SLOTS = (
    Slot(VARIABLE.name, VARIABLE.kind, VARIABLE.question, default=TEMPERATURE[0]),
    REGION,
    LEVEL,
    PERIOD,
    SEASON,
    SOURCE,
    of("observed", SOURCE, "Which observations?", required=True),
    Slot("forcing", Kind.CHOICE, "Which forcing?", choices=tuple(NAMES.values())),
    Slot("measure", Kind.CHOICE, "The factor, or the trend that it means?", default=MEASURES[0], choices=MEASURES),
)
INPUTS = (
    Input("observed", (), needs=("time",), anomalies=True),
    *(
        Input(role, (), needs=("time",), experiment=run, many=True, optional=role == "aerosols")
        for role, run in FORCINGS.items()
    ),
)


def _asked(data: xr.Dataset, slots: Slots) -> float:
    name = "attributed" if slots.get("measure") == MEASURES[1] else "factor"
    return float(data[name].sel(forcing=slots.get("forcing") or data.forcing.values[0]))


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
        "attribution: GHG scaling factor with multi-model mean fingerprints",
        "scaling factor hist-aer, global mean",
        "beta of hist-nat",
        "regression coefficient of the response to aerosols in the observed temperature",
        "coefficient of greenhouse gas forcing in the three-way regression",
        "greenhouse-gas attributable trend in K per century",
        "detection and attribution of the observed warming, beta for greenhouse gases",
    ),
    slots=SLOTS,
    inputs=INPUTS,
    method=(
        "Ordinary least squares of yearly area means on the responses simulated with each forcing alone, means over "
        "the models that have all of them; a forcing is "
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
        again("it is the factor or the trend that was asked for", _asked),
        Check("the residual is orthogonal to the responses", _orthogonal),
    ),
)
