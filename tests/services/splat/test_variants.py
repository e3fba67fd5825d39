"""Every defect of the release, in `released`, and its absence in `fixed`."""

from __future__ import annotations

import math

import pytest
import torch

from tellurion_splat.components import render
from tellurion_splat.densification import reset
from tellurion_splat.initialisation import spacing, splats_at
from tellurion_splat.losses import roughness
from tellurion_splat.optimiser import Optimiser
from tellurion_splat.splats import Splats
from tellurion_splat.variants import FIXED, RELEASED, Variant

SIZE = (12, 12)
K = torch.tensor([[20.0, 0, 6], [0, 20, 6], [0, 0, 1]])


def one(variant: Variant, degree: int = 0) -> Splats:
    """A Gaussian before the camera, and one beside it."""
    points, colors = torch.tensor([[0.0, 0, 2], [0.3, 0, 2]]).numpy(), torch.full((2, 3), 0.5).numpy()
    of = splats_at(points, colors, spacing(points), degree=degree, reflected_degree=degree, variant=variant)
    of.parameters["reflected_sh0"] += 0.3  # another colour than the transmitted one
    return of


def weight_gradient(of: Splats, variant: Variant) -> torch.Tensor:
    seen = render(of, torch.eye(4), K, SIZE, variant=variant)
    (gradient,) = torch.autograd.grad(seen.image.square().sum(), of.parameters["logit_beta"])
    return gradient


def test_a_weight_of_one_learns_nothing_before_the_first_reset() -> None:
    for variant, learns in ((FIXED, True), (RELEASED, False)):
        of = one(variant)
        optimiser = Optimiser(of)
        render(of, torch.eye(4), K, SIZE, variant=variant).image.square().sum().backward()
        assert bool(of.parameters["logit_beta"].grad.any()) is learns
        optimiser.step(0.0)
        assert torch.isinf(of.parameters["logit_beta"]).all().item() is not learns
        reset(of, optimiser)
        assert of.weights.tolist() == pytest.approx([0.1, 0.1])
        assert weight_gradient(of, variant).any()


def test_degree_five_is_not_normalised() -> None:
    """Its functions are √24, √12, √3, √2, √2.5 and 1 times as large as they should be for |m| = 5 … 0."""
    sh = torch.zeros(11, 36, 3)
    sh[torch.arange(11), torch.arange(25, 36)] = 1
    factors = RELEASED.normalised(sh)[torch.arange(11), torch.arange(25, 36), 0]
    expected = [math.sqrt(24), math.sqrt(12), math.sqrt(3), math.sqrt(2), math.sqrt(2.5), 1]
    assert factors.abs().tolist() == pytest.approx(expected + expected[-2::-1])
    assert torch.sign(factors).tolist() == [-1, 1, -1, 1, 1, 1, 1, 1, -1, 1, -1]
    assert torch.equal(FIXED.normalised(sh), sh)
    low = torch.rand(4, 25, 3)
    assert torch.equal(RELEASED.normalised(low), low)


def test_a_file_holds_coefficients_of_the_orthonormal_basis() -> None:
    """What the release sees while fitting is what anybody sees who reads the file."""
    of = one(RELEASED, degree=5)
    generator = torch.Generator().manual_seed(0)
    of.parameters["sh_rest"][:, 24:] = 0.1 * torch.randn(2, 11, 3, generator=generator)
    of.parameters["reflected_sh_rest"][:, 24:] = 0.1 * torch.randn(2, 11, 3, generator=generator)
    fitted = render(of, torch.eye(4), K, SIZE, variant=RELEASED).image
    read = render(Splats.of(of.gaussians(RELEASED)), torch.eye(4), K, SIZE).image
    torch.testing.assert_close(read, fitted, atol=1e-5, rtol=0)
    as_it_stands = render(Splats.of(of.gaussians()), torch.eye(4), K, SIZE).image
    assert (as_it_stands - fitted).abs().max() > 1e-3


def test_the_guide_is_read_by_rows() -> None:
    image = torch.zeros(4, 6, 3)
    image[:, 3:] = 1  # an edge between columns 2 and 3
    assert torch.equal(FIXED.guide(image), image)
    rows = RELEASED.guide(image)
    assert rows.flatten().tolist() == image.permute(2, 0, 1).flatten().tolist()
    columns = (torch.arange(6) % 2).expand(4, 6).float()  # depth steps by 1 from each column to the next
    seen = (4 / 5 + 0 + 4 / 5 + 4 / 5) / 4  # to the right and on the diagonals, at four steps in five
    assert roughness(columns, FIXED.guide(image)).item() == pytest.approx(seen, rel=1e-5)
    # By rows of six the memory reads 000 111 000 111 …: an edge between any two columns.
    assert roughness(columns, rows).item() == pytest.approx(0, abs=1e-12)


def test_one_clamp_stands_for_both_branches() -> None:
    """A transmitted colour above 0 gets no gradient where the reflected one is clamped, and one below 0 gets one where
    that is not."""
    transmitted = torch.tensor([0.3, 0.3, -0.3, -0.3], requires_grad=True)
    reflected = torch.tensor([0.2, -0.2, 0.2, -0.2], requires_grad=True)
    for variant, passing in ((FIXED, [1, 1, 0, 0]), (RELEASED, [1, 0, 1, 0])):
        colors = variant.clamped(transmitted, reflected)
        torch.testing.assert_close(colors[0], torch.tensor([0.3, 0.3, 0, 0]), atol=0, rtol=0)
        torch.testing.assert_close(colors[1], torch.tensor([0.2, 0, 0.2, 0]), atol=0, rtol=0)
        gradients = torch.autograd.grad(colors[0].sum() + colors[1].sum(), (transmitted, reflected))
        assert [gradient.tolist() for gradient in gradients] == [passing, [1, 0, 1, 0]]


def test_the_clamp_is_the_variants_in_a_render() -> None:
    for variant, learns in ((FIXED, True), (RELEASED, False)):
        of = one(FIXED)
        of.parameters["reflected_sh0"] -= 10  # far below black
        leaf = of.parameters["sh0"].requires_grad_()
        (gradient,) = torch.autograd.grad(render(of, torch.eye(4), K, SIZE, variant=variant).image.sum(), leaf)
        assert bool(gradient.any()) is learns
