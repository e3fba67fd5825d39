"""Levels in canonical form: metres downwards, or hPa, ascending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from cf_units import Unit
from numpy.typing import NDArray

from tellurion_agent.catalogue.units import unit
from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import check_size, numbers
from tellurion_geo.identification import text

MOST_LEVELS = 10_000
ACCEPTED = "depths or heights in a unit of length, or pressures"
ATMOSPHERIC = frozenset({"height", "altitude", "geopotential_height"})


@dataclass(frozen=True, eq=False)
class Levels:
    """Of one variable, in the file's order."""

    values: NDArray[np.float64]
    """[Z], finite and all different."""
    units: str
    """``m`` or ``hPa``."""
    positive: str
    """``down`` for depths and pressures, ``up`` for heights in the atmosphere."""

    @property
    def order(self) -> NDArray[np.intp]:
        """Indices that put them in ascending order."""
        return np.argsort(self.values)


def levels(dataset: xr.Dataset, name: str, path: str) -> Levels:
    """The levels of a vertical coordinate.

    Raises InvalidInput for `path` when they are levels of a model's own, have no known units, or repeat.
    """
    attrs = dataset[name].attrs
    check_size(dataset[name], MOST_LEVELS, path)
    standard, positive = text(attrs, "standard_name"), text(attrs, "positive").casefold()
    depth = standard == "depth" or name.casefold().startswith("depth")
    written = text(attrs, "units") or ("m" if depth else "")
    known = unit(written)
    if known is None or "formula_terms" in attrs or standard.startswith(("atmosphere_", "ocean_")):
        received = standard or f"{name} in {written or 'no units'}"
        raise InvalidInput.of(path, received=received, accepted=ACCEPTED)
    values = np.atleast_1d(numbers(dataset[name], path))
    if not np.isfinite(values).all() or np.unique(values).size != values.size:
        raise InvalidInput.of(path, received="missing or repeated levels", accepted="levels that all differ")
    if known.is_convertible(Unit("hPa")) and known != Unit("dbar"):
        return Levels(known.convert(values, Unit("hPa")), "hPa", "down")
    if not known.is_convertible(Unit("m")):
        raise InvalidInput.of(path, received=f"{name} in {written}", accepted=ACCEPTED)
    values = known.convert(values, Unit("m"))
    upward = positive == "up" or (standard in ATMOSPHERIC and positive != "down")
    if upward and not depth and (values > 0).any():
        return Levels(values, "m", "up")
    one_sided = (values >= 0).all() or (values <= 0).all()
    return Levels(np.abs(values) if one_sided else (-values if positive == "up" else values), "m", "down")
