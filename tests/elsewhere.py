"""HDF5 files whose only values lie in another file, in each way that the format knows; by the library of netCDF4."""

from __future__ import annotations

import ctypes
from importlib import import_module
from pathlib import Path

KINDS = ("external storage", "an external link", "a virtual data set")
SHAPE = (7, 17)
"""Of the bytes that are elsewhere: as many as a PEM private key of Ed25519 has."""
VARIABLE = "field"

_ID = ctypes.c_int64
_DEFAULT = _ID(0)


def write(path: Path, kind: str, values: bytes, *, group: str = "") -> Path:
    """A file of this kind, in a group where one is named; the `values` are in another file beside it.

    What it returns is `path`; whoever opens it the usual way reads the `values`.
    """
    raw, whole = path.with_suffix(".raw"), path.with_suffix(".whole")
    raw.write_bytes(values)
    hdf5 = ctypes.CDLL(import_module("netCDF4._netCDF4").__file__)
    for name in ("H5Fcreate", "H5Gcreate2", "H5Screate_simple", "H5Pcreate", "H5Dcreate2"):
        getattr(hdf5, name).restype = _ID
    hdf5.H5open()
    octet = _ID.in_dll(hdf5, "H5T_NATIVE_UCHAR_g")
    space = _ID(hdf5.H5Screate_simple(2, (ctypes.c_uint64 * 2)(*SHAPE), None))

    def made(place: ctypes.c_int64, properties: ctypes.c_int64) -> ctypes.c_int64:
        return _ID(hdf5.H5Dcreate2(place, VARIABLE.encode(), octet, space, _DEFAULT, properties, _DEFAULT))

    other = _ID(hdf5.H5Fcreate(bytes(whole), 2, _DEFAULT, _DEFAULT))
    variable = made(other, _DEFAULT)
    assert hdf5.H5Dwrite(variable, octet, _DEFAULT, _DEFAULT, _DEFAULT, values) >= 0
    hdf5.H5Dclose(variable)
    hdf5.H5Fclose(other)

    file = _ID(hdf5.H5Fcreate(bytes(path), 2, _DEFAULT, _DEFAULT))
    place = _ID(hdf5.H5Gcreate2(file, group.encode(), _DEFAULT, _DEFAULT, _DEFAULT)) if group else file
    target = b"/" + VARIABLE.encode()
    if kind == "an external link":
        assert hdf5.H5Lcreate_external(bytes(whole), target, place, VARIABLE.encode(), _DEFAULT, _DEFAULT) >= 0
    else:
        properties = _ID(hdf5.H5Pcreate(_ID.in_dll(hdf5, "H5P_CLS_DATASET_CREATE_ID_g")))
        if kind == "external storage":
            assert hdf5.H5Pset_external(properties, bytes(raw), _DEFAULT, ctypes.c_uint64(len(values))) >= 0
        else:
            assert hdf5.H5Pset_virtual(properties, space, bytes(whole), target, space) >= 0
        hdf5.H5Dclose(made(place, properties))
    if group:
        hdf5.H5Gclose(place)
    hdf5.H5Fclose(file)
    return path
