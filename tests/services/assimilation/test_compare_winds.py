"""Methods compared on winds: each gets the same observations, and the better informed is the better one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tellurion_assimilation import autoencoder, gaussian_prior
from tellurion_assimilation.catalogue import COMPARABLE, WINDS
from tellurion_assimilation.compare_winds import compare_winds, wind_prior
from tellurion_assimilation.systems.winds import evaluation_winds, held_out_winds, training_winds
from tellurion_assimilation.wind_background import WindBackground
from tellurion_assimilation.wind_oi import WindCorrelation
from tellurion_core.errors import Cancelled, InvalidInput

from .small_winds import winds

MONTHS = winds(160)
METHODS = COMPARABLE[WINDS]


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """What was learned from the first 140 months."""
    background = WindBackground(MONTHS.part(slice(140)))
    errors = torch.from_numpy((background.errors() / background.scale).astype(np.float32))
    area, mirror = torch.from_numpy(MONTHS.area.astype(np.float32)), torch.ones(2)
    code = autoencoder.fit([errors], torch.ones(2), area, mirror=mirror, rows=6, columns=8, symmetric=False)
    prior = gaussian_prior.fit(code, code.encode(errors), half_width=90.0, share=0.5, rank=20)
    return {"background": background, "prior": prior, "correlation": WindCorrelation(3000.0, 0.5)}


def errors(known: dict[str, Any], methods: tuple[str, ...] = METHODS, **options: Any) -> dict[str, np.ndarray]:
    """Mean square errors [cases] by method."""
    options = {"observed": 0.1, "seed": 1, **known, **options}
    found = compare_winds(methods, MONTHS.part(slice(139, 160)), **options)
    return {name: each["square"] for name, each in found.components.items()}


def test_forecasts_err_as_their_definition_says(known: dict[str, Any]) -> None:
    found = errors(known, ("climatology", "persistence", "damped_persistence"))
    background, late = known["background"], MONTHS.part(slice(139, 160))
    departures, area = late.anomalies(background.climatology), MONTHS.area
    lasting = {"climatology": 0.0, "persistence": 1.0, "damped_persistence": background.lasting}
    for name, share in lasting.items():
        square = (departures[1:] - share * departures[:-1]) ** 2
        np.testing.assert_allclose(found[name], square.mean(axis=(1, 3)) @ area)


def test_what_is_observed_and_what_is_learned_help(known: dict[str, Any]) -> None:
    found = {name: each.mean() for name, each in errors(known).items()}
    assert found["damped_persistence"] < min(found["climatology"], found["persistence"])
    assert found["oi"] < 0.8 * found["damped_persistence"]
    assert found["dps"] < found["3dvar"] < found["oi"]


def test_every_method_sees_the_same_and_the_seed_decides_what(known: dict[str, Any]) -> None:
    alone, again, other = (
        errors(known, methods, seed=seed) for methods, seed in ((("oi",), 1), (("dps", "oi"), 1), (("oi",), 2))
    )
    np.testing.assert_array_equal(alone["oi"], again["oi"])
    assert not np.array_equal(alone["oi"], other["oi"])


def test_members_of_all_methods_are_scored(known: dict[str, Any]) -> None:
    found = compare_winds(METHODS, MONTHS.part(slice(139, 160)), observed=0.1, seed=1, **known).compared("oi", 1)
    for method in found.values():
        figures = {name: figure.value for name, figure in method.figures.items()}
        assert figures["mse_analysis"] == pytest.approx(
            (figures["rmse_eastward"] ** 2 + figures["rmse_northward"] ** 2) / 2
        )
        assert 0.7 < figures["spread_skill"] < 1.4
        assert figures["crps"] < figures["rmse_analysis"]


def test_it_is_cancelled(known: dict[str, Any]) -> None:
    with pytest.raises(Cancelled):
        errors(known, cancelled=lambda: True)


def test_no_cell_is_no_experiment(known: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="observed"):
        errors(known, observed=0.001)


def test_held_out_months_follow_the_training_months() -> None:
    months = held_out_winds(6)
    assert months.months[0] == training_winds().months[-1]
    np.testing.assert_array_equal(months.months[1:], evaluation_winds().months[:6])
    np.testing.assert_array_equal(months.fields[1:], evaluation_winds().fields[:6])
    for cases in (4, 33):
        with pytest.raises(InvalidInput, match="cases"):
            held_out_winds(cases)


def test_the_shipped_prior_is_that_of_the_winds() -> None:
    code = wind_prior().autoencoder
    assert (*code.truncated.shape, code.columns) == training_winds().fields.shape[1:]
