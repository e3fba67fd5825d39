"""Observations in whatever form a caller has them, as points, and by month."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from tellurion_client.options import check_month
from tellurion_core.errors import InvalidInput
from tellurion_geo import Points, read_points
from tellurion_geo.datasets import NETCDF_LIBRARY

Observations: TypeAlias = str | os.PathLike[str] | Points | xr.Dataset | Mapping[str, ArrayLike]
"""A CF file; points; a CF dataset; or arrays [N] by name: `latitude` (degrees north), `longitude` (degrees east),
`depth` (m, positive down), `temperature` (°C) and, where known, `temperature_uncertainty` (°C) and `time`
(datetime64 or cftime)."""

FIELD = "observations"
_ARRAYS: dict[str, dict[str, str]] = {
    "latitude": {"units": "degrees_north"},
    "longitude": {"units": "degrees_east"},
    "depth": {"units": "m", "positive": "down"},
    "temperature": {"units": "degree_C"},
    "temperature_uncertainty": {"units": "degree_C"},
    "time": {},
}
_REQUIRED = ("latitude", "longitude", "depth", "temperature")


def points_of(observations: Observations) -> Points:
    """The observations as points; all forms pass the same checks as a file, except points, which are taken as they are.

    Raises:
        InvalidInput: naming the field under `observations` that cannot be used.
    """
    match observations:
        case Points():
            return observations
        case str() | os.PathLike():
            return read_points(observations)
        case xr.Dataset():
            return _read_back(observations)
        case Mapping():
            return _read_back(_dataset(observations))
    accepted = "a path, Points, an xarray.Dataset or a mapping of arrays"
    raise InvalidInput.of(FIELD, received=type(observations).__name__, accepted=accepted)


def by_month(points: Points, month: int | None = None) -> dict[int, Points]:
    """The points of each calendar month, of any year; only those of `month` where it is given.

    Points without a time belong to `month`.

    Raises:
        InvalidInput: `month` is none, a point has no time while `month` is not given, or no point is of `month`.
    """
    if month is not None:
        check_month(month)
        chosen = (points.month == month) | (points.month == 0)
        if not chosen.any():
            raise InvalidInput.of(
                f"{FIELD}.time",
                received=f"observations of {_months(points)} only",
                accepted=f"observations of month {month}, which was asked for",
            )
        return {month: _only(points, chosen)}
    if timeless := int((points.month == 0).sum()):
        raise InvalidInput.of(
            f"{FIELD}.time",
            received=f"no time for {timeless} of {len(points)} observations",
            accepted="a time for each, or the option month",
        )
    return {int(m): _only(points, points.month == m) for m in np.unique(points.month)}


def of_one_month(points: Points, month: int | None = None) -> tuple[int, Points]:
    """The one calendar month of the points, and the points of it.

    Raises:
        InvalidInput: as `by_month`; or there are several months while `month` is not given.
    """
    months = by_month(points, month)
    if len(months) > 1:
        accepted = "observations of one month, or the option month to choose it"
        raise InvalidInput.of(f"{FIELD}.time", received=_months(points), accepted=accepted)
    return next(iter(months.items()))


def together(many: Sequence[Points]) -> Points:
    """All points of several sources, in their order."""
    first = many[0]
    arrays = {name: np.concatenate([getattr(points, name) for points in many]) for name in _array_names(first)}
    quantities = {points.quantity for points in many}
    return replace(
        first,
        **arrays,
        quantity=first.quantity if len(quantities) == 1 else "",
        missing=sum(points.missing for points in many),
        flagged=sum(points.flagged for points in many),
    )


def _only(points: Points, chosen: NDArray[np.bool_]) -> Points:
    return replace(points, **{name: getattr(points, name)[chosen] for name in _array_names(points)})


def _array_names(points: Points) -> list[str]:
    return [field.name for field in fields(points) if isinstance(getattr(points, field.name), np.ndarray)]


def _months(points: Points) -> str:
    months = [str(m) for m in np.unique(points.month) if m]
    return f"month{'s' if len(months) > 1 else ''} {', '.join(months)}"


def _dataset(arrays: Mapping[Any, Any]) -> xr.Dataset:
    for name in arrays:
        if name not in _ARRAYS:
            raise InvalidInput.of(f"{FIELD}.{name}", received="an array", accepted="arrays " + ", ".join(_ARRAYS))
    variables: dict[str, Any] = {}
    size: int | None = None
    for name, attributes in _ARRAYS.items():
        if name not in arrays:
            if name in _REQUIRED:
                raise InvalidInput.of(f"{FIELD}.{name}", received="nothing", accepted="an array [N]")
            continue
        array = np.asarray(arrays[name])
        if array.ndim != 1 or array.size == 0 or size not in (None, array.size):
            received, accepted = f"shape {list(array.shape)}", f"[{'N' if size is None else size}], N at least 1"
            raise InvalidInput.of(f"{FIELD}.{name}", received=received, accepted=accepted)
        if array.dtype.kind not in ("iuf" if name != "time" else "MO"):
            accepted = "datetime64 or cftime" if name == "time" else "numbers"
            raise InvalidInput.of(f"{FIELD}.{name}", received=f"dtype {array.dtype}", accepted=accepted)
        size = array.size
        variables[name] = ("obs", array, attributes)
    return xr.Dataset(variables)


def _read_back(dataset: xr.Dataset) -> Points:
    """The points that a file of this dataset would give: one reader knows the conventions."""
    with TemporaryDirectory(prefix="tellurion-") as folder:
        path = Path(folder) / "observations.nc"
        try:
            with NETCDF_LIBRARY:
                dataset.to_netcdf(path, engine="netcdf4")
        except (ValueError, TypeError, OverflowError) as error:
            accepted = "a dataset that can be written as CF NetCDF"
            raise InvalidInput.of(FIELD, received=str(error), accepted=accepted) from error
        return read_points(path)
