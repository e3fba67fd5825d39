"""The sea: its surface, its layers, its ice and its overturning."""

from __future__ import annotations

import numpy as np

from .atmosphere import COARSE, land
from .fields import EARTH_RADIUS, Array, Field, cycle, grid, months
from .parameters import HISTORY, Parameters

FINE = (5.0, 10.0)
DEPTHS = np.array([5.0, 25.0, 75.0, 125.0, 225.0, 375.0, 575.0, 875.0, 1375.0, 2125.0])
"""Centres of layers, m. 300, 700 and 2000 m lie inside layers: a sum must clip them."""
NINO34 = (-5.0, 5.0, 190.0, 240.0)


def layers(depths: Array) -> Array:
    """Edges of the layers, m [Z + 1]: halfway between the centres, as who has no bounds infers them."""
    middle = (depths[1:] + depths[:-1]) / 2
    return np.concatenate([[0.0], middle, [2 * depths[-1] - middle[-1]]])


def enso(p: Parameters) -> tuple[Array, Array]:
    """Amplitudes by month [T] of the eastern and of the central Pacific's events, K in Niño-3.4."""
    year, month = months(*HISTORY)
    at = 12 * year + month
    eastern, central = np.zeros(at.size), np.zeros(at.size)
    for event in p.events:
        bump = event.peak * np.exp(-((at - (12 * event.year + 12)) ** 2) / (2 * 3.4**2))
        (eastern if event.eastern else central)[:] += bump
    return eastern, central


def surface(p: Parameters, rng: np.random.Generator, source: str) -> Field:
    """Sea-surface temperature, degC, land NaN: with events as HadISST, or with one period as a model."""
    lat, lon = grid(*FINE)
    year, month = months(*HISTORY)
    field = Field(np.zeros((year.size, lat.size, lon.size)), year, month, lat, lon)
    phi, sine = lat[:, None], np.sin(np.radians(lat))[:, None]
    time = year + (month - 0.5) / 12 - HISTORY[0]
    b0, b1, _ = p.bias.get(source, (0.0, 0.0, 0.0))
    values = 28 - 31 * sine**2 + 0.5 * b0 + 0.5 * b1 * sine + 0.8 * np.cos(np.radians(lon))[None, :]
    values = values + 4 * sine * cycle(month, 8)[:, None, None]
    values = values + (0.012 * p.scale["tropics"] * time)[:, None, None] * (0.4 + 1.6 * sine**2)

    def pattern(centre: float, width: float) -> Array:
        shape = np.exp(-((phi / 9) ** 2)) * np.exp(-(((lon - centre) / width) ** 2))[None, :]
        return shape / field.over(shape, NINO34)

    east, centre = pattern(250, 38), pattern(180, 28)
    if source == "HadISST":
        eastern, central = enso(p)
        values = values + eastern[:, None, None] * east + central[:, None, None] * centre
    else:
        swing = 1.2 * np.cos(2 * np.pi * time / p.periods[source] + 1)
        values = values + swing[:, None, None] * pattern(225, 40)
    values = values + rng.normal(0, 0.04, year.size)[:, None, None] * (1 + 0 * sine)
    continents = (-35, 70, 10, 60), (20, 70, 240, 290), (-40, 10, 290, 320), (-90, -75, 0, 360)
    dry = np.logical_or.reduce([field.inside(box) for box in continents])
    return field.with_values(np.where(dry, np.nan, np.maximum(values, -1.8)))


def southern_oscillation(p: Parameters, rng: np.random.Generator) -> Field:
    """The SOI, 1951–2014: one period, and the opposite of the events from 1980."""
    year, month = months(1951, 2014)
    time = year + (month - 0.5) / 12
    values = 1.3 * np.cos(2 * np.pi * time / p.periods["SOI"]) + rng.normal(0, 0.15, time.size) + 0.1
    values[year >= HISTORY[0]] -= 0.5 * sum(enso(p))
    return Field(values[:, None, None], year, month, np.array([0.0]), np.array([0.0]))


