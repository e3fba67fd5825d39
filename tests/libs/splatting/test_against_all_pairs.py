"""The kernels against the oracle: the same images, and the same gradients, in every mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from all_pairs import all_pairs
from drawn import Arguments, cast, draw, draw_smooth, leaves
from torch import Tensor

from tellurion_splatting import SecondLayer, rasterization

SIZE = {"count": 60, "width": 43, "height": 29}  # neither is a multiple of a tile's or of a vector's
DENSE = SIZE | {"count": 150, "opacity": (0.8, 1.0)}
CASES: Mapping[str, tuple[Arguments, Arguments]] = {
    "colours": (SIZE, {}),
    "one channel": (SIZE | {"channels": 1}, {}),
    "five channels": (SIZE | {"channels": 5}, {}),
    "many channels": (SIZE | {"channels": 40}, {}),
    "degree 0": (SIZE | {"sh_degree": 0}, {}),
    "degree 3": (SIZE | {"sh_degree": 3}, {}),
    "degree 5": (SIZE | {"sh_degree": 5}, {}),
    "two cameras": (SIZE | {"cameras": 2}, {"render_mode": "RGB+ED"}),
    "no background": (SIZE | {"backgrounds": False}, {"render_mode": "D"}),
    "dense": (DENSE, {}),
    "dense as in gsplat 1.6": (DENSE, {"profile": "gsplat16"}),
    "dense as by Inria": (DENSE, {"profile": "inria"}),
    "antialiased": (SIZE, {"rasterize_mode": "antialiased"}),
    "antialiased as by Inria": (SIZE, {"rasterize_mode": "antialiased", "profile": "inria", "eps2d": 1.0}),
    "outside the field of view": (SIZE | {"spread": 4.0}, {}),
    "small ones left out": (SIZE, {"radius_clip": 6.0}),
    "between planes": (SIZE, {"near_plane": 3.2, "far_plane": 3.9}),
}
FIELDS = ("colors", "alphas", "extra_signals", "second_colors", "second_alphas")
Second = Mapping[str, Any] | None


def scene_of(case: str) -> Arguments:
    drawing, options = CASES[case]
    return draw(7, **drawing) | options


def layered(scene: Arguments, *, joint: bool, sh_degree: int | None = None) -> Arguments:
    """With extra channels, and a second layer of other opacities and colours."""
    other = draw(8, count=len(scene["means"]), channels=2, sh_degree=sh_degree)
    second = SecondLayer(other["opacities"], other["colors"], sh_degree, joint=joint)
    return scene | {"extra_signals": other["scales"], "second": second}


def rendered(**arguments: Any) -> dict[str, Tensor]:
    """The images of the kernels by name, as the oracle names them."""
    colors, alphas, meta = rasterization(**arguments)
    named = {"colors": colors, "alphas": alphas, "extra_signals": meta.get("render_extra_signals")}
    named |= {name: meta.get(name) for name in ("second_colors", "second_alphas")}
    return {name: value for name, value in named.items() if value is not None}


def expected(**arguments: Any) -> dict[str, Tensor]:
    found = all_pairs(**arguments)
    return {name: getattr(found, name) for name in FIELDS if getattr(found, name) is not None}


def gradients(images: Mapping[str, Tensor], inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of one random sum of all pixels."""
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros((), dtype=torch.float64)
    for value in images.values():
        total = total + (torch.randn(value.shape, generator=generator, dtype=torch.float64) * value).sum()
    found = torch.autograd.grad(total, list(inputs.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(inputs, found, strict=True))


def assert_same_gradients(scene: Arguments) -> None:
    second = scene.get("second")
    found = []
    for images in (rendered, expected):
        inputs = leaves(scene)
        given: Arguments = dict(inputs)
        if second is not None:
            own = {name: getattr(second, name).clone().requires_grad_() for name in ("opacities", "colors")}
            given["second"] = replace(second, **own)
            inputs |= {f"second {name}": value for name, value in own.items()}
        found.append(gradients(images(**scene | given), inputs))
    for name, theirs in found[1].items():
        torch.testing.assert_close(
            found[0][name],
            theirs,
            rtol=1e-8,
            atol=1e-9 * (1 + theirs.abs().max().item()),
            msg=lambda m, n=name: f"{n}: {m}",
        )


@pytest.mark.parametrize("case", CASES)
def test_images_are_the_oracles_in_double_precision(case: str) -> None:
    scene = scene_of(case)
    images = rendered(**scene)
    for name, oracle in expected(**scene).items():
        torch.testing.assert_close(images[name], oracle, rtol=0, atol=1e-10)
        assert oracle.abs().max() > 0.1


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_the_oracles_in_double_precision(case: str) -> None:
    assert_same_gradients(scene_of(case))


@pytest.mark.parametrize("sh_degree", [None, 2])
@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("case", ["colours", "dense", "dense as by Inria", "antialiased", "two cameras"])
def test_extra_channels_and_a_second_layer_are_the_oracles(case: str, joint: bool, sh_degree: int | None) -> None:
    scene = layered(scene_of(case), joint=joint, sh_degree=sh_degree)
    images = rendered(**scene)
    assert set(images) == set(FIELDS)
    for name, oracle in expected(**scene).items():
        torch.testing.assert_close(images[name], oracle, rtol=0, atol=1e-10)
    assert_same_gradients(scene)


@pytest.mark.parametrize("rasterize_mode", ["classic", "antialiased"])
def test_covariances_in_place_of_scales_and_rotations(rasterize_mode: str) -> None:
    scene = scene_of("colours")
    factor = torch.randn(60, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 5
    scene |= {"covars": factor @ factor.mT, "rasterize_mode": rasterize_mode}
    torch.testing.assert_close(rendered(**scene)["colors"], expected(**scene)["colors"], rtol=0, atol=1e-10)
    scene_gradients = []
    for images in (rendered, expected):
        inputs = leaves(scene)
        del inputs["quats"], inputs["scales"]
        found = gradients(images(**scene | inputs), inputs)
        # Of a symmetric matrix, only the symmetric part of a gradient has a meaning.
        scene_gradients.append(found | {"covars": (found["covars"] + found["covars"].mT) / 2})
    for name, theirs in scene_gradients[1].items():
        torch.testing.assert_close(scene_gradients[0][name], theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_images_are_the_oracles_in_single_precision_off_the_cut_offs(case: str) -> None:
    scene = cast(scene_of(case), torch.float32)
    double = cast(scene, torch.float64)  # what single precision holds of it
    images, oracle = rendered(**scene), all_pairs(**double)
    clear = oracle.margin > 1e-4
    assert clear.double().mean() > 0.99
    for name in ("colors", "alphas"):
        assert images[name].dtype == torch.float32
        torch.testing.assert_close(images[name][clear].double(), getattr(oracle, name)[clear], rtol=0, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"sh_degree": 3}, {"opacity": (0.8, 1.0), "count": 40}])
def test_gradients_are_the_oracles_in_single_precision(options: Arguments) -> None:
    scene = cast(draw_smooth(2, margin=1e-4, **options), torch.float32)
    double = cast(scene, torch.float64)
    inputs, exact = leaves(scene), leaves(double)
    ours = gradients(rendered(**scene | inputs), inputs)
    for name, theirs in gradients(expected(**double | exact), exact).items():
        assert (ours[name].double() - theirs).norm() <= 1e-3 * theirs.norm(), name


def test_a_dense_scene_ends_most_of_its_pixels_before_its_last_gaussian() -> None:
    # So that the cases above do test the cap and the end.
    alphas = asdict(all_pairs(**scene_of("dense")))["alphas"]
    assert (alphas > 0.999).double().mean() > 0.3
