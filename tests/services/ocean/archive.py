"""Archives of CMIP6 as they are published, written for tests: their folders, grids, levels and calendars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np

from tellurion_geo import Grid
from tellurion_ocean.training.cmip6 import find
from tellurion_ocean.training.corpus import Corpus

TARGET = Grid([0, 10, 55, 200, 900], np.arange(-78.0, 90, 4), np.arange(2.0, 360, 4))
LEVELS = np.array([5.0, 15, 50, 100, 250, 500, 1000, 3000])
"""Of the models: none at the target's depths, and the deepest below them all."""


def temperature(lat: Any, lon: Any, depth: Any, month: Any = 0) -> Any:
    """°C: smooth on the sphere, with no seam; linear in depth."""
    phi, lam = np.radians(lat), np.radians(lon)
    return 15 + 8 * np.sin(phi) + 4 * np.cos(phi) * np.cos(lam - 0.5) - 0.003 * depth + 0.2 * month


def expected(month: Any = 0) -> np.ndarray:
    """[Z, Y, X] the same on the target; above the shallowest level the water is mixed."""
    depth = np.maximum(TARGET.depth, LEVELS[0])[:, None, None]
    return temperature(TARGET.lat[:, None], TARGET.lon, depth, month)


def assert_smooth(field: np.ndarray, month: int = 0) -> None:
    """The field is `temperature` to what cells of 4° can tell; one meridian beside it would be 0.07 °C off.

    The second derivative of `temperature` along the sphere is at most 12 °C, which bounds the difference of a mean or a
    linear interpolation from the value at the centre; and towards the poles the middle of a cell's area lies ever more
    equatorward of its centre, by Δφ² tan φ / 12, where the first derivative is at most 12 °C too.
    """
    error = np.radians(4) ** 2 * (12 / 8 + 12 / 12 * np.tan(np.radians(np.abs(TARGET.lat))))
    difference = np.abs(field - expected(month))
    sea = np.isfinite(difference)
    assert (difference <= error[:, None])[sea].all(), np.nanmax(difference, axis=(0, 2))
    assert sea.mean() > 0.9


