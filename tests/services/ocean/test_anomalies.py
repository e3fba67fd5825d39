"""Simulations lose their models' biases: each its own year and spread."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_ocean.training.anomalies import Anomalies, ModelClimatology, anomalies
from tellurion_ocean.training.cmip6 import find
from tellurion_ocean.training.corpus import Corpus

from .archive import COARSE, TARGET, Archive, axes, on, only


@pytest.fixture
def two_models(archive: Archive) -> Corpus:
    """Three years of each; they differ in bias, in amplitude and in their year's cycle. An island in both."""
    rng = np.random.default_rng(3)
    for source, bias, amplitude in (("COLD-1", -3, 0.5), ("WARM-1", 4, 2.0)):
        lat, lon = COARSE

        def field(months: int, bias: float = bias, amplitude: float = amplitude) -> np.ndarray:
            found = on(*COARSE)(months) + bias * (1 + 0.1 * (months % 12)) + amplitude * rng.normal(size=(8, 11, 18))
            found[:, 4:6, 3:6] = np.nan
            return found

        for period in ("200001-200112", "200201-200212"):
            archive.write(axes(lat, lon), field, period, source=source)
    return only(archive)


def test_each_models_own_year_and_spread_are_removed(two_models: Corpus) -> None:
    scaled = anomalies(two_models, floor=0.05)
    assert len(scaled) == len(two_models) == 72
    raw = np.array([field for field, _ in two_models], dtype=np.float64).reshape(2, 3, 12, *TARGET.shape)
    departures = raw - raw.mean(axis=1, keepdims=True)
    variance = (departures**2).sum(axis=(1, 2)) / (36 - 12)
    wanted = departures / np.sqrt(variance + 0.05**2)[:, None, None]
    found = np.array([scaled[i][0] for i in range(72)]).reshape(wanted.shape)
    assert [scaled[i][1] for i in range(72)] == [*range(1, 13)] * 6
    np.testing.assert_allclose(found, wanted, atol=2e-3)  # float32 of 20 °C, in units of a spread of 0.1 °C
    assert 0.5 < np.isfinite(found).mean() < 1
    np.testing.assert_array_equal(np.isnan(found), np.isnan(raw))


def test_what_is_held_out_is_scaled_by_what_was_learned_without_it(archive: Archive, two_models: Corpus) -> None:
    runs = find(archive.root)
    training, held_out = (
        Corpus([replace(run, files=run.files[nth : nth + 1]) for run in runs], TARGET) for nth in (0, 1)
    )
    scaled = Anomalies(held_out, anomalies(training, floor=0.0).climatologies)
    raw = np.array([field for field, _ in two_models], dtype=np.float64).reshape(2, 3, 12, *TARGET.shape)
    learned, new = raw[:, :2], raw[:, 2]
    std = learned.std(axis=1, ddof=1)  # of each month; the pooled variance is their mean
    wanted = (new - learned.mean(axis=1)) / np.sqrt((std**2).mean(axis=1))[:, None]
    found = np.array([field for field, _ in scaled]).reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-3)


def test_a_model_that_was_not_learned_from_cannot_be_scaled(two_models: Corpus) -> None:
    learned = anomalies(two_models).climatologies
    with pytest.raises(InvalidInput, match="WARM-1"):
        Anomalies(two_models, {"COLD-1": learned["COLD-1"]})


def test_one_year_has_no_departures_from_itself(archive: Archive) -> None:
    archive.write(axes(*COARSE), on(*COARSE), "200001-200012")
    with pytest.raises(InvalidInput, match="more than one year"):
        anomalies(only(archive))


def test_a_climatology_takes_the_memory_of_the_answer_however_many_months_there_are() -> None:
    rng = np.random.default_rng(0)
    field_bytes = 4 * 40 * 50 * 60
    months = ((rng.normal(size=(40, 50, 60)).astype(np.float32), n % 12 + 1) for n in range(120))
    tracemalloc.start()
    climatology = ModelClimatology.of(months, floor=0.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * field_bytes
    assert np.mean(climatology.std**2) == pytest.approx(1, abs=0.005)  # 120 000 cells of 108 degrees of freedom
