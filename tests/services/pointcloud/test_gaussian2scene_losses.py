"""What both stages minimise, after a little training on coloured walls whose views are their points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from tellurion_pointcloud.gaussian2scene import Gaussian2Scene, Spec
from tellurion_pointcloud.gaussian2scene.losses import reconstruction, splatting, ssim
from tellurion_pointcloud.gaussian2scene.masks import complementary
from tellurion_pointcloud.gaussian2scene.model import Seen, Views
from tellurion_pointcloud.scene_encoder import SceneSpec, scene_patches

SPEC = Spec(
    SceneSpec(groups=16, group_size=8, hidden=8, width=32, depth=1, heads=2),
    points=256,
    image_height=32,
    image_width=32,
    image_patch=8,
    image_depth=1,
    shared_depth=1,
    decoder_depth=1,
)
SCENES, STEPS = 8, 100


@pytest.fixture(scope="module")
def grey() -> Seen:
    """Walls 3 m before a camera, with one point for each fourth pixel."""
    row, column = np.divmod(np.arange(32 * 32)[::4], 32)
    points = np.stack([(column + 0.5 - 16) / 32 * 3, (row + 0.5 - 16) / 32 * 3, np.full(256, 3.0)], -1)
    points = np.repeat(points[None], SCENES, 0)
    cut = scene_patches(points, np.full(points.shape, 128, np.uint8), SPEC.encoder)
    pose = torch.eye(4).repeat(SCENES, 1, 1)
    pose[:, :3, 3] = cut.origin
    K = torch.tensor([[32.0, 0, 16], [0, 32, 16], [0, 0, 1]]).expand(SCENES, 3, 3)
    return Seen(cut.patches, cut.centres, Views(torch.zeros(SCENES, 3, 32, 32), pose, K))


def painted(walls: Seen, random: torch.Generator) -> Seen:
    """Each wall in a colour of its own."""
    colours = torch.rand(SCENES, 3, generator=random) - 0.5
    patches = torch.cat([walls.patches[..., :3], colours[:, None, None].expand_as(walls.patches[..., 3:])], -1)
    images = colours[:, :, None, None].expand_as(walls.views.images)
    return replace(walls, patches=patches, views=replace(walls.views, images=images))


@pytest.fixture(scope="module")
def unseen(grey: Seen) -> Seen:
    return painted(grey, torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def trained(grey: Seen) -> Gaussian2Scene:
    torch.manual_seed(0)
    model, random = Gaussian2Scene(SPEC).train(), torch.Generator().manual_seed(0)
    descent = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(STEPS):
        seen = painted(grey, random)
        masks = complementary(model.cells(seen), SPEC.image_patches, random, blind=0.5)
        torch.stack(list(reconstruction(model, seen, masks).values())).sum().backward()
        descent.step()
        descent.zero_grad()
    return model.eval()


@torch.no_grad()
def told_by_points(model: Gaussian2Scene, seen: Seen) -> float:
    """The image loss where all of each image is hidden."""
    masks = complementary(model.cells(seen), SPEC.image_patches, torch.Generator().manual_seed(9), blind=1.0)
    return reconstruction(model, seen, masks)["image"].item()


def test_images_of_other_scenes_raise_the_image_loss(trained: Gaussian2Scene, unseen: Seen) -> None:
    permuted = replace(unseen, views=replace(unseen.views, images=unseen.views.images.roll(1, 0)))
    assert told_by_points(trained, permuted) > 2 * told_by_points(trained, unseen)


def test_points_alone_tell_most_of_hidden_pixels(trained: Gaussian2Scene, unseen: Seen) -> None:
    assert told_by_points(trained, unseen) < 0.5  # normalised pixels have variance 1


def test_the_render_of_predicted_gaussians_trains_the_encoder(trained: Gaussian2Scene, unseen: Seen) -> None:
    random = torch.Generator().manual_seed(3)
    masks = complementary(trained.cells(unseen), SPEC.image_patches, random)
    terms = splatting(trained, unseen, masks, unseen.centres, unseen.views, random)
    for term in (terms["l1"] + terms["d-ssim"], terms["means"]):
        gradients = torch.autograd.grad(term, list(trained.encoder.parameters()), retain_graph=True)
        assert all(bool(each.isfinite().all()) for each in gradients)
        assert min(float(each.abs().max()) for each in gradients) > 0


def test_gaussians_are_predicted_at_the_reconstructed_points(trained: Gaussian2Scene, unseen: Seen) -> None:
    masks = complementary(trained.cells(unseen), SPEC.image_patches, torch.Generator().manual_seed(3))
    decoded = trained(unseen, masks)
    gaussians = trained.predicted(decoded, unseen.centres)
    torch.testing.assert_close(gaussians.means.unflatten(1, (16, 8)) - unseen.centres[:, :, None], decoded.points)
    assert bool((gaussians.scales > 0).all())
    assert bool((gaussians.scales < decoded.spacing[:, None, None]).all())
    assert gaussians.rendered(unseen.views.world_to_camera, unseen.views.K, (32, 32)).shape == (SCENES, 32, 32, 3)


def test_similarity_is_that_of_scikit_image() -> None:
    a, b = np.random.default_rng(0).random((2, 20, 24, 3))
    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    expected = structural_similarity(a, (a + b) / 2, channel_axis=-1, **how)
    similar: Tensor = ssim(torch.from_numpy(a)[None], torch.from_numpy((a + b) / 2)[None])
    assert similar.item() == pytest.approx(expected, abs=1e-6)


def test_similarity_is_as_exact_where_all_else_is_in_bfloat16() -> None:
    random = torch.Generator().manual_seed(5)
    a = 0.5 + 0.01 * torch.rand(2, 32, 40, 3, generator=random)
    b = a + 0.001 * torch.rand(2, 32, 40, 3, generator=random)
    exact = ssim(a, b)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(ssim(a, b), exact, rtol=0, atol=0)
