"""Statements about outcomes that several recipes make of themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from tellurion_agent.recipes.recipe import Check, Inputs, Outcome, Slots


def _finite(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    return all(isinstance(v.value, str) or bool(np.isfinite(v.value)) for v in outcome.values)


def _bracketed(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
    intervals = [(v.low, v.value, v.high) for v in outcome.values if v.low is not None and v.high is not None]
    return all(low - 1e-9 * abs(low) <= value <= high + 1e-9 * abs(high) for low, value, high in intervals)


def labelled(outcome: Outcome, beginning: str) -> float:
    """The first of an outcome's numbers whose label begins so."""
    return float(next(v.value for v in outcome.values if v.label.startswith(beginning)))


FINITE = Check("every number is finite", _finite)
BRACKETED = Check("every number lies within its interval", _bracketed)


def among(name: str, *, which: int = 0, label: str = "") -> Check:
    """That a number, by its place or its label, lies between the smallest and the largest value of an array."""

    def holds(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
        value = labelled(outcome, label) if label else float(outcome.values[which].value)
        values = outcome.data[name].values
        slack = 1e-6 * max(abs(float(np.nanmin(values))), abs(float(np.nanmax(values))), 1e-12)
        return bool(np.nanmin(values) - slack <= value <= np.nanmax(values) + slack)

    return Check(f"the answer lies within the range of the {name.replace('_', ' ')}", holds)


def bounded(low: float, high: float, *, which: int = 0) -> Check:
    """That a number is physically possible."""

    def holds(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
        value = outcome.values[which].value
        return isinstance(value, str) or low <= value <= high

    return Check(f"the answer lies within {low:g} and {high:g}", holds)


def again(states: str, of: Callable[[xr.Dataset, Slots], float | str], *, tolerance: float = 1e-6) -> Check:
    """That the answer comes out again from what is kept, another way."""

    def holds(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
        value, other = outcome.values[0].value, of(outcome.data, slots)
        if isinstance(value, str) or isinstance(other, str):
            return value == other
        return bool(np.isclose(value, other, rtol=tolerance, atol=1e-9))

    return Check(states, holds)


def percent_of(change: str, usual: str) -> Check:
    """That a value in percent, where there is one, is the ratio of the two whose labels begin so."""

    def holds(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
        relative = [float(v.value) for v in outcome.values if v.units == "%" and v.label.startswith("the same")]
        return not relative or bool(
            np.isclose(relative[0] * labelled(outcome, usual), 100 * labelled(outcome, change), rtol=1e-6, atol=1e-9)
        )

    return Check("the percentage is the ratio of the two", holds)


def slope_of(name: str, per: float = 10.0, *, label: str = "") -> Check:
    """That the answer, or the value so labelled, is an array's slope over years, by its normal equations again."""

    def holds(outcome: Outcome, inputs: Inputs, slots: Slots) -> bool:
        array = outcome.data[name].dropna("year")
        x = array.year.values - array.year.values.mean()
        again = per * float((x * array.values).sum() / (x**2).sum())
        value = labelled(outcome, label) if label else float(outcome.values[0].value)
        return bool(np.isclose(again, value, rtol=1e-6, atol=1e-9 * float(np.abs(array).max())))

    return Check("the normal equations give the same slope", holds)
