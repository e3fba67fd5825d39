"""The air and the surface: temperatures, rain, pressure, winds, radiation, and the forced experiments."""

from __future__ import annotations

import numpy as np

from .fields import Array, Field, cycle, grid, months
from .parameters import FUTURE, HISTORY, Parameters

COARSE = (10.0, 30.0)
COARSEST = (45.0, 90.0)


def _axes(size: tuple[float, float], first: int, last: int) -> tuple[Array, Array, Field]:
    """Sine of latitude [Y, 1], cosine of longitude [1, X], and an empty field."""
    lat, lon = grid(*size)
    year, month = months(first, last)
    empty = Field(np.zeros((year.size, lat.size, lon.size)), year, month, lat, lon)
    return np.sin(np.radians(lat))[:, None], np.cos(np.radians(lon))[None, :], empty


def _noise(rng: np.random.Generator, field: Field, sigma: float) -> Array:
    """Weather [T, Y, X]: three patterns, each with white noise in time."""
    phi, lam = np.radians(field.lat)[:, None], np.radians(field.lon)[None, :]
    patterns = np.stack(np.broadcast_arrays(np.ones_like(phi + lam), np.sin(phi) + 0 * lam, np.cos(phi) * np.cos(lam)))
    return np.einsum("tk,kyx->tyx", rng.normal(0, sigma, (field.year.size, 3)), patterns)


def temperature(p: Parameters, rng: np.random.Generator, source: str, experiment: str = "historical") -> Field:
    """Near-surface air temperature, degC: warmest in July north of the Equator and in January south of it."""
    first, last = FUTURE if experiment.startswith("ssp") else HISTORY
    sine, cosine, field = _axes(COARSE, first, last)
    b0, b1, b2 = p.bias.get(source, (0.0, 0.0, 0.0))
    time = field.year + (field.month - 0.5) / 12 - HISTORY[0]
    turn = float(HISTORY[1] + 1 - HISTORY[0])
    later = p.ssp585.get(source, 0) if experiment == "ssp585" else p.ssp245.get(source, 0)
    warmed = p.warming[source] * np.minimum(time, turn) + later * np.maximum(time - turn, 0)
    mean = 27.5 - 40 * sine**2 + 1.5 * cosine + b0 + b1 * sine + b2 * cosine
    seasonal = 13 * sine * (1 - 0.3 * cosine)
    values = mean + seasonal * cycle(field.month, 7)[:, None, None] + warmed[:, None, None] * (1 + 0.5 * sine)
    return field.with_values(values + _noise(rng, field, 0.12))


def rain(
    p: Parameters, rng: np.random.Generator, source: str, experiment: str = "historical", enso: Array | None = None
) -> Field:
    """Precipitation, mm day-1; with a response to Niño-3.4 [T] where that is given."""
    first, last = FUTURE if experiment.startswith("ssp") else HISTORY
    sine, cosine, field = _axes(COARSE, first, last)
    phi = field.lat[:, None]
    time = field.year + (field.month - 0.5) / 12 - HISTORY[0]
    factors = {"GPCP-SG": 0.93, "NCEP-NCAR-R1": 1.08, "ERA5": 1.0}
    wetter = factors.get(source, 1 + 0.06 * p.bias.get(source, (0, 0, 0))[0])
    rate = 0.05 * p.warming.get(source, 0.02) * (2.0 if experiment == "ssp585" else 1.0)
    belts = 1.2 + 4.5 * np.exp(-((phi / 14) ** 2)) + 1.6 * np.exp(-(((np.abs(phi) - 50) / 16) ** 2)) + 0.3 * cosine
    seasonal = 0.9 * np.exp(-((phi / 30) ** 2)) * sine / 0.35
    start = 0.05 * p.warming.get(source, 0.02) * 35 if experiment.startswith("ssp") else 0.0
    trend = start + rate * (time - (35 if experiment.startswith("ssp") else 0))
    values = wetter * p.scale["precipitation"] * (belts + seasonal * cycle(field.month, 8)[:, None, None])
    values = values + trend[:, None, None] * (1 + 0.3 * sine) + 0.25 * _noise(rng, field, 0.12)
    if enso is not None:
        response = np.exp(-((phi / 15) ** 2)) * np.exp(-(((field.lon - 195) / 50) ** 2))[None, :]
        values = values + 0.9 * p.scale["rain"] * enso[:, None, None] * response
    return field.with_values(np.maximum(values, 0.01))


