"""Which Gaussians become two, which go, and where the halves of one are."""

from __future__ import annotations

import math

import pytest
import torch

from tellurion_splat.densification import PULL, Densification, reset
from tellurion_splat.optimiser import Optimiser
from tellurion_splat.splats import Splats

EXTENT = 2.0
SMALL, BIG, HUGE = 0.01, 0.1, 0.5
"""Standard deviations: below 0.01 extents, above them, above 0.1 extents."""


def splats(scales: list[float], opacities: list[float], *, reflected: list[float] | None = None) -> Splats:
    count = len(scales)
    parameters = {
        "means": torch.arange(3.0 * count).view(count, 3),
        "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        "log_scales": torch.tensor(scales).log()[:, None].repeat(1, 3),
        "logit_opacities": torch.tensor(opacities).logit(),
        "sh0": torch.arange(3.0 * count).view(count, 1, 3),
        "sh_rest": torch.zeros(count, 0, 3),
    }
    if reflected is not None:
        parameters |= {
            "reflected_logit_opacities": torch.tensor(reflected).logit(),
            "reflected_sh0": torch.zeros(count, 1, 3),
            "reflected_sh_rest": torch.zeros(count, 0, 3),
            "logit_beta": torch.full((count,), math.inf),
        }
    return Splats(parameters)


def ready(of: Splats) -> Optimiser:
    """An optimiser that has made a step, which moved nothing."""
    optimiser = Optimiser(of)
    for tensor in of.parameters.values():
        tensor.grad = torch.zeros_like(tensor)
    optimiser.step(0.0)
    return optimiser


def densified(of: Splats, pulls: list[float], *, most: int = 100, prune_large: bool = False) -> Densification:
    optimiser, densification = ready(of), Densification(len(of))
    densification.pulls[:], densification.views[:] = torch.tensor(pulls) * 3, 3
    generator = torch.Generator().manual_seed(0)
    densification.densify(of, optimiser, extent=EXTENT, most=most, prune_large=prune_large, generator=generator)
    return densification


def test_a_small_one_that_is_pulled_at_is_cloned() -> None:
    of = splats([SMALL, SMALL, SMALL], [0.5] * 3)
    densified(of, [0, 2 * PULL, PULL / 2])
    assert of.means[:, 0].tolist() == [0, 3, 6, 3]
    assert of.scales[:, 0].tolist() == pytest.approx([SMALL] * 4)


def test_a_big_one_is_split_into_halves_drawn_from_it() -> None:
    of = splats([BIG] * 400, [0.5] * 400)
    before = of.means.clone()
    densified(of, [2 * PULL] * 400, most=1000)
    assert len(of) == 800
    assert of.scales.unique().item() == pytest.approx(BIG / 1.6)
    offsets = of.means.detach() - before.repeat_interleave(2, 0)
    assert offsets.mean().item() == pytest.approx(0, abs=5 * BIG / 2400**0.5)
    assert offsets.std().item() == pytest.approx(BIG, rel=5 / 4800**0.5)
    assert torch.equal(of.parameters["sh0"][0::2], of.parameters["sh0"][1::2])


def test_halves_lie_along_the_axes_of_their_parent() -> None:
    of = splats([BIG] * 200, [0.5] * 200)
    of.parameters["log_scales"][:, 1:] = -20  # long in x only, and turned by 90° about z: long in y
    of.parameters["quats"][:] = torch.tensor([math.sqrt(0.5), 0, 0, math.sqrt(0.5)])
    before = of.means.clone()
    densified(of, [2 * PULL] * 200, most=1000)
    offsets = of.means.detach() - before.repeat_interleave(2, 0)
    assert offsets[:, 1].std().item() == pytest.approx(BIG, rel=5 / 800**0.5)
    assert offsets[:, [0, 2]].abs().max().item() < 1e-4


def test_where_there_is_no_room_for_all_the_hardest_pulled_grow() -> None:
    of = splats([SMALL] * 5, [0.5] * 5)
    densified(of, [3 * PULL, 5 * PULL, 2 * PULL, 4 * PULL, 6 * PULL], most=7)
    assert of.means[5:, 0].tolist() == [3, 12]
    full = splats([SMALL, BIG], [0.5, 0.5])
    densified(full, [3 * PULL] * 2, most=2)
    assert len(full) == 2


