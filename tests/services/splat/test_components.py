"""What a view is made of: closed forms of one and two Gaussians, and the limits in which it is plain splatting."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from tellurion_splat.components import render
from tellurion_splat.splats import REFLECTED, SHAPE, TRANSMITTED, Splats
from tellurion_splat.variants import RELEASED
from tellurion_splatting import encoded_gaussians, rasterization, read_gaussians

SIZE = (24, 16)
K = torch.tensor([[30.0, 0, 12.5], [0, 30, 8.5], [0, 0, 1]])  # the axis meets the centre of pixel (8, 12)
VIEWMAT = torch.eye(4)
C0 = 1 / (2 * math.sqrt(math.pi))


def on_axis(opacities: list[float], reflected: list[float], weights: list[float]) -> Splats:
    """Red, then green Gaussians at depths 2, 3, …; their reflections are blue, then yellow."""
    count = len(opacities)
    colors = torch.tensor([[1.0, 0, 0], [0, 1, 0]])[:count]
    reflections = torch.tensor([[0.0, 0, 1], [1, 1, 0]])[:count]
    return Splats(
        {
            "means": torch.tensor([[0.0, 0, 2], [0, 0, 3]])[:count],
            "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
            "log_scales": torch.full((count, 3), -1.0),
            "logit_opacities": torch.tensor(opacities).logit(),
            "sh0": ((colors - 0.5) / C0)[:, None],
            "sh_rest": torch.zeros(count, 0, 3),
            "reflected_logit_opacities": torch.tensor(reflected).logit(),
            "reflected_sh0": ((reflections - 0.5) / C0)[:, None],
            "reflected_sh_rest": torch.zeros(count, 0, 3),
            "logit_beta": torch.tensor(weights).logit(),
        }
    )


def drawn(count: int = 60, degree: int = 2, seed: int = 0) -> Splats:
    """A cloud before the camera, with a reflected branch."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(count, *shape, generator=generator)

    coefficients = (degree + 1) ** 2
    return Splats(
        {
            "means": random(3) * torch.tensor([1.0, 0.7, 0.5]) + torch.tensor([0.0, 0, 4]),
            "quats": random(4),
            "log_scales": 0.3 * random(3) - 1.5,
            "logit_opacities": random(),
            "sh0": random(1, 3),
            "sh_rest": 0.3 * random(coefficients - 1, 3),
            "reflected_logit_opacities": random(),
            "reflected_sh0": random(1, 3),
            "reflected_sh_rest": 0.3 * random(coefficients - 1, 3),
            "logit_beta": random(),
        }
    )


def test_two_on_the_axis_are_mixed_as_the_equations_say() -> None:
    o, q, beta = (0.6, 0.7), (0.5, 0.8), (0.3, 0.9)
    seen = render(on_axis(list(o), list(q), list(beta)), VIEWMAT, K, SIZE)
    w = o[0], (1 - o[0]) * o[1]
    v = q[0], (1 - q[0]) * q[1]
    weight = w[0] * beta[0] + w[1] * beta[1]
    transmitted = (1 - weight) * torch.tensor([w[0], w[1], 0])
    reflected = weight * torch.tensor([v[1], v[1], v[0]])
    at = seen.image[8, 12], seen.transmitted[8, 12], seen.reflected[8, 12]
    for ours, expected in zip(at, (transmitted + reflected, transmitted, reflected), strict=True):
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)
    assert seen.weight[8, 12].item() == pytest.approx(weight, abs=1e-5)
    assert seen.inverse_depth[8, 12].item() == pytest.approx(w[0] / 2 + w[1] / 3, abs=1e-5)
    assert seen.alpha[8, 12].item() == pytest.approx(sum(w), abs=1e-5)
    assert seen.depth[8, 12].item() == pytest.approx(sum(w) / (w[0] / 2 + w[1] / 3), abs=1e-4)


