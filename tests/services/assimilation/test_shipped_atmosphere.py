"""What ships of the atmosphere: errors of its background, its normalisation, starts of held-out runs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.held_out import starts
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_assimilation.systems.atmosphere.normalisation import Normalisation
from tellurion_assimilation.training import background_errors
from tellurion_assimilation.training.backgrounds import CYCLED, PERTURBED
from tellurion_assimilation.training.simulate import RUNS
from tellurion_assimilation.training.starts import pack
from tellurion_assimilation.training.store import Store
from tellurion_core.errors import InvalidInput

SMALL, SHIPPED = Layout(5, 2), Layout(31, 5)
CYCLES = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Backgrounds that are off by a smooth error of the same size everywhere; those of the test runs are absurd."""
    made, rng = tmp_path_factory.mktemp("atmosphere"), np.random.default_rng(0)
    truth, count = np.empty((RUNS, *SMALL.shape)), CYCLED.snapshot(CYCLES)
    simulated = Store.opened(made / "truth", SMALL, RUNS, count, 0)
    cycled = Store.opened(made / "cycled", SMALL, RUNS, CYCLES)
    Store.opened(made / "perturbed", SMALL, len(range(RUNS)[PERTURBED.runs]), 1)
    for snapshot in range(count):
        truth[:] = np.array([10.0, 20, 0, 0, 250, 280, 1e5])[:, None, None] + smooth(rng, RUNS) * 3
        truth[6:, :-1] = 99.0
        simulated.append(truth)
        if (snapshot - CYCLED.first) % CYCLED.stride == 0 and snapshot >= CYCLED.first:
            cycled.append(truth + smooth(rng, RUNS))
    return made


def smooth(rng: np.random.Generator, count: int) -> np.ndarray:
    white = rng.standard_normal((count, *SMALL.shape)) * np.array([1.0] * 6 + [100.0])[:, None, None]
    x = SMALL.shape[2]
    return np.fft.irfft(np.fft.rfft(white)[..., : SMALL.truncation + 1], n=x) * np.sqrt(x / (2 * SMALL.truncation + 1))


def test_the_command_writes_what_the_service_reads(folder, tmp_path):
    background_errors.main([str(folder), str(tmp_path)])
    errors = ZonalErrors.load(tmp_path / "background_errors.npz")
    card = json.loads((tmp_path / "background_errors.json").read_text())
    assert card["samples"] == 4 * (CYCLES - CYCLED.used)
    assert errors.amplitude == card["amplitude"]
    # errors of variance 1, or 100² for pressure, at every point
    np.testing.assert_allclose(errors.variance()[:-1].mean(axis=1) / errors.amplitude, 1.0, atol=0.1)
    np.testing.assert_allclose(errors.variance()[-1].mean() / errors.amplitude, 1e4, rtol=0.1)
    normalisation = json.loads((tmp_path / "normalisation.json").read_text())
    std = np.array([3.0] * 6 + [300.0])
    # a mean over 16 states of some 30 independent values each is good to 0.05 standard deviations
    np.testing.assert_allclose((normalisation["mean"] - np.array([10, 20, 0, 0, 250, 280, 1e5])) / std, 0, atol=0.2)
    np.testing.assert_allclose(normalisation["std"] / std, 1, atol=0.1)


def test_starts_are_those_of_the_test_runs(folder, tmp_path):
    with np.load(pack(folder, tmp_path)) as packed:
        states = packed["offset"][:, None, None] + packed["step"][:, None, None] * packed["states"]
    assert len(states) == 8
    np.testing.assert_allclose(states[:, :-1], 99.0, atol=0.003)


def test_shipped_errors_and_climate_have_the_size_of_weather():
    """Of 48-hour forecasts and of the climate; winds at the jet's level vary most, temperatures near the ground."""
    errors, climate = ZonalErrors.shipped(SHIPPED), Normalisation.shipped(SHIPPED)
    std = np.sqrt(errors.variance() @ SHIPPED.area)
    assert (std < climate.std).all()
    assert std[1] == std[:5].max()
    assert 1 < std[1] < 10
    assert 10_000 > climate.std[-1] > 500


def test_the_climate_is_that_of_the_shipped_starts():
    climate = Normalisation.shipped(SHIPPED)
    scaled = (starts(SHIPPED) - climate.mean[:, None, None]) / climate.std[:, None, None]
    np.testing.assert_allclose(scaled.mean(axis=(0, 3)) @ SHIPPED.area, 0, atol=0.15)
    np.testing.assert_allclose((scaled**2).mean(axis=(0, 3)) @ SHIPPED.area, 1, atol=0.3)


@pytest.mark.parametrize("shipped", [ZonalErrors.shipped, Normalisation.shipped])
def test_another_layout_has_none(shipped):
    with pytest.raises(InvalidInput, match="T31 with 5 levels"):
        shipped(Layout(42, 8))
