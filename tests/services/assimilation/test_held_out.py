"""Held-out cases of an atmosphere that is linear, so that each part of a case is known in closed form."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from tellurion_assimilation.background_errors import ZonalErrors, estimate
from tellurion_assimilation.held_out import APART, EVERY, HOURS, NOISE, SETTLING, STRETCH, HeldOut, held_out
from tellurion_assimilation.systems.atmosphere.columns import Columns
from tellurion_assimilation.variational_columns import Gain
from tellurion_core.errors import Cancelled, InvalidInput

from .small_backgrounds import AMPLITUDE, LAYOUT, MEAN, waves

RUNS, MEMBERS, CASES, OBSERVED = 3, 12, 7, 0.1
MODES = 50
"""Degrees of freedom of the errors of an analysis, tr(P)² / tr(P²), at least."""
States = NDArray[np.float32]


def later(states: States, hours: float) -> States:
    """Departures from the mean fade, and move a cell to the east in two days."""
    departures = np.roll(states - MEAN, round(hours / HOURS), axis=-1)
    return (MEAN + np.exp(-hours / 2000) * departures).astype(np.float32)


class Fading:
    """An atmosphere that remembers what it was asked for."""

    layout = LAYOUT

    def __init__(self) -> None:
        self.asked: list[tuple[States, float]] = []

    def forecast(self, states: States, hours: float) -> States:
        self.asked.append((states.copy(), hours))
        return later(states, hours)

    def started(self, count: int) -> list[States]:
        """Forecasts of two days from so many states."""
        return [states for states, hours in self.asked[1:] if hours == HOURS and len(states) == count]


@dataclass(frozen=True)
class Told:
    """All cases, and the forecasts that were made for them."""

    atmosphere: Fading
    begin: States
    cases: list[HeldOut]

    @property
    def truths(self) -> list[States]:
        return self.atmosphere.started(RUNS)[0::2]

    @property
    def analyses(self) -> list[States]:
        return self.atmosphere.started(RUNS)[1::2]


@pytest.fixture(scope="module")
def errors() -> ZonalErrors:
    samples = 0.2 * AMPLITUDE * waves(60, np.random.default_rng(0))
    return estimate(samples, LAYOUT, half_width=60.0, count=12)


@pytest.fixture(scope="module")
def tell(errors: ZonalErrors) -> Callable[[int], Told]:
    def told(seed: int) -> Told:
        begin = (MEAN + AMPLITUDE * waves(RUNS, np.random.default_rng(1))).astype(np.float32)
        air = Fading()
        options = {"observed": OBSERVED, "cases": CASES, "members": MEMBERS, "seed": seed, "begin": begin}
        return Told(air, begin, list(held_out(air, errors, **options)))

    return told


@pytest.fixture(scope="module")
def told(tell: Callable[[int], Told]) -> Told:
    return tell(5)


def time(number: int) -> int:
    """How often two days have passed at a case."""
    return SETTLING + 1 + EVERY * (number // RUNS)


def close(found: States, expected: States, within: float = 1e-4) -> None:
    np.testing.assert_allclose(found / AMPLITUDE, expected / AMPLITUDE, rtol=0, atol=within)


def test_runs_go_on_from_where_they_begin_with_a_little_heat(told: Told) -> None:
    start, hours = told.atmosphere.asked[0]
    assert hours == APART
    levels = LAYOUT.levels
    np.testing.assert_array_equal(np.delete(start, range(2 * levels, 3 * levels), 1), told.begin[:, [0, 1, 2, 3, 6]])
    noise = (start - told.begin)[:, 2 * levels : 3 * levels]
    assert noise.std() == pytest.approx(NOISE, rel=5 / np.sqrt(2 * noise.size))


def test_cases_of_a_run_are_six_days_apart(told: Told) -> None:
    assert [case.run for case in told.cases] == [0, 1, 2, 0, 1, 2, 0]
    start, _ = told.atmosphere.asked[0]
    for number, case in enumerate(told.cases):
        close(case.truth, later(start, APART + HOURS * time(number))[case.run], 1e-3)
        close(case.later, later(case.truth, HOURS))
    close(told.cases[RUNS].truth, later(told.cases[0].truth, 6 * 24), 1e-3)


def test_the_background_is_the_forecast_of_the_analysis_two_days_before(told: Told) -> None:
    for number, case in enumerate(told.cases):
        close(case.background, later(told.analyses[time(number) - 1], HOURS)[case.run])


def test_an_analysis_is_that_of_the_kalman_filter(told: Told, errors: ZonalErrors) -> None:
    root = errors.root(np.eye(errors.control_size))
    b = root.T @ root
    for number, case in enumerate(told.cases[: 2 * RUNS]):  # the last one's time was not gone on from
        h, x = case.observations.operator, case.background.ravel().astype(np.float64)
        innovation = h @ b @ h.T + np.diag(case.observations.errors**2)
        expected = x + b @ h.T @ np.linalg.solve(innovation, case.observations.values - h @ x)
        close(told.analyses[time(number)][case.run], expected.reshape(LAYOUT.shape), 1e-3)


def test_columns_of_the_truth_are_observed_with_their_errors(told: Told) -> None:
    _, y, x = LAYOUT.shape
    for case in told.cases:
        assert len(case.observations) == round(OBSERVED * y * x) * LAYOUT.shape[0]
    off = [
        (case.observations.values - case.observations.of(case.truth.ravel())) / case.observations.errors
        for case in told.cases
    ]
    assert np.mean(np.square(off)) == pytest.approx(1, abs=5 * np.sqrt(2 / np.size(off)))


def test_members_are_forecasts_of_draws_around_that_analysis_and_their_mean_is_the_background(told: Told) -> None:
    off = []
    for number, (case, drawn) in enumerate(zip(told.cases, told.atmosphere.started(MEMBERS), strict=True)):
        ahead = later(drawn, HOURS)
        close(case.ensemble, case.background + STRETCH * (ahead - ahead.mean(axis=0)))
        close(case.ensemble.mean(axis=0), case.background)
        off.append((drawn - told.analyses[time(number) - 1][case.run]) / AMPLITUDE)
    of_means, of_draws = np.square(np.mean(off, axis=1)).sum(), np.var(off, axis=1, ddof=1).sum()
    assert of_means == pytest.approx(of_draws / MEMBERS, rel=5 * np.sqrt(2 / (CASES * MODES)))


def test_draws_are_off_the_analysis_by_its_errors(told: Told, errors: ZonalErrors) -> None:
    columns = Columns.of(told.cases[0].truth, LAYOUT, OBSERVED, np.random.default_rng(0))
    gain, count = Gain.of(columns, errors), 200
    drawn = gain.draws(told.cases[0].background, count, np.random.default_rng(1))
    off = ((drawn - gain.analysis(told.cases[0].background)) / AMPLITUDE).reshape(count, -1)
    root, seen = errors.root(np.eye(errors.control_size)), columns.observations()
    shown = seen.of(root) / seen.errors  # [k, p]
    scaled = (root.reshape(-1, *LAYOUT.shape) / AMPLITUDE).reshape(root.shape)
    left = np.linalg.solve(np.eye(len(root)) + shown @ shown.T, scaled)
    covariance = scaled.T @ left
    total, square = np.trace(covariance), np.square(covariance).sum()
    assert np.square(off).sum() / count == pytest.approx(total, abs=5 * np.sqrt(2 * square / count))
    assert np.square(off.mean(axis=0)).sum() == pytest.approx(total / count, abs=5 * np.sqrt(2 * square) / count)


def test_the_same_seed_shows_everybody_the_same_and_another_one_another_case(
    told: Told, tell: Callable[[int], Told]
) -> None:
    same, other = tell(5), tell(6)
    for one, again in zip(told.cases, same.cases, strict=True):
        np.testing.assert_array_equal(again.observations.values, one.observations.values)
        np.testing.assert_array_equal(again.observations.operator.indices, one.observations.operator.indices)
        np.testing.assert_array_equal(again.ensemble, one.ensemble)
    assert (other.cases[0].observations.operator.indices != told.cases[0].observations.operator.indices).any()


def test_what_the_columns_of_one_run_do_is_forgotten_before_those_of_the_next(
    errors: ZonalErrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    alive: weakref.WeakSet[Gain] = weakref.WeakSet()
    of = Gain.of

    def alone(*arguments: object) -> Gain:
        made.append(len(alive))
        alive.add(gain := of(*arguments))
        return gain

    monkeypatch.setattr(Gain, "of", alone)
    begin = np.repeat(MEAN[None] * np.ones(LAYOUT.shape, np.float32), RUNS, axis=0)
    list(held_out(Fading(), errors, observed=OBSERVED, cases=1, members=2, seed=0, begin=begin))
    assert made == [0] * RUNS * (SETTLING + 1)


@pytest.mark.parametrize("observed", [0.003, 0.0, float("nan")])  # of 128 cells
def test_less_than_a_cell_is_refused_before_anything_is_forecast(errors: ZonalErrors, observed: float) -> None:
    air = Fading()
    with pytest.raises(InvalidInput, match=r"observed: received .*; accepted: at least 0\.0078, one of 128 cells"):
        next(held_out(air, errors, observed=observed, cases=1, members=2, seed=0, begin=MEAN[None]))
    assert not air.asked


def test_it_stops_when_it_is_cancelled(told: Told, errors: ZonalErrors) -> None:
    asked = iter([False] * (1 + SETTLING + 2))  # before the runs begin, and at each time
    cases = held_out(
        Fading(), errors, observed=OBSERVED, cases=CASES, members=2, seed=0, begin=told.begin,
        cancelled=lambda: next(asked, True),
    )  # fmt: skip
    assert len(list(islice(cases, RUNS))) == RUNS
    with pytest.raises(Cancelled):
        next(cases)
