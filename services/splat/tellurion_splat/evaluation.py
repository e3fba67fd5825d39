"""How good splats are on views: of the image, of what is transmitted where that is known, and of the depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress
from tellurion_splat.components import render
from tellurion_splat.splats import Splats
from tellurion_splatting.metrics import ALEXNET_SIDE, WINDOW, lpips, psnr, ssim
from tellurion_splatting.scenes.folder import Scene

TRANSMITTED, DEPTH = "transmitted", "depth"
"""Folders of a scene with the truth."""
OPAQUE = 1e-10
"""Alpha that an inverse depth is divided by at least, as gsplat does."""

Image = NDArray[np.float32]


@dataclass(frozen=True)
class ViewScores:
    """Of one view; images are cut to 0 … 1 first."""

    name: str
    psnr: float
    """Of the image, in dB."""
    ssim: float
    lpips: float | None
    """Learned perceptual distance; None where it cannot be had on this machine."""
    transmitted_psnr: float | None
    """Of the transmitted component against the true one, in dB; None where that is not known."""
    plain_psnr: float | None
    """Of the whole image against the same: what not telling reflections apart would give."""
    depth_error: float | None
    """Mean |1/z − 1/z*|, over one unit of length; None where the depth is not known."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of each view."""

    views: tuple[ViewScores, ...]

    def mean(self, score: str) -> float | None:
        """Of one of the scores over views; None where it is not known for all of them."""
        values = [getattr(view, score) for view in self.views]
        return None if None in values else float(np.mean(values))


@dataclass(frozen=True, eq=False)
class Reference:
    """What a view is scored against."""

    photograph: Image
    """[H, W, 3] in 0 … 1."""
    transmitted: Image | None
    """[H, W, 3] the same without its reflection."""
    inverse_depth: Image | None
    """[H, W]."""


def references(scene: Scene, views: Sequence[int], *, truth: bool = True) -> Iterator[Reference]:
    """What these views are scored against, each read when it is asked for; without `truth` photographs alone.

    Raises InvalidInput for images that cannot be scored.
    """
    if views and min(scene.size) < WINDOW:
        received, accepted = "{}×{} pixels".format(*scene.size), f"at least {WINDOW} along each side"
        raise InvalidInput.of("scene.images", received=received, accepted=accepted)
    transmitted, depth = (_folder(scene, name) if truth else {} for name in (TRANSMITTED, DEPTH))
    for row in views:
        name = scene.cameras.names[row]
        yield Reference(
            scene.image(row),
            scene.color(transmitted[name]) if name in transmitted else None,
            scene.inverse_depth(depth[name]) if name in depth else None,
        )


@torch.no_grad()
def evaluate(
    splats: Splats,
    scene: Scene,
    views: Iterable[int] | None = None,
    *,
    truth: bool = True,
    cancelled: CancelCheck = lambda: False,
    progress: Progress = lambda fraction, message: None,
) -> Evaluation:
    """Scores on these views of the scene, or on those that fits hold out.

    The true transmitted image and the true inverse depth are the scene's folders `transmitted` and `depth`, where it
    has them and `truth` is to be looked at. Raises Cancelled soon after `cancelled()`, and as `references`.
    """
    chosen = [int(row) for row in (np.flatnonzero(scene.held_out) if views is None else views)]
    of_views, scores = references(scene, chosen, truth=truth), []
    for done, row in enumerate(chosen):
        if cancelled():
            raise Cancelled("the evaluation was cancelled")
        progress(done / len(chosen), f"view {done + 1} of {len(chosen)}")
        scores.append(_scores(splats, scene, row, next(of_views)))
    return Evaluation(tuple(scores))


def _scores(splats: Splats, scene: Scene, row: int, reference: Reference) -> ViewScores:
    cameras = scene.cameras
    viewmat, K = (torch.from_numpy(each[row]).to(splats.means) for each in (cameras.viewmats, cameras.intrinsics))
    seen = render(splats, viewmat, K, scene.size)
    image, behind = _shown(seen.image), _shown(seen.transmitted)
    photograph, truth = reference.photograph, reference.transmitted
    error = None
    if reference.inverse_depth is not None:
        inverse_depth = (seen.inverse_depth / seen.alpha.clamp(min=OPAQUE)).cpu().numpy()
        error = float(np.abs(inverse_depth - reference.inverse_depth).mean())
    return ViewScores(
        name=cameras.names[row],
        psnr=psnr(image, photograph),
        ssim=ssim(image, photograph),
        lpips=lpips(image, photograph) if min(scene.size) >= ALEXNET_SIDE else None,
        transmitted_psnr=None if truth is None else psnr(behind, truth),
        plain_psnr=None if truth is None else psnr(image, truth),
        depth_error=error,
    )


def _shown(image: Tensor) -> Image:
    return image.clamp(0, 1).cpu().numpy()


def _folder(scene: Scene, folder: str) -> Mapping[str, Path]:
    return scene.folder(folder) if (scene.root / folder).is_dir() else {}
