"""The atmosphere: its layout, what a forecast keeps and loses, its forcing, and the symmetries that training uses."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy.special import sph_harm_y

from tellurion_assimilation.systems.atmosphere import Atmosphere, Layout
from tellurion_core.errors import InvalidInput, Unavailable

T, L = 21, 5
PART = {"u": slice(0, L), "v": slice(L, 2 * L), "t": slice(2 * L, 3 * L)}
HOUR, DAY = 3600.0, 86400.0


@pytest.fixture(scope="module")
def atmosphere():
    return Atmosphere(T, L)


@pytest.fixture(scope="module")
def weather(atmosphere):
    """[2, C, Y, X] two states some hours after a start with much noise, as the model sees them."""
    start = np.stack([atmosphere.start(np.random.default_rng(seed)) for seed in (1, 2)])
    wind = start[:, : 2 * L]
    wind += 10 * np.cos(np.radians(atmosphere.layout.latitude))[:, None]
    return atmosphere.forecast(start, 6)


def test_layout_is_the_quadratic_gaussian_grid_of_the_truncation():
    assert [Layout(t, 5).shape for t in (21, 31, 42)] == [(16, 32, 64), (16, 48, 96), (16, 64, 128)]
    layout = Layout(31, 5)
    assert layout.channels[::5] == ("u1", "v1", "t1", "ps")
    np.testing.assert_allclose(layout.sigma, [0.1, 0.3, 0.5, 0.7, 0.9])
    assert layout.longitude[1] == 3.75
    # Gauss's weights integrate polynomials of sin φ exactly: the mean of sin² φ over a sphere is 1/3
    np.testing.assert_allclose(layout.area @ np.sin(np.radians(layout.latitude)) ** 2, 1 / 3, rtol=1e-12)
    np.testing.assert_allclose(layout.area.sum(), 1, rtol=1e-12)


def test_layout_agrees_with_the_model_s_own_grid(atmosphere):
    grid = atmosphere._dynamics.grid
    np.testing.assert_allclose(np.degrees(grid.latitudes), atmosphere.layout.latitude, atol=1e-9)
    np.testing.assert_allclose(np.degrees(grid.longitudes), atmosphere.layout.longitude, atol=1e-9)


def test_no_time_leaves_what_the_truncation_holds_and_takes_away_the_rest(atmosphere):
    layout = atmosphere.layout
    state = balanced(layout)
    fine = np.cos(np.radians((T + 4) * layout.longitude)) * np.cos(np.radians(layout.latitude))[:, None]
    rough = state.copy()
    rough[: 3 * L] += 5 * fine
    rough[-1] *= np.exp(0.01 * fine)  # of ln pₛ, which the model carries
    once = atmosphere.forecast(np.stack([state, rough]), 0)
    np.testing.assert_allclose(once[0, :-1], state[:-1], atol=2e-4)
    np.testing.assert_allclose(once[0, -1], state[-1], atol=0.1)
    np.testing.assert_allclose(once[1, :-1], state[:-1], atol=2e-3)
    np.testing.assert_allclose(once[1, -1], state[-1], atol=1.0)
    np.testing.assert_allclose(atmosphere.forecast(once, 0), once, rtol=1e-6, atol=1e-4)


def balanced(layout: Layout) -> np.ndarray:
    """A state of spherical harmonics up to the truncation: solid rotation, a meridional wave, warm and heavy spots."""
    latitude, longitude = np.radians(layout.latitude)[:, None], np.radians(layout.longitude)
    harmonic = sph_harm_y(T, 7, np.pi / 2 - latitude, longitude).real
    state = np.empty(layout.shape, dtype=np.float32)
    state[PART["u"]] = 20 * np.cos(latitude)
    state[PART["v"]] = 5 * np.cos(3 * longitude) * np.cos(latitude) ** 2  # of the streamfunction cos³ φ sin 3λ
    state[PART["u"]] += 5 * np.sin(3 * longitude) * np.sin(latitude) * np.cos(latitude) ** 2
    state[PART["t"]] = 270 + 10 * harmonic
    state[-1] = 1e5 * np.exp(0.02 * harmonic)
    return state


def test_air_at_rest_relaxes_as_held_and_suarez_say(atmosphere):
    """Their eqs. for T_eq and k_T, written down here once more: one hour takes away k_T · 1 h of the difference."""
    layout = atmosphere.layout
    rest = np.zeros((2, *layout.shape), dtype=np.float32)
    rest[:, PART["t"]], rest[:, -1] = 288.0, 1e5
    sine = np.sin(np.radians(layout.latitude))
    cosine2, sigma = 1 - sine**2, layout.sigma[:, None]
    equilibrium = np.maximum(200.0, (315 - 60 * sine**2 - 10 * np.log(sigma) * cosine2) * sigma ** (2 / 7))
    rate = 1 / 40 + (1 / 4 - 1 / 40) * np.maximum(0, (sigma - 0.7) / 0.3) * cosine2**2
    expected = rate * HOUR / DAY * (equilibrium - 288.0)
    cooled = atmosphere.forecast(rest, 1)[0, PART["t"]].mean(axis=-1) - 288.0
    # where T_eq meets its floor the truncation cannot follow the kink
    np.testing.assert_allclose(cooled[1:], expected[1:], rtol=0.03, atol=0.01)


def test_wind_near_the_ground_is_braked_and_above_it_is_not(atmosphere):
    layout = atmosphere.layout
    states = np.zeros((2, *layout.shape), dtype=np.float32)
    states[:, PART["t"]], states[:, -1] = 288.0, 1e5
    states[1, PART["u"]] = 0.1 * np.cos(np.radians(layout.latitude))[:, None]
    still, moved = atmosphere.forecast(states, 1)
    kept = ((moved - still)[PART["u"]] / states[1, PART["u"]]).mean(axis=(1, 2))
    rate = np.maximum(0, (layout.sigma - 0.7) / 0.3) / DAY
    # the Coriolis force turns the wind, but at all levels alike
    np.testing.assert_allclose(kept / kept[0], np.exp(-rate * HOUR), atol=2e-3)


def test_a_forecast_of_a_day_is_that_of_two_half_days(atmosphere, weather):
    halves = atmosphere.forecast(atmosphere.forecast(weather, 12), 12)
    np.testing.assert_allclose(atmosphere.forecast(weather, 24), halves, rtol=1e-4, atol=2e-2)


def test_members_do_not_see_each_other(atmosphere, weather):
    before = weather.copy()
    together = atmosphere.forecast(weather, 6)
    np.testing.assert_array_equal(together, atmosphere.forecast(weather, 6))
    with_another = atmosphere.forecast(np.stack([weather[0], weather[0]]), 6)
    np.testing.assert_allclose(with_another[0], together[0], rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(with_another[1], together[0], rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(weather, before)


def test_the_globe_may_be_turned(atmosphere, weather):
    turned = atmosphere.forecast(np.roll(weather, 5, axis=-1), 12)
    np.testing.assert_allclose(turned, np.roll(atmosphere.forecast(weather, 12), 5, axis=-1), rtol=1e-4, atol=1e-2)


def test_the_hemispheres_are_mirror_images(atmosphere, weather):
    def mirrored(states):
        return states[..., ::-1, :] * atmosphere.layout.mirror[:, None, None]

    other = atmosphere.forecast(mirrored(weather), 12)
    np.testing.assert_allclose(other, mirrored(atmosphere.forecast(weather, 12)), rtol=1e-4, atol=1e-2)


def test_air_is_not_lost(atmosphere, weather):
    area = atmosphere.layout.area
    mass = [states[:, -1].mean(axis=-1) @ area for states in (weather, atmosphere.forecast(weather, 48))]
    np.testing.assert_allclose(mass[1], mass[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (lambda x: x[:, 1:], "states"),
        (lambda x: x[0], "states"),
        (lambda x: np.where(np.arange(64) == 3, np.nan, x), "states"),
        (lambda x: x * -1, "states"),
        (lambda x: x * np.array([1e4] * 10 + [1.0] * 6)[:, None, None], "states"),
    ],
)
def test_states_that_cannot_be_forecast_are_refused(atmosphere, weather, spoil, field):
    with pytest.raises(InvalidInput) as caught:
        atmosphere.forecast(spoil(weather), 12)
    assert caught.value.violations[0].field == field


@pytest.mark.parametrize("hours", [-1, 0.3, float("nan"), 1e9])
def test_time_runs_forward_in_whole_steps(atmosphere, weather, hours):
    with pytest.raises(InvalidInput, match="multiple of 1"):
        atmosphere.forecast(weather, hours)


@pytest.mark.parametrize(("truncation", "levels"), [(0, 5), (31.0, 5), (True, 5), (10_000, 5), (31, 1)])
def test_impossible_layouts_are_refused(truncation, levels):
    with pytest.raises(InvalidInput, match="a whole number"):
        Atmosphere(truncation, levels)


def test_without_dinosaur_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dinosaur", None)
    monkeypatch.delitem(sys.modules, "tellurion_assimilation.systems.atmosphere.dynamics", raising=False)
    air = Atmosphere(T, L + 1)
    with pytest.raises(Unavailable, match=r"tellurion-assimilation\[atmosphere\]"):
        air.forecast(air.start(np.random.default_rng(0))[None], 1)