def test_the_background_is_seen_through_the_transmitted_branch_alone() -> None:
    background = torch.tensor([0.0, 0.0, 0.5])
    seen = render(on_axis([0.6], [0.5], [0.4]), VIEWMAT, K, SIZE, background=background)
    weight = 0.6 * 0.4
    expected = (1 - weight) * torch.tensor([0.6, 0, 0.4 * 0.5]) + weight * torch.tensor([0, 0, 0.5])
    torch.testing.assert_close(seen.image[8, 12], expected, atol=1e-5, rtol=0)


def plain_image(of: Splats) -> torch.Tensor:
    layers = of.means, of.quats, of.scales, of.opacities, of.sh()
    return rasterization(*layers, VIEWMAT[None], K[None], *SIZE, sh_degree=2)[0][0]


def test_without_weight_it_is_plain_splatting() -> None:
    of = drawn()
    of.parameters["logit_beta"] = torch.full((60,), -math.inf)
    of.parameters["reflected_logit_opacities"] = torch.full((60,), 8.0)  # hides nothing of the other branch
    of.parameters["logit_opacities"] = of.parameters["logit_opacities"].clamp(max=0)
    seen = render(of, VIEWMAT, K, SIZE)
    plain = {name: of.parameters[name] for name in SHAPE + TRANSMITTED}
    alone = render(Splats(plain), VIEWMAT, K, SIZE)
    torch.testing.assert_close(seen.image, seen.transmitted, atol=0, rtol=0)
    torch.testing.assert_close(alone.image, plain_image(of), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen.image, alone.image, atol=5e-4, rtol=0)  # pixels end a little later
    assert not alone.reflected.any()
    assert not alone.weight.any()


def test_equal_branches_of_full_weight_on_black_are_plain_splatting() -> None:
    of = drawn()
    of.parameters["logit_beta"] = torch.full((60,), math.inf)
    for name in ("logit_opacities", "sh0", "sh_rest"):
        of.parameters[f"reflected_{name}"] = of.parameters[name]
    seen = render(of, VIEWMAT, K, SIZE)
    torch.testing.assert_close(seen.weight, seen.alpha, atol=1e-6, rtol=0)
    torch.testing.assert_close(seen.reflected, seen.weight[..., None] * plain_image(of), atol=1e-5, rtol=0)


def test_a_degree_leaves_out_what_is_above_it() -> None:
    of = drawn()
    low = replace(of, parameters=of.parameters | {"sh_rest": of.parameters["sh_rest"][:, :3]})
    torch.testing.assert_close(
        render(of, VIEWMAT, K, SIZE, degrees=(1, 2)).image, render(low, VIEWMAT, K, SIZE).image, atol=1e-6, rtol=0
    )


def test_normals_are_the_shortest_axis_towards_the_camera() -> None:
    of = on_axis([0.8], [0.5], [0.5])
    of.parameters["log_scales"][0] = torch.tensor([-1.0, -1.0, -3.0])
    tilt = 0.4  # about x: the shortest axis, z, turns towards −y
    of.parameters["quats"][0] = torch.tensor([math.cos(tilt / 2), math.sin(tilt / 2), 0, 0])
    normal = render(of, VIEWMAT, K, SIZE, normals=True).normal
    assert normal is not None
    expected = 0.8 * torch.tensor([0.0, math.sin(tilt), -math.cos(tilt)])
    torch.testing.assert_close(normal[8, 12], expected, atol=1e-5, rtol=0)
    assert render(of, VIEWMAT, K, SIZE).normal is None


def test_nothing_is_a_background() -> None:
    nothing = Splats({name: tensor[:0] for name, tensor in drawn().parameters.items()})
    seen = render(nothing, VIEWMAT, K, SIZE, background=torch.tensor([0.1, 0.2, 0.3]))
    assert seen.image.reshape(-1, 3).unique(dim=0).tolist() == [pytest.approx([0.1, 0.2, 0.3])]
    assert not seen.depth.any()


