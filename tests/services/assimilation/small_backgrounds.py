"""A small atmosphere's backgrounds, in the files that the simulation leaves: waves that the background has too weak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_assimilation.training.backgrounds import CYCLED, PERTURBED
from tellurion_assimilation.training.simulate import RUNS
from tellurion_assimilation.training.store import Store

LAYOUT = Layout(5, 2)
DROPPED, SNAPSHOTS = 4, 120
AMPLITUDE = np.array([15.0] * 4 + [3.0] * 2 + [500.0], np.float32)[:, None, None]
MEAN = np.array([0.0] * 4 + [270.0] * 2 + [1e5], np.float32)[:, None, None]
WEAKNESS = 0.6
"""Of the truth's departure from the mean, what a background has."""


def waves(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth departures [count, C, Y, X] of order one."""
    _, height, width = LAYOUT.shape
    x, y = np.arange(width) / width, (np.arange(height) + 0.5) / height
    total = np.zeros((count, *LAYOUT.shape))
    for m in (1, 2, 3):
        phase, amplitude = rng.random((count, LAYOUT.shape[0], 1, 1)), rng.normal(size=(count, LAYOUT.shape[0], 1, 1))
        total += amplitude * np.cos(2 * np.pi * (m * x + phase)) * np.sin(np.pi * m * y)[:, None]
    return total.astype(np.float32)


def write(folder: Path) -> None:
    """The stores of truth, perturbed and cycled backgrounds."""
    rng = np.random.default_rng(0)
    truth = Store.opened(folder / "truth", LAYOUT, RUNS, DROPPED + SNAPSHOTS, DROPPED)
    for _ in range(DROPPED):
        truth.append(np.broadcast_to(MEAN, (RUNS, *LAYOUT.shape)))
    for _ in range(SNAPSHOTS):
        truth.append(MEAN + AMPLITUDE * waves(RUNS, rng))
    for stage in (PERTURBED, CYCLED):
        store = Store.opened(folder / stage.name, LAYOUT, len(range(RUNS)[stage.runs]), SNAPSHOTS)
        for n in range((SNAPSHOTS - stage.first) // stage.stride):
            states = truth.states(stage.runs, DROPPED + stage.snapshot(n))
            store.append(MEAN + WEAKNESS * (states - MEAN) + 0.1 * AMPLITUDE * waves(len(states), rng))
