"""The networks of Gaussian2Scene: nothing hidden is seen, and a cloud's embedding is that of its shape."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_diffusion import weights
from tellurion_pointcloud.gaussian2scene import FULL, Gaussian2Scene, Spec
from tellurion_pointcloud.gaussian2scene.images import image_patches, normalised
from tellurion_pointcloud.gaussian2scene.masks import Masks, complementary
from tellurion_pointcloud.gaussian2scene.model import Seen, Views
from tellurion_pointcloud.scene_encoder import SceneSpec, load_encoder

SPEC = Spec(
    SceneSpec(groups=12, group_size=6, hidden=8, width=24, depth=1, heads=2),
    points=64,
    image_height=24,
    image_width=32,
    image_patch=8,
    image_depth=1,
    shared_depth=1,
    decoder_depth=1,
)


@pytest.fixture(scope="module")
def model() -> Gaussian2Scene:
    torch.manual_seed(0)
    return Gaussian2Scene(SPEC).eval()


@pytest.fixture(scope="module")
def seen() -> Seen:
    random = torch.Generator().manual_seed(1)
    centres = torch.rand(3, 12, 3, generator=random) + torch.tensor([-0.5, -0.5, 1])
    K = torch.tensor([[20.0, 0, 16], [0, 20, 12], [0, 0, 1]]).expand(3, 3, 3)
    images = torch.rand(3, 3, 24, 32, generator=random) - 0.5
    return Seen(torch.randn(3, 12, 6, 6, generator=random), centres, Views(images, torch.eye(4).expand(3, 4, 4), K))


@pytest.fixture(scope="module")
def masks(model: Gaussian2Scene, seen: Seen) -> Masks:
    return complementary(model.cells(seen), SPEC.image_patches, torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def clouds() -> Tensor:
    return torch.randn(2, 64, 3, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def colours() -> Tensor:
    return torch.randint(256, (2, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(4))


def tokens(model: Gaussian2Scene, seen: Seen, masks: Masks) -> list[Tensor]:
    scene, image = model.visible(seen, masks)
    return [scene.tokens, image.tokens[image.present]]


def nearest(points: Tensor, clouds: Tensor) -> Tensor:
    """[B, N] distances of points [B, N, 3] to clouds [B, M, 3]."""
    return (points[:, :, None] - clouds[:, None]).norm(dim=-1).amin(2)


def with_pixels(seen: Seen, hidden: Tensor) -> Seen:
    """Other pixels in the image patches that are `hidden` [B, T]."""
    rows, columns = SPEC.image_height // SPEC.image_patch, SPEC.image_width // SPEC.image_patch
    where = hidden.unflatten(1, (rows, columns)).repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    return replace(seen, views=replace(seen.views, images=torch.where(where, 0.5, seen.views.images)))


def test_hidden_patches_do_not_reach_visible_tokens(model: Gaussian2Scene, seen: Seen, masks: Masks) -> None:
    hidden = masks.scene[..., None]
    other = replace(
        with_pixels(seen, masks.image),
        patches=torch.where(hidden[..., None], 7.0, seen.patches),
    )
    for one, two in zip(tokens(model, seen, masks), tokens(model, other, masks), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_visible_patches_reach_tokens_of_the_other_branch(model: Gaussian2Scene, seen: Seen, masks: Masks) -> None:
    of_scene, _ = tokens(model, seen, masks)
    changed, _ = tokens(model, with_pixels(seen, ~masks.image), masks)
    assert (of_scene - changed).abs().max() > 1e-3


def test_a_view_of_which_nothing_is_visible_can_be_decoded(model: Gaussian2Scene, seen: Seen, masks: Masks) -> None:
    decoded = model(seen, replace(masks, image=torch.ones_like(masks.image)))
    assert bool(decoded.points.isfinite().all())
    assert decoded.pixels.shape == (3, SPEC.image_patches, SPEC.pixels)


def test_image_patches_go_row_by_row() -> None:
    images = torch.arange(2 * 4 * 6.0).view(1, 2, 4, 6)
    cut = image_patches(images, 2)
    assert cut.shape == (1, 6, 8)
    torch.testing.assert_close(cut[0, 4], images[0, :, 2:4, 2:4].flatten())


def test_normalised_patches_have_mean_0_and_variance_1() -> None:
    patches = normalised(torch.rand(2, 3, 64, generator=torch.Generator().manual_seed(0)) * 3 + 1)
    torch.testing.assert_close(patches.mean(-1), torch.zeros(2, 3), rtol=0, atol=1e-5)
    torch.testing.assert_close(patches.var(-1, correction=0), torch.ones(2, 3), rtol=1e-3, atol=0)


def test_an_embedding_is_that_of_the_shape(model: Gaussian2Scene, clouds: Tensor, colours: Tensor) -> None:
    plain = model.encode(clouds, colours)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(5))
    for other in (
        model.encode(clouds[:, order], colours[:, order]),
        model.encode(clouds * 0.01, colours),
        model.encode(clouds + torch.tensor([3.0, -2, 1]), colours),
    ):
        torch.testing.assert_close(other.embedding, plain.embedding, rtol=0, atol=1e-5)


def test_an_embedding_is_the_largest_and_the_mean_of_tokens(model: Gaussian2Scene, clouds: Tensor) -> None:
    found = model.encode(clouds)
    assert found.tokens.shape == (2, 12, 24)
    torch.testing.assert_close(found.embedding, torch.cat([found.tokens.amax(1), found.tokens.mean(1)], -1))


def test_centres_are_points_of_the_cloud(model: Gaussian2Scene, clouds: Tensor) -> None:
    centres = model.encode(clouds * 0.1 + 5).centres
    assert nearest(centres, clouds * 0.1 + 5).max() < 1e-5


def test_without_colours_a_cloud_is_grey(model: Gaussian2Scene, clouds: Tensor) -> None:
    grey = model.encode(clouds, torch.full_like(clouds, 128, dtype=torch.uint8))
    assert torch.equal(grey.embedding, model.encode(clouds).embedding)


def test_a_cloud_whose_points_are_all_equal_has_an_embedding(model: Gaussian2Scene) -> None:
    assert bool(model.encode(torch.ones(1, 64, 3)).embedding.isfinite().all())


@pytest.mark.parametrize("colours", [torch.zeros(2, 64, 3), torch.zeros(2, 63, 3, dtype=torch.uint8)])
def test_colours_that_are_not_of_the_points_are_refused(model: Gaussian2Scene, clouds: Tensor, colours: Tensor) -> None:
    with pytest.raises(InvalidInput, match="colours"):
        model.encode(clouds, colours)


def test_a_cloud_that_is_not_finite_is_refused(model: Gaussian2Scene, clouds: Tensor) -> None:
    with pytest.raises(InvalidInput, match="clouds"):
        model.encode(torch.where(clouds > 1, torch.nan, clouds))


def test_weights_come_back_from_a_file(model: Gaussian2Scene, clouds: Tensor, tmp_path: Path) -> None:
    model.save(tmp_path / "scene.safetensors", 1, {"seed": 0})
    again = Gaussian2Scene.load(tmp_path / "scene.safetensors")
    assert again.stage == 1
    torch.testing.assert_close(again.encode(clouds).embedding, model.encode(clouds).embedding, rtol=0, atol=2e-2)
    encoder = load_encoder(tmp_path / "scene.safetensors")
    assert all(map(torch.equal, encoder.state_dict().values(), again.encoder.state_dict().values()))


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "mmpt"},
        {"stage": 3},
        {"image_patch": 7},
        {"channels": 5},
        {"points": 1 << 40},
        {"encoder": {"groups": 1}},
        {"shared_depth": "2"},
    ],
)
def test_a_file_that_says_something_else_is_refused(
    model: Gaussian2Scene, tmp_path: Path, changed: dict[str, object]
) -> None:
    spec = {"model": "gaussian2scene", "stage": 1, **SPEC.stored(), **changed}
    weights.save(tmp_path / "scene.safetensors", model, spec, {})
    with pytest.raises(InvalidInput):
        Gaussian2Scene.load(tmp_path / "scene.safetensors")


def test_the_full_size_is_that_of_the_publications() -> None:
    with torch.device("meta"):
        model = Gaussian2Scene(FULL)
    width, hidden, points, pixels, patches = 256, 128, 32, 3 * 16**2, (256 // 16) * (352 // 16)
    block = 12 * width**2 + 10 * width  # 3 + 1 + 4 + 4 matrices, their biases, two norms
    transformers = 4 * (3 * block + 2 * width)
    embedding = 6 * hidden + hidden + 2 * hidden + hidden * 2 * hidden + 2 * hidden
    embedding += (4 * hidden) ** 2 + 3 * 4 * hidden + 4 * hidden * width + width
    positions = 3 * (3 * 128 + 128 + 128 * width + width)
    image = pixels * width + width + 2 * patches * width
    heads = (width + 1) * (3 * points + pixels + 11 * points)
    assert sum(each.numel() for each in model.parameters()) == (
        transformers + embedding + positions + image + heads + 4 * width
    )
