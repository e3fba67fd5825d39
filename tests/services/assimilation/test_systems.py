"""The systems obey their equations, as other integrators solve them, and know their own derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tellurion_assimilation.systems import SYSTEMS, system
from tellurion_assimilation.systems.kuramoto_sivashinsky import KuramotoSivashinsky
from tellurion_assimilation.systems.lorenz63 import Lorenz63
from tellurion_assimilation.systems.lorenz96 import Lorenz96
from tellurion_core.errors import InvalidInput


def lorenz63(_, x):
    return [10 * (x[1] - x[0]), 28 * x[0] - x[1] - x[0] * x[2], x[0] * x[1] - 8 / 3 * x[2]]


def lorenz96(_, x):
    return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + 8


def kuramoto_sivashinsky(_, u):
    """By full Fourier matrices; the highest wave has no first derivative."""
    k = np.fft.fftfreq(u.size, 1 / u.size) / 16
    advecting = np.where(np.arange(u.size) == u.size // 2, 0, 1j * k)
    return np.fft.ifft((k**2 - k**4) * np.fft.fft(u) - advecting * np.fft.fft(u**2 / 2)).real


FALL = {"lorenz63": 2**4, "lorenz96": 2**4, "kuramoto_sivashinsky": 2**3}
"""Of the error when steps are halved, at least: a stiff equation costs ETDRK4 up to two of its five orders."""
RATES = {"lorenz63": lorenz63, "lorenz96": lorenz96, "kuramoto_sivashinsky": kuramoto_sivashinsky}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_error_falls_with_the_step_as_the_scheme_says(name):
    at = system(name).forecast(system(name).start(np.random.default_rng(0))[None], 200)
    solver, errors = "BDF" if name == "kuramoto_sivashinsky" else "DOP853", []
    for dt in (system(name).dt / 2, system(name).dt / 4):
        exact = solve_ivp(RATES[name], (0, 4 * dt), at[0], solver, rtol=1e-10, atol=1e-10).y[:, -1]
        errors.append(np.abs(type(system(name))(dt=dt).forecast(at, 4)[0] - exact).max())
    assert errors[0] < 1e-3
    assert errors[1] < errors[0] / FALL[name]


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("steps", [1, 5])
def test_the_tangent_is_the_derivative_of_the_forecast(name, steps):
    s, rng = system(name), np.random.default_rng(1)
    state = s.forecast(s.start(rng)[None], 100)[0]
    w = rng.standard_normal((3, s.size))
    step = 1e-6
    difference = (s.forecast(state + step * w, steps) - s.forecast(state - step * w, steps)) / (2 * step)
    np.testing.assert_allclose(s.tangent(state, w, steps), difference, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", SYSTEMS)
def test_members_do_not_depend_on_each_other_and_are_left_as_they_are(name):
    s, rng = system(name), np.random.default_rng(2)
    states = np.stack([s.start(rng) for _ in range(3)])
    before = states.copy()
    together = s.forecast(states, 7)
    np.testing.assert_array_equal(states, before)
    for state, forecast in zip(states, together, strict=True):
        np.testing.assert_allclose(s.forecast(state[None], 7)[0], forecast, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(s.forecast(s.forecast(states, 3), 4), together, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(s.forecast(states, 0), states, rtol=1e-12, atol=1e-12)


def test_lorenz96_is_the_same_from_wherever_the_circle_is_counted():
    s = Lorenz96()
    state = s.start(np.random.default_rng(3))[None]
    np.testing.assert_allclose(np.roll(s.forecast(state, 20), 5), s.forecast(np.roll(state, 5), 20), rtol=1e-10)


def test_lorenz96_rests_where_all_variables_are_the_forcing():
    rest = np.full((1, 40), 8.0)
    np.testing.assert_array_equal(Lorenz96().forecast(rest, 10), rest)


def test_lorenz63_rests_at_its_fixed_points():
    radius = np.sqrt(8 / 3 * 27)
    rest = np.array([[0, 0, 0], [radius, radius, 27], [-radius, -radius, 27]])
    np.testing.assert_allclose(Lorenz63().forecast(rest, 10), rest, atol=1e-11)


def test_kuramoto_sivashinsky_keeps_its_mean():
    s = KuramotoSivashinsky()
    state = s.start(np.random.default_rng(4))[None] + 0.3
    assert s.forecast(state, 20).mean() == pytest.approx(state.mean(), abs=1e-12)


def test_an_unknown_system_is_answered_with_those_there_are():
    with pytest.raises(InvalidInput, match="one of lorenz63, lorenz96, kuramoto_sivashinsky"):
        system("lorenz84")
