"""ShapeNetPart in its published layout: `shapenetcore_partanno_segmentation_benchmark_v0_normal`.

    synsetoffset2category.txt                       name and synset of each class
    train_test_split/shuffled_SUBSET_file_list.json "shape_data/SYNSET/MODEL" for each model of a subset
    SYNSET/MODEL.txt                                x y z nx ny nz part, a line for each point, y up

Source: Yi et al. 2016; parts are numbered over all classes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.clouds import normalised

SUBSETS = {"train": ("train", "val"), "test": ("test",)}
"""The published lists of each."""
MOST_PARTS = 256


@dataclass(frozen=True, eq=False)
class Parted:
    """A cloud and the part of each of its points."""

    kind: str
    """Its class."""
    cloud: NDArray[np.float32]
    """[N, 3] z up, in the unit ball."""
    parts: NDArray[np.int64]
    """[N]."""


def shapenet_part(root: Path, subset: str) -> list[Parted]:
    """The models of "train" (with the published validation set) or "test". Raises InvalidInput for another layout."""
    kinds = dict(reversed(line.split()) for line in _text(root / "synsetoffset2category.txt").splitlines() if line)
    lists = [root / "train_test_split" / f"shuffled_{each}_file_list.json" for each in SUBSETS[subset]]
    return [_model(root, name, kinds) for path in lists for name in _names(path)]


def parts_of(models: list[Parted]) -> dict[str, NDArray[np.int64]]:
    """The parts that occur in each class."""
    return {
        kind: np.unique(np.concatenate([model.parts for model in models if model.kind == kind]))
        for kind in sorted({model.kind for model in models})
    }


def _model(root: Path, name: str, kinds: dict[str, str]) -> Parted:
    synset, model = Path(name).parts[-2:]
    if synset not in kinds:
        raise InvalidInput.of("data", received=name, accepted=f"models of {', '.join(sorted(kinds))}")
    try:
        table = np.loadtxt(root / synset / f"{model}.txt", ndmin=2)
    except (OSError, ValueError) as error:
        raise InvalidInput.of("data", received=name, accepted="a file of numbers") from error
    parts = table[:, 6:]
    if table.shape[1:] != (7,) or not np.isfinite(table).all() or not ((parts >= 0) & (parts < MOST_PARTS)).all():
        accepted = f"x y z nx ny nz part in each line, parts below {MOST_PARTS}"
        raise InvalidInput.of("data", received=name, accepted=accepted)
    upright = table[:, [0, 2, 1]] * [1, -1, 1]
    return Parted(kinds[synset], normalised(upright).points, parts[:, 0].astype(np.int64))


def _names(path: Path) -> list[str]:
    try:
        names = json.loads(_text(path))
    except ValueError as error:
        raise InvalidInput.of("data", received=path.name, accepted="JSON") from error
    if not isinstance(names, list) or not all(isinstance(name, str) and len(Path(name).parts) >= 2 for name in names):
        raise InvalidInput.of("data", received=path.name, accepted='a list of "shape_data/SYNSET/MODEL"')
    return names


def _text(path: Path) -> str:
    if not path.is_file():
        raise InvalidInput.of("data", received=f"no {path.name}", accepted="the published folder of ShapeNetPart")
    return path.read_text()
