"""Extra channels and a second opacity in the same pass: what Ref-Unlock's two branches are made of."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from all_pairs import all_pairs
from drawn import Arguments, draw, on_axis

from tellurion_splatting import SecondLayer, rasterization

SIZE: Arguments = {"count": 50, "width": 40, "height": 28}
SCENE = draw(51, **SIZE)
OTHER = draw(52, **SIZE)
PROFILES = ("gsplat", "gsplat16", "inria")
MIDDLE = (0, 8, 8)


def second_of(scene: Arguments, **options: Any) -> SecondLayer:
    return SecondLayer(scene["opacities"], scene["colors"], scene["sh_degree"], **options)


def reflective(scene: Arguments, second: SecondLayer, weights: torch.Tensor, **options: Any) -> dict[str, torch.Tensor]:
    """W, Tc, R and I = (1 − W) Tc + W R."""
    transmitted, _, meta = rasterization(**scene, second=second, extra_signals=weights, **options)
    weight, reflected = meta["render_extra_signals"], meta["second_colors"]
    image = (1 - weight) * transmitted + weight * reflected
    return {"W": weight, "Tc": transmitted, "R": reflected, "I": image}


@pytest.mark.parametrize("profile", PROFILES)
def test_without_weight_the_image_is_plain_splatting(profile: str) -> None:
    # The second layer's opacities are the first's: it skips no pair and ends no pixel that the first does not.
    second = SecondLayer(SCENE["opacities"], OTHER["colors"], None, joint=True)
    parts = reflective(SCENE, second, torch.zeros(50, 1).double(), profile=profile)
    plain, _, _ = rasterization(**SCENE, profile=profile)
    torch.testing.assert_close(parts["I"], plain, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("profile", PROFILES)
def test_with_full_weight_and_equal_branches_on_black_the_image_is_the_transmitted_one(profile: str) -> None:
    scene = SCENE | {"backgrounds": None}
    parts = reflective(scene, second_of(SCENE, joint=True), torch.ones(50, 1).double(), profile=profile)
    torch.testing.assert_close(parts["I"], parts["Tc"], rtol=1e-13, atol=1e-13)
    _, alphas, _ = rasterization(**scene, profile=profile)
    torch.testing.assert_close(parts["W"], alphas, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("profile", PROFILES)
def test_with_rules_of_its_own_the_second_layer_is_a_second_plain_call_on_black(profile: str) -> None:
    colors, alphas, meta = rasterization(**SCENE, second=second_of(OTHER, joint=False), profile=profile)
    apart = SCENE | {"opacities": OTHER["opacities"], "colors": OTHER["colors"], "backgrounds": None}
    for found, expected in (
        ((colors, alphas), rasterization(**SCENE, profile=profile)),
        ((meta["second_colors"], meta["second_alphas"]), rasterization(**apart, profile=profile)),
    ):
        torch.testing.assert_close(found[0], expected[0], rtol=1e-13, atol=1e-13)
        torch.testing.assert_close(found[1], expected[1], rtol=1e-13, atol=1e-13)


def test_a_pair_is_skipped_where_either_opacity_does_not_count() -> None:
    scene = on_axis(0.5, 0.5)
    opacities = torch.tensor([0.8, 0.999 / 255], dtype=torch.float64)
    for joint, first, second in ((True, [0.5, 0.0], [0.8, 0.0]), (False, [0.5, 0.25], [0.8, 0.0])):
        layer = SecondLayer(opacities, torch.eye(2).double(), None, joint=joint)
        colors, _, meta = rasterization(**scene, second=layer)
        assert colors[MIDDLE].tolist() == pytest.approx(first)
        assert meta["second_colors"][MIDDLE].tolist() == pytest.approx(second)


def test_a_pixel_ends_where_both_would_be_opaque() -> None:
    first, opacities = [0.98, 0.98, 0.98, 0.98], torch.tensor([0.5, 0.5, 0.98, 0.99], dtype=torch.float64)
    scene = on_axis(*first)
    layer = SecondLayer(opacities, torch.eye(4).double(), None, joint=True)
    colors, alphas, meta = rasterization(**scene, second=layer)
    # T runs below 1e-4 with the third; the fourth would bring T' to 5e-5 too, and is not drawn.
    assert colors[MIDDLE].tolist() == pytest.approx([0.98, 0.02 * 0.98, 0.02**2 * 0.98, 0.0])
    assert alphas[MIDDLE].item() == pytest.approx(1 - 0.02**3)
    assert meta["second_colors"][MIDDLE].tolist() == pytest.approx([0.5, 0.25, 0.25 * 0.98, 0.0])
    assert meta["second_alphas"][MIDDLE].item() == pytest.approx(1 - 0.25 * 0.02)


def test_extra_channels_are_weighted_as_colours_without_background() -> None:
    signals = OTHER["colors"][:, :2]
    colors, _, meta = rasterization(**SCENE, extra_signals=signals, render_mode="RGB+ED")
    as_colors, _, _ = rasterization(**SCENE | {"colors": signals, "backgrounds": None})
    torch.testing.assert_close(meta["render_extra_signals"], as_colors, rtol=1e-13, atol=1e-13)
    assert torch.equal(colors, rasterization(**SCENE, render_mode="RGB+ED")[0])


def test_inverse_depth_is_an_extra_channel() -> None:
    viewmat = SCENE["viewmats"][0]
    inverse = 1 / (SCENE["means"] @ viewmat[2, :3] + viewmat[2, 3])
    *_, meta = rasterization(**SCENE, extra_signals=inverse[:, None])
    expected = all_pairs(**SCENE | {"colors": inverse[:, None], "backgrounds": None})
    torch.testing.assert_close(meta["render_extra_signals"], expected.colors, rtol=1e-10, atol=1e-10)
    # A plane before the camera has one inverse depth.
    plane = SCENE | {"means": SCENE["means"].clone(), "viewmats": torch.eye(4).double()[None]}
    plane["means"][:, 2] = 4.0
    _, alphas, meta = rasterization(**plane, extra_signals=torch.full((50, 1), 0.25).double())
    torch.testing.assert_close(meta["render_extra_signals"], alphas / 4, rtol=1e-13, atol=1e-13)


def test_a_second_layer_has_harmonics_of_its_own_degree() -> None:
    coefficients = draw(53, sh_degree=2, **SIZE)["colors"]
    *_, meta = rasterization(**SCENE, second=SecondLayer(SCENE["opacities"], coefficients, 2, joint=True))
    plain, _, _ = rasterization(**SCENE | {"colors": coefficients, "sh_degree": 2, "backgrounds": None})
    torch.testing.assert_close(meta["second_colors"], plain, rtol=1e-13, atol=1e-13)


def test_a_clamp_of_one_branch_leaves_the_gradient_of_the_other() -> None:
    # The release shares one clamp buffer.
    scene = on_axis(0.5) | {"sh_degree": 0, "colors": torch.full((1, 1, 3), -9.0).double()}
    bright = torch.zeros(1, 1, 3, dtype=torch.float64, requires_grad=True)
    second = SecondLayer(scene["opacities"], bright, 0, joint=True)
    *_, meta = rasterization(**scene, second=second)
    (gradient,) = torch.autograd.grad(meta["second_colors"].sum(), bright)
    assert (gradient > 0).all()
