"""Inputs as networks would give them, made from the truth: reflections not quite removed, depth noisy and of no scale.

What a fit makes of such inputs says more than what it makes of the truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tellurion_core.whole_files import write_whole
from tellurion_splat.depth_image import inverse_depth_png
from tellurion_splat.evaluation import DEPTH, TRANSMITTED
from tellurion_splat.frames import png
from tellurion_splatting.scenes import Scene

RESIDUAL = 0.3
"""Share of the reflection that stays."""
BLUR = 1.0
"""Standard deviation, pixels."""
SHIFT = 0.75
"""Most that an image is displaced along each axis, pixels; another displacement for every view."""
WARP, WARP_LENGTH = 0.05, 8.0
"""Relative error of the depth that varies smoothly: its standard deviation, and its scale in pixels."""
NOISE = 0.02
"""Relative error of each pixel on its own, a standard deviation."""
SCALE = 2.0
"""Most that a view's inverse depth is multiplied or divided by; evenly distributed in the logarithm."""
OFFSET = 0.1
"""Most that is added to it or taken away, in medians."""
HEADROOM = 4.0
"""What is divided by before a value is cut at the whitest of an image; the scale means nothing anyway."""

Image = NDArray[np.float32]


def degrade(scene: Scene, seed: int = 0) -> tuple[str, str]:
    """Write the degraded inputs of the views that are not held out, and of no other, into two folders of the scene.

    Returns the names of both: clean images, and depths. Raises InvalidInput unless the scene comes with its truth.
    """
    transmitted, depth = scene.folder(TRANSMITTED), scene.folder(DEPTH)
    folders = f"degraded-{seed}", f"degraded-depth-{seed}"
    for row in np.flatnonzero(~scene.held_out):
        name = scene.cameras.names[row]
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(row),)))
        clean = degraded_image(scene.color(transmitted[name]), scene.image(row), rng)
        prior = degraded_inverse_depth(scene.inverse_depth(depth[name]), rng)
        contents = png(clean, "all"), inverse_depth_png(prior * scene.near / HEADROOM)
        for folder, content in zip(folders, contents, strict=True):
            write_whole(scene.root / folder / f"{name}.png", content)
    return folders


def degraded_image(
    transmitted: Image,  # [H, W, 3] in 0 … 1
    image: Image,  # [H, W, 3]
    rng: np.random.Generator,
) -> Image:  # [H, W, 3]
    """A reflection removed by RESIDUAL too little, out of focus and out of place."""
    left = transmitted + RESIDUAL * (image - transmitted)
    blurred = ndimage.gaussian_filter(left, (BLUR, BLUR, 0), mode="nearest")
    displaced = ndimage.shift(blurred, (*rng.uniform(-SHIFT, SHIFT, 2), 0), order=3, mode="nearest")
    return np.clip(displaced, 0, 1)


def degraded_inverse_depth(inverse_depth: Image, rng: np.random.Generator) -> Image:
    """[H, W] 1/z with errors, times one number and plus another, as from a single image."""
    warp = ndimage.gaussian_filter(rng.standard_normal(inverse_depth.shape), WARP_LENGTH)
    noise = rng.standard_normal(inverse_depth.shape)
    wrong = inverse_depth * (1 + WARP * warp / warp.std()) * (1 + NOISE * noise)
    scale, offset = SCALE ** rng.uniform(-1, 1), rng.uniform(-OFFSET, OFFSET) * np.median(inverse_depth)
    return (wrong * scale + offset).astype(np.float32)
