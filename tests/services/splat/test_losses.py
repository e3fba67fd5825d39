"""The losses on images small enough to be worked out by hand, and what of them is left out when an input is missing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tellurion_splat.components import Components
from tellurion_splat.losses import BELIEF, LEAST_BELIEF, depth_term, photometric, ref_unlock_terms, roughness
from tellurion_splat.ssim import ssim
from tellurion_splat.variants import FIXED, VIRTUAL

FIELD = torch.tensor([[0.0, 1.0, 3.0], [2.0, 2.0, 2.0], [5.0, 1.0, 0.0]])


def seen_as(image: Tensor, reflected: Tensor, weight: Tensor, inverse_depth: Tensor) -> Components:
    alpha = torch.ones_like(weight)
    return Components(image, image - reflected, reflected, weight, inverse_depth, alpha, None, {})


@pytest.fixture
def images() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return tuple(torch.rand(4, 16, 20, 3, generator=torch.Generator().manual_seed(0)))


def test_roughness_is_the_mean_over_four_directions() -> None:
    right = (1 + 2 + 0 + 0 + 4 + 1) / 6
    below = (2 + 1 + 1 + 3 + 1 + 2) / 6
    down_right = (2 + 1 + 1 + 2) / 4  # 0→2, 1→2, 2→1, 2→0
    up_right = (1 + 1 + 3 + 1) / 4  # 2→1, 2→3, 5→2, 1→2
    assert roughness(FIELD).item() == pytest.approx((right + below + down_right + up_right) / 4)


def test_across_an_edge_of_the_guide_it_counts_less() -> None:
    guide = torch.zeros(3, 3, 3)
    guide[:, 2] = torch.tensor([0.1, 0.05, 0.05])  # an edge of 0.2 in all before the last column: e⁻²
    edge = math.exp(-2)
    right = (1 + 0 + 4 + edge * (2 + 0 + 1)) / 6
    below = (2 + 1 + 1 + 3 + 1 + 2) / 6
    down_right = (2 + 1 + edge * (1 + 2)) / 4
    up_right = (1 + 3 + edge * (1 + 1)) / 4
    expected = (right + below + down_right + up_right) / 4
    assert roughness(FIELD, guide).item() == pytest.approx(expected, rel=1e-6)


def test_the_photometric_loss_is_four_fifths_l1(images: tuple[Tensor, ...]) -> None:
    a, b = images[:2]
    expected = 0.8 * (a - b).abs().mean() + 0.2 * (1 - ssim(a, b))
    torch.testing.assert_close(photometric(a, b), expected)
    assert photometric(a, a).item() == pytest.approx(0, abs=1e-6)


def test_ref_unlocks_loss_is_the_papers_sum(images: tuple[Tensor, ...]) -> None:
    image, transmitted, photograph, clean = images
    weight, inverse_depth = image[..., 0], photograph[..., 1]
    seen = seen_as(image, image - transmitted, weight, inverse_depth)
    terms = ref_unlock_terms(seen, photograph, clean, variant=FIXED, with_square=True)
    l1 = 0.8 * (image - photograph).abs().mean() + 2 * (transmitted - clean).abs().mean()
    dissimilar = 0.8 * (1 - ssim(image, photograph)) + 2 * (1 - ssim(transmitted, clean))
    expected = 0.8 * l1 + 0.2 * dissimilar + 0.1 * ((transmitted - clean) ** 2).mean()
    expected += 0.001 * roughness(weight) + 0.001 * roughness(inverse_depth, transmitted)
    torch.testing.assert_close(sum(terms.values()), expected)


def test_a_clean_image_is_believed_where_it_changes_little() -> None:
    """Of flat images, away from the border: |X − C| times e⁻¹ where all channels together differ by BELIEF.

    And LEAST_BELIEF of it where they differ by three times as much.
    """
    wide = torch.ones(40, 40, 3)
    for taken_away, believed in ((0.0, 1.0), (BELIEF / 3, math.exp(-1)), (BELIEF, LEAST_BELIEF)):
        image, clean = 0.5 * wide, (0.5 - taken_away) * wide
        terms = [
            ref_unlock_terms(
                seen_as(image, image - (clean + error), wide[..., 0], wide[..., 0]),
                image,
                clean,
                variant=VIRTUAL,
                with_square=True,
            )
            for error in (torch.zeros(40, 40, 3), spot(0.3))
        ]
        assert [each["transmitted"].item() for each in terms] == pytest.approx(
            [0, 0.8 * believed * 0.3 / wide.numel()], abs=1e-9
        )
        assert terms[0]["image"].item() == pytest.approx(0, abs=1e-6)


def spot(value: float) -> Tensor:
    """One value in the middle of a black image: a blur keeps its sum."""
    image = torch.zeros(40, 40, 3)
    image[20, 20, 1] = value
    return image


def test_a_term_without_its_input_is_left_out(images: tuple[Tensor, ...]) -> None:
    image, transmitted, photograph, clean = images
    seen = seen_as(image, image - transmitted, image[..., 0], image[..., 1])
    common = {"image", "roughness of weight", "roughness of depth"}
    assert ref_unlock_terms(seen, photograph, None, variant=FIXED, with_square=True).keys() == common
    late = ref_unlock_terms(seen, photograph, clean, variant=FIXED, with_square=False)
    assert late.keys() == common | {"transmitted"}
    assert ref_unlock_terms(seen, photograph, None, variant=VIRTUAL, with_square=True).keys() == common


def test_the_fields_are_what_is_held_smooth(images: tuple[Tensor, ...]) -> None:
    image, transmitted, photograph, _ = images
    flat = seen_as(image, image - transmitted, torch.full((16, 20), 0.5), torch.full((16, 20), 0.2))
    terms = ref_unlock_terms(flat, photograph, None, variant=FIXED, with_square=False)
    assert terms["roughness of weight"].item() == terms["roughness of depth"].item() == 0
    rough = replace(flat, weight=image[..., 0])
    assert ref_unlock_terms(rough, photograph, None, variant=FIXED, with_square=False)["roughness of weight"] > 0


def test_the_depth_prior_counts_thirty_times_its_decay() -> None:
    inverse_depth, prior, image = torch.tensor([[0.2, 0.4]]), torch.tensor([[0.3, 0.4]]), torch.zeros(1, 2, 3)
    seen = replace(seen_as(image, image, prior, inverse_depth), alpha=torch.tensor([[0.8, 1.0]]))
    for decay in (1.0, 0.1):
        assert depth_term(seen, prior, decay, variant=FIXED).item() == pytest.approx(30 * decay * 0.1 / 2)
        assert depth_term(seen, prior, decay, variant=VIRTUAL).item() == pytest.approx(30 * decay * 0.05 / 2)
