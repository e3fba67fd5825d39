"""Vector quantisation, as SOG needs it: 256 values that stand for many, and a palette of rows that stands for all.

Source: S. Lloyd, Least squares quantization in PCM, 1982.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tellurion_splatting.gaussians import Floats

ENTRIES = 256
PALETTE = 8192
"""Rows of a palette at most: SOG allows 65 536, whose search takes eight times as long."""
BLOCK = 4096
"""Rows whose distances to the palette are held at once."""


def codebook(values: Floats, rounds: int = 10) -> tuple[Floats, NDArray[np.uint8]]:
    """[256] ascending values and, in the shape of `values`, the index of the nearest; exact where 256 are enough.

    Lloyd's algorithm in one dimension, from half as many quantiles, for what is frequent, and half as many equal steps,
    for the tails; cost: a sort, then a search a round.
    """
    distinct = np.unique(values)
    if len(distinct) <= ENTRIES:
        centres = np.pad(distinct, (0, ENTRIES - len(distinct)), mode="edge") if len(distinct) else np.zeros(ENTRIES)
        return centres.astype(np.float32), np.searchsorted(distinct, values).astype(np.uint8)
    ordered = np.sort(values, axis=None).astype(np.float64)
    quantiles = ordered[(np.arange(ENTRIES // 2) * 2 + 1) * len(ordered) // ENTRIES]
    centres = np.sort(np.concatenate([quantiles, np.linspace(ordered[0], ordered[-1], ENTRIES // 2)]))
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    for _ in range(rounds):
        bounds = np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2)
        edges = np.concatenate([[0], bounds, [len(ordered)]])
        counts = np.diff(edges)
        centres = np.where(counts, np.diff(sums[edges]) / np.maximum(counts, 1), centres)
    centres = np.sort(centres).astype(np.float32)
    return centres, np.searchsorted((centres[1:] + centres[:-1]) / 2, values).astype(np.uint8)


def palette(rows: Floats, rounds: int = 4) -> tuple[Floats, NDArray[np.uint16]]:
    """[P, D] rows and [N] the index of the nearest for each of [N, D]; exact where P rows are enough.

    Lloyd's algorithm from rows spread evenly over the input; cost N · P · D multiplications a round.
    """
    distinct, labels = np.unique(rows, axis=0, return_inverse=True)
    if len(distinct) <= PALETTE:
        return distinct, labels.reshape(-1).astype(np.uint16)
    centres = distinct[np.linspace(0, len(distinct) - 1, PALETTE).astype(int)]
    for _ in range(rounds):
        labels = _nearest(rows, centres)
        counts = np.bincount(labels, minlength=PALETTE)
        sums = np.stack([np.bincount(labels, column, PALETTE) for column in rows.T], axis=1)
        centres = np.where(counts[:, None], sums / np.maximum(counts, 1)[:, None], centres).astype(np.float32)
    return centres, _nearest(rows, centres).astype(np.uint16)


def _nearest(rows: Floats, centres: Floats) -> NDArray[np.intp]:
    halves = np.sum(centres**2, axis=1) / 2
    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    return np.concatenate([np.argmin(halves - block @ centres.T, axis=1) for block in blocks])
