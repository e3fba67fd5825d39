"""Data larger than memory: 10 GB pass through in less than 2 GiB."""

from __future__ import annotations

import subprocess
import sys

import pytest

ANALYSIS = """
import resource, sys
import cftime, dask, dask.array as da, numpy as np, xarray as xr
from tellurion_agent.recipes.registry import RECIPES
from tellurion_agent.slots import Season

name, years = sys.argv[1], int(sys.argv[2])
dask.config.set(num_workers=2)
time = [cftime.DatetimeNoLeap(y, m, 15) for y in range(1, years + 1) for m in range(1, 13)]
lat, lon = np.arange(-89.75, 90, 0.5), np.arange(0.25, 360, 0.5)
shape = (len(time), lat.size, lon.size)

def block(block_info):
    (first, last), *_ = block_info[None]["array-location"]
    month = np.arange(first, last, dtype=np.float32)[:, None, None]
    return np.broadcast_to(0.001 * month + np.sin(month), (last - first, *shape[1:])).astype(np.float32)

chunks, meta = ((12,) * years, *((n,) for n in shape[1:])), np.empty((0, 0, 0), np.float32)
values = da.map_blocks(block, chunks=chunks, dtype=np.float32, meta=meta)
coords = {"time": time, "lat": lat, "lon": lon}
field = xr.DataArray(values, coords, ("time", "lat", "lon"), attrs={"units": "degC"})
recipe = RECIPES[name]
slots = {slot.name: slot.default for slot in recipe.slots} | {"variable": "air_temperature"}
if name == "leading_modes":  # of 830 summers: those of 9960 months are refused
    slots["season"] = Season("JJA", (6, 7, 8))
outcome = recipe.compute({"field": field}, slots)
print(field.nbytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, outcome.values[0].value)
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("recipe", ["linear_trend", "climatology_map", "trend_map", "leading_modes"])
def test_ten_gigabytes_pass_through_two(recipe: str) -> None:
    done = subprocess.run([sys.executable, "-c", ANALYSIS, recipe, "830"], capture_output=True, text=True, check=True)
    size, peak, value = map(float, done.stdout.split())
    assert size > 10e9
    assert peak < 2 * 2**30
    if recipe.endswith("trend") or recipe == "trend_map":
        assert value == pytest.approx(0.12, rel=0.01)  # 0.001 a month
