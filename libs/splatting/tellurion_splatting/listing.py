"""One image's Gaussians, sorted by depth and listed by tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import ResourceExhausted
from tellurion_splatting.kernels.binning import COLUMNS, depth_order, meet, pack, settle
from tellurion_splatting.profiles import Profile
from tellurion_splatting.threads import in_ranges

PIECE = 4096
"""Gaussians that one call of a kernel does."""
PIECES = 16
"""Most pieces that Gaussians are listed in, each of which counts its own in every tile."""
MOST_ENTRIES = 1 << 26
"""Pairs of a Gaussian and a tile of one image, at most; listing them takes up to 20 bytes each."""


@dataclass(frozen=True)
class Canvas:
    """What is drawn on, and by which rules."""

    width: int
    height: int
    tile: int
    profile: Profile
    joint: bool
    """Whether a second layer leaves out Gaussians, and ends pixels, together with the first."""
    threads: int

    @property
    def tiles(self) -> tuple[int, int]:
        """Across and down."""
        return -(-self.width // self.tile), -(-self.height // self.tile)


@dataclass(frozen=True, eq=False)
class Lists:
    """The n Gaussians of an image, nearest first, and those that each tile shows."""

    order: NDArray[np.int32]
    """[n] where they stand among the image's."""
    footprints: NDArray[Any]
    """[n, COLUMNS] of `kernels.binning`."""
    firsts: NDArray[np.int64]
    """[tiles + 1] where the entries of a tile begin, row by row of tiles."""
    entries: NDArray[np.int32]
    """Of the n, for one tile after the other, each tile's nearest first."""

    @classmethod
    def of(
        cls,
        depths: NDArray[Any],  # [n]
        radii: NDArray[np.int32],  # [n, 2]
        means2d: NDArray[Any],  # [n, 2]
        conics: NDArray[Any],  # [n, 3]
        opacities: NDArray[Any],  # [n]
        second: NDArray[Any] | None,  # [n] opacities of another layer
        canvas: Canvas,
    ) -> Lists:
        """Gaussians at the same depth stay in their order; raises ResourceExhausted beyond MOST_ENTRIES."""
        count, kind, (across, down) = len(depths), means2d.dtype, canvas.tiles
        order = depth_order(depths.view(f"i{kind.itemsize}"))
        footprints = np.empty((count, COLUMNS), kind)
        others = opacities[:0] if second is None else second
        drawn = order, radii, means2d, conics, opacities, others, canvas.joint, footprints
        in_ranges(pack, count, PIECE, canvas.threads, *drawn)

        piece = max(PIECE, -(-count // PIECES))
        counts = np.zeros((max(1, -(-count // piece)), across * down), np.int64)
        square, found = canvas.profile.extent == "square", np.zeros(len(counts), np.int64)
        grid = square, canvas.tile, across, down, MOST_ENTRIES, found, counts
        met = in_ranges(meet, count, piece, canvas.threads, piece, footprints, *grid)
        check_entries(max(int(found.sum()), int(counts.sum())))
        ends = np.cumsum(counts.T).reshape(counts.T.shape)
        places = np.ascontiguousarray((ends - counts.T).T)
        entries = np.empty(int(ends[-1, -1]), np.int32)
        in_ranges(lambda at, _: settle(*met[at], places[at], entries), len(met), 1, canvas.threads)
        return cls(order, footprints, np.concatenate([[0], ends[:, -1]]), entries)

    def longest_first(self, start: int, stop: int) -> NDArray[np.int64]:
        """The tiles start…stop, so that the last that threads wait for are short."""
        return start + np.argsort(-np.diff(self.firsts[start : stop + 1]), kind="stable")

    def bands(self, entries: int) -> Iterator[tuple[int, int]]:
        """Ranges of tiles that have at most so many entries, unless it is one tile."""
        start, tiles = 0, len(self.firsts) - 1
        while start < tiles:
            stop = int(np.searchsorted(self.firsts, self.firsts[start] + entries, side="right")) - 1
            stop = max(stop, start + 1)
            yield start, stop
            start = stop


def check_entries(entries: int) -> None:
    """Raises ResourceExhausted beyond MOST_ENTRIES."""
    if entries > MOST_ENTRIES:
        raise ResourceExhausted(f"tiles would list {entries} Gaussians or more, {MOST_ENTRIES} at most in an image")
