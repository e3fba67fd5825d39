"""Pack the monthly navy winds into the two small files that ship with the service.

    python -m tellurion_assimilation.training.pack monthly_navy_winds.cdf [FOLDER]

The last 32 months go into a file of their own, which nothing that fits or tunes ever opens.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from tellurion_assimilation.systems.winds import TEST_FILE, TRAINING_FILE, TRAINING_MONTHS
from tellurion_core.errors import InvalidInput

MONTHS = np.arange("1982-01", "1993-01", dtype="datetime64[M]")
SCALE = 0.02
"""m/s; rounding then adds 3e-5 m²/s² to a mean squared error."""
FILL = np.int16(-32768)
NAMES = {"UWND": ("uas", "eastward_wind"), "VWND": ("vas", "northward_wind")}


def pack(source: Path, folder: Path) -> tuple[Path, Path]:
    """Write the training and the test file into `folder`; return their paths.

    Raises InvalidInput when the source does not hold the 132 months.
    """
    with xr.open_dataset(source) as winds:
        found = winds["TIME"].values.astype("datetime64[M]")
        if not np.array_equal(found, MONTHS):
            received = f"{len(found)} months from {found[0]}"
            raise InvalidInput.of("source", received=received, accepted=f"{MONTHS[0]} to {MONTHS[-1]}")
        winds = winds[list(NAMES)].rename(TIME="time", FNOCY="lat", FNOCX="lon").load()
    winds = winds.assign_coords(lon=winds["lon"].values % 360).sortby("lon")
    targets = folder / TRAINING_FILE, folder / TEST_FILE
    for target, months in zip(targets, (slice(None, TRAINING_MONTHS), slice(TRAINING_MONTHS, None)), strict=True):
        _write(winds.isel(time=months), target)
    return targets


def _write(winds: xr.Dataset, target: Path) -> None:
    axes = ("time", "lat", "lon")
    about = {"units": "m s-1", "cell_methods": "time: mean"}
    fields = {
        short: (axes, winds[name].values, about | {"standard_name": standard})
        for name, (short, standard) in NAMES.items()
    }
    packed = xr.Dataset(fields, coords={name: winds[name].values for name in axes})
    packed["time"].attrs = {"standard_name": "time", "axis": "T"}
    packed["lat"].attrs = {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}
    packed["lon"].attrs = {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}
    packed.attrs = {
        "Conventions": "CF-1.11",
        "title": "Monthly mean winds of the U.S. Navy's global analyses, every 2.5 degrees",
        "source": "monthly_navy_winds.cdf of the NOAA PMEL Ferret data sets",
        "history": "packed by tellurion_assimilation.training.pack",
    }
    squeezing = {"zlib": True, "complevel": 9, "shuffle": True, "chunksizes": (1, *packed["uas"].shape[1:])}
    encoding = {name: {"dtype": "int16", "scale_factor": SCALE, "_FillValue": FILL, **squeezing} for name in fields}
    encoding |= {"time": {"units": "hours since 1982-01-01", "dtype": "float64", "_FillValue": None}}
    encoding |= {name: {"_FillValue": None} for name in ("lat", "lon")}
    packed.to_netcdf(target, encoding=encoding, format="NETCDF4", engine="netcdf4")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_assimilation.training.pack", description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="monthly_navy_winds.cdf of the Ferret data sets")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1] / "data")
    given = parser.parse_args(arguments)
    for path in pack(given.source, given.folder):
        print(f"{path.name} {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
