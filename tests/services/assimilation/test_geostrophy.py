"""Geostrophic balance against flows that are balanced by analysis, and against the model's own gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tellurion_assimilation.geostrophy import EARTH_RADIUS, GAS_CONSTANT, ROTATION, Geostrophy
from tellurion_assimilation.scoring import balance
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_core.errors import InvalidInput

LAYOUT = Layout(21, 5)
L, (C, Y, X) = LAYOUT.levels, LAYOUT.shape
BALANCE = Geostrophy(LAYOUT)
LATITUDE = np.radians(LAYOUT.latitude)[:, None]
SPEED, HEAT = 30.0, 280.0


def zonal_flow(speed: float = SPEED) -> torch.Tensor:
    """Air of one temperature in solid rotation, held by the surface pressure: R T ∂φ ln pₛ = −a f u."""
    state = np.zeros(LAYOUT.shape)
    state[:L], state[2 * L : -1] = speed * np.cos(LATITUDE), HEAT
    state[-1] = 1e5 * np.exp(-EARTH_RADIUS * ROTATION * speed / (GAS_CONSTANT * HEAT) * np.sin(LATITUDE) ** 2)
    return torch.from_numpy(state)


def test_a_flow_held_by_surface_pressure_is_balanced():
    wind = BALANCE.wind(zonal_flow())
    np.testing.assert_allclose(wind.u, np.broadcast_to(SPEED * np.cos(LATITUDE), (L, Y, X)), rtol=1e-8)
    np.testing.assert_allclose(wind.v, 0, atol=1e-7)
    assert BALANCE.departure(zonal_flow()) < 1e-8


def test_the_thermal_wind_grows_with_height_as_the_logarithm_of_pressure():
    """T = T₀ − Δ sin² φ at all levels over a level pₛ: Φ = −R T ln σ, and u = −R ln σ Δ cos φ / (a Ω)."""
    state = np.zeros(LAYOUT.shape)
    state[2 * L : -1], state[-1] = 290 - 40 * np.sin(LATITUDE) ** 2, 1e5
    expected = -GAS_CONSTANT * np.log(LAYOUT.sigma)[:, None] * 40 * np.cos(LATITUDE.T) / (EARTH_RADIUS * ROTATION)
    wind = BALANCE.wind(torch.from_numpy(state))
    np.testing.assert_allclose(wind.u, np.broadcast_to(expected[..., None], (L, Y, X)), rtol=1e-8)


def test_pressure_gradients_are_the_model_s_own():
    """f v_g and −f u_g against dinosaur's geopotential and its gradients of spherical harmonics, on any state."""
    jax = pytest.importorskip("jax")
    from dinosaur.primitive_equations import get_geopotential_on_sigma
    from dinosaur.sigma_coordinates import SigmaCoordinates
    from dinosaur.spherical_harmonic import Grid

    grid = Grid.construct(LAYOUT.truncation, Y // 2)

    @jax.jit
    def forced(spectrum):  # temperature, ln pₛ and the force that f v_g and −f u_g balance
        smooth = grid.to_nodal(grid.clip_wavenumbers(spectrum * grid.mask))
        temperature, log_pressure = 280 + 5 * smooth[:L], 0.01 * smooth[L:]
        potential = get_geopotential_on_sigma(
            temperature,
            nodal_orography=np.zeros(grid.nodal_shape),
            sigma=SigmaCoordinates.equidistant(L),
            gravity_acceleration=9.8,
            ideal_gas_constant=GAS_CONSTANT,
        )
        gradients = [
            [
                grid.to_nodal(each) / grid.cos_lat / EARTH_RADIUS
                for each in grid.cos_lat_grad(grid.to_modal(x), clip=False)
            ]
            for x in (potential, log_pressure)
        ]
        slope = GAS_CONSTANT * temperature
        return temperature, log_pressure, *(phi + slope * p for phi, p in zip(*gradients, strict=True))

    spectrum = np.random.default_rng(0).standard_normal((L + 1, *grid.modal_shape)).astype(np.float32)
    temperature, log_pressure, east, north = (np.asarray(x, np.float64).swapaxes(-1, -2) for x in forced(spectrum))
    wind = BALANCE.wind(
        torch.from_numpy(np.concatenate([np.zeros((2 * L, Y, X)), temperature, 1e5 * np.exp(log_pressure)]))
    )
    f, accuracy = 2 * ROTATION * np.sin(LATITUDE), 1e-4 * np.abs(north).max()  # dinosaur works in single precision
    np.testing.assert_allclose(f * wind.v.numpy(), east, atol=accuracy)
    np.testing.assert_allclose(-f * wind.u.numpy(), north, atol=accuracy)


def test_a_wind_a_tenth_too_fast_departs_by_an_eleventh():
    state = zonal_flow()
    state[:L] *= 1.1
    torch.testing.assert_close(BALANCE.departure(state), torch.tensor(1 / 11, dtype=torch.float64))


def test_a_wind_across_the_isobars_departs_as_a_vector():
    state = zonal_flow()
    state[L : 2 * L] = state[:L]  # |v − v_g| / |v| = 1/√2, though by components it has no bound
    torch.testing.assert_close(BALANCE.departure(state), torch.tensor(0.5, dtype=torch.float64).sqrt())


def test_tropics_and_calms_are_not_judged():
    state = zonal_flow()
    state[L : 2 * L, np.abs(LAYOUT.latitude) < 20] = 50.0
    assert BALANCE.departure(state) < 1e-8
    slow = zonal_flow(0.01)
    slow[0] = zonal_flow()[0] + 5.0  # one level has wind; the others are calm, and as far from balance
    slow[1:L] = 4.9
    unbalanced = torch.hypot(slow[0] - BALANCE.wind(slow).u[0], BALANCE.wind(slow).v[0]) / slow[0]
    weight = torch.from_numpy(LAYOUT.area * (np.abs(LAYOUT.latitude) > 20))[:, None] * (slow[0].abs() > 5)
    torch.testing.assert_close(BALANCE.departure(slow), (weight * unbalanced).sum() / weight.sum())


def test_the_truth_scores_one_and_nothing_scores_more():
    truth = zonal_flow()
    truth[L : 2 * L] = 2.0
    factors = torch.tensor([0.25, 1.0, 4.0], dtype=torch.float64)
    analyses = truth.repeat(3, 1, 1, 1)
    analyses[:, L : 2 * L] *= factors[:, None, None, None]
    scores = BALANCE.physics_score(analyses, truth)
    assert scores[1] == pytest.approx(1, rel=1e-12)  # sums of a batch may round otherwise than those of one state
    assert scores[0] < 1  # too near to balance is as wrong as too far from it
    assert scores[2] < 1


def test_a_truth_that_no_pressure_holds_scores_one_too():
    truth = zonal_flow()
    truth[2 * L : -1], truth[-1] = 250.0, 1e5  # level pressure: nothing holds the wind, whose departure is 1
    assert BALANCE.physics_score(truth, truth) == 1


def test_an_analysis_that_calms_the_wind_is_judged_where_the_truth_has_it():
    truth = zonal_flow()
    truth[L : 2 * L] = 4.0
    calmed = truth.clone()
    north = LAYOUT.latitude > 0
    calmed[: 2 * L, north] = 0.0
    there = (truth[:L] ** 2 + truth[L : 2 * L] ** 2).sqrt() > 5
    weight = torch.from_numpy(LAYOUT.area * (np.abs(LAYOUT.latitude) > 20))[:, None] * there
    balanced = BALANCE.wind(calmed)
    ratio = torch.hypot(calmed[:L] - balanced.u, calmed[L : 2 * L] - balanced.v)
    ratio /= torch.hypot(calmed[:L], calmed[L : 2 * L]).clamp(min=5.0)
    torch.testing.assert_close(BALANCE.departure(calmed, truth), (weight * ratio).sum() / weight.sum())
    assert BALANCE.departure(calmed, truth) > BALANCE.departure(calmed)


def test_air_at_rest_and_pressures_that_cannot_be_have_no_balance():
    rest = zonal_flow()
    rest[: 2 * L] = 0.0
    assert BALANCE.physics_score(zonal_flow(), rest).isnan()
    impossible = zonal_flow()
    impossible[-1, 3, 4] = -1.0
    assert BALANCE.physics_score(impossible, zonal_flow()).isnan()
    assert balance(LAYOUT, rest[None].numpy(), rest.numpy()) is None
    assert balance(LAYOUT, impossible[None].numpy(), zonal_flow().numpy()) is None


def test_noise_costs_physics():
    truth, noise = zonal_flow(), torch.randn(LAYOUT.shape, generator=torch.Generator().manual_seed(0)).double()
    truth[L : 2 * L] = 5.0
    noisy = torch.stack([truth + std * noise for std in (0.05, 0.1, 0.2)])
    scores = BALANCE.physics_score(noisy, truth)
    assert (scores[:-1] > scores[1:]).all()


def test_a_batch_is_judged_one_by_one_in_single_precision_too():
    states = torch.stack([zonal_flow(speed) for speed in (10.0, 20.0, 30.0)])
    states[:, L : 2 * L] = 3.0
    together = BALANCE.departure(states.float())
    alone = torch.stack([BALANCE.departure(state) for state in states])
    assert together.dtype == torch.float32
    torch.testing.assert_close(together.double(), alone, rtol=1e-3, atol=1e-4)


def test_states_of_another_layout_are_refused():
    with pytest.raises(InvalidInput, match="states"):
        BALANCE.departure(torch.zeros(C, Y, X + 1))
