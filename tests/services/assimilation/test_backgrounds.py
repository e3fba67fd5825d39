"""Simulation, cycles and their files, with a real atmosphere that is very small."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from tellurion_assimilation.systems.atmosphere import Atmosphere, Layout
from tellurion_assimilation.systems.atmosphere.columns import Columns, observation_errors
from tellurion_assimilation.training.backgrounds import CYCLED, FIRST, PERTURBED, Backgrounds, Maker, make
from tellurion_assimilation.training.simulate import SPLITS, Simulation, simulate
from tellurion_assimilation.training.store import Store
from tellurion_assimilation.variational_columns import Gain
from tellurion_core.errors import Conflict, InvalidInput, NotFound

SMALL = Atmosphere(5, 2)
DAYS, SPIN_UP = 32, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("atmosphere")
    simulate(made, SMALL, DAYS, seed=1, spin_up=SPIN_UP)
    make(made, seed=2)
    return made


@pytest.mark.slow
def test_runs_are_independent_and_follow_the_model(folder):
    simulation = Simulation(folder)
    assert len(simulation) == 2 * DAYS
    first, second = simulation.states(slice(None), 0), simulation.states(slice(None), 1)
    np.testing.assert_allclose(
        SMALL.forecast(first, 12), second, atol=0.3, rtol=1e-6
    )  # rounded to 0.0025 m/s, K; 0.25 Pa
    spread = first[:, : 2 * SMALL.levels].std(axis=0)
    assert spread.min(axis=-1).max() > 0.01


def test_the_days_of_the_spin_up_are_dropped(folder):
    np.testing.assert_array_equal(Simulation(folder).state(3, 7), Store(folder / "truth").states(3, 2 * SPIN_UP + 7))


def test_no_run_is_in_two_splits():
    runs = [run for split in SPLITS.values() for run in split]
    assert sorted(runs) == list(range(8))


def test_a_background_is_paired_with_the_truth_of_its_time(folder):
    backgrounds, simulation = Backgrounds(folder), Simulation(folder)
    for split, runs in (SPLITS | {"cycled": SPLITS["train"]}).items():
        truth, background = backgrounds.pairs(split, slice(None))
        assert truth.shape == background.shape == (backgrounds.count(split), *SMALL.layout.shape)
        stages = (PERTURBED, CYCLED) if split == "train" else (CYCLED,)
        times = [
            (run, stage.snapshot(n))
            for stage in stages
            for run in runs
            for n in range(stage.used, len(stage.store(folder)))
        ]
        np.testing.assert_array_equal(truth, [simulation.state(*time) for time in times])


def test_a_background_is_the_forecast_of_the_analysis_two_days_before(folder):
    """The last cycle once more: a 3D-Var analysis of the background before it, and a forecast of 48 hours."""
    store, simulation = CYCLED.store(folder), Simulation(folder)
    n = len(store) - 1
    rng = np.random.default_rng([2, CYCLED.first, CYCLED.stride, n])
    truth = simulation.states(slice(None), CYCLED.snapshot(n) - 4)
    errors = Maker(folder, SMALL, 2).errors(FIRST)
    seen = [Columns.of(state, SMALL.layout, 0.01, rng) for state in truth]
    before = store.states(slice(None), n - 1)
    analyses = np.stack([Gain.of(c, errors).analysis(b) for b, c in zip(before, seen, strict=True)])
    again = SMALL.forecast(analyses, 48)
    np.testing.assert_allclose(store.states(slice(None), n), again, rtol=1e-6, atol=0.3)


def test_only_training_has_perturbed_forecasts_and_settled_cycles_alone_are_used(folder):
    backgrounds, cycles = Backgrounds(folder), len(CYCLED.store(folder))
    assert backgrounds.count("test") == 2 * (cycles - CYCLED.used)
    assert backgrounds.count("train") > 4 * (cycles - CYCLED.used)


def test_training_has_the_perturbed_forecasts_first_and_then_those_of_the_cycles(folder):
    perturbed, cycles = PERTURBED.store(folder), CYCLED.store(folder)
    settled = cycles.states(slice(0, 4), slice(CYCLED.used, len(cycles))).reshape(-1, *SMALL.layout.shape)
    first = perturbed.states(slice(None), slice(0, len(perturbed))).reshape(-1, *SMALL.layout.shape)
    backgrounds = Backgrounds(folder)
    np.testing.assert_array_equal(backgrounds.states("cycled", slice(None)), settled)
    np.testing.assert_array_equal(backgrounds.states("train", slice(None)), np.concatenate([first, settled]))


def test_chosen_backgrounds_are_those_of_their_indices(folder):
    backgrounds = Backgrounds(folder)
    chosen = np.array([5, 0, 3])
    np.testing.assert_array_equal(backgrounds.states("train", chosen), backgrounds.states("train", slice(None))[chosen])
    assert backgrounds.states("train", slice(0, 0)).shape == (0, *SMALL.layout.shape)


@dataclass(frozen=True)
class Stopping(Atmosphere):
    """An atmosphere whose computer is switched off after a while."""

    left: list[int] = field(default_factory=list)

    def forecast(self, states, hours):
        if not self.left:
            raise KeyboardInterrupt
        self.left.pop()
        return super().forecast(states, hours)


def test_an_interrupted_simulation_goes_on_as_if_it_had_not_been(folder, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, Stopping(5, 2, left=[0] * 7), DAYS, seed=1)
    assert len(Store(tmp_path / "truth")) == 8
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, Stopping(5, 2, left=[0] * 5), DAYS, seed=1)
    whole, resumed = Store(folder / "truth"), Store(tmp_path / "truth")
    np.testing.assert_array_equal(resumed.states(slice(None), 12), whole.states(slice(None), 12))


def test_a_second_call_makes_nothing_twice(folder):
    before = len(CYCLED.store(folder)), CYCLED.store(folder).states(slice(None), -1)
    make(folder, seed=2)
    assert len(CYCLED.store(folder)) == before[0]
    np.testing.assert_array_equal(CYCLED.store(folder).states(slice(None), -1), before[1])


def test_another_layout_in_the_same_folder_is_refused(folder):
    with pytest.raises(Conflict, match="another folder"):
        simulate(folder, Atmosphere(6, 2), DAYS, seed=1, spin_up=SPIN_UP)


def test_a_folder_without_a_simulation_says_what_is_missing(tmp_path):
    with pytest.raises(NotFound, match=r"no truth\.json"):
        Backgrounds(tmp_path).count("train")


def test_an_unknown_split_is_refused(folder):
    with pytest.raises(InvalidInput, match="train, preference, validation, test"):
        Backgrounds(folder).count("exam")


def test_observed_columns_are_a_share_of_the_cells_with_normal_errors():
    layout = Layout(31, 5)
    truth = np.ones(layout.shape) * np.array([10.0] * 10 + [250.0] * 5 + [1e5])[:, None, None]
    seen = Columns.of(truth, layout, 0.5, np.random.default_rng(0))
    assert len(seen.rows) == 2304
    assert len(set(zip(seen.rows.tolist(), seen.columns.tolist(), strict=True))) == 2304
    scaled = (seen.values - truth[:, seen.rows, seen.columns].T) / observation_errors(layout)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=0.06)  # four standard errors of a standard deviation
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=0.09)


def test_observed_columns_are_observations_of_flat_states():
    layout = Layout(5, 2)
    truth = np.random.default_rng(1).uniform(1, 2, layout.shape)
    seen = Columns.of(truth, layout, 0.1, np.random.default_rng(0))
    observations = seen.observations()
    np.testing.assert_array_equal(observations.of(truth.ravel()), truth[:, seen.rows, seen.columns].T.ravel())
    np.testing.assert_array_equal(observations.values, seen.values.ravel())
    np.testing.assert_array_equal(observations.positions[:: layout.shape[0], 0], layout.latitude[seen.rows])
    assert len(Columns.of(truth, layout, 0.0, np.random.default_rng(0)).observations()) == 0


@pytest.mark.parametrize("fraction", [-0.1, 1.5, np.nan])
def test_impossible_shares_are_refused(fraction):
    layout = Layout(5, 2)
    with pytest.raises(InvalidInput, match="fraction"):
        Columns.of(np.ones(layout.shape), layout, fraction, np.random.default_rng(0))
