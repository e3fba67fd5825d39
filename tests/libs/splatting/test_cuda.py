"""On a GPU the same call goes through gsplat, or through the CPU's kernels, and draws what the CPU draws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from all_pairs import all_pairs
from drawn import Arguments, cast, draw, leaves, rows
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_splatting import SecondLayer, rasterization, spherical_harmonics

pytestmark = pytest.mark.cuda
CASES: dict[str, tuple[Arguments, Arguments]] = {
    "colours": ({}, {}),
    "harmonics": ({"sh_degree": 3}, {}),
    "degree 5": ({"sh_degree": 5}, {}),
    "two cameras": ({"cameras": 2}, {"render_mode": "RGB+ED"}),
    "unpacked": ({}, {"packed": False, "render_mode": "D"}),
    "no background": ({"backgrounds": False}, {}),
    "antialiased": ({}, {"rasterize_mode": "antialiased"}),
    "dense": ({"opacity": (0.8, 1.0)}, {}),
    "as by Inria": ({}, {"profile": "inria"}),
}


def single(case: str) -> Arguments:
    drawing, options = CASES[case]
    return cast(draw(61, count=80, width=64, height=48, **drawing), torch.float32) | options


def on_gpu(scene: Arguments) -> Arguments:
    moved = {name: value.cuda() if isinstance(value, Tensor) else value for name, value in scene.items()}
    if (second := moved.get("second")) is not None:
        moved["second"] = replace(second, opacities=second.opacities.cuda(), colors=second.colors.cuda())
    return moved


def off_the_cut_offs(scene: Arguments) -> tuple[Any, Tensor]:
    """The oracle's images, and the pixels that no rounding can change much."""
    given = {name: value for name, value in cast(scene, torch.float64).items() if name != "packed"}
    if (second := given.get("second")) is not None:
        given["second"] = replace(second, opacities=second.opacities.double(), colors=second.colors.double())
    oracle = all_pairs(**given)
    clear = oracle.margin > 1e-4
    assert clear.double().mean() > 0.99
    return oracle, clear


@pytest.mark.parametrize("case", CASES)
def test_off_the_cut_offs_the_image_is_that_of_the_cpu_and_of_the_oracle(case: str) -> None:
    scene = single(case)
    oracle, clear = off_the_cut_offs(scene)
    colors, alphas, meta = rasterization(**on_gpu(scene))
    assert colors.is_cuda
    assert meta["means2d"].is_cuda
    here, here_alphas, _ = rasterization(**scene)
    for gpu, cpu, exact in ((colors, here, oracle.colors), (alphas, here_alphas, oracle.alphas)):
        torch.testing.assert_close(gpu.cpu()[clear], cpu[clear], rtol=0, atol=1e-4)
        torch.testing.assert_close(gpu.cpu()[clear].double(), exact[clear], rtol=0, atol=1e-4)


def gradients(scene: Arguments) -> dict[str, Tensor]:
    inputs = leaves(scene)
    colors, _, meta = rasterization(**scene | inputs)
    total = colors.square().sum()
    for name in ("render_extra_signals", "second_colors"):
        if name in meta:
            total = total + meta[name].square().sum()
    found = torch.autograd.grad(total, list(inputs.values()), allow_unused=True, materialize_grads=True)
    return {name: gradient.cpu() for name, gradient in zip(inputs, found, strict=True)}


def assert_same_gradients(scene: Arguments) -> None:
    there, here = gradients(on_gpu(scene)), gradients(scene)
    for name, expected in here.items():
        assert (there[name] - expected).norm() <= 5e-3 * expected.norm(), name


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_the_cpu(case: str) -> None:
    assert_same_gradients(single(case))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("channel_chunk", [2, 32])
def test_extra_signals_are_drawn_as_the_colours(channel_chunk: int, packed: bool) -> None:
    scene = single("two cameras") | {"packed": packed, "channel_chunk": channel_chunk}
    scene["extra_signals"] = torch.rand(2, 80, 5, generator=torch.Generator().manual_seed(0))
    given = {name: value for name, value in scene.items() if name != "channel_chunk"}
    oracle, clear = off_the_cut_offs(given)
    *_, there = rasterization(**on_gpu(scene))
    found = there["render_extra_signals"].cpu()[clear].double()
    torch.testing.assert_close(found, oracle.extra_signals[clear], rtol=0, atol=1e-4)
    assert_same_gradients(scene)


