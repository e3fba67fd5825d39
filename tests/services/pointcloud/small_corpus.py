"""A corpus of plates and rods."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tellurion_pointcloud.corpus import Thing, write


def write_corpus(path: Path) -> Path:
    """Twelve labelled things in three folds, and twelve without a class."""
    random, things = np.random.default_rng(0), []
    for index in range(24):
        kind, fold = (("plate", "rod")[index % 2], index // 2 % 3) if index < 12 else ("", -1)
        cloud = random.uniform(-0.5, 0.5, (1100, 3)) * ((1, 1, 0.1) if index % 2 else (0.1, 0.1, 1))
        picture = np.zeros((1, 4, 4, 3), np.uint8)
        colours = np.zeros((1100, 3), np.uint8)
        things.append(Thing(str(index), cloud.astype(np.float32), colours, picture, str(index // 2), kind, fold))
    write(path, things, 24, "boxes")
    return path
