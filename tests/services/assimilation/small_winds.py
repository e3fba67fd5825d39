"""Winds of a small globe that remember: a season, waves that last from month to month, more restless over one half."""

from __future__ import annotations

import numpy as np

from tellurion_assimilation.systems.winds import Winds

LATITUDE, LONGITUDE = np.linspace(-90, 90, 13), np.arange(16) * 22.5
LASTING = 0.5
"""Of the departures of the month before."""


def winds(months: int, seed: int = 0) -> Winds:
    """So many months, from January 2001."""
    rng = np.random.default_rng(seed)
    y, x = np.radians(LATITUDE)[:, None], np.radians(LONGITUDE)
    restless = 1 + (x < np.pi)
    season = 5 * np.cos(y) * np.ones_like(x)
    state, fields = np.zeros((2, 13, 16)), []
    for month in range(months):
        state = LASTING * state
        for m in (1, 2, 3):
            phase, amplitude = 2 * np.pi * rng.random((2, 2, 1, 1)), rng.standard_normal((2, 2, 1, 1))
            waves = amplitude * np.cos(m * x + phase[:1]) * np.cos(m * y + phase[1:])
            state = state + waves.sum(axis=0) * restless
        fields.append(season * np.cos(2 * np.pi * month / 12) + state)
    dates = np.datetime64("2001-01") + np.arange(months)
    return Winds(LATITUDE, LONGITUDE, dates, np.array(fields, np.float32))
