"""What a recipe is, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from tellurion_agent.slots import Slot

Inputs = Mapping[str, xr.DataArray]
"""By role. Each in canonical form: dimensions `time`, `level`, `lat`, `lon` of those it has, latitudes and longitudes
(0…360) ascending, levels in m downwards or in hPa, units of its standard name (see `catalogue`), dask arrays.
Where an input takes many data sets, each is under ``role:label``; the label is its source, and what else tells it apart
from the others, and the same in every role."""
Slots = Mapping[str, Any]
"""By the name of the slot; values of `tellurion_agent.slots`, numbers and strings; None where there is no default."""


@dataclass(frozen=True)
class Value:
    """One number of an answer."""

    label: str
    """``linear trend of area-mean sea surface temperature, 1990–2019``."""
    value: float | str
    units: str
    low: float | None = None
    """Lower end of the uncertainty, 95 % unless the method says otherwise."""
    high: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a recipe computes."""

    values: tuple[Value, ...]
    """The answer itself first."""
    data: xr.Dataset
    """What is plotted and kept as NetCDF, with units and long names."""
    notes: tuple[str, ...] = ()
    """What a careful reader should know: missing values, autocorrelation, a short record."""


class NoAnswer(Exception):  # an answer of its own kind, not an error
    """The data do not hold what the question asks for; the reason is what the user is told."""


@dataclass(frozen=True)
class Input:
    """A field that a recipe reads.

    The slots `variable`, `source` and `experiment` hold for every input that does not say it itself, unless there is a
    slot for this role alone: ``first_variable``, ``first_source``.
    """

    role: str
    variables: tuple[str, ...]
    """Standard names, any of which will do; empty where the slot `variable` says it."""
    needs: tuple[str, ...] = ()
    """Dimensions that it must have."""
    experiment: str = ""
    """Experiment of CMIP that it must be of: ``abrupt-4xCO2``."""
    optional: bool = False
    anomalies: bool = False
    """Departures of the variable from a base that nobody knows will do, where there is nothing else."""
    many: bool = False
    """Every data set that fits, each under ``role:label``."""


@dataclass(frozen=True)
class Check:
    """A statement about an outcome that must hold."""

    states: str
    holds: Callable[[Outcome, Inputs, Slots], bool]


@dataclass(frozen=True, eq=False)
class Recipe:
    """One known way to answer one kind of question."""

    name: str
    title: str
    phrases: tuple[str, ...]
    """How it may be asked for; what retrieval compares a request with."""
    slots: tuple[Slot, ...]
    inputs: tuple[Input, ...]
    method: str
    """What is computed, in the words of a methods section."""
    references: tuple[str, ...]
    compute: Callable[[Inputs, Slots], Outcome]
    """Raises NoAnswer."""
    plot: Callable[[Figure, Outcome, Slots], None]
    akin: str = ""
    """The recipe that gives the same number first, where both can answer: it need not be asked which is meant."""
    checks: tuple[Check, ...] = field(default=())
