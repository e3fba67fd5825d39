"""A scene turned at random shows the same picture after each format: positions, rotations, harmonics and axes agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from all_pairs import all_pairs
from scipy.spatial.transform import Rotation

from tellurion_splatting.files import encoded_gaussians, read_gaussians
from tellurion_splatting.gaussians import Gaussians

WIDTH, HEIGHT = 40, 30


def seen(g: Gaussians, degree: int) -> np.ndarray:
    """[H, W, 3] by the oracle, from 12 m aside and turned as the scene is."""
    viewmat, K = torch.eye(4, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    viewmat[:3, :3] = torch.from_numpy(Rotation.from_euler("xyz", [0.4, -0.9, 0.2]).as_matrix())
    viewmat[2, 3] = 12.0
    K[0, 0] = K[1, 1] = 38.0
    K[:2, 2] = torch.tensor([WIDTH / 2, HEIGHT / 2])
    arrays = (torch.from_numpy(a).double() for a in (g.means, g.quats, g.scales, g.opacities, g.sh))
    return all_pairs(*arrays, viewmat[None], K[None], WIDTH, HEIGHT, sh_degree=degree).colors[0].numpy()


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


@pytest.fixture
def turned(some: Callable[..., Gaussians]) -> Gaussians:
    """Elongated Gaussians whose colour depends on the direction, in no axis' favour."""
    g = some(count=60, degree=3)
    scales = 4 * g.scales * np.float32([4, 1, 0.25])
    R = Rotation.from_euler("zyx", [0.7, -0.4, 1.1])
    quats = np.roll((R * Rotation.from_quat(np.roll(g.quats, -1, axis=1))).as_quat(), 1, axis=1)
    return replace(g, means=R.apply(g.means), quats=quats, scales=scales)


@pytest.mark.parametrize(
    ("suffix", "degree", "decibels"), [(".ply", 3, 100), (".splat", 0, 40), (".spz", 3, 33), (".sog", 3, 40)]
)
def test_the_picture_is_the_same(turned: Gaussians, suffix: str, degree: int, decibels: float) -> None:
    before = seen(turned, degree)
    assert np.ptp(before) > 0.5
    assert psnr(seen(read_gaussians(encoded_gaussians(turned, suffix), suffix), degree), before) > decibels


def test_another_turn_shows_another_picture(turned: Gaussians) -> None:
    before = seen(turned, 3)
    half = turned.half_turn()
    assert psnr(seen(half, 3), before) < 20
    for change in ({"quats": turned.quats}, {"sh": turned.sh}):  # each attribute alone is noticed
        partly = replace(half.half_turn(), **{name: getattr(half, name) for name in change})
        assert psnr(seen(partly, 3), before) < 33
