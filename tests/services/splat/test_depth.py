"""Depth priors brought to scale: any scale and shift comes off, wrong values hardly count, hidden points not at all."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tellurion_splat.depth import aligned, aligned_to_render, seen_points

K = np.array([[50.0, 0, 20], [0, 50, 15], [0, 0, 1]])
SIZE = (40, 30)


@pytest.fixture
def inverse_depth() -> torch.Tensor:
    """[30, 40], smooth."""
    i, j = torch.meshgrid(torch.linspace(0, 1, 30), torch.linspace(0, 2, 40), indexing="ij")
    return 0.3 + 0.1 * torch.sin(3 * i + 2 * j)


def test_any_scale_and_shift_comes_off(inverse_depth: torch.Tensor) -> None:
    at = torch.arange(0, 1200, 7)
    for scale, shift in ((2.0, 0.1), (0.01, -5.0), (300.0, 40.0)):
        found = aligned(scale * inverse_depth + shift, at, inverse_depth.flatten()[at])
        torch.testing.assert_close(found, inverse_depth, atol=1e-4, rtol=0)


def test_a_tenth_of_wrong_values_moves_it_little(inverse_depth: torch.Tensor) -> None:
    at = torch.arange(1200)
    wrong = inverse_depth.flatten().clone()
    wrong[::10] = 50.0
    found = aligned(3 * inverse_depth + 1, at, wrong)
    assert (found - inverse_depth).abs().max().item() < 0.05  # of a field that spans 0.2


def test_a_flat_prior_says_nothing(inverse_depth: torch.Tensor) -> None:
    assert aligned(torch.ones(30, 40), torch.arange(1200), inverse_depth.flatten()) is None


def test_it_is_aligned_to_a_render_where_that_is_opaque(inverse_depth: torch.Tensor) -> None:
    alpha = torch.full((30, 40), 0.9)
    alpha[:10] = 0.2
    render = alpha * inverse_depth
    render[:10] = 7.0  # of what is not opaque nothing is believed
    found = aligned_to_render(5 * inverse_depth - 2, render, alpha)
    torch.testing.assert_close(found, inverse_depth, atol=1e-4, rtol=0)
    assert aligned_to_render(inverse_depth, render, torch.full((30, 40), 0.1)) is None


def test_points_are_seen_in_their_pixels() -> None:
    points = np.array([[0.0, 0, 2], [0.4, 0.2, 4], [0, 0, -1], [5, 0, 2]])
    pixels, inverse_depths = seen_points(points, np.eye(4), K, SIZE)
    # (20, 15); 50·0.1 + 20 = 25, 50·0.05 + 15 = 17.5; behind; outside
    assert dict(zip(pixels.tolist(), inverse_depths.tolist(), strict=True)) == {15 * 40 + 20: 0.5, 17 * 40 + 25: 0.25}


def test_of_points_behind_each_other_the_nearest_is_seen() -> None:
    """An image of 320 pixels across has 32 squares of 10: these three are in one, and the fourth is in the next."""
    wide = np.array([[50.0, 0, 165], [0, 50, 15], [0, 0, 1]])
    points = np.array([[0.1, 0, 3.0], [0, 0, 2], [-0.05, 0.01, 9], [1, 0, 5]])
    pixels, inverse_depths = seen_points(points, np.eye(4), wide, (320, 30))
    assert dict(zip(pixels.tolist(), inverse_depths.tolist(), strict=True)) == {
        15 * 320 + 165: 0.5,
        15 * 320 + 175: 0.2,
    }


def test_a_camera_looks_from_where_it_is() -> None:
    viewmat = np.eye(4)
    viewmat[:3, :3] = [[0, 0, -1], [0, 1, 0], [1, 0, 0]]  # along +x
    viewmat[:3, 3] = [0, 0, 1]  # from x = −1
    pixels, inverse_depths = seen_points(np.array([[3.0, 0.04, 0]]), viewmat, K, SIZE)
    assert inverse_depths.tolist() == [0.25]
    assert pixels.tolist() == [15 * 40 + 20]
