"""Opening NetCDF and Zarr: what is not a whole file is refused before anything in it is believed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from os import PathLike
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_geo import classic, hdf5

NETCDF_LIBRARY = threading.RLock()
"""Held while the NetCDF and HDF5 libraries work: one process has one of each, and they are not thread-safe."""
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
LARGEST_CHUNK = 1 << 30
"""Bytes; a compressed chunk is unpacked whole, however few of its values exist."""
MOST_STRINGS, STRINGS_BYTES = 100_000, 64 << 20
"""Of one variable whose values have no fixed length, and so no size that is declared."""
NETCDF = "a whole NetCDF file (classic or NetCDF-4)"
ITS_OWN = f"{NETCDF} that holds its values itself"
UNREADABLE = (OSError, RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What xarray and the libraries below it raise for damaged bytes and malformed attributes."""


@contextmanager
def opened(path: str | PathLike[str], field: str) -> Iterator[xr.Dataset]:
    """The dataset in a NetCDF file or Zarr folder, undecoded and unread, for as long as the context lasts.

    Raises InvalidInput for `field` when the file is absent, empty, something else, truncated or damaged, or when it
    names other files: whoever sent it could read by it what only this process may.
    """
    source = Path(path)
    if not source.exists():
        raise InvalidInput.of(field, received=f"no such file: {source.name}", accepted=NETCDF)
    if not (source.is_file() or source.is_dir()):
        raise InvalidInput.of(field, received=f"{source.name}, a device or a pipe", accepted=NETCDF)
    with NETCDF_LIBRARY, _open(source, field) as dataset:
        yield dataset


def _open(source: Path, field: str) -> xr.Dataset:
    zarr = source.is_dir()
    if not zarr:
        _check_netcdf(source, field)
    try:
        if not zarr:
            _check_self_contained(source, field)
            _check_strings(source, field)
        return xr.open_dataset(
            source,
            engine="zarr" if zarr else "netcdf4",
            decode_cf=False,
            create_default_indexes=False,  # an index would be read here, whatever its size
            cache=False,
            chunks=None,
            backend_kwargs={"consolidated": False} if zarr else None,
        )
    except UNREADABLE as error:
        accepted = "a Zarr folder" if zarr else NETCDF
        raise InvalidInput.of(field, received="a damaged file that cannot be read", accepted=accepted) from error


def _check_netcdf(source: Path, field: str) -> None:
    with source.open("rb") as file:
        size = source.stat().st_size
        start = file.read(8)
        if not start:
            raise InvalidInput.of(field, received="an empty file", accepted=NETCDF)
        if start[:4] in classic.MAGIC:
            try:
                needed = classic.declared_bytes(file, size)
            except classic.Truncated:
                received = f"{size} bytes that end within the NetCDF header"
                raise InvalidInput.of(field, received=received, accepted=NETCDF) from None
            if needed > size:
                received = f"{size} bytes of a file whose header declares {needed}: truncated"
                raise InvalidInput.of(field, received=received, accepted=NETCDF)
        elif start != HDF5_MAGIC:
            raise InvalidInput.of(field, received=f"a file that starts with {start!r}", accepted=NETCDF)


def _check_self_contained(source: Path, field: str) -> None:
    with source.open("rb") as file:
        if file.read(8) != HDF5_MAGIC:
            return  # a classic file cannot name others
    if (named := hdf5.elsewhere(source)) is not None:
        raise InvalidInput.of(field, received=named, accepted=ITS_OWN)


def _check_strings(source: Path, field: str) -> None:
    """Refuses a file of many or long strings: xarray reads all of them as soon as it opens it."""
    with netCDF4.Dataset(source) as file:
        for name, variable in file.variables.items():
            if not (variable.dtype is str or isinstance(variable.datatype, netCDF4.VLType)):
                continue
            found, accepted = f"{field}.{name}", f"at most {MOST_STRINGS} values of variable length"
            if variable.size > MOST_STRINGS:
                raise InvalidInput.of(found, received=f"{variable.size} values", accepted=accepted)
            size = 0
            for index in np.ndindex(variable.shape):
                size += np.asarray(variable[index]).nbytes
                if size > STRINGS_BYTES:
                    accepted = f"at most {STRINGS_BYTES} bytes of values of variable length"
                    raise InvalidInput.of(found, received="more bytes", accepted=accepted)


def check_size(variable: xr.DataArray, largest: int, field: str) -> None:
    """Refuse a variable by its declared shape, before memory is allocated for it."""
    if variable.size > largest:
        raise InvalidInput.of(field, received=f"{variable.size} values", accepted=f"at most {largest}")


def stored(variable: xr.DataArray, field: str, *, largest_chunk: int = LARGEST_CHUNK) -> NDArray[np.generic]:
    """A variable's values as they are stored.

    Raises InvalidInput when they are damaged, or their chunks, which are unpacked whole, are too large.
    """
    chunk = prod(variable.encoding.get("chunksizes") or (0,)) * variable.dtype.itemsize
    if chunk > largest_chunk:
        raise InvalidInput.of(field, received=f"chunks of {chunk} bytes", accepted=f"chunks of at most {largest_chunk}")
    try:
        return variable.values
    except UNREADABLE as error:
        raise InvalidInput.of(field, received="damaged values", accepted="readable values") from error


def numbers(variable: xr.DataArray, field: str, *, largest_chunk: int = LARGEST_CHUNK) -> NDArray[np.float64]:
    """A variable's values as float64: unpacked, and NaN where the file has none.

    Missing are `_FillValue`, `missing_value`, what lies outside `valid_min`, `valid_max` or `valid_range`, and, where
    no fill value is declared, the library's own. Raises InvalidInput when the variable is not numeric or damaged.
    """
    if variable.dtype.kind not in "iuf":
        raise InvalidInput.of(field, received=f"values of type {variable.dtype}", accepted="numbers")
    packed = xr.Variable(variable.dims, stored(variable, field, largest_chunk=largest_chunk), variable.attrs)
    try:
        valid = _valid(packed)
        decoded = xr.decode_cf(xr.Dataset({"values": packed}), decode_times=False, decode_coords=False)["values"].values
        return np.where(valid, decoded.astype(np.float64), np.nan)
    except UNREADABLE as error:
        accepted = "numbers in scale_factor, add_offset, _FillValue, missing_value, valid_range"
        raise InvalidInput.of(field, received="attributes that cannot be applied", accepted=accepted) from error


def _valid(packed: xr.Variable) -> NDArray[np.bool_]:
    low, high = packed.attrs.get("valid_range", (None, None))
    low, high = packed.attrs.get("valid_min", low), packed.attrs.get("valid_max", high)
    valid = np.ones(packed.shape, dtype=bool)
    if low is not None:
        valid &= ~(packed.values < low)
    if high is not None:
        valid &= ~(packed.values > high)
    unwritten = netCDF4.default_fillvals.get(packed.dtype.str[1:])
    if unwritten is not None and packed.dtype.itemsize > 1 and not {"_FillValue", "missing_value"} & set(packed.attrs):
        valid &= packed.values != packed.dtype.type(unwritten)
    return valid
