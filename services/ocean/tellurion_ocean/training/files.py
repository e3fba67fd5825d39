"""What one file of CMIP6's monthly means says of itself, and its months; every error names the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo import Curvilinear, Grid
from tellurion_geo.coordinates import Coordinates
from tellurion_geo.datasets import check_size, numbers
from tellurion_geo.fields import MAX_CELLS
from tellurion_geo.identification import DEPTH, LATITUDE, LONGITUDE, TIME, text
from tellurion_geo.units import METRES, celsius, spelling
from tellurion_ocean.training.cmip6 import named_months, span

CENTIMETRES = frozenset({"cm", "centimeter", "centimeters", "centimetre", "centimetres"})
PLAUSIBLE = (-10.0, 60.0)
"""°C; beyond lie fill values that a file does not declare, and kelvin called °C."""

Order = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Positions in a file of the parallels northward and of the meridians eastward."""


class MonthlyFile:
    """One opened file. Raises InvalidInput when it does not hold the variable of its name."""

    def __init__(self, dataset: xr.Dataset, path: Path) -> None:
        self.dataset, self.path = dataset, path
        self.variable = path.name.split("_")[0]
        if self.variable not in dataset.variables:
            received = f"variables {', '.join(map(str, dataset.variables)) or 'none'}"
            raise InvalidInput.of(path.name, received=received, accepted=self.variable)
        self._coordinates = Coordinates(dataset, self.variable, path.name, largest=MAX_CELLS)

    def time(self) -> str:
        """The dimension of time, whose months are those of the file's name."""
        name = self._coordinates.name(TIME)
        year, month, dimension = self._coordinates.time(name)
        held, named = list(zip(year, month, strict=True)), named_months(self.path)
        if held != named or dimension is None:
            received = f"{len(held)} times" + (f", {span(held)}" if held else "")
            accepted = f"the {len(named)} months {span(named)} of the file's name, in order"
            raise InvalidInput.of(self._coordinates.path(name), received=received, accepted=accepted)
        return dimension

    def depth(self) -> tuple[str, NDArray[np.float64]]:
        """The dimension of depth, and its levels [K] in the file's order, metres, positive down."""
        name = self._coordinates.name(DEPTH)
        attrs, field = self.dataset[name].attrs, self._coordinates.path(name)
        kind, units = text(attrs, "standard_name"), spelling(attrs.get("units", ""))
        if kind not in ("", "depth") or units not in METRES | CENTIMETRES:
            received = f"{kind or 'no standard_name'}, units {units or 'none'}"
            accepted = "depth in m or cm; runs on other levels are often published on depths too, as `gr`"
            raise InvalidInput.of(field, received=received, accepted=accepted)
        values, dimension = self._coordinates.depth(name, unit=0.01 if units in CENTIMETRES else 1.0)
        steps = np.diff(values)
        if dimension is None or not steps.size or not (np.all(steps > 0) or np.all(steps < 0)):
            raise InvalidInput.of(field, received=f"{values.size} levels", accepted="two or more, in order of depth")
        return dimension, values

    def horizontal(self) -> tuple[tuple[str, str], Grid | Curvilinear, Order | None]:
        """The two dimensions, the cells, and the order in which the file has them; None when curvilinear."""
        lat, lon, dimensions = self._coordinates.horizontal()
        if lat.ndim == 2:
            return dimensions, Curvilinear(lat, lon, self._corners()), None
        # A file may repeat the first meridian a turn later.
        order = np.unique(lat, return_index=True)[1], np.unique(lon, return_index=True)[1]
        if min(map(len, order)) < 2:
            field, received = self._coordinates.path(self.variable), f"{len(order[0])} × {len(order[1])} columns"
            raise InvalidInput.of(field, received=received, accepted="two or more parallels and meridians")
        return dimensions, Grid(np.zeros(1), lat[order[0]], lon[order[1]]), order

    def _corners(self) -> NDArray[np.float64] | None:
        """[Y, X, 4, 2] degrees north and east of a curvilinear grid's corners; None without bounds."""
        lat, lon = (self.dataset[self._coordinates.name(coordinate)] for coordinate in (LATITUDE, LONGITUDE))
        names = text(lat.attrs, "bounds"), text(lon.attrs, "bounds")
        if not set(names) <= set(map(str, self.dataset.variables)):
            return None
        accepted = (*lat.shape, 4)
        for name in names:
            if (found := self.dataset[name].shape) != accepted:
                path = self._coordinates.path(name)
                raise InvalidInput.of(path, received=f"shape {found}", accepted=f"shape {accepted}")
        return np.stack([self._coordinates.numbers(name) for name in names], axis=-1)

    def check_dimensions(self, accepted: tuple[str, ...]) -> None:
        """Refuse a variable on other dimensions than those of its coordinates."""
        found = [str(d) for d in self.dataset[self.variable].dims]
        if sorted(found) != sorted(accepted):
            field, received = self._coordinates.path(self.variable), f"dimensions ({', '.join(found)})"
            raise InvalidInput.of(field, received=received, accepted=f"({', '.join(accepted)})")

    def temperature(self, dimensions: tuple[str, ...], nth: int, levels: slice) -> NDArray[np.float64]:
        """[levels, Y, X] °C of the nth month, land NaN, in the file's order along `dimensions`: time, depth, …."""
        field = self._coordinates.path(self.variable)
        part = self.dataset[self.variable].isel({dimensions[0]: nth, dimensions[1]: levels})
        check_size(part, MAX_CELLS, field)
        values = celsius(numbers(part, field), part.attrs.get("units"), field)
        low, high = PLAUSIBLE
        wrong = ~((values >= low) & (values <= high) | np.isnan(values))
        if wrong.any() or np.isnan(values).all():
            year, month = named_months(self.path)[nth]
            received = f"{values[wrong][0]:g} °C in {year}-{month:02}" if wrong.any() else "no value at all"
            raise InvalidInput.of(field, received=received, accepted=f"{low:g}…{high:g} °C, land as `_FillValue`")
        return xr.Variable(part.dims, values).transpose(*dimensions[1:]).values
