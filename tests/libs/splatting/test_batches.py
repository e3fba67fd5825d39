"""Batches of scenes, several cameras, and both layouts of what is returned beside the images."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from drawn import Arguments, draw, leaves
from torch import Tensor

from tellurion_splatting import SecondLayer, rasterization

BATCHED = ("means", "quats", "scales", "opacities", "colors", "viewmats", "Ks", "backgrounds")


def batch(*shape: int, sh_degree: int | None = None) -> tuple[Arguments, list[Arguments]]:
    """Scenes of two cameras each, as one call and one by one."""
    scenes = [draw(seed, count=10, cameras=2, sh_degree=sh_degree) for seed in range(torch.Size(shape).numel())]
    scenes[-1]["means"][4, 2] = -9.0  # behind both cameras
    together = {name: torch.stack([s[name] for s in scenes]).unflatten(0, shape) for name in BATCHED}
    return scenes[0] | together, scenes


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("sh_degree", [None, 1])
@pytest.mark.parametrize("shape", [(3,), (2, 2)])
def test_a_batch_is_its_scenes_one_by_one(shape: tuple[int, ...], sh_degree: int | None, packed: bool) -> None:
    together, scenes = batch(*shape, sh_degree=sh_degree)
    colors, alphas, meta = rasterization(**together, packed=packed)
    assert colors.shape == (*shape, 2, 20, 24, 3)
    assert (meta["n_batches"], meta["n_cameras"]) == (len(scenes), 2)
    for index, scene in zip(product(*map(range, shape)), scenes, strict=True):
        alone = rasterization(**scene, packed=packed)
        assert torch.equal(colors[index], alone[0])
        assert torch.equal(alphas[index], alone[1])


def test_cameras_are_images_of_their_own() -> None:
    scene = draw(31, cameras=3)
    colors, _, _ = rasterization(**scene)
    for camera in range(3):
        own = {name: scene[name][camera : camera + 1] for name in ("viewmats", "Ks", "backgrounds")}
        assert torch.equal(rasterization(**scene | own)[0][0], colors[camera])


@pytest.mark.parametrize("sh_degree", [None, 1])
def test_each_camera_may_have_colours_of_its_own(sh_degree: int | None) -> None:
    scene = draw(32, cameras=2, sh_degree=sh_degree)
    own = torch.stack([scene["colors"], scene["colors"] * 0.5])
    signals = torch.stack([scene["scales"], scene["scales"] * 2])
    colors, _, meta = rasterization(**scene | {"colors": own}, extra_signals=signals)
    for camera in range(2):
        alone, _, other = rasterization(**scene | {"colors": own[camera]}, extra_signals=signals[camera])
        assert torch.equal(colors[camera], alone[camera])
        assert torch.equal(meta["render_extra_signals"][camera], other["render_extra_signals"][camera])


def test_gradients_of_a_batch_are_those_of_its_scenes() -> None:
    together, scenes = batch(2, sh_degree=1)
    inputs = leaves(together)
    colors, _, _ = rasterization(**together | inputs)
    found = torch.autograd.grad(colors.square().sum(), list(inputs.values()))
    for index, scene in enumerate(scenes):
        own = leaves(scene)
        alone = torch.autograd.grad(rasterization(**scene | own)[0].square().sum(), list(own.values()))
        for batched, expected in zip(found, alone, strict=True):
            torch.testing.assert_close(batched[index], expected, rtol=1e-12, atol=1e-12)


def test_a_second_layer_is_batched_as_the_first() -> None:
    together, scenes = batch(2)
    second = SecondLayer(together["opacities"] ** 2, together["colors"] ** 2, None, joint=True)
    *_, meta = rasterization(**together, second=second)
    for index, scene in enumerate(scenes):
        own = SecondLayer(scene["opacities"] ** 2, scene["colors"] ** 2, None, joint=True)
        *_, alone = rasterization(**scene, second=own)
        for name in ("second_colors", "second_alphas"):
            assert torch.equal(meta[name][index], alone[name])


def packed_rows(meta: Arguments, name: str) -> Tensor:
    return meta[name][meta["batch_ids"], meta["camera_ids"], meta["gaussian_ids"]]


def test_packed_or_not_the_images_are_the_same_and_so_are_the_rows() -> None:
    together, _ = batch(2)
    one, two = (rasterization(**together, packed=packed) for packed in (True, False))
    assert torch.equal(one[0], two[0])
    packed, full = one[2], two[2]
    assert full["gaussian_ids"] is None
    visible = (full["radii"] > 0).all(-1)
    assert len(packed["gaussian_ids"]) == visible.sum() < visible.numel()
    ids = packed["batch_ids"], packed["camera_ids"], packed["gaussian_ids"]
    for name in ("radii", "means2d", "depths", "conics", "opacities"):
        assert torch.equal(packed[name], full[name][ids])
    assert torch.equal(torch.stack(ids, dim=1), torch.nonzero(visible))