def _columns(first: int, last: int, depths: Array) -> tuple[Array, Array, Array, Field]:
    """Sine of latitude [1, Y, 1], cosine of longitude [1, 1, X], depth [Z, 1, 1], and an empty field."""
    lat, lon = grid(*COARSE)
    year, month = months(first, last)
    field = Field(np.zeros((year.size, depths.size, lat.size, lon.size)), year, month, lat, lon, depths)
    return np.sin(np.radians(lat))[None, :, None], np.cos(np.radians(lon))[None, None, :], depths[:, None, None], field


def temperatures(p: Parameters, rng: np.random.Generator, source: str) -> Field:
    """Potential temperature, degC: linear in depth to 400 m at the Equator, its warming decaying with depth."""
    sine, cosine, z, field = _columns(*HISTORY, DEPTHS)
    factor = {"IAP": 1.0}.get(source, 1.25)
    west = np.cos(np.radians(field.lon - 165))[None, None, :]
    top = 28.5 + 1.2 * west * (1 if source == "IAP" else 0.7) - 26 * sine**2
    slope = 0.052 / p.scale["thermocline"] * {"IAP": 1.0}.get(source, 1.12)
    mean = np.where(z < 400, top - (1 - 0.8 * sine**2) * slope * z, 0)
    at_400 = top - (1 - 0.8 * sine**2) * slope * 400
    mean = np.where(z < 400, mean, 1.5 + (at_400 - 1.5) * np.exp(-(z - 400) / 600))
    time = (field.year + (field.month - 0.5) / 12 - HISTORY[0])[:, None, None, None]
    warming = 0.014 * p.scale["ohc"] * factor * time * np.exp(-z / 450) * (1 + 0.2 * cosine)
    season = 3 * sine * np.exp(-z / 60) * cycle(field.month, 8)[:, None, None, None]
    weather = rng.normal(0, 0.02, field.year.size)[:, None, None, None] * np.exp(-z / 300)
    return field.with_values(np.where(land(field), np.nan, mean + warming + season + weather))


def salinity(p: Parameters, rng: np.random.Generator) -> Field:
    """Salinity, 1e-3, 2005–2014."""
    sine, cosine, z, field = _columns(2005, 2014, np.array([5.0, 50.0, 100.0, 200.0, 500.0, 1000.0]))
    belts = 1.6 * (0.7 - 2 * sine**2) * np.exp(-z / 500)
    values = 34.2 + 0.6 * p.scale["salinity"] + belts + 0.2 * cosine
    values = values + 0.1 * sine * np.exp(-z / 60) * cycle(field.month, 3)[:, None, None, None]
    weather = rng.normal(0, 0.01, (field.year.size, 1, 1, 1))
    return field.with_values(np.where(land(field), np.nan, values + weather))


def ice(p: Parameters, rng: np.random.Generator, source: str) -> Field:
    """Sea-ice concentration, %: edges that move with the seasons and, in the north, retreat."""
    lat, lon = grid(*FINE)
    year, month = months(*HISTORY)
    field = Field(np.zeros((year.size, lat.size, lon.size)), year, month, lat, lon)
    time = (year + (month - 0.5) / 12 - HISTORY[0])[:, None, None]
    further = p.scale["ice"] * (1.0 if source == "HadISST" else 1.5)
    wave = 5 * np.cos(2 * np.radians(lon))[None, :]
    north = 66 + wave - 7 * cycle(month, 3)[:, None, None] + 0.16 * further * time
    south = 64 + 0.8 * wave - 6 * cycle(month, 9)[:, None, None] + rng.normal(0, 0.05, year.size)[:, None, None]
    edge = np.where(lat[:, None] > 0, north, south)
    values = 96 * np.clip((np.abs(lat)[:, None] - edge) / 9, 0, 1)
    return field.with_values(values)