@pytest.mark.parametrize("name", [*TRANSMITTED, *REFLECTED])
def test_the_mixing_has_the_slope_of_the_image(name: str) -> None:
    """A directional derivative in float32; places and shapes are the rasteriser's, and tested there in float64."""
    of = drawn(12)
    weights = torch.rand(SIZE[1], SIZE[0], 3, generator=torch.Generator().manual_seed(1))

    def value(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        return (weights * render(Splats(parameters), VIEWMAT, K, SIZE).image).double().sum()

    leaf = of.parameters[name].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(of.parameters | {name: leaf}), leaf)
    direction = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(2))
    step = 2e-3
    ahead, back = (value(of.parameters | {name: of.parameters[name] + s * direction}) for s in (step, -step))
    slope = ((ahead - back) / (2 * step)).item()
    assert (gradient * direction).sum().item() == pytest.approx(slope, rel=0.03, abs=0.05)


def test_inverse_depth_has_its_slope_along_the_ray() -> None:
    """At the centre of a Gaussian D⁻¹ is o/z, wherever on the axis it is."""
    of = on_axis([0.6], [0.5], [0.4])
    leaf = of.parameters["means"].requires_grad_()
    (gradient,) = torch.autograd.grad(render(of, VIEWMAT, K, SIZE).inverse_depth[8, 12], leaf)
    assert gradient[0, 2].item() == pytest.approx(-0.6 / 2**2, abs=1e-5)


def test_the_variants_are_told_apart_only_while_fitting() -> None:
    """Colours that no clamp touches are the same to both, whoever evaluates the harmonics."""
    of = drawn()
    torch.testing.assert_close(
        render(of, VIEWMAT, K, SIZE, variant=RELEASED).image, render(of, VIEWMAT, K, SIZE).image, atol=1e-5, rtol=0
    )


def test_gaussians_of_one_branch_alone_are_drawn_as_if_the_others_were_not_there() -> None:
    """The transmitted image is of the first half of a cloud, and the reflected one of the second."""
    both = drawn(60)
    first = torch.arange(60) < 30
    both.parameters["logit_opacities"][~first] = -math.inf
    both.parameters["reflected_logit_opacities"][first] = -math.inf
    assert both.apart
    seen = render(both, VIEWMAT, K, SIZE)
    W, R = seen.weight[..., None], plain(both, ~first, "reflected_")
    torch.testing.assert_close(seen.reflected, W * R, atol=1e-5, rtol=0)
    torch.testing.assert_close(seen.transmitted, (1 - W) * plain(both, first, ""), atol=1e-5, rtol=0)
    assert R.amax() > 0.1


def plain(of: Splats, rows: torch.Tensor, branch: str) -> torch.Tensor:
    """The image [H, W, 3] of some of the Gaussians with the opacities and colours of one branch."""
    shape = {name: of.parameters[name][rows] for name in SHAPE}
    own = {name: of.parameters[f"{branch}{name}"][rows] for name in TRANSMITTED}
    return render(Splats(shape | own), VIEWMAT, K, SIZE).image


def test_a_model_whose_branches_are_apart_stays_so_in_a_file() -> None:
    of = drawn(20)
    of.parameters["logit_opacities"][10:] = -math.inf
    of.parameters["reflected_logit_opacities"][:10] = -math.inf
    data = encoded_gaussians(of.gaussians(), ".ply")
    read = Splats.of(read_gaussians(data, ".ply"))
    assert read.apart
    torch.testing.assert_close(
        render(read, VIEWMAT, K, SIZE).image, render(of, VIEWMAT, K, SIZE).image, atol=1e-5, rtol=0
    )


def test_an_antialiased_model_is_drawn_as_such() -> None:
    fine = on_axis([0.5], [0.5], [0.0])
    fine.parameters["log_scales"] -= 3
    antialiased = Splats.of(replace(fine.gaussians(), antialiased=True))
    assert antialiased.gaussians().antialiased
    expected, _, _ = rasterization(
        fine.means,
        fine.quats,
        fine.scales,
        fine.opacities,
        fine.sh(),
        VIEWMAT[None],
        K[None],
        *SIZE,
        sh_degree=0,
        rasterize_mode="antialiased",
    )
    seen = render(antialiased, VIEWMAT, K, SIZE).image
    torch.testing.assert_close(seen, expected[0], atol=1e-5, rtol=0)
    assert seen.max() < 0.9 * render(fine, VIEWMAT, K, SIZE).image.max()
