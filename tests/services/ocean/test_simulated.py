"""Samples to train with from simulated months."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tellurion_ocean.prior import Prior
from tellurion_ocean.training.anomalies import anomalies
from tellurion_ocean.training.cmip6 import find
from tellurion_ocean.training.corpus import Corpus
from tellurion_ocean.training.generated import GeneratedEnsemble
from tellurion_ocean.training.simulated import SimulatedEnsemble

from .archive import LEVELS, Archive, axes, on


def test_a_sample_is_a_simulated_month_with_zeros_where_only_the_model_has_land(
    archive: Archive, small_prior: Callable[..., Prior]
) -> None:
    prior = small_prior()
    lat, lon = np.arange(-24.0, 25, 2), np.arange(0.0, 360, 5)
    continent = (lon >= 180) & (lon <= 240)  # the small ocean has none here, and its island is sea in the model
    rng = np.random.default_rng(5)

    def field(months: int) -> np.ndarray:
        noise = rng.normal(size=(LEVELS.size, lat.size, lon.size))
        return np.where(continent, np.nan, on(lat, lon)(months) + noise)

    archive.write(axes(lat, lon), field, "200001-200312")
    months = anomalies(Corpus(find(archive.root), prior.grid))
    generated = GeneratedEnsemble(prior, 1)
    ensemble = SimulatedEnsemble(months, generated, 1)
    only_land_there = np.broadcast_to((prior.grid.lon > 182) & (prior.grid.lon < 238), prior.grid.shape)[prior.wet]
    only_land_here = ~prior.wet & np.isfinite(months[0][0])
    assert only_land_there.any()
    assert only_land_here.any()
    for index in range(4):
        sample = ensemble.sample(index)
        assert (sample.clean.shape, sample.clean.dtype) == (prior.std.shape, np.float32)
        assert (sample.clean[only_land_there] == 0).all()
        simulated = [field[prior.wet] for field, month in months if month == sample.month]
        assert any(np.array_equal(sample.clean, np.where(np.isnan(one), 0, one)) for one in simulated)
        np.testing.assert_array_equal(sample.noise, generated.sample(index).noise)
        np.testing.assert_array_equal(sample.clean, ensemble.sample(index).clean)
