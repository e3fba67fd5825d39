"""The released scaling of temperature."""

from __future__ import annotations

import pytest
import torch

from tellurion_diffusion import released_state, released_temperature


def test_the_bounds_scale_to_one_and_land_to_seven_ninths_below_zero() -> None:
    state = released_state(torch.tensor([-5.0, 17.5, 40.0, torch.nan], dtype=torch.float64))
    assert state.tolist() == pytest.approx([-1, 0, 1, -7 / 9], abs=1e-15)


def test_a_temperature_comes_back_and_land_as_zero_degrees() -> None:
    temperature = torch.linspace(-2, 35, 50, dtype=torch.float64)
    torch.testing.assert_close(released_temperature(released_state(temperature)), temperature)
    assert released_temperature(released_state(torch.tensor([torch.nan]))).item() == pytest.approx(0, abs=1e-5)
