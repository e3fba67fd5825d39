"""States of several runs on disk, as integers of 16 bits: made once, grown at the end, read while they grow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import Conflict, NotFound

WIND, TEMPERATURE, PRESSURE = (0.0, 0.005), (250.0, 0.005), (1e5, 0.5)
"""Offset and step of the integers in m/s, K and Pa; rounding is far below any observation's error."""
LARGEST = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Store:
    """Snapshots of runs in `<path>.npy`, [R, capacity, C, Y, X], and how many there are in `<path>.json`."""

    path: Path

    @classmethod
    def opened(cls, path: Path, layout: Layout, runs: int, capacity: int, dropped: int = 0) -> Store:
        """The store at `path`, made if there is none; its first `dropped` snapshots are nobody's to read.

        Raises Conflict when it is another one than described.
        """
        store, shape = cls(path), (runs, capacity, *layout.shape)
        if not store._about.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            np.lib.format.open_memmap(store._data, "w+", np.int16, shape)
            store._write({"truncation": layout.truncation, "levels": layout.levels, "dropped": dropped, "count": 0})
        if (found := np.load(store._data, mmap_mode="r").shape) != shape:
            raise Conflict(f"{store._data.name} holds {found}, not {shape}: use another folder")
        return store

    @cached_property
    def layout(self) -> Layout:
        """Of its states. Raises NotFound where there is no store."""
        about = self._read()
        return Layout(about["truncation"], about["levels"])

    def __len__(self) -> int:
        """Snapshots of each run."""
        return self._read()["count"]

    @property
    def dropped(self) -> int:
        """Snapshots at the start of every run that are not to be used."""
        return self._read()["dropped"]

    @property
    def capacity(self) -> int:
        """Snapshots that it can hold of each run."""
        return self._stored.shape[1]

    def append(self, states: NDArray[np.floating]) -> None:
        """One more snapshot [R, C, Y, X] of all runs."""
        about = self._read()
        stored = np.load(self._data, mmap_mode="r+")
        offset, step = self.packing
        stored[:, about["count"]] = np.clip(np.rint((states - offset) / step), -LARGEST, LARGEST)
        stored.flush()
        self._write(about | {"count": about["count"] + 1})

    def states(self, runs: int | slice, at: int | slice | NDArray[np.integer]) -> NDArray[np.float32]:
        """Snapshots, runs first, each [C, Y, X]; as they are to 0.0025 m/s and K and 0.25 Pa."""
        offset, step = self.packing
        return self._stored[runs, at] * step + offset

    @cached_property
    def _stored(self) -> NDArray[np.int16]:
        return np.load(self._data, mmap_mode="r")

    @cached_property
    def packing(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Offset and step of the integers, [C, 1, 1] each."""
        levels = self.layout.levels
        pairs = [WIND] * (2 * levels) + [TEMPERATURE] * levels + [PRESSURE]
        offset, step = np.array(pairs, dtype=np.float32).T[..., None, None]
        return offset, step

    @property
    def _data(self) -> Path:
        return self.path.with_suffix(".npy")

    @property
    def _about(self) -> Path:
        return self.path.with_suffix(".json")

    def _read(self) -> dict[str, int]:
        try:
            return json.loads(self._about.read_text())
        except FileNotFoundError:
            raise NotFound(f"no {self._about.name} in {self.path.parent.name}: make it first") from None

    def _write(self, about: dict[str, int]) -> None:
        fresh = self._about.with_suffix(".tmp")
        fresh.write_text(json.dumps(about))
        fresh.replace(self._about)