def test_faint_ones_go_and_large_ones_when_asked() -> None:
    scales, opacities = [SMALL, HUGE, SMALL, SMALL], [0.5, 0.5, 0.0049, 0.0051]
    kept, asked = splats(scales, opacities), splats(scales, opacities)
    densified(kept, [0] * 4)
    assert kept.means[:, 0].tolist() == [0, 3, 9]
    densified(asked, [0] * 4, prune_large=True)
    assert asked.means[:, 0].tolist() == [0, 9]


def test_a_virtual_image_may_be_large() -> None:
    of = splats([SMALL, HUGE, HUGE], [0.5, 0.5, 0.0], reflected=[0.0, 0.0, 0.5])
    densified(of, [0] * 3, prune_large=True)
    assert of.means[:, 0].tolist() == [0, 6]


def test_it_counts_anew() -> None:
    of = splats([SMALL, SMALL], [0.5, 0.5])
    after = densified(of, [2 * PULL, 0])
    assert after.pulls.tolist() == after.views.tolist() == [0, 0, 0]


def test_a_pull_is_the_gradient_for_a_move_of_half_the_image() -> None:
    means2d = torch.zeros(2, 2, requires_grad=True)
    means2d.grad = torch.tensor([[3e-6, 0.0], [0.0, 8e-6]])
    densification = Densification(4)
    densification.observe({"gaussian_ids": torch.tensor([3, 1]), "means2d": means2d}, (200, 100))
    assert densification.pulls.tolist() == pytest.approx([0, 4e-4, 0, 3e-4])
    assert densification.views.tolist() == [0, 1, 0, 1]


def test_pulls_in_a_second_pass_count_too() -> None:
    first, second = torch.zeros(1, 2, requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    first.grad, second.grad = torch.tensor([[2e-6, 0.0]]), torch.tensor([[0.0, 8e-6]])
    densification = Densification(3)
    meta = {"gaussian_ids": torch.tensor([0]), "means2d": first}
    other = {"gaussian_ids": torch.tensor([2]), "means2d": second}
    densification.observe(meta | {"second_meta": other}, (200, 100))
    assert densification.pulls.tolist() == pytest.approx([2e-4, 0, 4e-4])
    assert densification.views.tolist() == [1, 0, 1]


def test_a_reset_makes_all_nearly_transparent_and_no_reflection() -> None:
    of = splats([SMALL] * 3, [0.9, 0.006, 0.5], reflected=[0.9, 0.006, 0.5])
    optimiser = ready(of)
    for tensor in of.parameters.values():
        tensor.grad = torch.ones_like(tensor)
    optimiser.step(0.0)
    reset(of, optimiser)
    assert of.opacities.max().item() == pytest.approx(0.01)
    assert of.reflected_opacities.max().item() == pytest.approx(0.01)
    assert of.opacities[1].item() < 0.0064
    assert of.weights.tolist() == pytest.approx([0.1] * 3)
    state = optimiser.state_dict()
    assert not state["logit_opacities"]["exp_avg"].any()
    assert not state["logit_beta"]["exp_avg_sq"].any()
    assert state["sh0"]["exp_avg"].any()


def test_one_that_both_branches_share_goes_when_it_is_too_faint_for_either() -> None:
    of = splats([SMALL] * 3, [0.5, 0.5, 0.001], reflected=[0.5, 0.001, 0.5])
    densified(of, [0] * 3)
    assert of.means[:, 0].tolist() == [0]


def test_one_that_is_in_one_branch_goes_when_it_is_too_faint_there() -> None:
    of = splats([SMALL] * 4, [0.5, 0.0, 0.001, 0.0], reflected=[0.0, 0.5, 0.0, 0.001])
    densified(of, [0] * 4)
    assert of.means[:, 0].tolist() == [0, 3]
    reset(of, ready(of))
    assert of.apart
