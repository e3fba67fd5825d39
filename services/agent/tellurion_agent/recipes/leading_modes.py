"""In which patterns does a field vary most?"""

from __future__ import annotations

import numpy as np
import xarray as xr

from tellurion_agent.diagnostics.eofs import eofs
from tellurion_agent.diagnostics.land import over_ocean
from tellurion_agent.diagnostics.times import (
    ALL_MONTHS,
    Step,
    anomalies,
    monthly_climatology,
    monthly_means,
    season_means,
    step,
)
from tellurion_agent.recipes.asked import FIELD, MAP_INPUTS, quantity
from tellurion_agent.recipes.checking import FINITE, again, bounded
from tellurion_agent.recipes.figures import map_of
from tellurion_agent.recipes.recipe import Check, Inputs, NoAnswer, Outcome, Recipe, Slots
from tellurion_agent.recipes.selection import Notes, masked, part
from tellurion_agent.recipes.wording import (
    as_value,
    asked_first,
    difference_units,
    name_of,
    outcome,
    subject,
    units_of,
    written,
)
from tellurion_agent.regions import named
from tellurion_agent.slots import Kind, Region, Slot

MOST = 10
DEFAULT = 3
QUANTITIES = ("of each", "together")
SECTOR = Region("Atlantic sector", 20, 80, 270, 400)
"""Whose modes are meant where it is said that the pressure is of the North Atlantic (Hurrell et al. 2003)."""
LARGEST = 25_000_000
"""Values that are held in memory, a few times over; a finer field is averaged over blocks of cells first."""


def compute(inputs: Inputs, slots: Slots) -> Outcome:
    """Shares of variance that the modes explain, with North's errors, the patterns and the components."""
    notes: Notes = []
    asked, nth = slots.get("quantity") or QUANTITIES[0], int(slots.get("which") or 0)
    modes = max(int(slots.get("modes") or DEFAULT), nth)
    if not 1 <= modes <= MOST:
        raise NoAnswer(f"1 to {MOST} modes are computed, not {modes}")
    region = slots.get("region")
    if region == named("North Atlantic") and not over_ocean(str(inputs["field"].attrs.get("standard_name", ""))):
        slots = {**slots, "region": SECTOR}
        notes.append("The North Atlantic is taken for the Atlantic sector, 20–80°N, 90°W–40°E, land and ocean.")
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
    values = {}
    for k, share in enumerate(100 * found.explained.values, start=1):
        error = share * np.sqrt(2 / n)
        label = f"variance explained by mode {k}, {what}"
        values[str(k)] = [as_value(label, share, "%", share - error, share + error)]
    if nth > len(values):
        raise NoAnswer(f"there are {len(values)} modes, and so no mode {nth}")
    together = 100 * float(found.explained.sum())
    values[QUANTITIES[1]] = [as_value(f"variance explained by modes 1–{found.explained.size} together", together, "%")]
    notes.append("Intervals are North's sampling errors; modes whose intervals overlap are not told apart.")
    notes.append("The sign is chosen so that each pattern is positive where it is largest.")
    components = found.components
    if step(field.time) is not Step.YEARLY and set(months) != set(ALL_MONTHS):
        components = components.rename(time="year")
    return outcome(
        f"Leading mode of {what}: {100 * float(found.explained[0]):.1f} % of the variance",
        asked_first(values, asked if asked == QUANTITIES[1] else str(nth or 1)),
        notes,
        pattern=written(found.patterns, f"{name_of(field)} for one standard deviation of the component", units),
        component=written(components, "principal component", "1"),
        explained=written(100 * found.explained, "explained variance", "%"),
    )


def _from_shares(data: xr.Dataset, slots: Slots) -> float:
    if slots.get("quantity") == QUANTITIES[1]:
        return float(data.explained.sum())
    return float(data.explained.values[int(slots.get("which") or 1) - 1])


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
        "explained variance of the 3rd EOF of monthly anomalies",
        "percentage of variance of the leading mode, cos-lat weighted EOF analysis of the deseasonalised field",
        "cumulative explained variance EOF1+EOF2",
        "variance fraction of PC3",
        "how much of the variability is captured by the second empirical orthogonal function",
    ),
    slots=(
        *FIELD,
        Slot("modes", Kind.NUMBER, "How many modes?", default=DEFAULT),
        Slot("which", Kind.NUMBER, "Which of the modes?"),
        quantity("What each mode explains, or all of them together?", QUANTITIES),
    ),
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
        "Hurrell, J. W., et al., 2003: An overview of the North Atlantic Oscillation. Geophys. Monogr., 134, 1–35.",
    ),
    compute=compute,
    plot=map_of("pattern", diverging=True),
    checks=(
        FINITE,
        bounded(0.0, 100.0 + 1e-6),
        again("the share is that of the modes asked for", _from_shares),
        Check("components are uncorrelated and of unit variance", _orthogonal),
        Check("shares descend and do not exceed the whole", _sum_below_all),
    ),
)
