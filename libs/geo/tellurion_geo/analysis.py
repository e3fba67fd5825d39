"""Analyses of sea temperature as CF files: one description, written as NetCDF or as Zarr, and read back.

Source: CF Conventions 1.11 (bounds, section 7.1; standard name modifiers, appendix C; temperature units metadata,
section 3.1.2).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import check_size, opened, stored
from tellurion_geo.grid import Grid
from tellurion_geo.writing import COMPRESSION, Attribute, placed, unfilled, write_netcdf

FILL = np.float32(1e20)
"""Land, as CMIP marks it."""
IN_SITU = "sea_water_temperature"
"""What the World Ocean Atlas, and an analysis of anomalies from it, holds."""

SPACE = ("depth", "lat", "lon")
MAX_VALUES = 2_000_000_000
"""Values of one variable that are read, 8 GB: 64 members of a 1° × 42-level grid are 0.17 billion."""
FIELD = "analysis"


@dataclass(frozen=True, eq=False)
class WrittenAnalysis:
    """What stands in the file of an analysis."""

    grid: Grid
    month: int
    """1…12."""
    mean: NDArray[np.float32]
    """[Z, Y, X] °C, NaN on land."""
    std: NDArray[np.float32]
    """[Z, Y, X] °C, NaN on land."""
    members: NDArray[np.float32] | None
    """[M, Z, Y, X] °C, NaN on land; None where the file has none."""


def write_analysis(
    path: str | PathLike[str],
    grid: Grid,
    month: int,
    mean: NDArray[np.floating],  # [Z, Y, X] °C, NaN on land
    std: NDArray[np.floating],  # [Z, Y, X] °C, NaN on land
    members: NDArray[np.floating] | None = None,  # [M, Z, Y, X] °C, NaN on land
    attrs: Mapping[str, Attribute] | None = None,
    *,
    standard_name: str = IN_SITU,
) -> None:
    """Write an analysis as a CF-1.11 NetCDF-4 file: `thetao`, `thetao_std` and, with members, `thetao_member`.

    `attrs` are global attributes: method, seed, observations_sha256, software_version, institution and what else the
    caller knows. The file appears under its name whole or not at all, and the same input gives the same bytes.

    Raises InvalidInput when shapes disagree with the grid or the month is not 1…12, and for `output` when the file
    cannot be written.
    """
    dataset = _described(grid, month, mean, std, members, attrs or {}, standard_name)
    fills = {
        name: {"_FillValue": FILL, **COMPRESSION} for name in map(str, dataset.data_vars) if name.startswith("thetao")
    }
    write_netcdf(dataset, path, fills)


def read_analysis(path: str | PathLike[str]) -> WrittenAnalysis:
    """What `write_analysis` wrote, value for value.

    Raises InvalidInput naming the variable under `analysis`, or the axis under `grid`, when the file is not as
    `write_analysis` writes it; files of others are for `read_field`.
    """
    with opened(path, FIELD) as dataset:
        grid = Grid(*(_axis(dataset, name) for name in SPACE))
        month = int(_read(dataset, "month", np.int32, (), ()))
        mean, std = (_temperature(dataset, name, SPACE, grid.shape) for name in ("thetao", "thetao_std"))
        members = None
        if "thetao_member" in dataset:
            shape = (dataset.sizes.get("member", 0), *grid.shape)
            members = _temperature(dataset, "thetao_member", ("member", *SPACE), shape)
    if not 1 <= month <= 12:
        raise InvalidInput.of(f"{FIELD}.month", received=month, accepted="1…12")
    return WrittenAnalysis(grid, month, mean, std, members)


def write_zarr(
    path: str | PathLike[str],
    grid: Grid,
    month: int,
    mean: NDArray[np.floating],  # [Z, Y, X] °C, NaN on land
    std: NDArray[np.floating],  # [Z, Y, X] °C, NaN on land
    members: NDArray[np.floating] | None = None,  # [M, Z, Y, X] °C, NaN on land
    attrs: Mapping[str, Attribute] | None = None,
    *,
    standard_name: str = IN_SITU,
) -> None:
    """Write an analysis as `write_analysis` does, into a new Zarr (version 3) folder.

    Raises InvalidInput as `write_analysis` does, and for `output` when something of that name is there.
    """
    dataset = _described(grid, month, mean, std, members, attrs or {}, standard_name)
    if Path(path).exists():
        raise InvalidInput.of(
            "output", received=f"{Path(path).name}, which exists", accepted="the name of a new folder"
        )
    fills = {name: {"_FillValue": FILL} for name in map(str, dataset.data_vars) if name.startswith("thetao")}
    with placed(path) as unfinished:
        dataset.to_zarr(unfinished, zarr_format=3, consolidated=False, encoding=unfilled(dataset) | fills)


def _axis(dataset: xr.Dataset, name: str) -> NDArray[np.float64]:
    return _read(dataset, name, np.float64, (name,), (dataset.sizes.get(name, 0),))


def _temperature(
    dataset: xr.Dataset, name: str, dimensions: tuple[str, ...], shape: tuple[int, ...]
) -> NDArray[np.float32]:
    values = _read(dataset, name, np.float32, dimensions, shape)
    values[values == FILL] = np.nan
    return values


def _read(
    dataset: xr.Dataset, name: str, dtype: type[np.generic], dimensions: tuple[str, ...], shape: tuple[int, ...]
) -> NDArray[Any]:
    """A variable as it is stored, once it is seen to be of the type, dimensions and shape in which it is written."""
    field = f"{FIELD}.{name}"
    variable = dataset.variables.get(name)
    if variable is None or (variable.dtype, variable.dims, variable.shape) != (dtype, dimensions, shape):
        received = "nothing" if variable is None else f"{variable.dtype} {_extents(variable.dims, variable.shape)}"
        accepted = f"{np.dtype(dtype)} {_extents(dimensions, shape)}"
        raise InvalidInput.of(field, received=received, accepted=accepted)
    check_size(dataset[name], MAX_VALUES, field)
    return stored(dataset[name], field)


def _extents(dimensions: Sequence[Hashable], shape: Sequence[int]) -> str:
    return f"({', '.join(f'{name} {size}' for name, size in zip(dimensions, shape, strict=True))})"


def _described(
    grid: Grid,
    month: int,
    mean: NDArray[np.floating],
    std: NDArray[np.floating],
    members: NDArray[np.floating] | None,
    attrs: Mapping[str, Attribute],
    standard_name: str,
) -> xr.Dataset:
    if not 1 <= month <= 12:
        raise InvalidInput.of("month", received=month, accepted="1…12")
    kind = {"sea_water_temperature": "in-situ", "sea_water_potential_temperature": "potential"}.get(standard_name)
    if kind is None:
        raise InvalidInput.of(
            "standard_name", received=standard_name, accepted=f"{IN_SITU} or sea_water_potential_temperature"
        )
    shared = {"units": "degC", "coordinates": "month"}
    on_scale = {"units_metadata": "temperature: on_scale"}
    variables = {
        "thetao": _variable(
            SPACE,
            mean,
            grid.shape,
            standard_name=standard_name,
            long_name=f"{kind} temperature of sea water, analysis mean",
            comment=f"{kind} temperature, whatever the variable's name suggests",
            ancillary_variables="thetao_std",
            **shared,
            **on_scale,
        ),
        "thetao_std": _variable(
            SPACE,
            std,
            grid.shape,
            standard_name=f"{standard_name} standard_error",
            long_name=f"standard error of the {kind} temperature",
            units_metadata="temperature: difference",
            **shared,
        ),
    }
    if members is not None:
        variables["thetao_member"] = _variable(
            ("member", *SPACE),
            members,
            (len(members), *grid.shape),
            standard_name=standard_name,
            long_name=f"{kind} temperature of sea water, members drawn from the analysis",
            **shared,
            **on_scale,
        )
        variables["member"] = (
            "member",
            np.arange(1, len(members) + 1, dtype=np.int32),
            {"standard_name": "realization", "long_name": "ensemble member", "units": "1"},
        )
    about = {
        "Conventions": "CF-1.11",
        "title": f"Sea temperature reconstructed from observations, month {month}",
        "source": "Tellurion: statistical reconstruction from in-situ observations and a climatological prior",
        "history": "reconstructed by Tellurion; no date, so that the same input gives the same file",
    }
    return xr.Dataset(variables | _coordinates(grid, month), attrs=about | dict(attrs)).set_coords("month")


def _variable(
    dimensions: tuple[str, ...], values: NDArray[np.floating], shape: tuple[int, ...], **attrs: str
) -> tuple[tuple[str, ...], NDArray[np.float32], dict[str, str]]:
    if np.shape(values) != shape:
        accepted = f"the grid's shape {shape}"
        raise InvalidInput.of(attrs["long_name"], received=f"shape {np.shape(values)}", accepted=accepted)
    return dimensions, np.asarray(values, dtype=np.float32), attrs


def _coordinates(grid: Grid, month: int) -> dict[str, tuple[object, ...]]:
    degrees = {"lat": ("latitude", "degrees_north", "Y"), "lon": ("longitude", "degrees_east", "X")}
    found: dict[str, tuple[object, ...]] = {
        "depth": (
            "depth",
            grid.depth,
            {
                "standard_name": "depth",
                "long_name": "depth below the sea surface",
                "units": "m",
                "positive": "down",
                "axis": "Z",
                "bounds": "depth_bnds",
            },
        ),
        "depth_bnds": (("depth", "bnds"), grid.depth_bounds),
        "month": ((), np.int32(month), {"long_name": "calendar month of the analysis", "units": "1"}),
    }
    for name, (standard_name, units, axis) in degrees.items():
        attrs = {
            "standard_name": standard_name,
            "long_name": standard_name,
            "units": units,
            "axis": axis,
            "bounds": f"{name}_bnds",
        }
        found[name] = (name, getattr(grid, name), attrs)
        found[f"{name}_bnds"] = ((name, "bnds"), getattr(grid, f"{name}_bounds"))
    return found
