"""How far two fields on the same cells agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Agreement:
    """Of a field with a reference, over the cells that both have, weighed with their areas."""

    bias: float
    rmse: float
    correlation: float
    """Centred pattern correlation."""
    share: float
    """Of the area of the two fields' cells, how much both have."""


def agreement(field: xr.DataArray, reference: xr.DataArray, area: xr.DataArray) -> Agreement:
    """Bias, root-mean-square error and centred pattern correlation (Taylor 2001) of fields [lat, lon]."""
    x, y, w = (np.asarray(a.transpose("lat", "lon").values, float) for a in (field, reference, area))
    w = np.nan_to_num(w)
    both, either = np.isfinite(x) & np.isfinite(y), np.isfinite(x) | np.isfinite(y)
    share = float((w * both).sum() / max((w * either).sum(), 1e-300))
    w = np.where(both, w, 0.0) / max(np.where(both, w, 0.0).sum(), 1e-300)
    x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
    dx, dy = x - (w * x).sum(), y - (w * y).sum()
    scale = np.sqrt((w * dx**2).sum() * (w * dy**2).sum())
    r = float((w * dx * dy).sum() / scale) if scale > 0 else np.nan
    return Agreement(float((w * (x - y)).sum()), float(np.sqrt((w * (x - y) ** 2).sum())), r, share)
