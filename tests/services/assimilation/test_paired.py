"""Paired figures: values from their definitions, intervals from the theory of the mean, one draw of cases for all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tellurion_assimilation.paired import BLOCK, COMPONENTS, compared
from tellurion_core.errors import InvalidInput


def components(square: np.ndarray, **others: np.ndarray) -> dict[str, np.ndarray]:
    """Of one method; what is not given is 1."""
    return {name: np.ones(len(square)) for name in COMPONENTS} | {"square": square} | others


def test_figures_are_those_of_the_means_over_cases():
    square, variance = np.array([1.0, 4.0, 4.0, 7.0, 9.0]), np.array([4.0, 4.0, 0.0, 8.0, 4.0])
    found = compared(
        {"a": components(square, square_members=square, square_member=2 * square, variance=variance)},
        [0, 0, 1, 1, 1],
        "a",
        np.random.default_rng(0),
    )
    values = {name: figure.value for name, figure in found["a"].figures.items()}
    assert values["mse_analysis"] == pytest.approx(5.0)
    assert values["mse_member"] == pytest.approx(10.0)
    assert values["rmse_analysis"] == pytest.approx(math.sqrt(5.0))
    assert values["spread_skill"] == pytest.approx(math.sqrt(4 / 5))
    assert values["rmse_forecast"] == values["crps"] == values["physics"] == 1.0
    assert found["a"].differences == {}


def test_the_interval_of_independent_cases_is_that_of_the_normal_law():
    rng = np.random.default_rng(1)
    square = rng.exponential(size=4000)
    (found,) = compared({"a": components(square)}, [0] * 4000, "a", rng).values()
    figure, half = found.figures["mse_analysis"], 1.96 * square.std() / math.sqrt(4000)
    assert figure.low == pytest.approx(square.mean() - half, abs=0.15 * half)
    assert figure.high == pytest.approx(square.mean() + half, abs=0.15 * half)


def test_cases_that_repeat_each_other_widen_it_as_the_fewer_independent_ones_would():
    rng = np.random.default_rng(2)
    square = np.repeat(rng.exponential(size=1000), BLOCK)
    (found,) = compared({"a": components(square)}, [0] * len(square), "a", rng).values()
    figure = found.figures["mse_analysis"]
    assert figure.high - figure.low == pytest.approx(2 * 1.96 * square.std() / math.sqrt(1000), rel=0.15)


def test_a_difference_that_is_the_same_in_every_case_is_certain():
    square = np.random.default_rng(3).exponential(size=60)
    methods = {"reference": components(square), "better": components(square - 0.01)}
    found = compared(methods, [0, 1, 2] * 20, "reference", np.random.default_rng(4))
    difference = found["better"].differences["mse_analysis"]
    assert (difference.low, difference.value, difference.high) == pytest.approx((-0.01, -0.01, -0.01))
    figure = found["better"].figures["mse_analysis"]
    assert figure.high - figure.low > 0.1


def test_blocks_are_of_one_run_and_follow_each_other():
    square = np.arange(2.0 * BLOCK)
    in_turn, apart = [0, 1] * BLOCK, [0] * BLOCK + [1] * BLOCK
    of_runs = np.concatenate([square[::2], square[1::2]])
    ends = [
        (figure.low, figure.high)
        for runs, values in ((in_turn, square), (apart, of_runs))
        for figure in [
            compared({"a": components(values)}, runs, "a", np.random.default_rng(5))["a"].figures["mse_analysis"]
        ]
    ]
    assert ends[0] == ends[1]


def test_the_last_case_may_be_of_any_run():
    runs = [0, 1] * (BLOCK + 1) + [0]
    square = np.arange(float(len(runs)))
    order = np.argsort(runs, kind="stable")
    figures = [
        compared({"a": components(values)}, of, "a", np.random.default_rng(6))["a"].figures["mse_analysis"]
        for of, values in ((runs, square), ([runs[k] for k in order], square[order]))
    ]
    assert figures[0].value == figures[1].value == square.mean()
    assert figures[0].low < figures[0].value < figures[0].high


def test_one_block_gives_no_interval():
    with pytest.raises(InvalidInput, match="cases"):
        compared({"a": components(np.ones(BLOCK))}, [0] * BLOCK, "a", np.random.default_rng(0))
