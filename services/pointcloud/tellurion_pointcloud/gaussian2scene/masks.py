"""Which patches of a scene and of its view are hidden: what one branch sees of a place, the other does not.

Source: Chen et al. 2023 (PiMAE), complementary masking.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tellurion_pointcloud.masking import HIDDEN, scattered

NEAR = 0.05
"""Metres ahead of a camera from which something is seen."""


@dataclass(frozen=True, eq=False)
class Masks:
    """True where a patch is hidden."""

    scene: Tensor
    """[B, G], the same number in each scene."""
    image: Tensor
    """[B, T]."""


def seen_in(
    centres: Tensor,  # [B, G, 3] metres
    world_to_camera: Tensor,  # [B, 4, 4]
    K: Tensor,  # [B, 3, 3]
    size: tuple[int, int],
    patch: int,
) -> Tensor:
    """[B, G] the patch, row by row, of an image of `size` (height, width) that each centre is seen in; −1: in none."""
    seen = centres @ world_to_camera[:, :3, :3].mT + world_to_camera[:, None, :3, 3]
    depth = seen[..., 2]
    focal, principal = torch.stack([K[:, 0, 0], K[:, 1, 1]], -1), K[:, :2, 2]
    place = seen[..., :2] / depth.clamp(min=NEAR)[..., None] * focal[:, None] + principal[:, None]
    height, width = size
    column, row = place.div(patch).floor().unbind(-1)
    inside = (depth >= NEAR) & (place >= 0).all(-1) & (place[..., 0] < width) & (place[..., 1] < height)
    return torch.where(inside, row * (width // patch) + column, -1).long()


def hidden_at_random(batch: int, groups: int, random: torch.Generator) -> Tensor:
    """[B, G] true for patches that are hidden."""
    _, hidden = scattered(batch, groups, random)
    return torch.zeros(batch, groups, dtype=torch.bool).scatter(1, hidden, True)


def complementary(cells: Tensor, image_patches: int, random: torch.Generator, *, blind: float = 0.0) -> Masks:
    """Masks drawn for scenes whose patches are seen in `cells` [B, G] of the image, or −1 where in none.

    A share HIDDEN of the scene's patches is hidden. An image patch that a visible one is seen in is hidden, one that
    only hidden ones are seen in is visible, and others are drawn. A share `blind` of the images is hidden whole.
    """
    batch, groups = cells.shape
    scene = hidden_at_random(batch, groups, random)
    drawn = torch.rand(batch, image_patches, generator=random) < HIDDEN
    whole = torch.rand(batch, 1, generator=random) < blind
    scene, drawn, whole = (each.to(cells.device) for each in (scene, drawn, whole))
    by_visible, by_hidden = (_met(cells, which, image_patches) for which in (~scene, scene))
    return Masks(scene, whole | by_visible | (~by_hidden & drawn))


def aligned(cells: Tensor, centres: Tensor, image_patches: int) -> tuple[Tensor, Tensor]:
    """[B, T, 3] the mean of the centres [B, G, 3] that are seen in each image patch, and [B, T] whether any is."""
    cell = torch.where(cells < 0, image_patches, cells)
    sums = centres.new_zeros(len(cells), image_patches + 1, 4)
    homogeneous = torch.cat([centres, torch.ones_like(centres[..., :1])], -1)
    sums = sums.scatter_add(1, cell[..., None].expand(-1, -1, 4), homogeneous)[:, :-1]
    return sums[..., :3] / sums[..., 3:].clamp(min=1), sums[..., 3] > 0


def _met(cells: Tensor, which: Tensor, image_patches: int) -> Tensor:
    """[B, T] whether any of `which` [B, G] is seen in an image patch."""
    cell = torch.where(which & (cells >= 0), cells, image_patches)
    return torch.zeros(len(cells), image_patches + 1, dtype=torch.bool, device=cells.device).scatter(1, cell, True)[
        :, :-1
    ]
