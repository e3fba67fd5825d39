"""HDF5 files whose values lie in other files are refused before a value is read; others are read as before."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import ModuleType

import netCDF4
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import opened
from tellurion_geo.hdf5 import MAX_DEPTH

SECRET = bytes(range(119))


@pytest.mark.parametrize("group", ["", "inner"])
@pytest.mark.parametrize("kind", ["external storage", "an external link", "a virtual data set"])
def test_values_in_another_file_are_refused(tmp_path: Path, elsewhere: ModuleType, kind: str, group: str) -> None:
    path = elsewhere.write(tmp_path / "hostile.nc", kind, SECRET, group=group)
    with netCDF4.Dataset(path) as file:  # which would read it
        place = file[group] if group else file
        place.set_auto_mask(False)
        assert place["field"][:].tobytes() == SECRET
    with pytest.raises(InvalidInput, match=kind), opened(path, "file"):
        pass


def test_what_is_elsewhere_is_not_even_opened(tmp_path: Path, elsewhere: ModuleType) -> None:
    for kind in elsewhere.KINDS:
        path = elsewhere.write(tmp_path / "hostile.nc", kind, SECRET)
        for other in (".raw", ".whole"):
            path.with_suffix(other).unlink()
        with pytest.raises(InvalidInput, match=kind), opened(path, "file"):
            pass


def test_a_soft_link_within_the_file_is_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "linked.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 3)
        file.createVariable("a", "f8", ("x",))[:] = 1.0
    hdf5 = ctypes.CDLL(netCDF4._netCDF4.__file__)
    hdf5.H5Fopen.restype = ctypes.c_int64
    handle, default = ctypes.c_int64(hdf5.H5Fopen(bytes(path), 1, ctypes.c_int64(0))), ctypes.c_int64(0)
    assert hdf5.H5Lcreate_soft(b"/a", handle, b"b", default, default) >= 0
    hdf5.H5Fclose(handle)
    with opened(path, "file") as dataset:
        assert dataset["a"].values.tolist() == [1.0] * 3


def test_groups_lie_in_each_other_so_deep_and_no_deeper(tmp_path: Path) -> None:
    path = tmp_path / "deep.nc"
    for depth in (MAX_DEPTH, MAX_DEPTH + 1):
        with netCDF4.Dataset(path, "w") as file:
            file.createGroup("/".join("g" * depth))
        if depth == MAX_DEPTH:
            with opened(path, "file"):
                continue
        with pytest.raises(InvalidInput, match="groups in each other"), opened(path, "file"):
            pass
