"""What does an observation say of a projection, through the spread of models?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.constraint import ACCEPTED, Constraint, constrain
from tellurion_agent.diagnostics.samples import mean_interval
from tellurion_agent.diagnostics.times import monthly_climatology, monthly_means, season_means
from tellurion_agent.diagnostics.trends import least_squares
from tellurion_agent.recipes.asked import (
    BASE,
    EXPERIMENT,
    LEVEL,
    PERIOD,
    REGION,
    SEASON,
    SOURCE,
    TEMPERATURE,
    VARIABLE,
    of,
)
from tellurion_agent.recipes.bases import in_years
from tellurion_agent.recipes.checking import BRACKETED, FINITE
from tellurion_agent.recipes.figures import scatter
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots, Value
from tellurion_agent.recipes.selection import Notes, averaged, part, several
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, units_of, written
from tellurion_agent.slots import Kind, Period, Slot

ANSWERS = ("constrained value", "correlation over models")
STATISTICS = ("change", "trend")
"""Of what is projected."""
FACTORS = ("mean", "trend", "variability", "seasonal range")
FEWEST = 5
"""Models that a relation between them needs."""


def factors(series: xr.DataArray, months: tuple[int, ...]) -> dict[str, float]:
    """Properties of an area mean [time] that an observation can have: those that it allows."""
    yearly = season_means(series, months).dropna("year")
    x, y = yearly.year.values.astype(float), yearly.values
    found = {"mean": float(y.mean())}
    if y.size >= 10:
        trend = least_squares(x, y)
        found["trend"] = 10 * trend.slope
        found["variability"] = float(np.std(y - trend.intercept - trend.slope * x, ddof=2))
    try:
        cycle = monthly_climatology(monthly_means(series))
        found["seasonal range"] = float(cycle.max() - cycle.min())
    except NoAnswer:
        pass  # of yearly means: it is not among the candidates
    return found


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """The constrained projection with its interval for the strongest relation, or that none is found; correlations."""
    notes: Notes = []
    months = slots["season"].months
    past = {
        m: factors(averaged(_chosen(f, slots, "factor", notes), notes), months)
        for m, f in several(inputs, "past", FEWEST).items()
    }
    changes = {
        m: _change(f, inputs, m, slots, notes) for m, f in several(inputs, "future", FEWEST).items() if m in past
    }
    changes = {m: change for m, change in changes.items() if change is not None}
    if without := sorted(set(past) ^ set(changes)):
        notes.append(f"Left out, as one of the two runs is missing: {', '.join(without)}.")
    if len(changes) < FEWEST:
        raise NoAnswer(f"{len(changes)} models have both runs; a relation between models needs {FEWEST}")
    answer = slots.get("answer") or ANSWERS[0]
    if "observed" not in inputs and answer == ANSWERS[0]:
        raise NoAnswer("a constraint needs an observation of the factor")
    observed_series = (
        averaged(_chosen(inputs["observed"], slots, "factor", notes), notes) if "observed" in inputs else None
    )
    observed = factors(observed_series, months) if observed_series is not None else {}
    asked = slots.get("base_statistic")
    candidates = [asked] if asked in FACTORS else [f for f in FACTORS if all(f in past[m] for m in changes)]
    y = np.array(list(changes.values()))
    found: dict[str, tuple[np.ndarray, Constraint]] = {}
    for factor in candidates:
        if (observed and factor not in observed) or any(factor not in past[m] for m in changes):
            raise NoAnswer(f"the {factor} cannot be had from these data")
        x = np.array([past[m][factor] for m in changes])
        error = 0.0
        if factor == "mean" and observed_series is not None:
            _, low, high = mean_interval(season_means(observed_series, months).values)
            error = (high - low) / 3.92 if np.isfinite(high - low) else 0.0
        found[factor] = x, constrain(x, y, observed.get(factor, float(x.mean())), error)
    best = max(found, key=lambda f: abs(found[f][1].r))
    x, relation = found[best]
    statistic = slots.get("statistic") or STATISTICS[0]
    model_units = units_of(next(iter(several(inputs, "future").values())))
    units = difference_units(model_units) + (" decade-1" if statistic == STATISTICS[1] else "")
    if len(found) > 1:
        notes.append(f"The strongest of {len(found)} candidate factors is chosen: its p is too small for that.")
    notes.append("Intervals are of 66 %; models that share code are not independent.")
    half = y.std(ddof=1) * 0.954
    values: list[Value] = []
    if observed and relation.accepted:
        label = f"constrained {statistic}, by the {best} of the past"
        values.append(as_value(label, relation.constrained, units, relation.low, relation.high))
    elif observed:
        label = f"constrained {statistic}: no factor has |r| > {ACCEPTED:g} over {y.size} models"
        values.append(as_value(label, "none found", "1"))
    correlations = [
        as_value(f"correlation over {y.size} models with the {factor} of the past", c.r, "1")
        for factor, (_, c) in sorted(found.items(), key=lambda each: each[0] != best)
    ]
    values = [*correlations, *values] if answer == ANSWERS[1] else [*values, *correlations]
    label = f"unconstrained mean {statistic} of {y.size} models"
    values.append(as_value(label, y.mean(), units, y.mean() - half, y.mean() + half))
    factor_units = _factor_units(best, model_units)
    if observed:
        values.append(as_value(f"observed {best}", observed[best], factor_units))
    slope, intercept = np.polyfit(x, y, 1) if np.ptp(x) > 0 else (0.0, y.mean())
    along = {"model": list(changes)}
    arrays = {
        "factor": (x, f"{best} of the past", factor_units),
        "change": (y, f"projected {statistic}", units),
    }
    arrays["fit"] = (intercept + slope * x, "fit", units)
    return outcome(
        f"Emergent constraint by the {best}: "
        f"{'r = ' if relation.accepted else 'none found, largest r = '}{relation.r:.2f}",
        values,
        notes,
        **{
            name: written(xr.DataArray(v, coords=along, dims="model"), text, u) for name, (v, text, u) in arrays.items()
        },
    )


def _chosen(field: xr.DataArray, slots: Slots, role: str, notes: Notes) -> xr.DataArray:
    region = slots.get("region")
    return part(
        field,
        {"region": region, "level": slots.get("level"), "period": slots.get("base") if role == "factor" else None},
        notes,
    )


def _change(future: xr.DataArray, inputs: Inputs, model: str, slots: Slots, notes: Notes) -> float | None:
    """Trend of the period, or its mean less that of the base from the model's past run of the projected variable."""
    months = slots["season"].months
    yearly = season_means(averaged(_chosen(future, slots, "change", notes), notes), months)
    period = slots.get("period") or Period(int(yearly.year[-1]) - 19, int(yearly.year[-1]))
    if slots.get("statistic") == STATISTICS[1]:
        inside = in_years(yearly, period).dropna("year")
        return 10 * least_squares(inside.year.values.astype(float), inside.values).slope if inside.size > 9 else None
    before = inputs.get(f"before:{model}")
    earlier = (
        yearly if before is None else season_means(averaged(_chosen(before, slots, "change", notes), notes), months)
    )
    base = slots.get("base") or Period(int(earlier.year[-1]) - 19, int(earlier.year[-1]))
    values = in_years(yearly, period).dropna("year"), in_years(earlier, base).dropna("year")
    if (before is None and slots.get("base") is None) or any(not v.size for v in values):
        return None
    return float(values[0].mean() - values[1].mean())


