"""In which patterns does a field vary most?"""

from __future__ import annotations

import numpy as np

from tellurion_agent.diagnostics.eofs import eofs
from tellurion_agent.diagnostics.times import (
    ALL_MONTHS,
    Step,
    anomalies,
    monthly_climatology,
    monthly_means,
    season_means,
    step,
)
from tellurion_agent.recipes.asked import FIELD, MAP_INPUTS
from tellurion_agent.recipes.checking import FINITE, bounded
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import as_value, difference_units, name_of, outcome, subject, units_of, written
from tellurion_agent.slots import Kind, Slot

MOST = 10
LARGEST = 25_000_000
"""Values that are held in memory, a few times over; a finer field is averaged over blocks of cells first."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Shares of variance that the modes explain, with North's errors, the patterns and the components."""
    notes: Notes = []
    modes = int(slots.get("modes") or 3)
    if not 1 <= modes <= MOST:
        raise NoAnswer(f"1 to {MOST} modes are computed, not {modes}")
    field = part(inputs["field"], slots, notes, fraction=inputs.get("land_fraction"))
    months = slots["season"].months
    if set(months) == set(ALL_MONTHS) and step(field.time) is not Step.YEARLY:
        monthly = monthly_means(field)
        anomaly = anomalies(monthly, monthly_climatology(monthly).compute())
        notes.append("Modes of monthly anomalies from the calendar months' means.")
    else:
        anomaly = season_means(field, months).rename(year="time")
    area = field.area
    anomaly = masked(anomaly.assign_coords(area=area))
    if anomaly.size > LARGEST:
        block = int(np.ceil(np.sqrt(anomaly.size / LARGEST)))
        notes.append(f"The field is averaged over blocks of {block} × {block} cells first.")
        anomaly = anomaly.coarsen(lat=block, lon=block, boundary="trim").mean()
        area = area.coarsen(lat=block, lon=block, boundary="trim").sum()
    anomaly = anomaly.drop_vars("area").compute()
    if anomaly.sizes["time"] < 10:
        raise NoAnswer(f"{anomaly.sizes['time']} values in time are too few for modes; at least 10 are needed")
    found = eofs(anomaly, area, modes)
    n, units, what = anomaly.sizes["time"], difference_units(units_of(field)), subject(field, slots)
    values = []
    for k, share in enumerate(100 * found.explained.values, start=1):
        error = share * np.sqrt(2 / n)
        values.append(as_value(f"variance explained by mode {k}, {what}", share, "%", share - error, share + error))
    notes.append("Intervals are North's sampling errors; modes whose intervals overlap are not told apart.")
    notes.append("The sign is chosen so that each pattern is positive where it is largest.")
    components = found.components
    if step(field.time) is not Step.YEARLY and set(months) != set(ALL_MONTHS):
        components = components.rename(time="year")
    return outcome(
        f"Leading mode of {what}: {100 * float(found.explained[0]):.1f} % of the variance",
        values,
        notes,
        pattern=written(found.patterns, f"{name_of(field)} for one standard deviation of the component", units),
        component=written(components, "principal component", "1"),
        explained=written(100 * found.explained, "explained variance", "%"),
    )


def _orthogonal(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    c = outcome.data.component.transpose("mode", ...).values
    return bool(np.allclose(c @ c.T / c.shape[1], np.eye(c.shape[0]), atol=1e-6))


def _sum_below_all(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    shares = outcome.data.explained.values
    return bool(shares.sum() <= 100 + 1e-6 and (np.diff(shares) <= 1e-9).all())


RECIPE = Recipe(
    name="leading_modes",
    title="Empirical orthogonal functions",
    phrases=(
        "EOF analysis of tropical Pacific sea surface temperature",
        "leading mode of variability of winter sea level pressure",
        "principal component analysis of North Pacific SST",
        "first three empirical orthogonal functions of precipitation",
        "how much variance does the first EOF explain",
        "dominant patterns of variability over the Indian Ocean",
        "PCA of temperature over Europe",
        "Pacific Decadal Oscillation as leading EOF north of 20N",
    ),
    slots=(*FIELD, Slot("modes", Kind.NUMBER, "How many modes?", default=3)),
    inputs=MAP_INPUTS,
    method=(
        "Eigenvectors of the covariance of anomalies whose cells are weighed with the roots of their areas (√cos φ); "
        "components of unit variance, patterns in the field's units for one standard deviation. Cells with gaps "
        "are left out; "
        "trends are not removed."
    ),
    references=(
        "North, G. R., et al., 1982: Sampling errors in the estimation of empirical orthogonal functions. Mon. "
        "Weather Rev., 110, 699–706.",
    ),
    compute=compute,
    plot=map_of("pattern", diverging=True),
    checks=(
        FINITE,
        bounded(0.0, 100.0 + 1e-6),
        Check("components are uncorrelated and of unit variance", _orthogonal),
        Check("shares descend and do not exceed the whole", _sum_below_all),
    ),
)
