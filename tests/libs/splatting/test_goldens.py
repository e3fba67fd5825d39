"""Two Gaussians whose projection is known to nine digits: the oracle's and the kernels'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from all_pairs import RULES, Footprints, boxes, covariance, project
from torch import Tensor

from tellurion_splatting import rasterization

FOCAL, CENTRE, WIDTH, HEIGHT = 300.0, (150.0, 100.0), 300, 200


@dataclass(frozen=True)
class Golden:
    """A Gaussian, and what a camera at the origin that looks along z makes of it."""

    mean: tuple[float, float, float]
    quat: tuple[float, float, float, float]
    scale: tuple[float, float, float]
    centre: tuple[float, float]
    covariance: tuple[float, float, float]
    """Before the blur."""
    conic: tuple[float, float, float]
    compensation: float
    radii: tuple[int, int]


A = Golden(
    (0, 0, 4),
    (1, 0, 0, 0),
    (0.1, 0.1, 0.1),
    (150, 100),
    (56.25, 0, 56.25),
    (0.017683466, 0, 0.017683466),
    0.994694960,
    (26, 26),
)
B = Golden(
    (0.5, -0.25, 3),
    (0.9, 0.1, -0.3, 0.2),
    (0.2, 0.05, 0.1),
    (200, 75),
    (204.4352108, 97.8654971, 80.2777778),
    (0.011645108, -0.014143531, 0.029588353),
    0.993802278,
    (48, 30),
)
Projected = tuple[Tensor, Tensor, Tensor, Tensor]
"""Centre [2], conic [3], compensation [] and radii [2]."""


def tensors(golden: Golden) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    rows = (torch.tensor([row], dtype=torch.float64) for row in (golden.mean, golden.quat, golden.scale))
    (cx, cy), eye = CENTRE, torch.eye(4, dtype=torch.float64)
    return *rows, eye[None], torch.tensor([[[FOCAL, 0, cx], [0, FOCAL, cy], [0, 0, 1]]], dtype=torch.float64)


def by_oracle(golden: Golden) -> Projected:
    mean, quat, scale, viewmats, Ks = tensors(golden)
    seen: Footprints = project(mean, covariance(quat, scale), viewmats[0], Ks[0], WIDTH, HEIGHT)
    radii = boxes(seen, torch.ones(1), WIDTH, HEIGHT, RULES["gsplat"])
    return seen.means2d[0], seen.conics[0], seen.compensations[0], radii[0]


def by_kernels(golden: Golden) -> Projected:
    mean, quat, scale, viewmats, Ks = tensors(golden)
    one = torch.ones(1, dtype=torch.float64)
    options = {"packed": False, "rasterize_mode": "antialiased"}
    *_, meta = rasterization(mean, quat, scale, one, torch.ones(1, 3).double(), viewmats, Ks, WIDTH, HEIGHT, **options)
    # An opacity of 1 leaves the compensation alone.
    return tuple(meta[name][0, 0] for name in ("means2d", "conics", "opacities", "radii"))


@pytest.mark.parametrize("projected", [by_oracle, by_kernels])
@pytest.mark.parametrize("golden", [A, B], ids="AB")
def test_the_projection_is_the_golden_one(golden: Golden, projected: Callable[[Golden], Projected]) -> None:
    centre, conic, compensation, radii = projected(golden)
    assert centre.tolist() == pytest.approx(golden.centre, abs=1e-9)
    assert conic.tolist() == pytest.approx(golden.conic, abs=2e-9)
    assert compensation.item() == pytest.approx(golden.compensation, abs=2e-9)
    assert tuple(radii.int().tolist()) == golden.radii
    a, b, c = conic.tolist()
    sharp = [c / (a * c - b * b) - 0.3, -b / (a * c - b * b), a / (a * c - b * b) - 0.3]
    assert sharp == pytest.approx(golden.covariance, abs=2e-7)