def overturning(p: Parameters, rng: np.random.Generator) -> tuple[Field, Array]:
    """Meridional velocity, m s-1, 1980–2014, and its overturning in the Atlantic by depth [T, Z + 1], Sv.

    Seven columns of 10° are the Atlantic's (80–10°W); some of the Pacific's flow southward and must be left out. The
    deep flow returns what the upper carries. The strength varies by year.
    """
    depths = np.array([25.0, 100.0, 250.0, 500.0, 850.0, 1250.0, 1800.0, 2600.0, 3600.0, 4600.0])
    lat, lon = np.arange(20.5, 33, 3), np.arange(5.0, 360, 10)
    year, month = months(*HISTORY)
    edges = layers(depths)
    thick = np.diff(edges)
    northward = np.where(edges[1:] <= 1100, 1.0, 0.0)
    shape = northward * np.exp(-depths / 900)
    shape = np.where(northward > 0, shape, -(shape * thick).sum() / thick[northward == 0].sum())
    circle = EARTH_RADIUS * np.radians(70) * np.cos(np.radians(lat))
    unit = (shape * thick).clip(0).sum() * EARTH_RADIUS * np.radians(70) * np.cos(np.radians(26.5)) / 1e6
    yearly = np.repeat(rng.normal(0, 1.2, year.size // 12), 12) - 0.03 * (year - 1997) + 0.5 * cycle(month, 10)
    strength = p.overturning + yearly
    atlantic = (lon > 280) & (lon < 350)
    flow = strength[:, None, None] / unit * shape[None, :, None] * (circle[2] / circle)[None, None, :]
    values = np.full((year.size, depths.size, lat.size, lon.size), np.nan)
    values[..., atlantic] = flow[..., None]
    values[..., (lon > 130) & (lon < 240)] = -0.4 * flow[..., None] - 0.002
    streamfunction = np.cumsum(flow[:, :, 2] * thick * circle[2] / 1e6, axis=1)
    return Field(values, year, month, lat, lon, depths), np.pad(streamfunction, ((0, 0), (1, 0)))


def streamfunction(p: Parameters, rng: np.random.Generator) -> Field:
    """The Atlantic's overturning, Sv [T, Z, Y, 1], of a model that publishes it: 1.15 times as strong, 1990–2014."""
    depths = np.array([0.0, 100.0, 300.0, 600.0, 1000.0, 1500.0, 2200.0, 3200.0, 4500.0])
    lat = np.array([20.5, 23.5, 26.5, 29.5, 32.5])
    year, month = months(1990, 2014)
    shape = np.sin(np.pi * np.minimum(depths / 2000, 1 + (depths - 2000) / 2600))
    strength = 1.15 * p.overturning + np.repeat(rng.normal(0, 0.9, year.size // 12), 12) + 0.4 * cycle(month, 9)
    values = strength[:, None, None, None] * shape[None, :, None, None] * (1 - 0.01 * (lat - 26.5))[None, None, :, None]
    return Field(values, year, month, lat, np.array([0.0]), depths)


def mixed_layer(p: Parameters, rng: np.random.Generator) -> dict[str, Field]:
    """An equatorial Pacific with uniform gradients and currents, 1990–1999: each term of its heat budget is exact."""
    depths = np.arange(5.0, 100, 10)
    lat, lon = np.arange(-8.75, 10, 2.5), np.arange(155.0, 270, 10)
    year, month = months(1990, 1999)
    time = (year + (month - 0.5) / 12 - 1990)[:, None, None, None]
    z, y, x = depths[:, None, None], lat[None, :, None], lon[None, None, :]
    axes = Field(np.zeros((year.size, depths.size, lat.size, lon.size)), year, month, lat, lon, depths)
    season = (1 + 0.2 * cycle(month, 4))[:, None, None, None]
    scale = p.scale["tropics"]
    ones = np.ones(axes.values.shape)
    warmth = 27 - 0.045 * scale * (x - 210) + 0.03 * y - 0.02 * z + 0.12 * time
    flux = Field(np.broadcast_to((45 * scale * season)[:, 0], (year.size, lat.size, lon.size)), year, month, lat, lon)
    return {
        "thetao": axes.with_values(warmth + 0 * ones),
        "uo": axes.with_values(-0.25 * season * ones),
        "vo": axes.with_values(0.06 * ones),
        "wo": axes.with_values(6e-6 * season * ones),
        "hfds": flux,
    }
