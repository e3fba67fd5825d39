"""More Gaussians where the image asks for detail, and none that nobody sees: clone, split, prune, reset.

A Gaussian whose place in the image is pulled at is too few. It is cloned where it is small and split in two where it is
large. Source: Kerbl et al. (2023), 3D Gaussian splatting for real-time radiance field rendering, sec. 5.2.

The pull on a virtual image carries the weight of the reflection that it is seen by, so that few of them grow. Counted
five times they gave a better image and a worse transmitted one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tellurion_splat.optimiser import Optimiser
from tellurion_splat.splats import Splats, rotated

PULL = 2e-4
"""Mean gradient from which a Gaussian grows, for a move of half the image."""
SMALL = 0.01
"""Largest standard deviation, in extents of the scene, of a Gaussian that is cloned rather than split."""
LARGE = 0.1
"""And from which it is pruned, once that is asked for."""
SHRINKING = 1.6
"""Standard deviation of a Gaussian over those of its halves."""
FAINT = 0.005
"""Opacity below which a Gaussian is pruned."""
RESET_OPACITY = 0.01
RESET_WEIGHT = 0.1


class Densification:
    """How the Gaussians have been pulled at since the last densification, and what follows from it."""

    def __init__(self, count: int, device: torch.device | str = "cpu") -> None:
        self.pulls, self.views = torch.zeros(2, count, device=device)
        """[N] gradients, summed over the views in which a Gaussian was seen, and [N] how many those were."""

    def observe(self, meta: Mapping[str, Any], size: tuple[int, int]) -> None:
        """Takes in the gradient of one view's `meta["means2d"]`, in pixels of an image of this width and height."""
        for drawn in passes(meta):
            seen, pull = drawn["gaussian_ids"], drawn["means2d"].grad
            if pull is not None:
                self.pulls[seen] += (pull * (pull.new_tensor(size) / 2)).norm(dim=-1)
                self.views[seen] += 1

    @torch.no_grad()
    def densify(
        self,
        splats: Splats,
        optimiser: Optimiser,
        *,
        extent: float,
        most: int,
        prune_large: bool,
        generator: torch.Generator,
    ) -> None:
        """Clones, splits and prunes, and begins to count anew.

        `extent` is the size of the scene, `most` the number of Gaussians that growth must not exceed: those that are
        pulled at hardest come first.
        """
        growing = self._growing(most - len(splats))
        small = splats.scales.amax(dim=-1) <= SMALL * extent
        clones, split = growing & small, growing & ~small
        halves = split.nonzero()[:, 0].repeat_interleave(2)
        rows = torch.cat([(~split).nonzero()[:, 0], clones.nonzero()[:, 0], halves])
        optimiser.take(rows, fresh=int(clones.sum()) + len(halves))
        _separate(splats, len(halves), generator)
        self._prune(splats, optimiser, LARGE * extent if prune_large else math.inf)
        self.pulls, self.views = torch.zeros(2, len(splats), device=splats.means.device)

    def _growing(self, room: int) -> Tensor:
        """[N] which Gaussians become two."""
        pull = self.pulls / self.views.clamp(min=1)
        growing = torch.zeros_like(pull, dtype=torch.bool)
        hardest = pull.argsort(descending=True, stable=True)[: max(room, 0)]
        growing[hardest] = pull[hardest] >= PULL
        return growing

    @staticmethod
    def _prune(splats: Splats, optimiser: Optimiser, largest: float) -> None:
        # A virtual image may be large: it is far, and nothing that a camera looks through.
        kept = (_shown(splats) >= FAINT) & ((splats.scales.amax(dim=-1) <= largest) | (splats.opacities == 0))
        if not kept.all():
            optimiser.take(kept.nonzero()[:, 0])


def passes(meta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a rasterisation says of itself, and of the second pass where it took one for the reflected branch."""
    return [meta, meta["second_meta"]] if "second_meta" in meta else [meta]


def _shown(splats: Splats) -> Tensor:
    """[N] the opacity that a Gaussian is seen by: where both branches share it, of the one that it is fainter in."""
    if not splats.reflective:
        return splats.opacities
    either = torch.maximum if splats.apart else torch.minimum
    return either(splats.opacities, splats.reflected_opacities)


def _separate(splats: Splats, count: int, generator: torch.Generator) -> None:
    """The last so many Gaussians are halves at their parent's place: each goes to a draw from it, and shrinks."""
    if not count:
        return
    means, log_scales = (splats.parameters[name][-count:] for name in ("means", "log_scales"))
    drawn = torch.randn(count, 3, generator=generator).to(means.device)
    means += rotated(splats.quats[-count:], log_scales.exp() * drawn)
    log_scales -= math.log(SHRINKING)


@torch.no_grad()
def reset(splats: Splats, optimiser: Optimiser) -> None:
    """No Gaussian stays opaque, or mostly a reflection, that does not become so again."""
    ceilings = {
        "logit_opacities": RESET_OPACITY,
        "reflected_logit_opacities": RESET_OPACITY,
        "logit_beta": RESET_WEIGHT,
    }
    for name, ceiling in ceilings.items():
        if name in splats.parameters:
            splats.parameters[name].clamp_(max=math.log(ceiling / (1 - ceiling)))
            optimiser.forget(name)
