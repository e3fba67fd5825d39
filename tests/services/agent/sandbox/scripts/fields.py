"""Ordinary analyses of fields in NetCDF and Zarr, and their figures: xarray, dask, cftime, matplotlib."""

import json
import sys
import tempfile
from pathlib import Path

import cf_xarray  # noqa: F401 -- the accessor .cf
import cftime
import dask
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

first, second = sys.argv[1:]


def weighted_mean():
    with xr.open_dataset(first) as data:
        return float(data.tos.isel(time=0).weighted(np.cos(np.deg2rad(data.lat))).mean())


def two_files_as_one():
    with xr.open_mfdataset([first, second], combine="by_coords") as data:
        return data.sizes["time"]


def seasonal_cycle():
    with xr.open_mfdataset([first, second], combine="by_coords") as data:
        cycle = data.tos.groupby("time.month").mean("time").mean(("lat", "lon"))
        return cycle.values.tolist()


def written_and_read():
    data = xr.Dataset({"x": ("n", np.arange(5.0), {"units": "K"})})
    data.to_netcdf("modern.nc", encoding={"x": {"zlib": True}})
    with xr.open_dataset("modern.nc") as again:
        return [float(again.x.sum()), again.x.attrs["units"]]


def written_in_the_classic_form():
    xr.Dataset({"x": ("n", np.arange(5.0))}).to_netcdf("classic.nc", engine="scipy")
    with xr.open_dataset("classic.nc", engine="scipy") as again:
        return float(again.x.max())


def store_of_chunks():
    """Zarr, in the folder for temporary files."""
    place = Path(tempfile.mkdtemp()) / "store.zarr"
    data = xr.Dataset({"x": ("n", np.arange(100.0))}).chunk(n=10)
    data.to_zarr(place)
    return float(xr.open_zarr(place).x.sum())


def larger_than_a_chunk():
    with dask.config.set(scheduler="threads", num_workers=4):
        return float(xr.DataArray(dask.array.ones((2000, 500), chunks=(100, 500)), dims=("a", "b")).sum())


def calendars():
    days = [cftime.datetime(2001, 3, 1, calendar=c).dayofyr for c in ("noleap", "360_day", "standard")]
    return [*days, xr.date_range("2000-01-01", periods=360, calendar="360_day", use_cftime=True)[-1].isoformat()]


def standard_name():
    with xr.open_dataset(first) as data:
        return data.cf["sea_surface_temperature"].name


def line():
    figure, axes = plt.subplots()
    axes.plot([1990, 2020], [14.2, 15.1], label="$\\Delta T$ in °C")
    axes.set(xlabel="year", ylabel="temperature (°C)", title="Überblick")
    axes.legend()
    figure.savefig("line.png")
    return True


def map_with_colours():
    with xr.open_dataset(first) as data:
        figure, axes = plt.subplots(layout="constrained")
        data.tos.isel(time=0).plot(ax=axes, cmap="RdBu_r", cbar_kwargs={"label": "°C"})
        axes.contour(data.lon, data.lat, data.tos.isel(time=0), colors="black")
        figure.savefig("map.png", dpi=80)
    return True


ANALYSES = [
    weighted_mean,
    two_files_as_one,
    seasonal_cycle,
    written_and_read,
    written_in_the_classic_form,
    store_of_chunks,
    larger_than_a_chunk,
    calendars,
    standard_name,
    line,
    map_with_colours,
]
Path("answers.json").write_text(json.dumps({analysis.__name__: analysis() for analysis in ANALYSES}))
