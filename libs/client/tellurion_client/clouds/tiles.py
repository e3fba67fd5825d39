"""A scan of any length as tiles of a bounded number of points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tellurion_client.clouds.cloud import Cloud, check_count, joined
from tellurion_client.clouds.occupancy import Occupancy, areas

POINTS = 65_536
"""Most points of a tile."""
KEPT = 16_384
"""Most points of a tile that are given out."""
LEAST = 1024
"""Points that no cut leaves fewer of."""
ROOM = 1 << 21
"""Points that are held at once."""

_HASH_BITS = 48


@dataclass(frozen=True, eq=False)
class Tile:
    """What stands over one rectangle of the ground."""

    cloud: Cloud
    """Its points, or a sample of them, in the coordinates of the scan."""
    count: int
    """How many it has."""
    of: int
    """How many tiles the scan has."""


def tiles(
    source: Callable[[], Iterable[Cloud]], *, points: int = POINTS, kept: int = KEPT, least: int = LEAST, seed: int = 0
) -> Iterator[Tile]:
    """Cuts a scan from above into tiles of at most `points`, and gives out at most `kept` of each, taken at random.

    `source` gives the parts of the scan, each time the same, as `chunks` of a file does: once to count, and then once
    for every `ROOM` points that are given out. Memory does not grow with the scan. The tiles and their points depend on
    the points and `seed`, not on the order in which the points come. A tile has more than `points` where they stand
    over each other, and fewer than `least` only where the scan has.

    Raises InvalidInput of a scan without points, or one that changes; and as `source`.
    """
    ground = Occupancy()
    for part in source():
        if len(part):
            ground.add(part.points)
    check_count(int(ground.counts.sum()), int(ground.counts.sum()), "cloud")
    found = areas(ground.counts, points, least)
    counts = [int(ground.counts[area].sum()) for area in found]
    tile_of = np.full(ground.counts.shape, -1, np.int64)
    for number, area in enumerate(found):
        tile_of[area] = number
    together = max(1, ROOM // kept)
    for first in range(0, len(found), together):
        sample = _Sample(min(together, len(found) - first), kept, seed)
        for part in source():
            sample.add(tile_of.reshape(-1)[ground.cells(part.points)] - first, part)
        for cloud, count in zip(sample.clouds(), counts[first:], strict=False):
            yield Tile(cloud, count, len(found))


class _Sample:
    """Of each of some tiles the points whose hashes are smallest: a sample at random that no order of them changes."""

    def __init__(self, tiles: int, kept: int, seed: int) -> None:
        self._tiles, self._kept, self._seed = tiles, kept, seed
        self._keys: list[NDArray[np.uint64]] = []
        self._clouds: list[Cloud] = []
        self._held = 0

    def add(self, tile: NDArray[np.int64], cloud: Cloud) -> None:
        """Points and the tile of each; those of other tiles are passed over."""
        ours = (tile >= 0) & (tile < self._tiles)
        if not ours.any():
            return
        cloud = cloud.at(ours)
        tag = tile[ours].astype(np.uint64) << np.uint64(_HASH_BITS)
        self._keys.append(tag | _hashes(cloud.points, self._seed) >> np.uint64(64 - _HASH_BITS))
        self._clouds.append(cloud)
        self._held += len(cloud)
        if self._held > 2 * ROOM:
            self._thin()

    def clouds(self) -> Iterator[Cloud]:
        """The sample of each tile."""
        self._thin()
        ends = np.searchsorted(_tile(self._keys[0]), np.arange(self._tiles + 1))
        for start, end in pairwise(ends):
            yield self._clouds[0].at(slice(start, end))

    def _thin(self) -> None:
        """Keeps what may still be of the sample, by tile and hash."""
        keys = np.concatenate(self._keys)
        order = np.argsort(keys)
        tile = _tile(keys[order])
        order = order[np.arange(len(tile)) - np.searchsorted(tile, tile) < self._kept]
        self._keys, self._clouds, self._held = [keys[order]], [joined(self._clouds).at(order)], len(order)


def _tile(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return keys >> np.uint64(_HASH_BITS)


def _hashes(points: NDArray[np.float64], seed: int) -> NDArray[np.uint64]:
    """[N] evenly spread numbers, the same for the same place. Source: the finaliser of Steele et al. 2014, SplitMix."""
    mixed = np.full(len(points), seed % 2**64, np.uint64)
    for column in (points + 0.0).T:  # −0 is 0
        mixed ^= column.copy().view(np.uint64)
        mixed += np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed
