"""Which of a tenant's evaluations is how good, as far as their intervals tell.

Evaluations are ranked together only where the items, the metric, the judge and its prompts are the same. A place is a
range: an evaluation is surely behind those whose intervals lie above its own, and surely before those below. One that
lacks predictions has no place, and stands behind those that have all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.published import PUBLISHED
from tellurion_benchmark.suites import Suite

Key: TypeAlias = tuple[str, int, str, str, str, str]
"""Data set, items, judge, its snapshot, version of its prompts, metric: what a board has in common."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation that has succeeded."""

    operation: str
    """Name of its operation."""
    report: benchmark_pb2.Report
    """What it answered."""


def boards(
    evaluations: Iterable[Evaluated], suite: Suite, variant: str, dataset_sha256: str
) -> Sequence[benchmark_pb2.Board]:
    """The boards of a suite and variant, most places first, and last what others have published.

    `evaluations` come newest first; those of other suites, variants or, where one is given, data sets are left out.
    """
    tables: dict[Key, dict[str, benchmark_pb2.Standing]] = {}
    for evaluated in evaluations:
        report = evaluated.report
        if (report.suite, report.variant) != (suite.name, variant):
            continue
        if dataset_sha256 and report.dataset_sha256 != dataset_sha256:
            continue
        for key, standing in _standings(evaluated, suite):
            # An older one of the same model is left out; what has no name is itself alone.
            tables.setdefault(key, {}).setdefault(standing.model or evaluated.operation, standing)
    ordered = sorted(tables, key=lambda key: (-len(tables[key]), list(suite.metrics).index(key[-1]), key))
    return [*(_board(key, tables[key].values()) for key in ordered), *_published(suite.name, variant)]


def _standings(evaluated: Evaluated, suite: Suite) -> Iterable[tuple[Key, benchmark_pb2.Standing]]:
    """The places that an evaluation takes, one for each headline metric in which it has a value."""
    report = evaluated.report
    figures = {figure.name: figure for figure in report.metrics}
    for metric in dict.fromkeys(metrics[0] for metrics in suite.kinds.values()):
        if metric in figures and figures[metric].HasField("value"):
            same = (report.dataset_sha256, report.items, report.judge, report.judge_snapshot, report.prompt_version)
            standing = benchmark_pb2.Standing(
                model=report.model,
                metric=figures[metric],
                operation=evaluated.operation,
                coverage=report.coverage,
            )
            yield (*same, metric), standing


def _board(key: Key, standings: Iterable[benchmark_pb2.Standing]) -> benchmark_pb2.Board:
    dataset_sha256, items, judge, snapshot, prompt_version, metric = key
    ordered = sorted(
        standings,
        key=lambda standing: (standing.coverage < 1, -standing.metric.value, standing.model, standing.operation),
    )
    ranked = [standing for standing in ordered if standing.coverage == 1]
    intervals = [_interval(standing.metric) for standing in ranked]
    for standing, (low, high) in zip(ranked, intervals, strict=True):
        standing.best_rank = 1 + sum(other_low > high for other_low, _ in intervals)
        standing.worst_rank = sum(other_high >= low for _, other_high in intervals)
    return benchmark_pb2.Board(
        dataset_sha256=dataset_sha256,
        items=items,
        judge=judge,
        judge_snapshot=snapshot,
        prompt_version=prompt_version,
        metric=metric,
        standings=ordered,
    )


def _interval(metric: benchmark_pb2.Metric) -> tuple[float, float]:
    """Where a value may lie; anywhere, where nothing is known of it."""
    return (metric.low, metric.high) if metric.HasField("low") else (-math.inf, math.inf)


def _published(suite: str, variant: str) -> Sequence[benchmark_pb2.Board]:
    table = PUBLISHED.get((suite, variant))
    if table is None:
        return []
    values: Mapping[str, float] = dict(sorted(table.values.items(), key=lambda entry: -entry[1]))
    standings = [
        benchmark_pb2.Standing(
            model=model, metric=benchmark_pb2.Metric(name=table.metric, value=value), published_by=table.source
        )
        for model, value in values.items()
    ]
    return [benchmark_pb2.Board(metric=table.metric, standings=standings)]