@pytest.mark.parametrize("sh_degree", [None, 5])
@pytest.mark.parametrize("joint", [True, False])
def test_a_second_layer_is_that_of_the_cpu_with_rules_of_its_own_or_not(joint: bool, sh_degree: int | None) -> None:
    scene = single("colours")
    other = cast(draw(62, count=80, sh_degree=sh_degree), torch.float32)
    scene["second"] = SecondLayer(other["opacities"], other["colors"], sh_degree, joint=joint)
    oracle, clear = off_the_cut_offs(scene)
    *_, there = rasterization(**on_gpu(scene))
    for name in ("second_colors", "second_alphas"):
        exact = getattr(oracle, name)[clear]
        torch.testing.assert_close(there[name].cpu()[clear].double(), exact, rtol=0, atol=1e-4)
    assert_same_gradients(scene)


@pytest.mark.parametrize("packed", [True, False])
def test_a_batch_is_its_scenes_one_by_one(packed: bool) -> None:
    scenes = [cast(draw(seed, count=30, cameras=2), torch.float32) for seed in (63, 64)]
    stacked = {name: torch.stack([s[name] for s in scenes]) for name, v in scenes[0].items() if isinstance(v, Tensor)}
    together = rasterization(**on_gpu(scenes[0] | stacked), packed=packed)[0].cpu()
    for colors, scene in zip(together, scenes, strict=True):
        oracle, clear = off_the_cut_offs(scene)
        torch.testing.assert_close(colors[clear].double(), oracle.colors[clear], rtol=0, atol=1e-4)


def test_double_precision_is_kept() -> None:
    scene = draw(65)
    colors, _, _ = rasterization(**on_gpu(scene))
    assert colors.is_cuda
    torch.testing.assert_close(colors.cpu(), all_pairs(**scene).colors, rtol=0, atol=1e-10)


def test_no_gaussians_are_the_background() -> None:
    scene = on_gpu(rows(single("colours"), torch.zeros(0, dtype=torch.long)))
    colors, _, _ = rasterization(**scene)
    assert torch.equal(colors, scene["backgrounds"][:, None, None].expand_as(colors))


@pytest.mark.parametrize("case", ["colours", "as by Inria"])
def test_the_means_in_the_image_keep_their_gradient(case: str) -> None:
    found = []
    for scene in (single(case), on_gpu(single(case))):
        scene["means"] = scene["means"].requires_grad_()
        colors, _, meta = rasterization(**scene, absgrad=True, extra_signals=scene["scales"])
        meta["means2d"].retain_grad()
        (colors.square().sum() + meta["render_extra_signals"].square().sum()).backward()
        pulls = torch.zeros(80, 2, device=scene["means"].device)
        pulls[meta["gaussian_ids"]] += meta["means2d"].grad
        assert meta["means2d"].absgrad.device == pulls.device
        found.append(pulls.cpu())
    assert (found[1] - found[0]).norm() <= 5e-3 * found[0].norm()


def test_harmonics_come_back_to_their_device() -> None:
    directions, coefficients = torch.randn(9, 3), torch.randn(9, 36, 3)
    there = spherical_harmonics(5, directions.cuda(), coefficients.cuda())
    assert there.is_cuda
    torch.testing.assert_close(there.cpu(), spherical_harmonics(5, directions, coefficients))


@pytest.mark.parametrize("name", ["means", "colors", "viewmats"])
def test_tensors_on_two_devices_are_refused(name: str) -> None:
    scene = single("colours")
    with pytest.raises(InvalidInput):
        rasterization(**scene | {name: scene[name].cuda()})


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("opacities", {"opacities": torch.ones(3, device="cpu")}),
        ("width", {"width": 0}),
        ("sh_degree", {"sh_degree": 7}),
        ("rolling_shutter", {"rolling_shutter": "fast"}),
        ("arguments", {"with_ut": True}),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(field: str, change: Arguments) -> None:
    scene = on_gpu(single("colours") | change)
    if field == "sh_degree":
        scene["colors"] = torch.zeros(80, 64, 3, device="cuda")
    with pytest.raises(InvalidInput) as refused:
        rasterization(**scene)
    assert refused.value.violations[0].field.startswith(field)
