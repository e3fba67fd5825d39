"""Evaluations are ranked where they can be, by as much as their intervals tell."""

from __future__ import annotations

import pytest

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.leaderboard import Evaluated, boards
from tellurion_benchmark.suites import SUITES

DATA = "d" * 64


def evaluated(number, model, value, half=0.05, metric="mcq_accuracy", **report):
    figure = benchmark_pb2.Metric(name=metric, n=100)
    if value is not None:
        figure.value = value
        if half is not None:
            figure.stderr, figure.low, figure.high = half / 2, value - half, value + half
    same = {"suite": "msearth", "variant": "official", "dataset_sha256": DATA, "prompt_version": "tellurion-1"}
    report = benchmark_pb2.Report(**(same | {"items": 100, "coverage": 1.0} | report), model=model, metrics=[figure])
    return Evaluated(f"benchmark/operations/{number:032x}", report)


def ranked(*evaluations, variant="official", data=""):
    return boards(evaluations, SUITES["msearth"], variant, data)


def ranks(board):
    return {s.model: (s.best_rank, s.worst_rank) for s in board.standings}


def test_places_are_as_sure_as_intervals_are_apart():
    # a's interval lies above d's; b's and c's overlap with all others.
    (board,) = ranked(
        evaluated(1, "d", 0.50), evaluated(2, "b", 0.58), evaluated(3, "a", 0.62), evaluated(4, "c", 0.55)
    )
    assert [standing.model for standing in board.standings] == ["a", "b", "c", "d"]
    assert ranks(board) == {"a": (1, 3), "b": (1, 4), "c": (1, 4), "d": (2, 4)}


def test_intervals_that_do_not_overlap_give_one_place_each():
    (board,) = ranked(*(evaluated(n, f"m{n}", 0.2 * n, 0.05) for n in range(1, 5)))
    assert ranks(board) == {"m4": (1, 1), "m3": (2, 2), "m2": (3, 3), "m1": (4, 4)}


def test_a_value_without_an_interval_may_have_any_place():
    (board,) = ranked(evaluated(1, "a", 0.9, 0.01), evaluated(2, "b", 0.1, None), evaluated(3, "c", 0.5, 0.01))
    assert ranks(board) == {"a": (1, 2), "c": (2, 3), "b": (1, 3)}


@pytest.mark.parametrize(
    "other",
    [
        {"dataset_sha256": "e" * 64},
        {"items": 7},
        {"judge": "gpt"},
        {"judge_snapshot": "2026"},
        {"prompt_version": "sha256:1"},
        {"metric": "open_accuracy"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_cannot_be_compared_is_on_boards_of_its_own(other):
    found = ranked(evaluated(1, "a", 0.6), evaluated(2, "b", 0.5), evaluated(3, "c", 0.9, **other))
    assert [[standing.model for standing in board.standings] for board in found] == [["a", "b"], ["c"]]


def test_of_a_models_evaluations_the_latest_counts():
    (board,) = ranked(evaluated(3, "a", 0.6), evaluated(2, "a", 0.9), evaluated(1, "b", 0.5))
    assert [(s.model, s.metric.value, s.operation[-1]) for s in board.standings] == [("a", 0.6, "3"), ("b", 0.5, "1")]


def test_predictions_without_a_label_are_each_themselves():
    (board,) = ranked(evaluated(1, "", 0.6), evaluated(2, "", 0.5))
    assert [s.operation[-1] for s in board.standings] == ["1", "2"]


def test_other_suites_variants_and_data_sets_are_left_out():
    others = [evaluated(1, "a", 0.6, suite="sfe"), evaluated(2, "b", 0.6, variant="corrected")]
    assert ranked(*others) == []
    (board,) = ranked(evaluated(1, "a", 0.6), evaluated(2, "b", 0.5, dataset_sha256="e" * 64), data="e" * 64)
    assert [standing.model for standing in board.standings] == ["b"]


def test_without_all_predictions_there_is_no_place():
    (board,) = ranked(evaluated(1, "part", 0.99, 0.001, coverage=0.5), evaluated(2, "b", 0.5), evaluated(3, "a", 0.9))
    assert [standing.model for standing in board.standings] == ["a", "b", "part"]
    assert ranks(board) == {"a": (1, 1), "b": (2, 2), "part": (0, 0)}


def test_an_evaluation_without_a_value_has_no_place():
    (board,) = ranked(evaluated(1, "a", 0.6), evaluated(2, "b", None))
    assert ranks(board) == {"a": (1, 1)}


def test_published_figures_stand_apart_and_only_under_their_own_scorer():
    assert not any(s.published_by for board in ranked(evaluated(1, "a", 0.6)) for s in board.standings)
    ours, published = ranked(evaluated(1, "a", 0.6, variant="vlmevalkit"), variant="vlmevalkit")
    assert [s.model for s in ours.standings] == ["a"]
    # papers/benchmarks.md
    assert {s.model: s.metric.value for s in published.standings} == {
        "Intern-S1": 65.7,
        "o3": 61.0,
        "Gemini-2.5-Pro": 59.9,
        "InternVL3-78B": 57.2,
        "Qwen2.5-VL-72B": 37.6,
    }
    assert [s.metric.value for s in published.standings] == sorted(s.metric.value for s in published.standings)[::-1]
    assert (published.dataset_sha256, published.metric) == ("", "MSEarthMCQ accuracy, %")
    assert all(s.published_by and not s.operation and not s.best_rank for s in published.standings)


def test_sfe_has_two_tables_that_are_not_interchangeable():
    found = {variant: boards([], SUITES["sfe"], variant, "") for variant in SUITES["sfe"].variants}
    assert found["corrected"] == []
    o3 = {
        variant: next(s.metric.value for s in found[variant][0].standings if s.model == "o3")
        for variant in ("official", "vlmevalkit")
    }
    assert o3 == {"official": 34.08, "vlmevalkit": 37.7}