class Archive:
    """Writes runs in the layout of the DRS."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, source: str, experiment: str, member: str, grid: str, version: str) -> Path:
        activity = "ScenarioMIP" if experiment.startswith("ssp") else "CMIP"
        path = self.root / "CMIP6" / activity / "INST" / source / experiment / member / "Omon/thetao" / grid / version
        path.mkdir(parents=True, exist_ok=True)
        return path

    def path(
        self,
        period: str = "200001-200003",
        *,
        source: str = "MODEL-1",
        experiment: str = "historical",
        member: str = "r1i1p1f1",
        grid: str = "gr",
        version: str = "v20200101",
    ) -> Path:
        name = f"thetao_Omon_{source}_{experiment}_{member}_{grid}_{period}.nc"
        return self.folder(source, experiment, member, grid, version) / name

    def write(
        self,
        horizontal: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]],
        field: Callable[[int], np.ndarray],
        period: str = "200001-200003",
        *,
        levels: np.ndarray = LEVELS,
        lev: dict[str, str] | None = None,
        units: str | None = "degC",
        calendar: str = "noleap",
        fill: float | None = 1e20,
        months: int | None = None,
        **labels: str,
    ) -> Path:
        """A file of monthly means; `field` gives [Z, Y, X] by months since 1850-01, NaN on land."""
        path = self.path(period, **labels)
        start, end = ((int(date[:4]) - 1850) * 12 + int(date[4:]) - 1 for date in period.split("-"))
        nths = range(start, end + 1)[:months]
        lev = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"} if lev is None else lev
        middles = [cftime.datetime(1850 + n // 12, n % 12 + 1, 16, calendar=calendar) for n in nths]
        since = "days since 1850-01-01"
        attrs = {"standard_name": "time", "units": since, "calendar": calendar, "axis": "T"}
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("time", None)
            file.createDimension("lev", len(levels))
            for dimensions, values, _ in horizontal.values():
                for dimension, size in zip(dimensions, values.shape, strict=True):
                    if dimension not in file.dimensions:
                        file.createDimension(dimension, size)
            coordinates = {
                "time": (("time",), cftime.date2num(middles, since, calendar), attrs),
                "lev": (("lev",), levels, lev),
                **horizontal,
            }
            for name, (dimensions, values, given) in coordinates.items():
                file.createVariable(name, "f8", dimensions).setncatts(given)
                file[name][:] = values
            space = ("lat", "lon") if "lat" in horizontal else horizontal["latitude"][0]
            data = file.createVariable("thetao", "f4", ("time", "lev", *space), fill_value=fill)
            data.setncatts({"standard_name": "sea_water_potential_temperature", "coordinates": "latitude longitude"})
            if units is not None:
                data.units = units
            for nth, month in enumerate(nths):
                values = field(month)
                data[nth] = np.where(np.isnan(values), 1e20, values)
        return path


def axes(lat: np.ndarray, lon: np.ndarray) -> dict[str, Any]:
    """The horizontal of a `gr` file."""
    return {
        "lat": (("lat",), lat, {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}),
        "lon": (("lon",), lon, {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}),
    }


RECTILINEAR = np.arange(89.0, -90, -2), np.arange(-179.0, 180, 2)
"""2°, from north to south and from the date line eastward."""
COARSE = np.arange(-75.0, 76, 15), np.arange(0.0, 360, 20)


def on(lat: np.ndarray, lon: np.ndarray) -> Callable[[int], np.ndarray]:
    """`temperature` at the places of a model, by months since 1850."""
    lat, lon = (lat[:, None], lon) if lat.ndim == 1 else (lat, lon)
    return lambda months: temperature(lat, lon, LEVELS[:, None, None], months % 12)


def tripolar(step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Latitude and longitude of centres [Y, X] and corners [Y, X, 4]: regular up to 60°N, then two poles on land.

    In the polar stereographic plane the rows of the cap are half-ellipses that flatten from the circle of 60°N to the
    segment between the two poles, along which the last row meets itself.
    """
    around, flatness = np.radians(np.arange(0, 360 + step, step)), np.linspace(1, 0, round(30 / step) + 1)[1:]
    x, y = np.broadcast_arrays(np.cos(around), flatness[:, None] * np.sin(around))
    radius = np.tan(np.radians(15))
    cap_lat = 90 - 2 * np.degrees(np.arctan(radius * np.hypot(x, y)))
    cap_lon = np.degrees(np.arctan2(y, x))
    south = np.arange(-80, 60 + step / 2, step)
    lat = np.concatenate([np.broadcast_to(south[:, None], (south.size, around.size)), cap_lat])
    lon = np.concatenate([np.broadcast_to(np.degrees(around), (south.size, around.size)), cap_lon])
    nodes = on_sphere(lat, lon)
    corners = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]], axis=2)
    return *places(corners.mean(axis=2)), *places(corners)


def on_sphere(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def places(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    at = at / np.linalg.norm(at, axis=-1, keepdims=True)
    return np.degrees(np.arcsin(np.clip(at[..., 2], -1, 1))), np.degrees(np.arctan2(at[..., 1], at[..., 0])) % 360


def native(lat: np.ndarray, lon: np.ndarray, *corners: np.ndarray) -> dict[str, Any]:
    """The horizontal of a `gn` file, with or without vertices."""
    names = ("latitude", "degrees_north"), ("longitude", "degrees_east")
    found: dict[str, Any] = {}
    for (name, units), values in zip(names, (lat, lon), strict=True):
        bounds = {"bounds": f"vertices_{name}"} if corners else {}
        found[name] = (("j", "i"), values, {"standard_name": name, "units": units, **bounds})
    for (name, units), values in zip(names, corners, strict=False):
        found[f"vertices_{name}"] = (("j", "i", "vertices"), values, {"units": units})
    return found


def only(archive: Archive, **choices: Any) -> Corpus:
    return Corpus(find(archive.root, **choices), TARGET)
