"""Chamfer distances with gradients: against all pairs by torch, whose gradients are the tests' own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.geometry import chamfer, distances
from tellurion_pointcloud.geometry.distances import chamfer_l1, chamfer_l2

Distance = Callable[[Tensor, Tensor], Tensor]


def l1_of_all_pairs(a: Tensor, b: Tensor) -> Tensor:
    pairs = (a[:, :, None] - b[:, None]).norm(dim=-1)
    return (pairs.amin(2).mean(1) + pairs.amin(1).mean(1)) / 2


def l2_of_all_pairs(a: Tensor, b: Tensor) -> Tensor:
    pairs = (a[:, :, None] - b[:, None]).square().sum(-1)
    return pairs.amin(2).mean(1) + pairs.amin(1).mean(1)


BOTH = pytest.mark.parametrize(
    ("distance", "of_all_pairs"), [(chamfer_l1, l1_of_all_pairs), (chamfer_l2, l2_of_all_pairs)], ids=["l1", "l2"]
)


def two_batches(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(3, count, 3, generator=generator, dtype=dtype).requires_grad_() for count in (20, 31))
    return a, b


@BOTH
@pytest.mark.parametrize("few", [0, 4096], ids=["by a tree", "by all pairs"])
def test_values_and_gradients(
    distance: Distance, of_all_pairs: Distance, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distances, "FEW", few)
    a, b = two_batches()
    weights = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    found, expected = distance(a, b), of_all_pairs(a, b)
    torch.testing.assert_close(found, expected)
    for got, want in zip(
        torch.autograd.grad(found @ weights, (a, b)), torch.autograd.grad(expected @ weights, (a, b)), strict=True
    ):
        torch.testing.assert_close(got, want)


@BOTH
def test_a_cloud_is_not_far_from_itself_and_has_a_gradient_of_zero(distance: Distance, of_all_pairs: Distance) -> None:
    a, _ = two_batches(torch.float32)
    value = distance(a, a.detach().flip(1)).sum()
    value.backward()
    assert value == 0
    assert a.grad.abs().max() == 0


def test_the_same_as_without_gradients() -> None:
    a, b = (batch.detach() for batch in two_batches(torch.float32))
    l1, l2 = chamfer(a[0].numpy(), b[0].numpy())
    assert chamfer_l1(a, b)[0].item() == pytest.approx(l1, rel=1e-6)
    assert chamfer_l2(a, b)[0].item() == pytest.approx(l2, rel=1e-6)


@pytest.mark.parametrize("distance", [chamfer_l1, chamfer_l2])
def test_batches_that_do_not_fit_are_named(distance: Distance) -> None:
    with pytest.raises(InvalidInput, match="queries"):
        distance(torch.zeros(2, 4, 3), torch.zeros(3, 4, 3))
    with pytest.raises(InvalidInput, match="clouds"):
        distance(torch.zeros(2, 4, 3), torch.zeros(2, 0, 3))
