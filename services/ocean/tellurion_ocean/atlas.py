"""The packed atlas that ships with the service: ten months to fit with, and two that only the evaluation opens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_geo import Grid
from tellurion_geo.datasets import NETCDF_LIBRARY

TRAINING_MONTHS = (1, 3, 4, 5, 6, 7, 9, 10, 11, 12)
EVALUATION_MONTHS = (2, 8)
TRAINING_FILE = "atlas_train.nc"
EVALUATION_FILE = "atlas_eval.nc"


@dataclass(frozen=True, eq=False)
class Atlas:
    """Monthly temperature of the World Ocean Atlas subset."""

    grid: Grid
    months: tuple[int, ...]
    temperature: NDArray[np.float32]
    """[M, Z, Y, X] °C, land NaN; read-only when read from a file."""

    def without(self, month: int) -> Atlas:
        """The other months."""
        keep = [i for i, m in enumerate(self.months) if m != month]
        return Atlas(self.grid, tuple(self.months[i] for i in keep), self.temperature[keep])

    def of(self, month: int) -> NDArray[np.float32]:
        """One month's field [Z, Y, X]."""
        return self.temperature[self.months.index(month)]


@cache
def training_atlas() -> Atlas:
    """The ten months that priors are fitted to."""
    return _read(TRAINING_FILE)


@cache
def evaluation_atlas() -> Atlas:
    """February and August: for evaluation alone, never to fit or tune with."""
    return _read(EVALUATION_FILE)


def _read(name: str) -> Atlas:
    with resources.as_file(resources.files("tellurion_ocean").joinpath("data", name)) as path:
        return read_atlas(path)


def read_atlas(path: Path) -> Atlas:
    """A packed atlas file as `tellurion_ocean.training.pack` writes it."""
    with NETCDF_LIBRARY, xr.open_dataset(path) as file:
        grid = Grid(depth=file["depth"].values, lat=file["lat"].values, lon=file["lon"].values)
        months = tuple(int(m) for m in file["month"].values)
        temperature = file["thetao"].values.astype(np.float32)
    temperature.setflags(write=False)  # the shipped ones are shared by all who ask
    return Atlas(grid, months, temperature)
