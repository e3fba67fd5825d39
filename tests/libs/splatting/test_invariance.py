"""What must change nothing, to the last bit: threads, the size of the tiles, the order of the Gaussians."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from drawn import Arguments, cast, draw, leaves, rows
from torch import Tensor

from tellurion_splatting import SecondLayer, rasterization

PRECISIONS = [torch.float32, torch.float64]


def scene_in(dtype: torch.dtype) -> Arguments:
    """Several tiles both ways, some pixels that end and some that do not, two layers."""
    scene = cast(draw(11, count=200, width=61, height=47, cameras=2, opacity=(0.2, 1.0)), dtype)
    other = cast(draw(12, count=200), dtype)
    second = SecondLayer(other["opacities"], other["colors"], None, joint=True)
    return scene | {"extra_signals": other["scales"], "second": second}


def images(scene: Arguments, **options: Any) -> list[Tensor]:
    colors, alphas, meta = rasterization(**scene | options)
    names = ("render_extra_signals", "second_colors", "second_alphas")
    return [colors, alphas, *(meta[name] for name in names if meta.get(name) is not None)]


def gradients(scene: Arguments, **options: Any) -> list[Tensor]:
    inputs = leaves(scene)
    return list(torch.autograd.grad(sum(i.square().sum() for i in images(scene | inputs, **options)), inputs.values()))


def assert_identical(*results: list[Tensor]) -> None:
    for one, other in pairwise(results):
        for a, b in zip(one, other, strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_number_of_threads_changes_no_bit_of_an_image_or_a_gradient(dtype: torch.dtype) -> None:
    scene = scene_in(dtype)
    assert_identical(*(images(scene, threads=threads) for threads in (1, 2, 3, 8)))
    assert_identical(*(gradients(scene, threads=threads) for threads in (1, 2, 3, 8)))


@pytest.mark.parametrize("profile", ["gsplat", "gsplat16"])
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_size_of_the_tiles_changes_no_bit_of_an_image(dtype: torch.dtype, profile: str) -> None:
    scene = scene_in(dtype)
    assert_identical(*(images(scene, tile_size=tile, profile=profile) for tile in (8, 16, 32)))


def test_the_size_of_the_tiles_changes_only_the_rounding_of_a_gradient() -> None:
    # They change what is summed first.
    small, *others = (gradients(scene_in(torch.float64), tile_size=tile) for tile in (8, 16, 32))
    for other in others:
        for a, b in zip(small, other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_inrias_square_boxes_make_the_tiles_seen() -> None:
    # At 3σ an opacity of 1 is still 1.1 %: where the box ends, that is cut; how far out depends on the tiles.
    scene = scene_in(torch.float64)
    small, large = (images(scene, tile_size=tile, profile="inria")[1] for tile in (8, 32))
    assert 0 < (small - large).abs().max() < 0.012


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_the_order_of_the_gaussians_changes_no_bit_of_an_image(dtype: torch.dtype) -> None:
    scene = cast(draw(13, count=150, width=40, height=30, sh_degree=2), dtype)
    order = torch.randperm(150, generator=torch.Generator().manual_seed(0))
    assert len(set(scene["means"][:, 2].tolist())) == 150
    assert_identical(images(scene), images(rows(scene, order)))


def test_of_two_at_one_depth_the_first_is_in_front() -> None:
    scene = draw(0, count=2, backgrounds=False)
    scene |= {"means": torch.zeros(2, 3).double(), "colors": torch.eye(2).double()}
    scene["opacities"][:] = 0.8
    for order in ([0, 1], [1, 0]):
        colors, _, _ = rasterization(**rows(scene, torch.tensor(order)))
        front, behind = colors[0, :, :, order[0]], colors[0, :, :, order[1]]
        assert front.max() > 2 * behind.max() > 0


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_a_neighbour_far_away_changes_no_bit_of_an_image(dtype: torch.dtype) -> None:
    # Culling by tiles must not depend on who else is there.
    scene = cast(draw(13, count=40), dtype)
    more = rows(scene, torch.tensor([*range(40), 0]))
    more["means"] = more["means"].clone()
    more["means"][40] = torch.tensor([0.0, 0.0, -50.0])
    assert_identical(images(scene), images(more))
