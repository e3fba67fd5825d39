"""Is there a trend that outliers and odd distributions do not make?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.times import season_means
from tellurion_agent.diagnostics.trends import AUTOCORRELATED, theil_sen
from tellurion_agent.recipes.asked import FIELD, SERIES_INPUTS, quantity
from tellurion_agent.recipes.checking import BRACKETED, FINITE, labelled
from tellurion_agent.recipes.figures import lines
from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, mean_series
from tellurion_agent.recipes.wording import as_value, asked_first, difference_units, outcome, subject, units_of, written

QUANTITIES = ("slope", "p-value", "Kendall's tau")


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Theil–Sen's slope per decade, Mann–Kendall's probability, plain and for autocorrelated values."""
    notes: Notes = []
    series = mean_series(inputs, "field", slots, notes)
    yearly = season_means(series, slots["season"].months)
    x = yearly.year.values.astype(float)
    trend = theil_sen(x, yearly.values)
    if trend.r1 > AUTOCORRELATED:
        notes.append(
            f"The residuals are autocorrelated (lag 1: {trend.r1:.2f}): the plain test and Sen's interval are "
            f"too sure; the "
            "test after Hamed and Rao is the one to trust."
        )
    units, what = difference_units(units_of(series)), subject(yearly.assign_attrs(series.attrs), slots)
    fit = yearly.copy(data=trend.intercept + trend.slope * x)
    p = trend.p_adjusted if trend.r1 > AUTOCORRELATED else trend.p
    verdict = ("no significant", "significant")[p < 0.05] + (" increase" if trend.slope > 0 else " decrease")
    per_decade = f"{units} decade-1"
    slope = as_value(f"Theil–Sen trend of {what}", 10 * trend.slope, per_decade, 10 * trend.low, 10 * trend.high)
    values = {
        QUANTITIES[0]: [slope],
        QUANTITIES[1]: [
            as_value("probability by chance, Mann–Kendall", trend.p, "1"),
            as_value("probability by chance, Mann–Kendall after Hamed and Rao", trend.p_adjusted, "1"),
        ],
        QUANTITIES[2]: [as_value("Kendall's tau", trend.tau, "1")],
        "verdict": [as_value("verdict at the 5 % level", verdict, "1")],
    }
    return outcome(
        f"Theil–Sen trend of {what}",
        asked_first(values, slots.get("quantity") or QUANTITIES[0]),
        notes,
        series=written(yearly, f"yearly mean of {what}", units_of(series)),
        trend=written(fit, "Theil–Sen line", units_of(series)),
    )


def _half_above(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    y = outcome.data.series.dropna("year")
    slopes = [
        (b - a) / (v - u)
        for i, (u, a) in enumerate(zip(y.year.values, y.values, strict=True))
        for v, b in zip(y.year.values[i + 1 :], y.values[i + 1 :], strict=True)
    ]
    slope = labelled(outcome, "Theil–Sen trend") / 10
    slack = 1e-9 * max(abs(float(np.max(slopes))), abs(float(np.min(slopes))), 1e-12)
    return 2 * sum(s < slope - slack for s in slopes) <= len(slopes) >= 2 * sum(s > slope + slack for s in slopes)


def _possible(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return all(0 <= float(v.value) <= 1 for v in outcome.values if v.label.startswith("probability"))


def _counted(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    y = outcome.data.series.dropna("year").values
    concordant = np.sign(y[None, :] - y[:, None])[np.triu_indices(y.size, 1)].mean()
    return bool(np.isclose(labelled(outcome, "Kendall's tau"), concordant, atol=1e-6))


RECIPE = Recipe(
    name="robust_trend",
    title="Theil–Sen trend and Mann–Kendall test",
    phrases=(
        "Theil-Sen slope of annual precipitation over Spain",
        "Mann-Kendall test for a trend in temperature",
        "robust trend of rainfall in the Amazon",
        "non-parametric trend estimate of sea surface temperature",
        "Sen's slope of sea ice concentration in the Barents Sea",
        "is there a monotonic trend in summer rainfall according to Mann-Kendall",
        "median-based trend that is insensitive to outliers",
        "Kendall tau trend test with autocorrelation correction",
        "robust trend estimate (Theil-Sen) of near-surface temperature in K per decade",
        "Mann-Kendall p value of annual mean temperature",
        "which p-value does the Mann-Kendall test give, significance of the trend",
        "median of slopes, as least squares is not to be trusted because of outliers",
    ),
    slots=(*FIELD, quantity("The slope, the probability by chance, or Kendall's tau?", QUANTITIES)),
    inputs=SERIES_INPUTS,
    method=(
        "Median of the slopes between all pairs of yearly values (Theil, Sen) with Sen's 95 % interval; "
        "Mann–Kendall's test, "
        "plain and with the variance that Hamed and Rao give for autocorrelated values."
    ),
    references=(
        "Sen, P. K., 1968: Estimates of the regression coefficient based on Kendall's tau. J. Am. Stat. Assoc., "
        "63, 1379–1389.",
        "Hamed, K. H., and A. R. Rao, 1998: A modified Mann–Kendall trend test. J. Hydrol., 204, 182–196.",
    ),
    compute=compute,
    plot=lines("series", "trend"),
    checks=(
        FINITE,
        BRACKETED,
        Check("half of the pairs of years have smaller slopes, half larger", _half_above),
        Check("probabilities are between 0 and 1", _possible),
        Check("tau is the share of rising pairs less that of falling ones", _counted),
    ),
)
