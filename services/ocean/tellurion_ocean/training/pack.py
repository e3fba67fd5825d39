"""Pack the World Ocean Atlas subset into the two small files that ship with the service.

    python -m tellurion_ocean.training.pack ocean_atlas_subset.nc [FOLDER]

February and August go into a file of their own, which nothing that fits or tunes ever opens.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from tellurion_ocean.atlas import EVALUATION_FILE, EVALUATION_MONTHS, TRAINING_FILE, TRAINING_MONTHS

SCALE = 0.001
"""°C; rounding then adds 1e-7 °C² to a mean squared error."""
OFFSET = 15.0
"""°C; centres int16's range of ±32.767 °C on the ocean's temperatures."""
FILL = np.int16(-32768)


def pack(source: Path, folder: Path) -> tuple[Path, Path]:
    """Write the training and the evaluation file into `folder`; return their paths."""
    with xr.open_dataset(source, decode_times=False) as atlas:
        field = atlas["TEMP"].load()
    time, depth, lat, lon = field.dims
    field = field.rename({time: "month", depth: "depth", lat: "lat", lon: "lon"})
    field = field.assign_coords(month=np.arange(1, 13, dtype=np.int32), lon=field["lon"].values % 360).sortby("lon")
    targets = folder / TRAINING_FILE, folder / EVALUATION_FILE
    for target, months in zip(targets, (TRAINING_MONTHS, EVALUATION_MONTHS), strict=True):
        _write(field.sel(month=list(months)), target)
    return targets


def _write(field: xr.DataArray, target: Path) -> None:
    dataset = xr.Dataset({"thetao": (field.dims, field.values)}, coords={n: field[n].values for n in field.dims})
    dataset["thetao"].attrs = {
        "standard_name": "sea_water_temperature",
        "long_name": "climatological monthly mean temperature of sea water, in situ",
        "units": "degree_C",
        "cell_methods": "month: mean",
    }
    dataset["month"].attrs = {"long_name": "month of the year, 1 is January", "units": "1"}
    dataset["depth"].attrs = {"standard_name": "depth", "units": "m", "positive": "down", "axis": "Z"}
    dataset["lat"].attrs = {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"}
    dataset["lon"].attrs = {"standard_name": "longitude", "units": "degrees_east", "axis": "X"}
    dataset.attrs = {
        "Conventions": "CF-1.11",
        "title": "World Ocean Atlas monthly temperature, every second degree, 0 to 1000 m",
        "source": "ocean_atlas_subset.nc of the NOAA PMEL Ferret data sets",
        "history": "packed by tellurion_ocean.training.pack",
    }
    packing = {"dtype": "int16", "scale_factor": SCALE, "add_offset": OFFSET, "_FillValue": FILL}
    squeezing = {"zlib": True, "complevel": 9, "shuffle": True, "chunksizes": (1, *field.shape[1:])}
    plain = {name: {"_FillValue": None} for name in ("month", "depth", "lat", "lon")}
    dataset.to_netcdf(target, encoding={"thetao": packing | squeezing, **plain}, format="NETCDF4", engine="netcdf4")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="tellurion_ocean.training.pack", description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="ocean_atlas_subset.nc of the Ferret data sets")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parents[1] / "data")
    given = parser.parse_args(arguments)
    for path in pack(given.source, given.folder):
        print(f"{path} {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
