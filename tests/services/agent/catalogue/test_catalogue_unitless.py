"""Temperatures without units: those of the sea are told by what sea water can be; all others are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catalogue_files as files
import numpy as np
import pytest

from tellurion_agent.catalogue.canonical import canonical
from tellurion_agent.catalogue.dataset import DataSet

DEPTHS = files.axis([0.0, 100.0], "METERS", positive="down")
SURFACE = np.array([-1.8, 4.0, 15.0, 22.0, 28.0, 29.5]).reshape(2, 3)


def sea(folder: Path, values: np.ndarray, name: str = "TEMP", **level: Any) -> DataSet:
    """A temperature at two depths, or along another axis, on a grid, without units."""
    along = {**(level or {"depth": DEPTHS}), "lat": files.lat(), "lon": files.lon()}
    return files.dataset(files.write(folder / "sea.nc", name, np.stack([values, values - 1e-3]), along))


@pytest.mark.parametrize(("values", "units"), [(SURFACE, "degC"), (SURFACE + 273.15, "K")])
def test_sea_water_tells_degrees_celsius_from_kelvin(tmp_path: Path, values: np.ndarray, units: str) -> None:
    data = sea(tmp_path, values)
    assert (data.variable, data.units, data.refused) == ("sea_water_temperature", units, "")
    assert data.assumed.startswith("the file names no units")
    np.testing.assert_allclose(canonical(data).isel(level=0), SURFACE, atol=1e-6)


@pytest.mark.parametrize("values", [SURFACE * 1.8 + 32, SURFACE + 100, np.full((2, 3), np.nan), SURFACE / 2 + 30])
def test_what_may_be_fahrenheit_or_no_sea_water_is_refused(tmp_path: Path, values: np.ndarray) -> None:
    data = sea(tmp_path, values)
    assert "no units" in data.refused
    assert not data.assumed


@pytest.mark.parametrize(
    ("name", "level"), [("TEMP", {"positive": "up", "standard_name": "height"}), ("TEMP", {}), ("SALT", {})]
)
def test_only_a_temperature_along_what_is_said_to_be_depths_is_judged(tmp_path: Path, name: str, level: Any) -> None:
    assert not sea(tmp_path, SURFACE, name, z=files.axis([0.0, 100.0], "m", **level)).assumed


def test_a_temperature_without_values_is_refused(tmp_path: Path) -> None:
    along = {"time": files.months(2000, 0), "depth": DEPTHS, "lat": files.lat(), "lon": files.lon()}
    assert files.dataset(files.write(tmp_path / "sea.nc", "TEMP", np.zeros((0, 2, 2, 3)), along)).refused
