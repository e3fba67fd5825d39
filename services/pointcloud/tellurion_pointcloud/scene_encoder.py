"""The encoder of scenes: coloured patches of a room in metres to tokens; Gaussian2Scene trains it, detection uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import grouped
from tellurion_pointcloud.patches import PatchEmbedding
from tellurion_pointcloud.transformer import PositionEmbedding, Transformer

PREFIX = "encoder."
"""Of the encoder's tensors in the weights files of Gaussian2Scene and of the detector."""
LARGEST = {"groups": 4096, "size": 512, "width": 4096, "depth": 64, "heads": 64, "hidden": 1024}
"""Values of a spec that may come from anybody."""


@dataclass(frozen=True)
class SceneSpec:
    """What a SceneEncoder is built from."""

    groups: int = 256
    """Patches of a scene."""
    size: int = 32
    """Points of a patch."""
    width: int = 192
    """Channels of a token."""
    depth: int = 3
    """Blocks."""
    heads: int = 6
    hidden: int = 32
    """Channels of a point in the patch embedding."""
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        for name, largest in LARGEST.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= largest:
                raise InvalidInput.of(f"spec.{name}", received=value, accepted=f"an integer from 1 to {largest}")
        if self.width % self.heads:
            raise InvalidInput.of("spec.width", received=self.width, accepted=f"a multiple of {self.heads} heads")
        if not isinstance(self.drop_path, (int, float)) or not 0 <= self.drop_path < 1:
            raise InvalidInput.of("spec.drop_path", received=self.drop_path, accepted="from 0 to below 1")

    @classmethod
    def of(cls, spec: Any) -> SceneSpec:
        """Of the fields in a file. Raises InvalidInput when they are not exactly these."""
        names = [field.name for field in fields(cls)]
        if not isinstance(spec, Mapping) or sorted(spec) != sorted(names):
            raise InvalidInput.of("spec", received=spec, accepted=f"the fields {', '.join(names)}")
        return cls(**spec)


FULL = SceneSpec(groups=2048, size=64, width=256, depth=3, heads=4, hidden=128)
"""As large as 3DETR's encoder, Misra et al. 2021."""


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


@dataclass(frozen=True, eq=False)
class ScenePatches:
    """What a SceneEncoder reads of scenes: its two arguments, and where the scenes stood."""

    patches: Tensor
    """[B, G, K, 6] places relative to their centre, metres; colours from −0.5 to 0.5."""
    centres: Tensor
    """[B, G, 3] metres from the origin."""
    origin: Tensor
    """[B, 3] the middle of the scene's bounds in x and y and their lowest z, metres."""


def scene_patches(
    points: NDArray[np.floating[Any]], colours: NDArray[np.uint8], *, groups: int, size: int
) -> ScenePatches:
    """The patches of scenes: `groups` farthest points and the `size` points next to each.

    points [B, N, 3] in metres, z up; colours [B, N, 3].
    """
    lowest, highest = points.min(1), points.max(1)
    origin = np.concatenate([(lowest + highest)[:, :2] / 2, lowest[:, 2:]], 1)
    found = grouped((points - origin[:, None]).astype(np.float32), groups, size)
    scene = np.arange(len(points))[:, None, None]
    colour = colours[scene, found.index].astype(np.float32) / 255 - 0.5
    patches = torch.from_numpy(np.concatenate([found.points, colour], -1))
    return ScenePatches(patches, torch.from_numpy(found.centres), torch.from_numpy(origin.astype(np.float32)))
