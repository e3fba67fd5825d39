"""Clouds as one viewpoint sees them."""

import torch

from tellurion_pointcloud.downstream.crops import even_directions, nearer_half, random_directions

CLOUDS = torch.randn(4, 101, 3, generator=torch.Generator().manual_seed(0))


def test_exactly_half_is_kept_and_none_that_is_left_out_is_nearer() -> None:
    directions = random_directions(4, torch.Generator().manual_seed(1))
    halves = nearer_half(CLOUDS, directions)
    assert halves.shape == (4, 50, 3)
    for cloud, half, direction in zip(CLOUDS, halves, directions, strict=True):
        kept = {tuple(point.tolist()) for point in half}
        assert len(kept) == 50
        left = [point for point in cloud if tuple(point.tolist()) not in kept]
        assert len(left) == 51
        assert torch.stack(left).matmul(direction).max() <= half.matmul(direction).min()


def test_from_above_the_upper_half_is_seen() -> None:
    above = nearer_half(CLOUDS, torch.tensor([[0.0, 0.0, 1.0]]).expand(4, 3))
    assert torch.equal(above[..., 2].amin(1), CLOUDS[..., 2].topk(50, dim=1).values.amin(1))


def test_directions_have_length_one_and_are_spread_over_the_sphere() -> None:
    for directions in (even_directions(400), random_directions(4000, torch.Generator().manual_seed(2))):
        torch.testing.assert_close(directions.norm(dim=1), torch.ones(len(directions)))
        assert directions.mean(0).abs().max() < 0.05
        torch.testing.assert_close(directions.T @ directions / len(directions), torch.eye(3) / 3, atol=0.02, rtol=0)


def test_even_directions_are_farther_apart_than_random_ones() -> None:
    directions = even_directions(100)
    apart = torch.cdist(directions, directions) + 9 * torch.eye(100)
    assert apart.min() > 0.2
