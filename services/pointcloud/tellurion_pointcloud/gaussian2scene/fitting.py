"""Gaussians fitted to the RGB-D views of one scene: at back-projected pixels, and then a short descent.

Source: Kerbl et al. 2023, 3D Gaussian splatting, whose first sizes and relations of learning rates these are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.gaussian2scene.losses import photometric
from tellurion_splatting import Gaussians, rasterization
from tellurion_splatting.gaussians import SH_C0

NEIGHBOURS = 3
FEWEST = NEIGHBOURS + 1
"""Gaussians, and pixels with a depth of all frames: each has NEIGHBOURS."""
NEAREST = 1e-3
"""Metres that a Gaussian's first size is at least."""
OPACITY = 0.8
RATES = {"means": 1e-3, "quats": 5e-3, "scales": 2e-2, "opacities": 5e-2, "colours": 1e-2}
"""Of Adam, in metres, and logarithms, logits and colours."""


def fitted_gaussians(frames: Sequence[Frame], *, count: int, steps: int, seed: int) -> Gaussians:
    """At most `count` Gaussians after as many steps, each on the next frame; metres.

    Raises InvalidInput for almost no Gaussians, or when the frames have almost no depth.
    """
    points, colours = (np.concatenate(each) for each in zip(*(frame.points() for frame in frames), strict=True))
    for field, there in (("count", count), ("frames", len(points))):
        if there < FEWEST:
            raise InvalidInput.of(field, received=there, accepted=f"{FEWEST} at least, each with its neighbours")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(points))[:count])
    points, colours = points[chosen], colours[chosen]
    apart = cKDTree(points).query(points, k=NEIGHBOURS + 1)[0][:, 1:].mean(1).clip(min=NEAREST)
    values = _leaves(points, apart, colours)
    descent = torch.optim.Adam([{"params": [each], "lr": RATES[name]} for name, each in values.items()])
    for step in range(steps):
        frame = frames[step % len(frames)]
        photograph = torch.tensor(frame.colour)[None].float() / 255
        cameras = (torch.tensor(each, dtype=torch.float32)[None] for each in (frame.world_to_camera, frame.K))
        height, width = frame.depth.shape
        render = rasterization(*_activated(values), *cameras, width, height)[0]
        torch.stack(list(photometric(render, photograph).values())).sum().backward()
        descent.step()
        descent.zero_grad()
    means, quats, scales, opacities, colour = (each.detach().numpy() for each in _activated(values))
    return Gaussians(means, quats, scales, opacities, (colour[:, None] - 0.5) / SH_C0)


def _leaves(points: np.ndarray, apart: np.ndarray, colours: np.ndarray) -> dict[str, Tensor]:
    first = {
        "means": points,
        "quats": np.tile([1.0, 0, 0, 0], (len(points), 1)),
        "scales": np.log(np.repeat(apart[:, None] / 2, 3, 1)),
        "opacities": np.full(len(points), np.log(OPACITY / (1 - OPACITY))),
        "colours": colours / 255,
    }
    return {name: torch.tensor(each, dtype=torch.float32, requires_grad=True) for name, each in first.items()}


def _activated(values: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """As the rasteriser takes them."""
    opacities = torch.sigmoid(values["opacities"])
    return values["means"], values["quats"], values["scales"].exp(), opacities, values["colours"].clamp(0, 1)
