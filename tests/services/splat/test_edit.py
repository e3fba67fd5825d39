"""Reflections changed within a mask, in numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from tellurion_core.errors import InvalidInput
from tellurion_splat.components import Components
from tellurion_splat.edit import edited


@pytest.fixture
def seen() -> Components:
    """One row of two pixels."""
    transmitted = torch.tensor([[[0.2, 0.3, 0.4], [0.5, 0.5, 0.5]]])
    reflected = torch.tensor([[[0.1, 0.2, 0.4], [0.4, 0.2, 0.1]]])
    plane = torch.ones(1, 2)
    return Components(transmitted + reflected, transmitted, reflected, plane, plane, plane, None, {})


def test_only_inside_the_mask_is_it_changed(seen: Components) -> None:
    image = edited(seen, torch.tensor([[1.0, 0.0]]), 0.1)
    torch.testing.assert_close(image[0, 0], torch.tensor([0.21, 0.32, 0.44]))
    torch.testing.assert_close(image[0, 1], seen.image[0, 1])


def test_removed_kept_and_doubled(seen: Components) -> None:
    everywhere = torch.ones(1, 2)
    torch.testing.assert_close(edited(seen, everywhere, 0.0), seen.transmitted)
    torch.testing.assert_close(edited(seen, everywhere, 1.0), seen.image)
    torch.testing.assert_close(edited(seen, everywhere, 2.0), seen.transmitted + 2 * seen.reflected)


def test_half_a_mask_is_half_an_edit(seen: Components) -> None:
    image = edited(seen, torch.tensor([[0.5, 0.5]]), 0.0)
    torch.testing.assert_close(image, seen.transmitted + seen.reflected / 2)


def test_a_tint_colours_the_reflection_alone(seen: Components) -> None:
    image = edited(seen, torch.ones(1, 2), 0.5, torch.tensor([1.0, 0.0, 0.5]))
    torch.testing.assert_close(image[0, 0], torch.tensor([0.25, 0.3, 0.5]))


@pytest.mark.parametrize(
    ("field", "mask", "reflection", "tint"),
    [
        ("mask", torch.ones(2, 2), 0.1, None),
        ("mask", torch.full((1, 2), 2.0), 0.1, None),
        ("mask", torch.full((1, 2), math.nan), 0.1, None),
        ("reflection", torch.ones(1, 2), -0.1, None),
        ("reflection", torch.ones(1, 2), math.nan, None),
        ("reflection", torch.ones(1, 2), 4.1, None),
        ("tint", torch.ones(1, 2), 0.1, torch.tensor([0.5, 1.5, 0.0])),
        ("tint", torch.ones(1, 2), 0.1, torch.tensor([0.5])),
    ],
)
def test_what_no_edit_can_be_is_refused(
    seen: Components, field: str, mask: torch.Tensor, reflection: float, tint: torch.Tensor | None
) -> None:
    with pytest.raises(InvalidInput) as error:
        edited(seen, mask, reflection, tint)
    assert error.value.violations[0].field == field