def _factor_units(factor: str, units: str) -> str:
    return {"mean": units, "trend": f"{difference_units(units)} decade-1"}.get(factor, difference_units(units))


def _strong_or_none(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    r = float(np.corrcoef(outcome.data.factor.values, outcome.data.change.values)[0, 1])
    value = outcome.values[0].value
    if slots.get("answer") == ANSWERS[1]:
        return not isinstance(value, str) and bool(np.isclose(value, r))
    if isinstance(value, str) or abs(r) <= ACCEPTED:
        return isinstance(value, str) and abs(r) <= ACCEPTED
    x, fit = outcome.data.factor.values, outcome.data.fit.values
    slope = (fit.max() - fit.min()) / (x.max() - x.min()) * np.sign(r)
    again = fit.mean() + slope * (float(outcome.values[-1].value) - x.mean())
    return bool(np.isclose(again, value))


RECIPE = Recipe(
    name="emergent_constraint",
    title="Emergent constraint",
    phrases=(
        "Emergent constraint on future warming",
        "constrain the projected temperature change with observations",
        "find a factor in the present climate that predicts the models' future change",
        "observationally constrained projection of Arctic warming",
        "is there an emergent relationship between past trend and future warming across models",
        "reduce the spread of projections using the observed variability",
        "constrained projection of precipitation from candidate factors with r above 0.7",
        "relation between seasonal cycle and climate change across the ensemble",
        "correlation across models between the trend of 1980-2014 and the ssp245 trend of 2015-2050",
        "inter-model correlation of the historical (1979-2008) trend with the SSP3-7.0 trend of 2020-2060",
        "does the models' mean temperature of 1981-2010 constrain their ssp585 trend of 2030-2060",
        "how well do historical and projected trends correlate across models",
        "emergent constraint: r between the trend 1990-2014 and the ssp126 trend 2015-2045",
        "constrain the 2020-2050 trend in ssp245 with the observed trend of 1985-2014, best estimate per decade",
        "observationally constrained future trend",
        "do models that warmed faster in 1970-2014 also warm faster in ssp370, 2015-2050",
        "narrow down the projected warming with what was observed",
    ),
    slots=(
        Slot(VARIABLE.name, VARIABLE.kind, VARIABLE.question, default=TEMPERATURE[0]),
        REGION,
        LEVEL,
        PERIOD,
        BASE,
        SEASON,
        of("past", VARIABLE, "Of which variable is the factor?", required=False),
        Slot("base_statistic", Kind.CHOICE, "Which property of the past?", choices=FACTORS),
        Slot("statistic", Kind.CHOICE, "The projected change or trend?", default=STATISTICS[0], choices=STATISTICS),
        Slot("answer", Kind.CHOICE, "The constrained value or the correlation?", default=ANSWERS[0], choices=ANSWERS),
        of("future", EXPERIMENT, "Which scenario?", required=True),
        replace(of("observed", SOURCE, "Which observations?"), default="observations"),
    ),
    inputs=(
        Input("past", (), needs=("time",), experiment="historical", many=True),
        Input("before", (), needs=("time",), experiment="historical", many=True),
        Input("future", (), needs=("time",), many=True),
        Input("observed", (), needs=("time",), optional=True),
    ),
    method=(
        "Over models, the change of the area mean between base and period, or its trend in the period, is regressed on "
        "properties of the past "
        "(mean, "
        "trend, variability about it, seasonal range); the strongest is accepted if |r| > 0.7, else none is found. The "
        "constrained change is the regression's at the observation, its 66 % interval the prediction's."
    ),
    references=(
        "Cox, P. M., et al., 2013: Sensitivity of tropical carbon to climate change constrained by carbon "
        "dioxide variability. Nature, 494, 341–344.",
        "Hall, A., et al., 2019: Progressing emergent constraints on future climate change. Nat. Clim. Change, "
        "9, 269–278.",
    ),
    compute=compute,
    plot=scatter("factor", "change", "fit"),
    checks=(
        FINITE,
        BRACKETED,
        Check("a constraint is given exactly where |r| > 0.7, and lies on the line", _strong_or_none),
    ),
)
