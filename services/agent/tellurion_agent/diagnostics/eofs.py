"""Empirical orthogonal functions of a field whose cells differ in area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tellurion_agent.recipes.recipe import NoAnswer

LONGEST = 5000
"""Values in time: the covariance between them is held in memory."""


@dataclass(frozen=True)
class Eofs:
    """Modes, by the variance that they explain; each pattern positive where it is largest."""

    patterns: xr.DataArray
    """[mode, lat, lon] the field's anomaly, in its units, for one standard deviation of the component."""
    components: xr.DataArray
    """[mode, time] of unit variance."""
    explained: xr.DataArray
    """[mode] share of the area-weighted variance."""


def eofs(anomaly: xr.DataArray, area: xr.DataArray, modes: int) -> Eofs:
    """Of anomalies [time, lat, lon], cells weighed with the roots of their areas (North et al. 1982): √cos φ.

    By way of the covariance between times, T × T. Cells that are ever missing are left out.
    Raises NoAnswer when fewer than half of the cells that have values have them always, or nothing varies.
    """
    if anomaly.sizes["time"] > LONGEST:
        raise NoAnswer(f"EOFs of more than {LONGEST} values in time are not computed; ask for monthly data or a season")
    x = anomaly.transpose("time", "lat", "lon")
    valid = x.notnull()
    always, ever = (flag.compute() & (area > 0) for flag in (valid.all("time"), valid.any("time")))
    if not always.any() or float((area * always).sum()) < 0.5 * float((area * ever).sum()):
        raise NoAnswer("fewer than half of the cells have a value at every time; EOFs need them")
    weight = np.sqrt((area / area.where(always).max()).where(always, 0.0))
    scaled = (x - x.mean("time")).fillna(0.0) * weight
    gram = xr.dot(scaled, scaled.rename(time="other"), dim=("lat", "lon")).compute().values
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    order = np.argsort(values)[::-1][: min(modes, x.sizes["time"] - 1)]
    if values[order[0]] <= 1e-12 * max(float((x.max() - x.min()).compute()) ** 2, 1e-300):
        raise NoAnswer("the field does not vary in time")
    vectors = vectors[:, order] * np.sqrt(x.sizes["time"])
    mode = np.arange(1, order.size + 1)
    components = xr.DataArray(vectors.T, coords={"mode": mode, "time": x.time}, dims=("mode", "time"))
    patterns = xr.dot(components, (x - x.mean("time")).where(always), dim="time") / x.sizes["time"]
    patterns = patterns.where(always).compute()
    flat = patterns.stack(cell=("lat", "lon")).fillna(0.0)
    largest = flat.isel(cell=np.abs(flat * weight.stack(cell=("lat", "lon"))).argmax("cell"))
    sign = np.sign(largest).drop_vars(["lat", "lon", "cell"], errors="ignore")
    explained = xr.DataArray(values[order] / np.trace(gram), coords={"mode": mode}, dims="mode")
    return Eofs(patterns * sign, components * sign, explained)
