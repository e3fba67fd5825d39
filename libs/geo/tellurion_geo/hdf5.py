"""Whether an HDF5 file keeps to itself: the format lets its values lie in any other file that the process may read.

The library is asked that netCDF4 itself calls, so that both see the same file. No other file is opened by asking.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

MAX_DEPTH = 32
"""Of groups in each other: the library goes down them on its stack."""

_library = ctypes.CDLL(import_module("netCDF4._netCDF4").__file__)
_id = ctypes.c_int64
_DEFAULT = 0
_BY_NAME, _AS_STORED = 0, 2
_HARD, _SOFT, _EXTERNAL = 0, 1, 64  # H5L_type_t
_DATASET = 5  # H5I_type_t
_VIRTUAL = 3  # H5D_layout_t
_Visitor = ctypes.CFUNCTYPE(ctypes.c_int, _id, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p)
"""The third is an H5L_info_t, which begins with the link's type."""


def _function(name: str, returns: type, *takes: type) -> Callable[..., int]:
    function = getattr(_library, name)
    function.restype, function.argtypes = returns, takes
    return function  # type: ignore[no-any-return]


_visit_name = "H5Lvisit2" if hasattr(_library, "H5Lvisit2") else "H5Lvisit"  # the latter before HDF5 1.12
_silence = _function("H5Eset_auto2", ctypes.c_int, _id, ctypes.c_void_p, ctypes.c_void_p)
_open_file = _function("H5Fopen", _id, ctypes.c_char_p, ctypes.c_uint, _id)
_close_file = _function("H5Fclose", ctypes.c_int, _id)
_visit = _function(_visit_name, ctypes.c_int, _id, ctypes.c_int, ctypes.c_int, _Visitor, ctypes.c_void_p)
_open_object = _function("H5Oopen", _id, _id, ctypes.c_char_p, _id)
_close_object = _function("H5Oclose", ctypes.c_int, _id)
_type_of = _function("H5Iget_type", ctypes.c_int, _id)
_creation = _function("H5Dget_create_plist", _id, _id)
_close_properties = _function("H5Pclose", ctypes.c_int, _id)
_external_files = _function("H5Pget_external_count", ctypes.c_int, _id)
_layout = _function("H5Pget_layout", ctypes.c_int, _id)


def elsewhere(path: Path) -> str | None:
    """The first thing in an HDF5 file that names other files, in words; None where there is none.

    Held to are external links, external storage and virtual data sets. `datasets.NETCDF_LIBRARY` must be held.

    Raises:
        OSError: the library cannot read the file's groups and data sets.
    """
    found: list[str] = []

    def look(group: int, name: bytes, link: ctypes._Pointer[ctypes.c_int], _: object) -> int:
        try:
            where = name.decode(errors="replace")
            if (problem := _problem(group, name, link[0])) is not None:
                found.append(f"{problem}: {where}")
            elif name.count(b"/") >= MAX_DEPTH:
                found.append(f"more than {MAX_DEPTH} groups in each other")
        except OSError:
            return -1  # nothing may be raised through the library
        return len(found)  # which ends the visit

    _silence(_DEFAULT, None, None)  # it would print what it meets
    with _held(_open_file(bytes(path), 0, _DEFAULT), _close_file) as file:
        visited = _visit(file, _BY_NAME, _AS_STORED, _Visitor(look), None)
    if visited < 0:
        raise OSError("damaged groups or data sets")
    return found[0] if found else None


def _problem(group: int, name: bytes, link: int) -> str | None:
    if link == _SOFT:
        return None  # leads to what other links lead to
    if link != _HARD:
        return "an external link" if link == _EXTERNAL else "a link of a foreign kind"
    with _held(_open_object(group, name, _DEFAULT), _close_object) as found:
        if _type_of(found) != _DATASET:
            return None
        with _held(_creation(found), _close_properties) as properties:
            if _layout(properties) == _VIRTUAL:
                return "a virtual data set"
            return "external storage" if _external_files(properties) else None


@contextmanager
def _held(identifier: int, close: Callable[[int], int]) -> Iterator[int]:
    if identifier < 0:
        raise OSError("the HDF5 library cannot open it")
    try:
        yield identifier
    finally:
        close(identifier)
