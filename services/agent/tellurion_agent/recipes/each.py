"""What a recipe for one data set answers of each of several, and how far two of them are apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import xarray as xr

from tellurion_agent.recipes.recipe import Inputs, NoAnswer, Outcome, Slots, Value
from tellurion_agent.recipes.selection import Notes
from tellurion_agent.recipes.wording import as_value, difference_units, outcome, written

Compute = Callable[[Inputs, Slots], Outcome]


def of_each(inputs: Inputs, compute: Compute, slots: Slots, notes: Notes) -> dict[str, Value]:
    """The answer of each data set by its label, in the order of the labels; why others have none is noted."""
    apart: dict[str, dict[str, xr.DataArray]] = {}
    for key, field in inputs.items():
        role, _, label = key.partition(":")
        apart.setdefault(label, {})[role] = field
    found: dict[str, Value] = {}
    for label, own in sorted(apart.items()):
        try:
            of_one = compute(own, slots)
        except NoAnswer as reason:
            notes.append(f"{label} is left out: {reason}.")
        else:
            found[label] = of_one.values[0]
            notes += of_one.notes
    return found


def compared(inputs: Inputs, compute: Compute, slots: Slots) -> Outcome:
    """The answers of at least two data sets; of two, first of all how far the first named is above the second.

    Raises NoAnswer where fewer have one.
    """
    notes: Notes = []
    found = of_each(inputs, compute, slots, notes)
    if len(found) < 2:
        raise NoAnswer(f"fewer than two data sets hold what is asked for: {' '.join(notes)}")
    said = [source.casefold() for source in slots.get("sources") or ()]
    order = sorted(found, key=lambda label: next((n for n, s in enumerate(said) if s in label.casefold()), len(said)))
    what, units = found[order[0]].label, found[order[0]].units
    values = [replace(found[label], label=f"{label}: {found[label].label}") for label in order]
    if len(order) == 2:
        first, second = (float(value.value) for value in values)
        values.insert(0, as_value(f"{' less '.join(order)}: {what}", first - second, difference_units(units)))
    numbers = [float(found[label].value) for label in order]
    each = xr.DataArray(numbers, coords={"data_set": order}, dims="data_set")
    return outcome(f"{what}, by data set", values, notes, each=written(each, what, units))


def of_two(data: xr.Dataset, slots: Slots) -> float:
    """The answer of `compared` again, from what is kept."""
    first, second = data.each.values[:2]
    return float(first - second if data.sizes["data_set"] == 2 else first)
