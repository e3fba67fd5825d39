"""Projection, harmonics and lists of tiles against gsplat's own slow references, which run here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from all_pairs import covariance, project, sh_basis
from drawn import Arguments, draw
from gsplat.cuda import _torch_impl as gsplat
from torch import Tensor

from tellurion_splatting import rasterization, spherical_harmonics


def wide(**options: Any) -> Arguments:
    """Many of the means are outside 1.3 times the field of view, and some behind the cameras."""
    scene = draw(1, count=60, cameras=2, spread=4.0, **options)
    scene["means"][:5, 2] = -6.0
    # Beyond an opacity of 1 the boxes are 3.33 σ, as they always are in the reference.
    return scene | {"opacities": torch.full((60,), 1.1, dtype=torch.float64)}


def reference(scene: Arguments, *, eps2d: float = 0.3) -> tuple[Tensor, ...]:
    """Radii, means2d, depths, conics and compensations [C, N, ...]."""
    covars, _ = gsplat._quat_scale_to_covar_preci(scene["quats"], scene["scales"], compute_preci=False)
    views = (scene[name] for name in ("viewmats", "Ks", "width", "height"))
    return gsplat._fully_fused_projection(scene["means"], covars, *views, eps2d, calc_compensations=True)


@pytest.mark.parametrize("eps2d", [0.3, 0.1])
def test_the_projection_is_gsplats(eps2d: float) -> None:
    scene = wide()
    radii, means2d, depths, conics, compensations = reference(scene, eps2d=eps2d)
    options = {"packed": False, "rasterize_mode": "antialiased", "eps2d": eps2d}
    # An opacity that antialiasing dims below 1 has a smaller box than the reference's, which knows no opacities.
    *_, meta = rasterization(**scene, **options | {"rasterize_mode": "classic"})
    drawn = (radii > 0).all(-1)
    assert 20 < drawn.sum() < 110
    assert torch.equal(meta["radii"], radii * drawn[..., None])
    for name, expected in {"means2d": means2d, "depths": depths, "conics": conics}.items():
        torch.testing.assert_close(meta[name][drawn], expected[drawn], rtol=1e-10, atol=1e-10)
    *_, meta = rasterization(**scene, **options)
    visible = (meta["radii"] > 0).all(-1)
    assert visible.sum() > 20
    expected = 1.1 * compensations
    torch.testing.assert_close(meta["opacities"][visible], expected[visible], rtol=1e-10, atol=1e-10)


def test_the_oracles_projection_is_gsplats() -> None:
    scene = wide()
    _, means2d, depths, conics, compensations = reference(scene)
    for camera in range(2):
        ahead = depths[camera] > 0.01
        shapes = covariance(scene["quats"], scene["scales"])[ahead]
        views = scene["viewmats"][camera], scene["Ks"][camera], scene["width"], scene["height"]
        seen = project(scene["means"][ahead], shapes, *views)
        for ours, theirs in zip(
            (seen.means2d, seen.depths, seen.conics, seen.compensations),
            (means2d, depths, conics, compensations),
            strict=True,
        ):
            torch.testing.assert_close(ours, theirs[camera][ahead], rtol=1e-10, atol=1e-10)


def test_the_gradient_of_the_projection_is_gsplats() -> None:
    scene = wide()
    names = ("means", "quats", "scales", "viewmats")
    weights = torch.randn(2, 60, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = []
    for run in (False, True):
        inputs = {name: scene[name].clone().requires_grad_() for name in names}
        radii, means2d, _, conics, _ = reference(scene | inputs)
        drawn = (radii > 0).all(-1)
        if run:
            *_, meta = rasterization(**scene | inputs, packed=False)
            means2d, conics = meta["means2d"], meta["conics"]
        outputs = torch.cat([means2d, 100 * conics], dim=-1)
        found.append(torch.autograd.grad((weights * outputs)[drawn].sum(), list(inputs.values())))
    for name, theirs, ours in zip(names, *found, strict=True):
        if name == "viewmats":  # only the first three rows are of the camera
            theirs, ours = theirs[:, :3], ours[:, :3]
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9 * theirs.abs().max().item(), msg=name)


@pytest.mark.parametrize("degree", range(5))
def test_the_harmonics_and_their_gradients_are_gsplats(degree: int) -> None:
    generator = torch.Generator().manual_seed(degree)
    directions = torch.randn(40, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    coefficients = torch.randn(40, 25, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    found = []
    for harmonics in (gsplat._spherical_harmonics, spherical_harmonics):
        value = harmonics(degree, directions, coefficients)
        inputs = [directions, coefficients]  # of which degree 0 does not use the first
        gradients = torch.autograd.grad((weights * value).sum(), inputs, materialize_grads=True)
        found.append((value, *gradients))
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


def test_what_a_mask_leaves_out_is_zero_and_has_no_gradient() -> None:
    generator = torch.Generator().manual_seed(6)
    directions = torch.randn(3, 10, 3, generator=generator, dtype=torch.float64)
    coefficients = torch.randn(3, 10, 9, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    masks = torch.rand(3, 10, generator=generator) < 0.5
    values = spherical_harmonics(2, directions, coefficients, masks)
    expected = gsplat._spherical_harmonics(2, directions, coefficients) * masks[..., None]
    torch.testing.assert_close(values, expected, rtol=1e-11, atol=1e-11)
    (gradient,) = torch.autograd.grad(values.sum(), coefficients)
    assert not gradient[~masks].any()
    assert gradient[masks].all()


def test_the_harmonics_of_degree_five_are_the_oracles_and_their_gradients() -> None:
    # The reference ends at degree 4, and the oracle's are scipy's.
    generator = torch.Generator().manual_seed(5)
    directions = torch.randn(40, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    coefficients = torch.randn(40, 36, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    basis = sh_basis(5, torch.nn.functional.normalize(directions, dim=1))
    values = torch.einsum("nk,nkd->nd", basis, coefficients), spherical_harmonics(5, directions, coefficients)
    torch.testing.assert_close(values[1], values[0], rtol=1e-10, atol=1e-10)
    found = [torch.autograd.grad((weights * value).sum(), [directions, coefficients]) for value in values]
    torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("tile", [8, 16, 32])
def test_the_lists_of_tiles_are_gsplats(tile: int) -> None:
    # In single precision, whose bits sort the reference's lists.
    scene = {name: value.float() if isinstance(value, Tensor) else value for name, value in wide(width=60).items()}
    *_, meta = rasterization(**scene, packed=False, tile_size=tile)
    across, down = -(-scene["width"] // tile), -(-scene["height"] // tile)
    assert (meta["tile_width"], meta["tile_height"]) == (across, down)
    boxes = (meta[name].detach() for name in ("means2d", "radii", "depths"))
    counts, pairs, flat = gsplat._isect_tiles(*boxes, tile, across, down)
    assert torch.equal(meta["tiles_per_gauss"], counts)
    assert torch.equal(meta["isect_ids"], pairs)
    assert torch.equal(meta["flatten_ids"], flat)
    offsets = gsplat._isect_offset_encode(pairs, 2, across, down)
    assert torch.equal(meta["isect_offsets"], offsets)
