"""The encoder of scenes: tokens of coloured patches in metres. Gaussian2Scene trains it, detection uses it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tellurion_diffusion import weights
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.patches import PatchEmbedding
from tellurion_pointcloud.specs import check_blocks, check_sizes, stored_fields
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer

LIMITS = {
    "groups": 4096,
    "group_size": 1024,
    "hidden": 4096,
    "width": 4096,
    "depth": 64,
    "heads": 64,
}
"""Largest numbers that a file may claim."""
PREFIX = "encoder."
"""Of its tensors in the weights files of Gaussian2Scene and of the detector, whose spec holds its own as `encoder`."""


@dataclass(frozen=True)
class SceneSpec:
    """What a SceneEncoder is built from."""

    groups: int = 256
    """Patches of a scene."""
    group_size: int = 32
    """Points of a patch."""
    hidden: int = 32
    """Width of the first layer over points."""
    width: int = 192
    """Width of a token."""
    depth: int = 3
    heads: int = 6
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self, LIMITS)
        check_blocks(self)

    @classmethod
    def of(cls, stored: Any) -> SceneSpec:
        """What a weights file says. Raises InvalidInput for a name or a value that cannot be."""
        return cls(**stored_fields(cls, stored))

    def stored(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


FULL = SceneSpec(groups=2048, group_size=64, hidden=128, width=256, heads=4)
"""As large as 3DETR's encoder, Misra et al. 2021."""
SMALL = SceneSpec()
"""The size that two cores train."""


class SceneEncoder(nn.Module):
    """Tokens of a scene's patches, each aware of all others."""

    def __init__(self, spec: SceneSpec) -> None:
        super().__init__()
        self.spec = spec
        self.patches = PatchEmbedding(spec.width, spec.hidden, channels=6)
        self.positions = PositionEmbedding(spec.width)
        self.transformer = Transformer(spec.width, spec.depth, spec.heads, spec.drop_path)

    def forward(self, patches: Tensor, centres: Tensor) -> Tensor:
        """Tokens [B, G, C] of patches [B, G, K, 6] at centres [B, G, 3], metres."""
        return self.transformer(self.patches(patches), self.positions(centres))


def load_encoder(path: Path) -> SceneEncoder:
    """The encoder in a weights file of Gaussian2Scene or of a detector. Raises InvalidInput and DataCorrupted."""
    tensors, stored = weights.load(path)
    with torch.device("meta"):
        encoder = SceneEncoder(SceneSpec.of(stored.get("encoder")))
    inside = {name.removeprefix(PREFIX): each for name, each in tensors.items() if name.startswith(PREFIX)}
    weights.fill(encoder, inside)
    return encoder.eval()


@dataclass(frozen=True, eq=False)
class ScenePatches:
    """What a SceneEncoder reads of scenes: its two arguments, and where the scenes stood."""

    patches: Tensor
    """[B, G, K, 6] places relative to their centre, metres; colours from −0.5 to 0.5."""
    centres: Tensor
    """[B, G, 3] metres from the origin."""
    origin: Tensor
    """[B, 3] the middle of the scene's bounds in x and y and their lowest z, metres."""


def scene_patches(points: NDArray[np.floating[Any]], colours: NDArray[np.uint8], spec: SceneSpec) -> ScenePatches:
    """The patches of scenes: farthest points, and the points next to each.

    points [B, N, 3] in metres, z up; colours [B, N, 3].
    """
    lowest, highest = points.min(1), points.max(1)
    origin = np.concatenate([(lowest + highest)[:, :2] / 2, lowest[:, 2:]], 1)
    found = grouped((points - origin[:, None]).astype(np.float32), spec.groups, spec.group_size)
    scene = np.arange(len(points))[:, None, None]
    colour = colours[scene, found.index].astype(np.float32) / 255 - 0.5
    patches = torch.from_numpy(np.concatenate([found.points, colour], -1))
    return ScenePatches(patches, torch.from_numpy(found.centres), torch.from_numpy(origin.astype(np.float32)))
