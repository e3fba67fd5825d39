"""Complementary masks: of a place seen by both branches, one sees what the other does not."""

from __future__ import annotations

import pytest
import torch

from tellurion_pointcloud.gaussian2scene.masks import aligned, complementary, seen_in
from tellurion_pointcloud.masking import HIDDEN

K = torch.tensor([[[10.0, 0, 16], [0, 10, 12], [0, 0, 1]]])
GROUPS, IMAGE_PATCHES = 50, 12


@pytest.fixture(scope="module")
def cells() -> torch.Tensor:
    return torch.randint(-4, IMAGE_PATCHES, (64, GROUPS), generator=torch.Generator().manual_seed(1)).clamp(min=-1)


def met(cells: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """[B, T] whether any of `which` [B, G] is in an image patch."""
    return (which[..., None] & (cells[..., None] == torch.arange(IMAGE_PATCHES))).any(1)


@pytest.mark.parametrize(
    ("centre", "cell"),
    [
        ((0.0, 0, 1), 4 + 2),  # at the principal point (16, 12): second row of patches of 8 pixels, third column
        ((-1.59, -1.19, 1), 0),
        ((1.59, 1.19, 1), 11),
        ((3.18, 2.38, 2), 11),
        ((-1.61, 0, 1), -1),
        ((0, 1.21, 1), -1),
        ((0, 0, -1), -1),  # behind the camera
        ((0, 0, 0), -1),
    ],
)
def test_a_centre_is_seen_in_the_patch_that_its_projection_is_in(centre: tuple[float, ...], cell: int) -> None:
    pose = torch.eye(4)[None]
    pose[0, :3, 3] = torch.tensor([-5.0, 6, 7])
    centres = (torch.tensor(centre) - pose[0, :3, 3])[None, None]
    assert seen_in(centres, pose, K, (24, 32), 8).item() == cell


def test_image_patches_are_hidden_exactly_where_visible_points_are_seen(cells: torch.Tensor) -> None:
    masks = complementary(cells, IMAGE_PATCHES, torch.Generator().manual_seed(2))
    by_visible, by_hidden = met(cells, ~masks.scene), met(cells, masks.scene)
    assert bool(masks.image[by_visible].all())
    assert not bool(masks.image[by_hidden & ~by_visible].any())
    assert bool((masks.scene.sum(1) == round(HIDDEN * GROUPS)).all())


def test_an_image_patch_without_points_is_hidden_as_often_as_those(cells: torch.Tensor) -> None:
    nowhere = torch.full_like(cells, -1)
    masks = complementary(nowhere, 4000, torch.Generator().manual_seed(3))
    assert masks.image.float().mean().item() == pytest.approx(HIDDEN, abs=0.01)  # 3σ are 0.003


def test_blind_images_are_hidden_whole(cells: torch.Tensor) -> None:
    assert bool(complementary(cells, IMAGE_PATCHES, torch.Generator().manual_seed(2), blind=1.0).image.all())


def test_an_image_patch_stands_at_the_mean_of_what_is_seen_in_it() -> None:
    cells = torch.tensor([[2, 0, 2, -1]])
    centres = torch.tensor([[[1.0, 0, 0], [5, 5, 5], [3, 2, 0], [9, 9, 9]]])
    places, known = aligned(cells, centres, 3)
    assert known.tolist() == [[True, False, True]]
    assert places[0, 2].tolist() == [2, 1, 0]
    assert places[0, 0].tolist() == [5, 5, 5]
