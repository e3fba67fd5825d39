"""The first Gaussians of a fit: at the points of a cloud, as large as their neighbours are far, and virtual images."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tellurion_splat.spec import FitSpec
from tellurion_splat.splats import Splats
from tellurion_splat.variants import Variant
from tellurion_splat.views import Views
from tellurion_splatting.gaussians import SH_C0
from tellurion_splatting.scenes.cameras import Cameras
from tellurion_splatting.scenes.folder import Scene

NEIGHBOURS = 3
OPACITY = 0.1
NEAREST = 1e-7
"""Mean square distance that neighbours at the same place count as."""
FURTHEST = 4.0
"""Of a virtual image, in median depths of what there is."""
BLOT = 0.02
"""Size of a virtual image, in distances."""
NOTICED = 0.03
"""Brightness from which a difference to the clean image counts as a reflection."""
ANYWHERE = 1e-7
"""The same of a pixel without any, so that there is always one to choose."""
FEWEST_POINTS = 2
UNKNOWN_POINTS = 10_000
"""Drawn at random where a scene comes with fewer."""


def extent(cameras: Cameras) -> float:
    """The size of a scene: 1.1 times how far the farthest camera is from the mean of all."""
    places = cameras.positions
    return 1.1 * float(np.linalg.norm(places - places.mean(axis=0), axis=1).max())


def first_splats(scene: Scene, views: Views, spec: FitSpec, variant: Variant) -> Splats:
    """What a fit to these views of the scene begins with; of too many points for `max_gaussians` a random part.

    Where the variant has virtual images there are as many of them as points.
    """
    rng = np.random.default_rng(spec.seed)
    points, colors = scene.points, scene.point_colors
    if len(points) < FEWEST_POINTS:
        points, colors = random_points(views.cameras, rng)
    reflected_degree = spec.reflected_sh_degree if spec.mode == "ref-unlock" else None
    with_images = reflected_degree is not None and variant.virtual_images
    most = spec.max_gaussians // 2 if with_images else spec.max_gaussians
    if len(points) > most:
        kept = np.sort(rng.choice(len(points), most, replace=False))
        points, colors = points[kept], colors[kept]
    options = {"degree": spec.sh_degree, "reflected_degree": reflected_degree, "variant": variant}
    surfaces = splats_at(points, colors, spacing(points), **options)
    if not with_images:
        return surfaces
    places, seen, sizes = virtual_images(views, points, len(points), rng)
    images = splats_at(places, seen, sizes, **options)
    surfaces.parameters["reflected_logit_opacities"].fill_(-math.inf)
    images.parameters["logit_opacities"].fill_(-math.inf)
    both = {name: torch.cat([tensor, images.parameters[name]]) for name, tensor in surfaces.parameters.items()}
    return Splats(both)


def splats_at(
    points: NDArray[np.floating],  # [P, 3]
    colors: NDArray[np.floating],  # [P, 3] in 0 … 1
    sizes: NDArray[np.floating],  # [P] standard deviations
    *,
    degree: int,
    reflected_degree: int | None,
    variant: Variant,
) -> Splats:
    """Round Gaussians of the points' colours in both branches; `reflected_degree` is None where there is one branch."""
    means = torch.tensor(points, dtype=torch.float32)
    sh0 = (torch.tensor(colors, dtype=torch.float32)[:, None] - 0.5) / SH_C0
    count, logit = len(means), math.log(OPACITY / (1 - OPACITY))
    parameters = {
        "means": means,
        "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        "log_scales": torch.tensor(np.log(sizes), dtype=torch.float32)[:, None].repeat(1, 3),
        "logit_opacities": torch.full((count,), logit),
        "sh0": sh0,
        "sh_rest": torch.zeros(count, (degree + 1) ** 2 - 1, 3),
    }
    if reflected_degree is not None:
        parameters |= {
            "reflected_logit_opacities": torch.full((count,), logit),
            "reflected_sh0": sh0.clone(),
            "reflected_sh_rest": torch.zeros(count, (reflected_degree + 1) ** 2 - 1, 3),
            "logit_beta": torch.logit(torch.full((count,), variant.initial_weight)),
        }
    return Splats(parameters)


def random_points(cameras: Cameras, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Grey points [P, 3] in a ball around what the cameras look at, as far as the farthest is from it; colours."""
    forward = cameras.viewmats[:, 2, :3]
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]  # from an optical axis
    nearest = np.einsum("cij,cj->i", across, cameras.positions)
    centre = np.linalg.lstsq(across.sum(axis=0), nearest, rcond=None)[0]
    radius = np.linalg.norm(cameras.positions - centre, axis=1).max()
    direction = rng.standard_normal((UNKNOWN_POINTS, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    points = centre + radius * direction * rng.random((UNKNOWN_POINTS, 1)) ** (1 / 3)
    return points, np.full_like(points, 0.5)


def virtual_images(
    views: Views, points: NDArray[np.floating], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Where reflections may seem to come from: places [count, 3], their colours [count, 3] and sizes [count].

    Each is on the ray of a pixel, the likelier the more of the photograph there is reflection, where that is known. How
    far along is not: between the median depth of the points that the camera has before it, or the scene's size where
    it has none, and FURTHEST times that, evenly in the logarithm.
    """
    shares = np.bincount(rng.integers(len(views), size=count), minlength=len(views))
    places, colors, sizes = [], [], []
    for number, share in enumerate(shares):
        if not share:
            continue
        view = views[number]
        photograph, viewmat, K = (each.cpu().double().numpy() for each in (view.photograph, view.viewmat, view.K))
        likely = np.ones(photograph.shape[:2])
        if view.clean is not None:
            reflection = (view.photograph - view.clean).clamp(min=0).mean(-1).cpu().double().numpy()
            likely = np.maximum(reflection - NOTICED, 0) + ANYWHERE
        pixels = rng.choice(likely.size, share, p=likely.ravel() / likely.sum())
        row, column = np.divmod(pixels, likely.shape[1])
        depths = points @ viewmat[2, :3] + viewmat[2, 3]
        ahead = depths[depths > 0]
        z = (np.median(ahead) if len(ahead) else extent(views.cameras)) * FURTHEST ** rng.random(share)
        rays = np.stack([column + 0.5, row + 0.5, np.ones(share)], axis=-1) @ np.linalg.inv(K).T
        places.append((rays * z[:, None] - viewmat[:3, 3]) @ viewmat[:3, :3])
        colors.append(photograph[row, column])
        sizes.append(BLOT * z)
    return np.concatenate(places), np.concatenate(colors), np.concatenate(sizes)


def spacing(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """[P] the root mean square distance to the nearest neighbours, of two points or more.

    Source: Kerbl et al. (2023), sec. 5.1, and their code.
    """
    neighbours = min(NEIGHBOURS, len(points) - 1)
    distances = cKDTree(points).query(points, k=neighbours + 1)[0][:, 1:]
    return np.sqrt(np.maximum((distances**2).mean(axis=1), NEAREST))
