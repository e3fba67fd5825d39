"""What is returned beside the images: gsplat's names, and the gradient of the means in the image."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from all_pairs import RULES, Footprints, boxes, composite, covariance, project
from drawn import Arguments, draw
from torch import Tensor

from tellurion_splatting import rasterization

GSPLAT = {
    *("batch_ids", "camera_ids", "gaussian_ids", "radii", "means2d", "depths", "conics", "opacities"),
    *("tile_width", "tile_height", "tiles_per_gauss", "isect_ids", "flatten_ids", "isect_offsets"),
    *("width", "height", "tile_size", "n_batches", "n_cameras"),
}
SCENE = draw(41, count=30, spread=2.0)


def seen(scene: Arguments) -> Footprints:
    """All Gaussians of the scene as the oracle projects them; all are before the camera."""
    shapes = covariance(scene["quats"], scene["scales"])
    return project(scene["means"], shapes, scene["viewmats"][0], scene["Ks"][0], scene["width"], scene["height"])


@pytest.mark.parametrize("packed", [True, False])
def test_every_entry_of_gsplats_is_there(packed: bool) -> None:
    *_, meta = rasterization(**SCENE, packed=packed)
    assert set(meta) >= GSPLAT
    assert {name: meta[name] for name in ("width", "height", "tile_size", "tile_width", "tile_height")} == {
        "width": 24,
        "height": 20,
        "tile_size": 16,
        "tile_width": 2,
        "tile_height": 2,
    }
    assert dict(meta).keys() == set(meta)


@pytest.mark.parametrize("profile", RULES)
def test_the_boxes_are_the_oracles(profile: str) -> None:
    *_, meta = rasterization(**SCENE, packed=False, profile=profile)
    expected = boxes(seen(SCENE), SCENE["opacities"], 24, 20, RULES[profile])
    assert (expected == 0).any()
    assert meta["radii"].dtype == torch.int32
    assert torch.equal(meta["radii"][0], expected.int())


def test_each_gaussian_is_counted_in_every_tile_that_its_box_touches() -> None:
    *_, meta = rasterization(**SCENE, packed=False, tile_size=8)
    for centre, radii, count in zip(*(meta[n][0] for n in ("means2d", "radii", "tiles_per_gauss")), strict=True):
        low, high = ((centre - radii) / 8).floor(), ((centre + radii) / 8).ceil()
        most = torch.tensor([3, math.ceil(20 / 8)])
        sides = (high.clamp(min=0).minimum(most) - low.clamp(min=0)).clamp(min=0)
        assert count == (sides.prod() if radii.any() else 0)
    assert len(meta["flatten_ids"]) == meta["tiles_per_gauss"].sum()
    assert meta["isect_offsets"].shape == (1, 3, 3)


def test_it_joins_other_dictionaries_as_one() -> None:
    *_, meta = rasterization(**SCENE)
    for joined in (meta | {"step": 7}, {"step": 7} | meta):
        assert isinstance(joined, dict)
        assert joined.keys() == {*GSPLAT, "step"}
        assert torch.equal(joined["flatten_ids"], meta["flatten_ids"])


def loss(image: Tensor) -> Tensor:
    weights = torch.randn(image.shape, generator=torch.Generator().manual_seed(0), dtype=image.dtype)
    return (weights * image).sum()


@pytest.mark.parametrize("packed", [True, False])
def test_the_means_in_the_image_keep_their_gradient_and_its_absolute_sum(packed: bool) -> None:
    means = SCENE["means"].clone().requires_grad_()
    colors, _, meta = rasterization(**SCENE | {"means": means, "backgrounds": None}, packed=packed, absgrad=True)
    meta["means2d"].retain_grad()
    loss(colors).backward()

    # The oracle, with the means of each pixel apart.
    footprints, rules = seen(SCENE), RULES["gsplat"]
    apart = footprints.means2d[:, None, None].expand(-1, 20, 24, 2).clone().requires_grad_()
    drawn = (boxes(footprints, SCENE["opacities"], 24, 20, rules) > 0).all(1)
    listed = drawn[:, None, None].expand(-1, 20, 24)
    layer: list[Any] = [[SCENE["opacities"]], [SCENE["colors"]]]
    (image,), _, _ = composite(apart, footprints.conics, footprints.depths, *layer, listed, rules)
    loss(image[None]).backward()

    chosen = meta["gaussian_ids"] if packed else slice(None)
    assert apart.grad.abs().sum() > 1
    for found, expected in (
        (meta["means2d"].grad, apart.grad.sum((1, 2))),
        (meta["means2d"].absgrad, apart.grad.abs().sum((1, 2))),
    ):
        torch.testing.assert_close(found if packed else found[0], expected[chosen], rtol=1e-9, atol=1e-9)


def test_what_is_computed_from_the_means_in_the_image_reaches_the_gaussians() -> None:
    inputs = {name: SCENE[name].clone().requires_grad_() for name in ("means", "scales", "viewmats")}
    *_, meta = rasterization(**SCENE | inputs)
    ours = torch.autograd.grad((meta["means2d"].sum() + meta["conics"].sum() + meta["depths"].sum()), inputs.values())
    expected = seen(SCENE | inputs)
    ids = meta["gaussian_ids"]
    total = expected.means2d[ids].sum() + expected.conics[ids].sum() + expected.depths[ids].sum()
    theirs = torch.autograd.grad(total, inputs.values())
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
