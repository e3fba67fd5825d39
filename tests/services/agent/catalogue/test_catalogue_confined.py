"""What a file may make the catalogue read: nothing outside of the folders, and nothing of the service's environment."""

from __future__ import annotations

import ctypes
from pathlib import Path

import catalogue_files as files
import netCDF4
import numpy as np
import pytest

from tellurion_agent.catalogue import library, readers
from tellurion_agent.catalogue.library import Catalogue
from tellurion_agent.sandbox import landlock
from tellurion_core.errors import Unavailable

UNLIMITED = ctypes.c_uint64(2**64 - 1)
MONTHS = 24
"""Of the time axis that lies in another file."""


def with_time_elsewhere(path: Path, elsewhere: Path) -> Path:
    """An HDF5 file whose time axis has its values in another file: H5Pset_external, with the library of netCDF4."""
    hdf5 = ctypes.CDLL(netCDF4._netCDF4.__file__)
    for name in ("H5Fcreate", "H5Screate_simple", "H5Pcreate", "H5Dcreate2"):
        getattr(hdf5, name).restype = ctypes.c_int64

    def id_of(name: str) -> ctypes.c_int64:
        return ctypes.c_int64.in_dll(hdf5, f"{name}_g")

    hdf5.H5open()
    default = ctypes.c_int64(0)
    file = ctypes.c_int64(hdf5.H5Fcreate(bytes(path), 2, default, default))
    space = ctypes.c_int64(hdf5.H5Screate_simple(1, (ctypes.c_uint64 * 1)(MONTHS), None))
    outside = ctypes.c_int64(hdf5.H5Pcreate(id_of("H5P_CLS_DATASET_CREATE_ID")))
    assert hdf5.H5Pset_external(outside, bytes(elsewhere), ctypes.c_int64(0), UNLIMITED) >= 0
    kind = id_of("H5T_NATIVE_DOUBLE")
    time, tas = (
        ctypes.c_int64(hdf5.H5Dcreate2(file, name, kind, space, default, properties, default))
        for name, properties in ((b"time", outside), (b"tas", default))
    )
    assert hdf5.H5DSset_scale(time, b"time") >= 0
    assert hdf5.H5DSattach_scale(tas, time, ctypes.c_uint(0)) >= 0
    hdf5.H5LTset_attribute_string(file, b"time", b"units", b"days since 1950-01-01")
    hdf5.H5LTset_attribute_string(file, b"tas", b"units", b"K")
    for variable in (time, tas):
        hdf5.H5Dclose(variable)
    hdf5.H5Fclose(file)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def times(tmp_path: Path) -> bytes:
    """Of the middles of months from 1950 on, as they are in a file of nothing else."""
    return ((np.arange(MONTHS) + 0.5) * 365 / 12).tobytes()


def test_values_that_lie_in_another_file_are_not_read_there(folder: Path, tmp_path: Path, times: bytes) -> None:
    for name, elsewhere in (("inside", folder / "times"), ("outside", tmp_path / "secret")):
        elsewhere.write_bytes(times)
        with_time_elsewhere(folder / f"{name}.nc", elsewhere)
    found = Catalogue.open([folder], tmp_path / "index.sqlite", hostile=True, processes=1)
    periods = {data.source: data.period for data in found.datasets if not data.refused}
    assert list(periods) == ["inside"]
    assert (periods["inside"].first, periods["inside"].last) == (1950, 1951)


def test_links_lead_out_of_a_folder_to_what_they_name_and_no_further(folder: Path, tmp_path: Path) -> None:
    axes = {"time": files.months(1950, 24)}
    for name in ("linked", "beside"):
        files.write(tmp_path / f"elsewhere/{name}.nc", "tas", np.zeros(24), axes, units="K")
    files.write(tmp_path / "disk/whole/whole.nc", "tas", np.zeros(24), axes, units="K")
    (folder / "linked.nc").symlink_to(tmp_path / "elsewhere/linked.nc")
    (folder / "disk").symlink_to(tmp_path / "disk", target_is_directory=True)
    found = Catalogue.open([folder], tmp_path / "index.sqlite", processes=1)
    assert ({data.source for data in found.datasets}, dict(found.problems)) == ({"linked", "whole"}, {})
    (answer,) = readers.read_headers([f"{tmp_path}/elsewhere/beside.nc"], [str(folder)], processes=1)
    assert answer.problem


def test_the_environment_of_the_service_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker"
    script.write_text('#!/bin/sh\nread -r places; echo ready; read -r line; echo "{\\"problem\\": \\"$KEY.\\"}"\n')
    script.chmod(0o755)
    monkeypatch.setattr(readers, "PROGRAM", [str(script)])
    monkeypatch.setenv("KEY", "secret")
    (answer,) = readers.read_headers(["a"], [], processes=1)
    assert answer.problem == "."


def test_without_landlock_named_folders_are_read_and_files_that_were_sent_are_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(paths: list[str], places: list[str], *, processes: int) -> list[readers.Answer]:
        return [readers.Answer(path, "", "read") for path in paths]

    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(library, "read_headers", read)
    (folder / "a.nc").touch()
    assert list(Catalogue.open([folder], tmp_path / "index.sqlite").problems.values()) == ["read"]
    with pytest.raises(Unavailable, match="Landlock"):
        Catalogue.open([folder], tmp_path / "index.sqlite", hostile=True)
