"""Small files in the layouts that institutes publish, written by the tests themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

Variable = tuple[tuple[str, ...], Any, dict[str, Any]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a NetCDF file from {name: (dimensions, values, attributes)}; sizes are those of the values."""

    def written(variables: dict[str, Variable], name: str = "file.nc", form: str = "NETCDF4", **attrs: Any) -> Path:
        path = tmp_path / name
        with netCDF4.Dataset(path, "w", format=form) as file:
            file.setncatts(attrs)
            for variable, (dimensions, values, attributes) in variables.items():
                array = np.asarray(values)
                for dimension, size in zip(dimensions, array.shape, strict=True):
                    if dimension not in file.dimensions:
                        file.createDimension(dimension, size)
                attributes = dict(attributes)
                fill = attributes.pop("_FillValue", None)
                kind = "S1" if array.dtype.kind == "S" else array.dtype
                created = file.createVariable(variable, kind, dimensions, fill_value=fill)
                created.set_auto_maskandscale(False)
                created.setncatts(attributes)
            for variable, (_, values, _) in variables.items():
                file[variable][...] = np.asarray(values)
        return path

    return written


@pytest.fixture
def four_points() -> dict[str, Variable]:
    """Observations in the layout of the contract: dimension `obs`, four points in March 2010."""
    return {
        "latitude": (("obs",), [-60.0, 0.0, 30.5, 89.0], {"units": "degrees_north", "standard_name": "latitude"}),
        "longitude": (("obs",), [-179.0, 0.0, 20.25, 359.5], {"units": "degrees_east", "standard_name": "longitude"}),
        "depth": (("obs",), [0.0, 10.0, 250.0, 999.0], {"units": "m", "positive": "down"}),
        "time": (("obs",), [0.0, 1.5, 30.0, 30.9], {"units": "days since 2010-03-01", "calendar": "standard"}),
        "temperature": (("obs",), [-1.5, 28.0, 14.25, 0.5], {"units": "degC"}),
        "temperature_uncertainty": (("obs",), [0.1, 0.2, np.nan, 0.0], {"units": "degC"}),
    }
