"""Every gradient against differences, in float64 on scenes of which nothing is near a cut-off."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from drawn import Arguments, draw, draw_smooth, leaves
from torch import Tensor

from tellurion_splatting import SecondLayer, rasterization, spherical_harmonics

FEW = {"count": 6}
CASES: dict[str, tuple[Arguments, Arguments]] = {
    "classic": ({}, {}),
    "antialiased": (FEW, {"rasterize_mode": "antialiased"}),
    "harmonics": (FEW | {"sh_degree": 1}, {}),
    "depth": (FEW | {"cameras": 2}, {"render_mode": "RGB+D"}),
    "expected depth": (FEW, {"render_mode": "ED"}),
    "outside the field of view": ({"spread": 4.0}, {"rasterize_mode": "antialiased"}),
    "as in gsplat 1.6": (FEW, {"profile": "gsplat16"}),
    "as by Inria": (FEW, {"profile": "inria"}),
}


def contractions(*images: Tensor) -> Tensor:
    """Three random sums of all pixels [3]: what a wrong gradient changes, it changes here."""
    generator = torch.Generator().manual_seed(0)
    return sum(torch.randn(3, i.numel(), generator=generator, dtype=torch.float64) @ i.flatten() for i in images)


def check(scene: Arguments, inputs: dict[str, Tensor]) -> None:
    """Against central differences; and twice the same, to the last bit.

    Of a viewmat only the first three rows are free.
    """
    second: Any = scene.get("second")
    inputs = inputs | {"viewmats": inputs["viewmats"].detach()[:, :3].clone().requires_grad_()}

    def outputs(*values: Tensor) -> Tensor:
        given = scene | dict(zip(inputs, values, strict=True))
        given["viewmats"] = torch.cat([given["viewmats"], scene["viewmats"][:, 3:]], dim=1)
        if second is not None:
            own = given.pop("second_opacities"), given.pop("second_colors")
            given["second"] = SecondLayer(*own, second.sh_degree, joint=second.joint)
        colors, alphas, meta = rasterization(**given)
        others = ("render_extra_signals", "second_colors", "second_alphas")
        return contractions(colors, alphas, *(meta[name] for name in others if meta.get(name) is not None))

    assert torch.autograd.gradcheck(outputs, tuple(inputs.values()), eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_all_inputs_together(case: str) -> None:
    drawing, options = CASES[case]
    asked = {name: value for name, value in options.items() if name in ("profile", "rasterize_mode")}
    scene = draw_smooth(1, **drawing, **asked) | options
    check(scene, leaves(scene))


@pytest.mark.parametrize("joint", [True, False])
def test_extra_channels_and_a_second_layer(joint: bool) -> None:
    scene, other = draw_smooth(1, **FEW), draw(9, channels=2, **FEW)
    second = SecondLayer(other["opacities"], other["colors"], None, joint=joint)
    scene |= {"extra_signals": other["scales"][:, :2], "second": second}
    own = {"second_opacities": second.opacities, "second_colors": second.colors}
    check(scene, leaves(scene) | {name: value.clone().requires_grad_() for name, value in own.items()})


def test_covariances() -> None:
    scene = draw_smooth(1)
    upper = torch.triu_indices(3, 3)
    factor = torch.randn(12, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 6
    entries = (factor @ factor.mT)[:, upper[0], upper[1]].requires_grad_()
    place = torch.tensor([[0, 1, 2], [1, 3, 4], [2, 4, 5]])

    def outputs(entries: Tensor) -> Tensor:
        return contractions(*rasterization(**scene, covars=entries[:, place])[:2])

    assert torch.autograd.gradcheck(outputs, (entries,), eps=1e-6, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", leaves(draw(0)))
def test_an_input_alone_has_the_gradient_it_has_among_others(name: str) -> None:
    scene = draw(4, sh_degree=1)
    together, alone = leaves(scene), {name: leaves(scene)[name]}
    found = []
    for inputs in (together, alone):
        total = contractions(*rasterization(**scene | inputs)[:2]).sum()
        found.append(torch.autograd.grad(total, inputs[name])[0])
    assert torch.equal(*found)


def test_harmonics_of_degree_five() -> None:
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    coefficients = torch.randn(4, 36, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda d, k: spherical_harmonics(5, d, k), (directions, coefficients))


def test_a_colour_that_is_clamped_to_black_has_no_gradient() -> None:
    scene = draw(0, count=1, sh_degree=0)
    scene["means"][:] = 0.0
    dark = torch.tensor([[[-3.0, 0.0, 3.0]]], dtype=torch.float64, requires_grad=True)
    colors, _, _ = rasterization(**scene | {"colors": dark})
    (gradient,) = torch.autograd.grad(colors.sum(), dark)
    assert gradient[0, 0, 0] == 0
    assert gradient[0, 0, 1] == gradient[0, 0, 2] > 0


def test_a_second_derivative_is_refused() -> None:
    scene = draw(0)
    inputs = leaves(scene)
    colors, _, _ = rasterization(**scene | inputs)
    (gradient,) = torch.autograd.grad(colors.sum(), inputs["means"], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
