"""A file of CMIP6 that cannot be used is named, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

import netCDF4
import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.training.cmip6 import find
from tellurion_ocean.training.corpus import Corpus

from .archive import COARSE, LEVELS, TARGET, Archive, axes, native, on, tripolar


def sigma(archive: Archive) -> None:
    lev = {"standard_name": "ocean_sigma_coordinate", "units": "1", "positive": "up", "axis": "Z"}
    archive.write(axes(*COARSE), on(*COARSE), lev=lev)


def without_units(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), units=None)


def too_few_months(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), months=2)


def kelvin_called_celsius(archive: Archive) -> None:
    archive.write(axes(*COARSE), lambda month: on(*COARSE)(month) + 273.15)


def undeclared_fill(archive: Archive) -> None:
    archive.write(axes(*COARSE), lambda month: np.full((8, 11, 18), np.nan), fill=None)


def nothing_but_land(archive: Archive) -> None:
    archive.write(axes(*COARSE), lambda month: np.full((8, 11, 18), np.nan))


def three_corners(archive: Archive) -> None:
    lat, lon, *corners = tripolar(10)
    archive.write(native(lat, lon, *(part[..., :3] for part in corners)), on(lat, lon), grid="gn")


def unstructured(archive: Archive) -> None:
    lat, lon, *_ = tripolar(10)
    horizontal = {name: (("i",), v[1].ravel(), v[2]) for name, v in native(lat, lon).items()}
    archive.write(horizontal, lambda month: np.full((8, lat.size), 10.0), grid="gn")


def latitude_out_of_range(archive: Archive) -> None:
    archive.write(axes(COARSE[0] * 2, COARSE[1]), on(*COARSE))


def too_deep(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), levels=LEVELS + 4000)


def truncated(archive: Archive) -> None:
    path = archive.write(axes(*COARSE), on(*COARSE))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def another_variable(archive: Archive) -> None:
    path = archive.write(axes(*COARSE), on(*COARSE))
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("thetao", "so")


@pytest.mark.parametrize(
    ("write", "field", "received", "accepted"),
    [
        (sigma, ".lev", "ocean_sigma_coordinate", "depth in m or cm"),
        (without_units, ".thetao.units", "no units", "degC"),
        (too_few_months, ".time", "2 times, 2000-01…2000-02", "the 3 months 2000-01…2000-03"),
        (kelvin_called_celsius, ".thetao", "°C in 2000-01", "-10…60 °C"),
        (undeclared_fill, ".thetao", "1e+20 °C", "_FillValue"),
        (nothing_but_land, ".thetao", "no value", "_FillValue"),
        (three_corners, ".vertices_latitude", "(17, 36, 3)", "(17, 36, 4)"),
        (unstructured, ".latitude", "latitude", "unstructured"),
        (latitude_out_of_range, ".lat", "-150", "-90…90"),
        (too_deep, ".lev", "4005…7000 m", "0…900 m"),
        (truncated, "", "damaged", "whole NetCDF file"),
        (another_variable, "", "so", "thetao"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    archive: Archive, write: Callable[[Archive], None], field: str, received: str, accepted: str
) -> None:
    write(archive)
    (run,) = find(archive.root)
    with pytest.raises(InvalidInput) as error:
        Corpus([run], TARGET)[0]
    (violation,) = error.value.violations
    assert violation.field == run.files[0].name + field
    assert received in violation.received
    assert accepted in violation.accepted
    assert str(archive.root) not in str(error.value)
