"""How good is an ensemble against what was observed?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.ensembles import crps, spread_error_ratio
from tellurion_agent.diagnostics.samples import correlation
from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.recipes.asked import LEVEL, PERIOD, REGION, SEASON, SOURCE, VARIABLE, of
from tellurion_agent.recipes.checking import FINITE, bounded
from tellurion_agent.recipes.ensemble_spread import members
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Input, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, averaged, part
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, subject, units_of, written


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Fair CRPS, its skill over the observed climate, correlation, and the ratio of spread to error."""
    notes: Notes = []
    each = members(inputs, slots, notes)
    observed = season_means(averaged(part(inputs["observed"], slots, notes), notes), slots["season"].months).dropna(
        "year"
    )
    common = np.intersect1d(each.dropna("year").year, observed.year)
    if common.size < 5:
        raise NoAnswer(f"ensemble and observations have {common.size} years in common; at least 5 are needed")
    x, y = each.sel(year=common), observed.sel(year=common)
    score = crps(x.values, y.values)
    # The climate of all other years is the reference forecast for each.
    others = np.stack([np.delete(y.values, i) for i in range(common.size)], axis=1)
    reference = crps(others, y.values).mean()
    units, what = difference_units(units_of(y)), subject(y.assign_attrs(each.attrs), slots)
    values = [as_value(f"continuous ranked probability score, {what}", score.mean(), units)]
    if reference > 0:
        values.append(as_value("its skill over climatology", 1 - score.mean() / reference, "1"))
    if float(x.mean("member").std()) > 0 and float(y.std()) > 0:
        r, low, high, _ = correlation(x.mean("member").values, y.values)
        values.append(as_value("correlation of the ensemble mean", r, "1", low, high))
    values.append(as_value("ratio of spread to error", spread_error_ratio(x.values, y.values), "1"))
    return outcome(
        f"Ensemble and observations: {what}",
        values,
        notes,
        mean=written(x.mean("member"), "ensemble mean", units_of(each)),
        observed=written(y, "observed", units_of(each)),
        score=written(y.copy(data=score), "continuous ranked probability score", units),
    )


def _averaged(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return bool(np.isclose(float(outcome.data.score.mean()), float(outcome.values[0].value)))


RECIPE = Recipe(
    name="ensemble_skill",
    title="Skill of an ensemble",
    phrases=(
        "How skilful is the seasonal forecast ensemble?",
        "CRPS of the ensemble against observations",
        "continuous ranked probability score for temperature over Europe",
        "is the ensemble reliable; compare spread and error",
        "verify the hindcasts against ERA5",
        "forecast skill relative to climatology of Niño 3.4",
        "correlation skill of the ensemble mean with observations",
        "spread-error ratio of the decadal prediction ensemble",
    ),
    slots=(
        VARIABLE,
        REGION,
        LEVEL,
        PERIOD,
        SEASON,
        of("fields", SOURCE, "Which ensemble?"),
        of("observed", SOURCE, "Against which observations?", required=True),
    ),
    inputs=(Input("fields", (), needs=("time",), many=True), Input("observed", (), needs=("time",))),
    method=(
        "Fair continuous ranked probability score of the yearly or seasonal area means; its skill is over an "
        "ensemble of all "
        "other observed years; spread over error with the factor (M + 1)/M."
    ),
    references=(
        "Ferro, C. A. T., 2014: Fair scores for ensemble forecasts. Q. J. R. Meteorol. Soc., 140, 1917–1923.",
        "Fortin, V., et al., 2014: Why should ensemble spread match the RMSE? J. Hydrometeorol., 15, 1708–1713.",
    ),
    compute=compute,
    plot=lines("mean", "observed"),
    checks=(FINITE, Check("the score is the mean of the years' scores", _averaged), bounded(0.0, np.inf, which=-1)),
)
