"""What a GPU computes agrees with the compiled kernels; here PyTorch computes it on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tellurion_ocean import gpu
from tellurion_ocean.local import LocalWeights
from tellurion_ocean.samples import WAVES, modulated_waves, sum_of_waves

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


@pytest.fixture(params=DEVICES)
def on_device(request, monkeypatch):
    """Lets a function compute without kernels, on the device."""

    def compute(work):
        with monkeypatch.context() as patch:
            patch.setattr(gpu, "device", lambda: torch.device(request.param))
            return work()

    return compute


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(gpu, "WAVES_TILE", 32)
    monkeypatch.setattr(gpu, "GAIN_TILE", 32)


def test_sums_of_waves(on_device):
    rng = np.random.default_rng(2)
    positions, frequencies = rng.normal(size=(50, 4)), rng.normal(size=(4, WAVES)) * 3
    weights = rng.normal(size=(2 * WAVES, 3)) / np.sqrt(WAVES)
    found = on_device(lambda: sum_of_waves(positions, frequencies, weights))
    np.testing.assert_allclose(found, sum_of_waves(positions, frequencies, weights), atol=1e-4)
    phase = positions @ frequencies
    np.testing.assert_allclose(found, np.hstack([np.cos(phase), np.sin(phase)]) @ weights, atol=1e-4)


def test_modulated_sums_of_waves(on_device):
    rng = np.random.default_rng(3)
    positions, frequencies = rng.normal(size=(50, 4)), rng.normal(size=(4, 128))
    weights, patterns = rng.normal(size=(256, 5, 3)) / np.sqrt(128), rng.normal(size=(50, 5))
    found = on_device(lambda: modulated_waves(positions, frequencies, weights, patterns))
    phase = positions @ frequencies
    fields = np.einsum("nj,jmk->nmk", np.hstack([np.cos(phase), np.sin(phase)]), weights)
    np.testing.assert_allclose(found, np.einsum("nm,nmk->nk", patterns, fields), atol=1e-4)


def test_the_local_gain(on_device):
    rng = np.random.default_rng(4)
    local = LocalWeights(
        rng.integers(0, 40, (70, 8)).astype(np.int32), rng.normal(size=(70, 8)).astype(np.float32), np.zeros(70)
    )
    values = rng.normal(size=(40, 3))
    expected = np.einsum("gn,gnv->gv", local.weights.astype(np.float64), values[local.nearest])
    np.testing.assert_allclose(on_device(lambda: local @ values), expected, atol=1e-5)
