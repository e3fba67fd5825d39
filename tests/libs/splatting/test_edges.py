"""Scenes at the edge of what is sensible have the image that is documented, and no accident."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from all_pairs import all_pairs
from drawn import Arguments, cast, draw, leaves, on_axis, rows
from torch import Tensor

from tellurion_core.errors import ResourceExhausted
from tellurion_splatting import SecondLayer, listing, rasterization
from tellurion_splatting.kernels import binning

NOBODY = torch.zeros(0, dtype=torch.long)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_gaussians_are_the_background_and_so_is_the_gradient(dtype: torch.dtype, packed: bool) -> None:
    scene = cast(rows(draw(0, cameras=2), NOBODY), dtype)
    inputs = leaves(scene)
    colors, alphas, meta = rasterization(**scene | inputs, packed=packed, absgrad=True)
    assert torch.equal(colors, inputs["backgrounds"][:, None, None].expand(2, 20, 24, 3))
    assert not alphas.any()
    found = torch.autograd.grad(colors.sum(), list(inputs.values()), allow_unused=True, materialize_grads=True)
    for name, gradient in zip(inputs, found, strict=True):
        assert gradient.shape == inputs[name].shape
        assert (gradient == (20 * 24 if name == "backgrounds" else 0)).all()
    assert len(meta["flatten_ids"]) == len(meta["isect_ids"]) == 0
    assert not meta["isect_offsets"].any()


@pytest.mark.parametrize("mode", ["RGB", "D", "ED", "RGB+D", "RGB+ED"])
def test_no_gaussians_in_every_mode_with_every_extra(mode: str) -> None:
    scene = rows(draw(0), NOBODY)
    second = SecondLayer(scene["opacities"], scene["colors"], None, joint=True)
    colors, _, meta = rasterization(**scene, render_mode=mode, second=second, extra_signals=scene["scales"])
    assert colors.isfinite().all()
    if "D" in mode:
        assert not colors[..., -1].any()
    for name in ("render_extra_signals", "second_colors", "second_alphas"):
        assert not meta[name].any()


def test_gaussians_that_no_camera_sees_are_as_none() -> None:
    scene = draw(0)
    scene["means"][:, 2] -= 100
    inputs = leaves(scene)
    colors, alphas, meta = rasterization(**scene | inputs)
    assert not alphas.any()
    assert len(meta["gaussian_ids"]) == 0
    (gradient,) = torch.autograd.grad(colors.sum(), inputs["means"], materialize_grads=True)
    assert not gradient.any()


@pytest.mark.parametrize("depth", [0.02, 0.3])
def test_a_camera_inside_a_gaussian_sees_it_all_over(depth: float) -> None:
    scene: Arguments = draw(3, count=6)
    scene["viewmats"] = torch.eye(4, dtype=torch.float64)[None]
    scene["means"][:, 2] += 3
    scene["means"][0] = torch.tensor([0.0, 0.0, depth])
    scene["scales"][0] = 2.0
    scene["opacities"][0] = 0.6
    inputs, exact = leaves(scene), leaves(scene)
    colors, alphas, _ = rasterization(**scene | inputs)
    assert alphas.min() > 0.59
    oracle = all_pairs(**scene | exact)
    torch.testing.assert_close(colors, oracle.colors, rtol=0, atol=1e-10)
    found = torch.autograd.grad(colors.square().sum(), list(inputs.values()))
    theirs = torch.autograd.grad(oracle.colors.square().sum(), list(exact.values()))
    for one, other in zip(found, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-7)


def test_a_gaussian_about_the_camera_whose_mean_is_behind_it_is_not_drawn() -> None:
    scene = draw(3, count=1)
    scene["viewmats"] = torch.eye(4, dtype=torch.float64)[None]
    scene["means"][:] = torch.tensor([0.0, 0.0, -0.1])
    scene["scales"][:] = 2.0
    assert not rasterization(**scene)[1].any()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["means", "quats", "scales", "opacities"])
def test_a_gaussian_that_is_not_finite_is_not_drawn_and_spoils_no_other(name: str, wrong: float) -> None:
    scene = draw(5, count=8)
    scene[name] = scene[name].clone()
    scene[name].view(8, -1)[3, 0] = wrong
    without = rows(scene, torch.tensor([0, 1, 2, 4, 5, 6, 7]))
    inputs = leaves(scene)
    colors, _, _ = rasterization(**scene | inputs)
    assert torch.equal(colors, rasterization(**without)[0])
    for gradient in torch.autograd.grad(colors.square().sum(), list(inputs.values())):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["colors", "coefficients", "extra_signals", "second.colors", "second.opacities"])
@pytest.mark.parametrize("joint", [True, False])
def test_a_gaussian_with_a_value_that_is_not_finite_is_not_drawn_in_any_layer(
    name: str, wrong: float, joint: bool
) -> None:
    def drawn(scene: Arguments) -> tuple[list[Tensor], list[Tensor]]:
        given = {k: v.clone().requires_grad_() for k, v in scene.items() if isinstance(v, Tensor)}
        layer = SecondLayer(given.pop("second.opacities"), given.pop("second.colors"), joint=joint)
        colors, alphas, meta = rasterization(**plain | given, second=layer)
        images = [colors, alphas, *(meta[k] for k in ("render_extra_signals", "second_colors", "second_alphas"))]
        inputs = [*(v for k, v in given.items() if k != "Ks"), layer.opacities, layer.colors]
        return images, list(torch.autograd.grad(sum(image.square().sum() for image in images), inputs))

    scene = draw(5, count=8, sh_degree=1 if name == "coefficients" else None)
    other = draw(6, count=8)
    plain = {k: v for k, v in scene.items() if not isinstance(v, Tensor)}
    scene = {k: v for k, v in scene.items() if isinstance(v, Tensor)}
    scene |= {"extra_signals": other["scales"]} | {f"second.{k}": other[k] for k in ("opacities", "colors")}
    changed = "colors" if name == "coefficients" else name
    scene[changed] = scene[changed].clone()
    scene[changed].view(8, -1)[3, 0] = wrong
    others = torch.tensor([0, 1, 2, 4, 5, 6, 7])
    images, gradients = drawn(scene)
    alone, _ = drawn({k: v[others] if len(v) == 8 else v for k, v in scene.items()})
    for image, expected in zip(images, alone, strict=True):
        assert torch.equal(image, expected)
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("opacity", [1.5, 20.0])
def test_an_opacity_above_one_is_capped_pixel_by_pixel(opacity: float) -> None:
    image = rasterization(**on_axis(opacity, size=0.2))[1][0, 8, :, 0]
    variance = (20 * 0.2 / 2) ** 2 + 0.3
    expected = (opacity * torch.exp(-((torch.arange(17) - 8.0) ** 2) / (2 * variance))).clamp(max=0.999)
    expected[(expected < 1 / 255) | (torch.arange(17) >= 16)] = 0  # the box, of ⌈3.33 σ⌉ = 7, ends in the first tile
    torch.testing.assert_close(image, expected.double(), rtol=1e-6, atol=0)
    assert (image == 0.999).sum() > 1


@pytest.mark.parametrize("profile", ["gsplat", "inria"])
def test_more_entries_of_tiles_than_allowed_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    scene = draw(7, count=60, width=256, height=256)
    scene["scales"] = scene["scales"] * 100
    *_, meta = rasterization(**scene, tile_size=8, profile=profile)  # of 60 Gaussians in most of 1024 tiles
    monkeypatch.setattr(listing, "MOST_ENTRIES", 20_000)
    with pytest.raises(ResourceExhausted, match="20000 at most"):
        rasterization(**scene, tile_size=8, profile=profile)
    with pytest.raises(ResourceExhausted, match="20000 at most"):
        meta["flatten_ids"]


def test_listing_stops_where_memory_would_be_asked_for() -> None:
    count, (across, down) = 100, (64, 64)
    footprints = np.zeros((count, binning.COLUMNS))
    footprints[:, [binning.SPAN, binning.HALF_HEIGHT, binning.WIDE, binning.HIGH]] = np.inf, 1e6, 1e6, 1e6
    found, counts = np.zeros(1, np.int64), np.zeros((1, across * down), np.int64)
    tiles, _ = binning.meet(0, count, count, footprints, False, 8, across, down, 5000, found, counts)
    assert 5000 < found[0] <= len(tiles) < 4 * 5000


@pytest.mark.parametrize("quat", [[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])
def test_a_quaternion_need_not_be_of_unit_length_and_one_of_none_is_not_drawn(quat: list[float]) -> None:
    scene = draw(5, count=4)
    scene["quats"] = torch.tensor([[1.0, 0, 0, 0]], dtype=torch.float64).repeat(4, 1)
    expected = rasterization(**scene if any(quat) else rows(scene, torch.tensor([0, 1, 2])))[0]
    scene["quats"][3] = torch.tensor(quat)
    torch.testing.assert_close(rasterization(**scene)[0], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("opacity", [0.0, -0.5])
def test_a_gaussian_without_opacity_is_not_drawn(opacity: float) -> None:
    scene = draw(5, count=4)
    without = rasterization(**rows(scene, torch.tensor([0, 1, 2])))[0]
    scene["opacities"][3] = opacity
    assert torch.equal(rasterization(**scene)[0], without)


def test_a_gaussian_as_flat_as_a_sheet_or_a_point_is_drawn_by_its_blur() -> None:
    scene = draw(6, count=3)
    scene["scales"][0] = 0.0
    scene["scales"][1, 1:] = 0.0
    inputs = leaves(scene)
    colors, _, _ = rasterization(**scene | inputs)
    torch.testing.assert_close(colors, all_pairs(**scene).colors, rtol=0, atol=1e-10)
    for gradient in torch.autograd.grad(colors.square().sum(), list(inputs.values())):
        assert gradient.isfinite().all()


def test_hugely_different_sizes_in_one_scene() -> None:
    scene = draw(7, count=30)
    scene["scales"] = scene["scales"] * torch.logspace(-6, 3, 30, dtype=torch.float64)[:, None]
    torch.testing.assert_close(rasterization(**scene)[0], all_pairs(**scene).colors, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [(1, 1), (1, 33), (17, 1), (8, 8), (33, 31)])
def test_images_of_any_size(size: tuple[int, int]) -> None:
    width, height = size
    scene = draw(8, count=30, width=width, height=height)
    torch.testing.assert_close(rasterization(**scene)[0], all_pairs(**scene).colors, rtol=0, atol=1e-10)


def test_inputs_need_not_be_contiguous() -> None:
    scene = draw(9)
    strided = scene | {
        name: torch.stack([scene[name], scene[name]], dim=-1)[..., 0] for name in ("means", "quats", "scales", "colors")
    }
    assert not strided["means"].is_contiguous()
    assert torch.equal(rasterization(**strided)[0], rasterization(**scene)[0])
