"""What a seed decides: the numbers that the world is made of, and which model lacks what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CALENDARS: Mapping[str, str] = {
    "CanESM5": "noleap",
    "MIROC6": "standard",
    "UKESM1-0-LL": "360_day",
    "MPI-ESM1-2-LR": "proleptic_gregorian",
    "CESM2": "noleap",
    "GFDL-ESM4": "365_day",
    "MRI-ESM2-0": "proleptic_gregorian",
    "ACCESS-ESM1-5": "standard",
}
MODELS = tuple(CALENDARS)
INSTITUTIONS: Mapping[str, str] = {
    "CanESM5": "CCCma",
    "MIROC6": "MIROC",
    "UKESM1-0-LL": "MOHC",
    "MPI-ESM1-2-LR": "MPI-M",
    "CESM2": "NCAR",
    "GFDL-ESM4": "NOAA-GFDL",
    "MRI-ESM2-0": "MRI",
    "ACCESS-ESM1-5": "CSIRO",
    "IPSL-CM6A-LR": "IPSL",
}
SENSITIVE = MODELS[:5]
"""The models with the idealised CO2 experiments."""
FORCED = ("CanESM5", "MIROC6", "MRI-ESM2-0")
"""The models with single-forcing experiments."""
HISTORY, FUTURE = (1980, 2014), (2015, 2100)


@dataclass(frozen=True)
class Event:
    """An El Niño (positive) or La Niña, peaking in December."""

    year: int
    peak: float
    eastern: bool


@dataclass(frozen=True)
class Parameters:
    """All that differs between two worlds."""

    warming: Mapping[str, float]
    """K a year, 1980–2014, of each model and of ERA5."""
    ssp585: Mapping[str, float]
    ssp245: Mapping[str, float]
    bias: Mapping[str, tuple[float, float, float]]
    """K: of the global mean, with sin φ, with cos λ."""
    ecs: Mapping[str, float]
    forcing: Mapping[str, float]
    """W m-2, of four times CO2."""
    tcr: Mapping[str, float]
    events: tuple[Event, ...]
    periods: Mapping[str, float]
    """Years, of the models' and the SOI's oscillations."""
    shares: tuple[float, float, float]
    """Of the variance, by mode."""
    overturning: float
    """Sv at 26.5°N."""
    scalings: tuple[float, float, float]
    """Of greenhouse gases, aerosols and natural forcings in the observed temperature."""
    scale: Mapping[str, float]
    """Other numbers, each within a few tenths of one: they scale the closed forms."""
    without_control: str
    without_ramp: str
    without_ssp245: str


NAMES = (
    "precipitation", "evaporation", "runoff", "pressure", "wind", "salinity", "ice", "ohc", "thermocline", "cloud",
    "albedo", "tropics", "rain", "heat", "geopotential",
)  # fmt: skip


def drawn(seed: int) -> Parameters:
    """The parameters of a seed."""
    rng = np.random.default_rng([20, seed])

    def between(low: float, high: float, size: int | None = None) -> np.ndarray | float:
        return rng.uniform(low, high, size)

    rates = rng.permutation(np.linspace(0.017, 0.036, len(MODELS))) + between(-0.0008, 0.0008, len(MODELS))
    warming = dict(zip(MODELS, rates.tolist(), strict=True)) | {"ERA5": float(between(0.02, 0.028))}
    future = {m: 0.012 + 1.3 * warming[m] + float(rng.normal(0, 0.0012)) for m in MODELS}
    missing = rng.permutation(SENSITIVE[2:])
    years = 1982 + np.concatenate([[0], np.cumsum(rng.permutation([3, 3, 3, 4, 4, 4, 4, 4]))])
    warm = np.zeros(9, dtype=bool)
    warm[rng.choice(9, 5, replace=False)] = True
    peaks = iter(rng.permutation(np.array([1.15, 1.4, 1.7, 2.05, 2.5])) + between(-0.06, 0.06))
    eastern = iter(rng.permutation([True, True, True, False, False]))
    events = tuple(
        Event(int(year), float(next(peaks)), bool(next(eastern)))
        if is_warm
        else Event(int(year), -float(between(1.1, 1.9)), bool(rng.random() < 0.5))
        for year, is_warm in zip(years, warm, strict=True)
    )
    first = float(between(0.5, 0.6))
    second = float(between(0.22, 0.3))
    return Parameters(
        warming=warming,
        ssp585=future,
        ssp245={m: 0.45 * future[m] for m in MODELS},
        bias={m: tuple(rng.uniform([-1.5, -1.0, -1.0], [1.5, 1.0, 1.0]).tolist()) for m in MODELS},
        ecs={m: float(v) for m, v in zip(SENSITIVE, rng.permutation([2.4, 3.0, 3.7, 4.5, 5.3]), strict=True)},
        forcing={m: float(between(6.6, 8.4)) for m in SENSITIVE},
        tcr={m: float(v) for m, v in zip(SENSITIVE, rng.permutation([1.4, 1.65, 1.9, 2.2, 2.6]), strict=True)},
        events=events,
        periods={
            "CESM2": float(between(3.2, 4.2)),
            "MIROC6": float(between(4.4, 5.6)),
            "SOI": float(between(3.0, 5.5)),
        },
        shares=(first, second, 1 - first - second),
        overturning=float(between(13, 21)),
        scalings=(float(between(0.85, 1.25)), float(between(0.8, 1.3)), float(between(0.7, 1.2))),
        scale={name: float(between(0.75, 1.25)) for name in NAMES},
        without_control=str(missing[0]),
        without_ramp=str(missing[1]),
        without_ssp245=str(rng.choice(MODELS[5:])),
    )
