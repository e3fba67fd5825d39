"""The encoder of scenes: tokens of coloured patches in metres. Gaussian2Scene trains it, detection uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.patches import PatchEmbedding
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
        for name, largest in LIMITS.items():
            value = getattr(self, name)
            if not (isinstance(value, int) and 1 <= value <= largest):
                raise InvalidInput.of(f"spec.{name}", received=repr(value), accepted=f"a whole number, 1…{largest}")
        if self.width % self.heads:
            raise InvalidInput.of("spec.heads", received=str(self.heads), accepted=f"a divisor of {self.width}")
        if not (isinstance(self.drop_path, (int, float)) and 0 <= self.drop_path < 1):
            raise InvalidInput.of("spec.drop_path", received=repr(self.drop_path), accepted="0 ≤ drop_path < 1")

    @classmethod
    def of(cls, stored: Any) -> SceneSpec:
        """What a weights file says. Raises InvalidInput for a name or a value that cannot be."""
        known = {field.name for field in fields(cls)}
        if not (isinstance(stored, Mapping) and set(stored) <= known):
            raise InvalidInput.of("spec.encoder", received=stored, accepted=", ".join(sorted(known)))
        return cls(**stored)

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

    def forward(self, patches: Tensor, centres: Tensor, present: Tensor | None = None) -> Tensor:
        """Tokens [B, G, C] of patches [B, G, K, 6] at centres [B, G, 3]; none attends to those not `present` [B, G]."""
        return self.transformer(self.patches(patches), self.positions(centres), present)


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
