"""Ordinary analyses with the field's libraries, which compile, look for programs and read tables of their own."""

import json
import os
from pathlib import Path

import gsw
import matplotlib.pyplot as plt
import numpy as np
import pymannkendall
import regionmask
import xarray as xr
import xeofs
from numba import njit


def leading_pattern():
    """An EOF that explains all there is."""
    time, lat, lon = np.arange(40), np.arange(-20.0, 21, 10), np.arange(0.0, 50, 10)
    field = np.sin(time)[:, None, None] * np.cos(np.deg2rad(lat))[:, None] * np.ones(5)
    data = xr.DataArray(field, dims=("time", "lat", "lon"), coords={"time": time, "lat": lat, "lon": lon})
    model = xeofs.single.EOF(n_modes=1, use_coslat=True).fit(data, dim="time")
    return float(model.explained_variance_ratio()[0])


def density_of_sea_water():
    return float(gsw.rho(35.16504, 10.0, 0.0))


def monotonic_trend():
    return pymannkendall.original_test(np.arange(30.0)).trend


def regions():
    lon, lat = np.arange(0.5, 360), np.arange(-89.5, 90)
    mask = regionmask.defined_regions.srex.mask(lon, lat)
    return int(np.unique(mask).size > 20)


def compiled_loop():
    @njit
    def total(n):
        s = 0
        for i in range(n):
            s += i
        return s

    return total(1000)


def fonts_and_programs():
    """What asks for programs gets none, and goes on."""
    figure, axes = plt.subplots()
    axes.text(0.5, 0.5, "text", family="a font that nobody has")
    figure.savefig("text.png")
    return os.path.exists("text.png")  # noqa: PTH110 -- as people write it


ANALYSES = [leading_pattern, density_of_sea_water, monotonic_trend, regions, compiled_loop, fonts_and_programs]
Path("answers.json").write_text(json.dumps({analysis.__name__: analysis() for analysis in ANALYSES}))
