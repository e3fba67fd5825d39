"""The months of CMIP6 runs brought to one grid, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from operator import index
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo import Curvilinear, Grid, Regridding, regridding, suited_method
from tellurion_geo.datasets import opened
from tellurion_ocean.training.cmip6 import LAYOUT, Run, moments
from tellurion_ocean.training.files import MonthlyFile, Order
from tellurion_ocean.training.vertical import Columns


class Corpus(Sequence[tuple[NDArray[np.float32], int]]):
    """The months of many runs on one grid, each read from its file when it is asked for.

    `corpus[i]` is a field [Z, Y, X] in °C, NaN on land, and its month 1…12. How many there are is told by the names of
    the files. Reading one takes the memory of one month on the model's own grid, of the levels that matter, in float64
    a few times over; what is kept is one sparse matrix for each grid that the models use.

    Depth first: linear between the levels of the model's own columns, nothing below a column's deepest wet cell. Then
    the horizontal: where the model's cells are the smaller ones, the mean over what a cell of `grid` covers, by exact
    overlap on meridians and parallels and by counted overlap where cells have corners (`bounds`); else linear between
    centres. Land is left out everywhere, and a cell less than half of which is sea is land: each model has its coasts.
    """

    def __init__(self, runs: Iterable[Run], grid: Grid) -> None:
        """Raises InvalidInput when no month is left, or a file's name does not say which months it holds."""
        self.grid = grid
        self.moments = tuple(moment for run in runs for moment in moments(run))
        if not self.moments:
            raise InvalidInput.of("runs", received="no month", accepted=f"at least one month of runs in {LAYOUT}")
        self._layouts: dict[Path, _Layout] = {}
        self._regriddings: dict[bytes, Regridding] = {}

    def __len__(self) -> int:
        return len(self.moments)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], int]:
        """Raises InvalidInput naming the file when it, or what it says of itself, cannot be used."""
        moment = self.moments[index(i)]
        with opened(moment.path, moment.path.name) as dataset:
            file = MonthlyFile(dataset, moment.path)
            if moment.path not in self._layouts:
                self._layouts[moment.path] = self._layout(file)
            layout = self._layouts[moment.path]
            columns = layout.columns(layout.read(file, moment.nth))
        return layout.regrid(columns).astype(np.float32), moment.month

    def _layout(self, file: MonthlyFile) -> _Layout:
        time, (vertical, depths), (horizontal, cells, order) = file.time(), file.depth(), file.horizontal()
        file.check_dimensions((time, vertical, *horizontal))
        columns = Columns.between(np.sort(depths), self.grid.depth)
        if columns.span == slice(0, 0):
            received = f"levels at {depths.min():g}…{depths.max():g} m"
            accepted = f"some around {self.grid.depth[0]:g}…{self.grid.depth[-1]:g} m"
            raise InvalidInput.of(f"{file.path.name}.{vertical}", received=received, accepted=accepted)
        levels = np.argsort(depths)[columns.span]
        return _Layout((time, vertical, *horizontal), levels, order, columns, self._regridding(cells))

    def _regridding(self, cells: Grid | Curvilinear) -> Regridding:
        corners = cells.corners if isinstance(cells, Curvilinear) else None
        places = [array for array in (cells.lat, cells.lon, corners) if array is not None]
        key = sha256(b"".join(repr(array.shape).encode() + array.tobytes() for array in places)).digest()
        if key not in self._regriddings:
            self._regriddings[key] = regridding(cells, self.grid, suited_method(cells, self.grid))
        return self._regriddings[key]


@dataclass(frozen=True, eq=False)
class _Layout:
    """How the fields of one file lie in it, and how they come to the target."""

    dimensions: tuple[str, str, str, str]
    """Of time, depth, and the two of the horizontal."""
    levels: NDArray[np.intp]
    """Positions in the file of the levels that matter, from the surface down."""
    order: Order | None
    columns: Columns
    regrid: Regridding

    def read(self, file: MonthlyFile, nth: int) -> NDArray[np.float64]:
        """[levels, Y, X] °C of one month, from the surface down, northward and eastward; land NaN."""
        first, last = int(self.levels.min()), int(self.levels.max())
        values = file.temperature(self.dimensions, nth, slice(first, last + 1))[self.levels - first]
        return values if self.order is None else values[:, self.order[0][:, None], self.order[1]]
