"""What a rasterization says beside its images, under gsplat's names."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from tellurion_splatting.listing import check_entries

LISTS = ("tiles_per_gauss", "isect_ids", "flatten_ids", "isect_offsets")


class Meta(UserDict[str, Any]):
    """A dict whose LISTS of tiles are made when one of them is first read: no image is drawn from them.

    They are gsplat's, of boxes. The lists that images are drawn from are those of ellipses, and shorter.
    """

    def __init__(self, values: dict[str, Any], lists: Callable[[], dict[str, Tensor]]) -> None:
        super().__init__(values | dict.fromkeys(LISTS, lists))

    def __getitem__(self, key: str) -> Any:
        if callable(self.data[key]):
            self.data |= self.data[key]()
        return self.data[key]

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        return dict(self) | dict(other)

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        return dict(other) | dict(self)


@torch.no_grad()
def tile_lists(
    images: Tensor,  # [n] of each Gaussian
    radii: Tensor,  # [n, 2] int32
    means2d: Tensor,  # [n, 2]
    depths: Tensor,  # [n]
    tile: int,
    grid: tuple[int, ...],  # [..., C, tiles down, tiles across]
) -> dict[str, Tensor]:
    """LISTS of these: [n], [k] (image, tile and depth in bits), [k] of the n, and the grid's offsets into the k."""
    down, across = grid[-2:]
    size = torch.tensor([across, down])
    low = ((means2d - radii) / tile).floor().clamp(min=0).minimum(size).long()
    high = ((means2d + radii) / tile).ceil().clamp(min=0).minimum(size).long()
    sides = (high - low).clamp(min=0) * (radii > 0).all(dim=1, keepdim=True)
    tiles = sides.prod(dim=1)
    check_entries(int(tiles.sum()))
    owner = torch.arange(len(tiles)).repeat_interleave(tiles)
    place = torch.arange(len(owner)) - (tiles.cumsum(0) - tiles)[owner]
    row, column = low[owner, 1] + place // sides[owner, 0], low[owner, 0] + place % sides[owner, 0]
    cell = row * across + column
    bits = depths.float().view(torch.int32).long()
    ids, order = torch.sort((images[owner] << (down * across).bit_length() | cell) << 32 | bits[owner], stable=True)
    filled = torch.bincount(images[owner] * (down * across) + cell, minlength=torch.Size(grid).numel())
    return {
        "tiles_per_gauss": tiles.int(),
        "isect_ids": ids,
        "flatten_ids": owner[order].int(),
        "isect_offsets": (filled.cumsum(0) - filled).view(grid).int(),
    }
