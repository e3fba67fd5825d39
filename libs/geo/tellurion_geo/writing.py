"""Writing files so that each is there whole or not at all, and the same each time."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import xarray as xr

from tellurion_core import whole_files
from tellurion_core.errors import InvalidInput
from tellurion_geo.datasets import NETCDF_LIBRARY

COMPRESSION = {"zlib": True, "complevel": 4, "shuffle": True}

Attribute = str | int | float


@contextmanager
def placed(path: str | PathLike[str]) -> Iterator[Path]:
    """A place to write at; what stands there at the end becomes `path`, and nothing else is left.

    Raises InvalidInput for `output` where that cannot be.
    """
    target = Path(path).resolve()
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
            raise PermissionError(errno.EACCES, "not a file that may be written")
        with whole_files.placed(target) as place:
            yield place
    except (OSError, RuntimeError) as error:  # netCDF4 raises RuntimeError for a full disk
        reason = getattr(error, "strerror", None) or "the file cannot be written"
        raise InvalidInput.of(
            "output", received=f"{target.name}: {reason}", accepted="a file in a writable folder"
        ) from error


def unfilled(dataset: xr.Dataset) -> dict[str, dict[str, None]]:
    """Coordinates and bounds have no missing values, and CF does not let them declare any."""
    return {str(name): {"_FillValue": None} for name in dataset.variables}


def write_netcdf(dataset: xr.Dataset, path: str | PathLike[str], encoding: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a NetCDF-4 file, there whole or not at all; what `encoding` does not name is `unfilled`.

    Raises InvalidInput for `output` where the file cannot be written.
    """
    with placed(path) as unfinished, NETCDF_LIBRARY:
        failure: OSError | RuntimeError | None = None
        try:
            dataset.to_netcdf(
                unfinished, engine="netcdf4", format="NETCDF4", encoding={**unfilled(dataset), **encoding}
            )
        except (OSError, RuntimeError) as error:  # its traceback must go: it holds the file
            failure = type(error)(*error.args)
        if failure:
            gc.collect()  # a file that could not be closed is tried again here, not by a thread without the lock
            raise failure