def pressure(p: Parameters, rng: np.random.Generator, source: str) -> Field:
    """Sea-level pressure, hPa: no trend, years that differ."""
    sine, cosine, field = _axes(COARSE, *HISTORY)
    yearly = np.repeat(rng.normal(0, 1.1 * p.scale["pressure"], field.year.size // 12), 12)[:, None, None]
    offset = p.bias.get(source, (0.4, 0, 0))[0]
    mean = 1011 + offset - 5.4 * np.cos(np.radians(3.2 * field.lat))[:, None] + 2 * cosine
    values = mean - 4 * sine * cycle(field.month, 7)[:, None, None] + yearly * (1 + 0.3 * sine)
    return field.with_values(values + _noise(rng, field, 0.3))


_WETNESS = {"ERA5": 1.0, "MIROC6": 1.04, "CESM2": 0.88}


def evaporation(p: Parameters, rng: np.random.Generator, source: str) -> Field:
    """Evaporation, mm day-1."""
    sine, cosine, field = _axes(COARSE, *HISTORY)
    values = _WETNESS[source] * p.scale["evaporation"] * (0.6 + 4.2 * (1 - sine**2) ** 1.5 + 0.2 * cosine)
    return field.with_values(values + 0.5 * sine * cycle(field.month, 1)[:, None, None] + _noise(rng, field, 0.02))


def runoff(p: Parameters, rng: np.random.Generator, source: str) -> Field:
    """Runoff, mm day-1, over land alone (elsewhere NaN), rising a little."""
    _, cosine, field = _axes(COARSE, *HISTORY)
    time = (field.year + (field.month - 0.5) / 12 - HISTORY[0])[:, None, None]
    values = 0.004 * time + _WETNESS[source] * p.scale["runoff"] * (
        1.2 + 0.5 * np.cos(2 * np.radians(field.lat))[:, None] + 0.2 * cosine
    )
    values = values + 0.25 * cycle(field.month, 5)[:, None, None] + _noise(rng, field, 0.015)
    return field.with_values(np.where(land(field), values, np.nan))


def land(field: Field) -> Array:
    """Three continents and Antarctica [Y, X]."""
    old, new, south = (-30, 70, 0, 60), (20, 70, 240, 300), (-90, -70, 0, 360)
    return field.inside(old) | field.inside(new) | field.inside(south)


def winds(p: Parameters, rng: np.random.Generator) -> tuple[Field, Field]:
    """Components at 10 m, m s-1: a speed that varies little, in a direction that turns through the year."""
    sine, cosine, field = _axes(COARSE, *HISTORY)
    speed = p.scale["wind"] * (6.5 + 2.5 * sine**2 + 0.7 * cosine) + _noise(rng, field, 0.05)
    angle = 0.6 + 1.3 * cycle(field.month, 2)[:, None, None]
    return field.with_values(speed * np.cos(angle)), field.with_values(speed * np.sin(angle))


def wind_speed(p: Parameters, rng: np.random.Generator) -> Field:
    """Speed at 10 m, m s-1, strengthening a little."""
    sine, cosine, field = _axes(COARSE, *HISTORY)
    time = (field.year + (field.month - 0.5) / 12 - HISTORY[0])[:, None, None]
    values = p.scale["wind"] * (6.2 + 2.8 * sine**2 + 0.5 * cosine) + 0.012 * time
    return field.with_values(values + 0.6 * cycle(field.month, 1)[:, None, None] + _noise(rng, field, 0.04))


def pressure_levels(p: Parameters, rng: np.random.Generator) -> dict[str, Field]:
    """Air temperature in degC and geopotential height in m at 1000, 850, 500 and 250 hPa, 2005–2014."""
    sine, cosine, field = _axes(COARSE, 2005, 2014)
    levels = np.array([1000.0, 850.0, 500.0, 250.0])
    height = -7600 * np.log(levels / 1013)[None, :, None, None]
    season = cycle(field.month, 7)[:, None, None, None]
    air = 24 - 30 * sine**2 - 6.1e-3 * height + 6 * sine * season + 0.8 * cosine
    geopotential = height * (1 + 0.02 * p.scale["geopotential"] * (0.6 - sine**2)) + 20 * sine * season
    axes = Field(air, field.year, field.month, field.lat, field.lon, levels)
    noise = _noise(rng, field, 0.1)[:, None]
    return {"ta": axes.with_values(air + noise), "zg": axes.with_values(geopotential + 10 * noise)}


def radiation(p: Parameters, rng: np.random.Generator, source: str, first: int, last: int) -> dict[str, Field]:
    """Outgoing fluxes with and without clouds, and those at the surface, W m-2."""
    sine, cosine, field = _axes(COARSE, first, last)
    factor = p.scale["cloud"] * {"CERES-EBAF": 1.0, "ISCCP-FH": 1.07}.get(source, 0.9)
    season = cycle(field.month, 6)[:, None, None]
    clear_short, clear_long = 54 + 20 * sine**2 + 8 * sine * season, 285 - 70 * sine**2 + 4 * sine * season
    short, long = factor * (46 + 6 * cosine + 9 * sine * season), factor * (26 - 8 * sine**2 + 2 * cosine)
    down = 245 - 150 * sine**2 + 60 * sine * season
    albedo = p.scale["albedo"] * (0.12 + 0.45 * sine**6 + 0.02 * cosine)
    fluxes = {
        "rsutcs": clear_short, "rsut": clear_short + short, "rlutcs": clear_long, "rlut": clear_long - long,
        "rsds": down, "rsus": down * albedo,
    }  # fmt: skip
    weather = _noise(rng, field, 0.3)
    noisy = {name: flux + weather if name[2:].startswith("ut") else flux for name, flux in fluxes.items()}
    return {name: field.with_values(flux) for name, flux in noisy.items()}


def _scaled(values: Array, field: Field) -> Array:
    """A pattern [Y, X] of mean one: the poles warm more."""
    pattern = 1 + 0.8 * (np.sin(np.radians(field.lat)) ** 2)[:, None] + 0 * field.lon
    return values[:, None, None] * pattern / field.over(pattern)


def idealised(p: Parameters, rng: np.random.Generator, model: str, experiment: str) -> dict[str, Field]:
    """piControl, abrupt-4xCO2 (150 years each) or 1pctCO2 (140): N = F − λ ΔT exactly, beside weather and a drift."""
    sine, cosine, field = _axes(COARSEST, 1850, 1989 if experiment == "1pctCO2" else 1999)
    time = field.year - 1850 + (field.month - 0.5) / 12
    drift = 0.0003 * (time - 75)
    season = cycle(field.month, 7)[:, None, None]
    forcing, equilibrium = 0.0, 2 * p.ecs[model]
    warming = np.zeros(time.size)
    if experiment == "abrupt-4xCO2":
        forcing = p.forcing[model]
        warming = equilibrium * (1 - 0.45 * np.exp(-time / 4.2) - 0.55 * np.exp(-time / 160))
    elif experiment == "1pctCO2":
        warming = p.tcr[model] * time * np.log2(1.01)
    balance = forcing - p.forcing[model] / equilibrium * warming
    weather = rng.normal(0, 0.1, time.size)
    base = 27 - 40 * sine**2 + cosine
    fields = {"tas": base + 8 * sine * season + _scaled(warming + drift + weather, field)}
    if experiment != "1pctCO2":
        sun = 340 - 120 * sine**2 + 90 * sine * season
        short = 0.3 * (340 - 120 * sine**2) + 0 * season + 0 * cosine - _scaled(0.3 * balance, field)
        long = 340 - 120 * sine**2 - 0.3 * (340 - 120 * sine**2) + 90 * sine * season - _scaled(0.7 * balance, field)
        fields |= {"rsdt": sun + 0 * cosine, "rsut": short, "rlut": long + 0 * cosine}
    return {name: field.with_values(values) for name, values in fields.items()}


def forced_shapes(years: Array) -> dict[str, Array]:
    """K by year since 1901, of a model of unit sensitivity."""
    since = years - 1901
    eruptions = sum(-0.35 * np.exp(-(years - at) / 1.6) * (years >= at) for at in (1902, 1912, 1963, 1982, 1991))
    return {
        "hist-GHG": 1.3 * (since / 114) ** 1.8,
        "hist-aer": -0.55 / (1 + np.exp(-(since - 62) / 7)),
        "hist-nat": eruptions + 0.06 * np.cos(2 * np.pi * since / 11),
    }


def forced(rng: np.random.Generator, sensitivity: float, experiment: str) -> Field:
    """A single-forcing experiment, 1901–2014, degC."""
    sine, cosine, field = _axes(COARSEST, 1901, 2014)
    signal = sensitivity * forced_shapes(field.year.astype(float))[experiment] + rng.normal(0, 0.04, field.year.size)
    season = 8 * sine * cycle(field.month, 7)[:, None, None]
    return field.with_values(27 - 40 * sine**2 + cosine + season + _scaled(signal, field))


def observed_warming(p: Parameters, rng: np.random.Generator, runs: dict[str, Field]) -> Field:
    """Anomalies of temperature, K: the scaled responses' sum, 1901–2014; `runs` are means over models."""
    _, _, field = _axes(COARSEST, 1901, 2014)
    signal = rng.normal(0, 0.05, field.year.size)
    for factor, run in zip(p.scalings, runs.values(), strict=True):
        years, means = run.mean().annual()
        signal = signal + factor * np.repeat(means - means[(years >= 1961) & (years <= 1990)].mean(), 12)
    return field.with_values(_scaled(signal, field))


def daily(p: Parameters, rng: np.random.Generator) -> dict[str, Field]:
    """Daily maximum temperature in degC and rain in mm day-1 of a European region, 1995–2014."""
    days = np.arange(np.datetime64("1995-01-01"), np.datetime64("2015-01-01"))
    year = days.astype("datetime64[Y]").astype(int) + 1970
    month = days.astype("datetime64[M]").astype(int) % 12 + 1
    day = (days - days.astype("datetime64[M]")).astype(int) + 1
    lat, lon = np.arange(42.5, 55, 5), np.arange(5.0, 40, 10)
    of_year = (days - days.astype("datetime64[Y]")).astype(int)
    weather = np.zeros(days.size)
    for at, shock in enumerate(rng.normal(0, 2.2, days.size)):
        weather[at] = 0.75 * weather[at - 1] + shock
    season = 11 * np.cos(2 * np.pi * (of_year - 200) / 365.25)
    warmth = 13.5 + 3 * p.scale["heat"] + season + weather + 0.03 * (year - 1995)
    offset = -0.35 * (lat[:, None] - 47.5) + 0.02 * (lon[None, :] - 20)
    amounts = rng.gamma(0.9, 7 * p.scale["rain"], days.size) * (rng.random(days.size) < 0.42)
    amounts = np.where(amounts < 1.2, 0.0, amounts)
    axes = Field(warmth[:, None, None] + offset, year, month, lat, lon, day=day)
    return {"tasmax": axes, "pr": axes.with_values(amounts[:, None, None] * (1 + 0.002 * (lon - 20)))}


def gauge(p: Parameters, rng: np.random.Generator) -> Field:
    """A rain gauge's months, 1975–2014, mm day-1; a few are dry."""
    year, month = months(1975, 2014)
    values = rng.gamma(2.2, 1.1 * p.scale["rain"], year.size) * (1 + 0.4 * cycle(month, 7))
    return Field(values[:, None, None], year, month, np.array([47.8]), np.array([11.0]))


def north_atlantic(p: Parameters, rng: np.random.Generator) -> Field:
    """Sea-level pressure, hPa, 1980–2009, 20–80°N, 90°W–40°E: three modes with the shares of variance prescribed.

    The patterns are orthonormal under cos φ; the amplitudes are cosines of whole numbers of cycles in 30 years, which
    have no trend and no annual cycle, and are orthogonal to each other.
    """
    lat, lon = np.arange(22.5, 80, 5), np.arange(275.0, 405, 10)
    year, month = months(1980, 2009)
    y, x = (lat[:, None] - 50) / 30, (lon[None, :] - 335) / 65
    weights = np.sqrt(np.cos(np.radians(lat)))[:, None] + 0 * x
    shapes = [np.sin(np.pi * y / 1.3) + 0 * x, np.cos(np.pi * x / 2) * np.cos(np.pi * y / 2), np.sin(np.pi * x) + 0 * y]
    patterns = np.linalg.qr(np.stack([(shape * weights).ravel() for shape in shapes], axis=1))[0]
    phases = 2 * np.pi * (np.arange(year.size) + 0.5) / year.size
    amplitudes = np.stack([np.cos(cycles * phases) for cycles in rng.permutation([7, 11, 17])], axis=1)
    modes = (amplitudes * np.sqrt(np.array(p.shares)) * 60) @ patterns.T
    anomalies = modes.reshape(year.size, lat.size, lon.size) / weights
    values = 1013 - 6 * y + 3 * x - 2 * cycle(month, 7)[:, None, None] + anomalies
    return Field(values, year, month, lat, lon)
