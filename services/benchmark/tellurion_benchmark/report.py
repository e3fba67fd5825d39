"""The report of an evaluation: `report.json`, and a line for each item in `items.jsonl` and `design.jsonl`.

Times and costs are in `run.json` instead, so that these are the same bytes whenever the same answers are scored.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from tellurion.benchmark.v1 import benchmark_pb2
from tellurion_benchmark.results import Results
from tellurion_benchmark.scoring import Variant
from tellurion_benchmark.statistics import NOTHING, Estimate, Mean, Pooled
from tellurion_benchmark.suites import suite

DIMENSIONS = ("task", "sphere", "discipline", "tier")
"""What items are grouped by."""
REPORT, ITEMS, DESIGN = "report.json", "items.jsonl", "design.jsonl"
GROUPS_ANSWERED = 1000
"""Most groups in the summary that the operation answers."""

Report: TypeAlias = Mapping[str, Any]
"""`report.json`, as it is read."""
Group: TypeAlias = tuple[str, str]
"""Dimension and name; `ALL` for all items."""
ALL: Group = ("", "")


def report(
    results: Results, variant: Variant, *, dataset_sha256: str, judge: str | None, snapshot: str | None
) -> Report:
    """What `report.json` holds."""
    figures = _figures(results, variant)
    lacking = _lacking(results, variant)
    grouped = {
        dimension: {name: figures[dimension, name] for kind, name in sorted(figures) if kind == dimension}
        for dimension in DIMENSIONS
    }
    return {
        "suite": variant.suite,
        "variant": variant.name,
        "dataset_sha256": dataset_sha256,
        "judge": {"model": judge, "snapshot": snapshot, "prompt_version": variant.prompt_version},
        "coverage": results.coverage(),
        "metrics": {
            name: {"unavailable": lacking[name]} if name in lacking else figures[ALL][name]
            for name in suite(variant.suite).metrics
            if name in lacking or name in figures[ALL]
        },
        "groups": {dimension: groups for dimension, groups in grouped.items() if groups},
        "items": ITEMS,
    }


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes an object for people and programs to read."""
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n", encoding="utf-8")


def write_lines(results: Results, folder: Path) -> None:
    """Writes `items.jsonl`, what each item was worth, and `design.jsonl`, what a comparison needs to know of it."""
    groups = [json.dumps(of, ensure_ascii=False) for of in results.groups]
    with (folder / ITEMS).open("w", encoding="utf-8") as items, (folder / DESIGN).open("w", encoding="utf-8") as design:
        for line in results.lines():
            name, kind, cluster = _text(line.id), _text(line.kind), _text(line.cluster)
            score = "null" if line.score is None else repr(line.score)
            extracted, reason = _text(line.extracted), _text(line.words if line.unscored is None else line.lacking)
            items.write(f'{{"id": {name}, "extracted": {extracted}, "score": {score}, "reason": {reason}}}\n')
            more = "" if line.statistics is None else f', "statistics": {line.statistics}'
            design.write(
                f'{{"id": {name}, "kind": {kind}, "cluster": {cluster}, "groups": {groups[line.stratum]}{more}}}\n'
            )


def summary(found: Report, *, model: str, items: int, given_up: int) -> benchmark_pb2.Report:
    """A report as the operation answers it."""
    groups = [
        benchmark_pb2.Group(dimension=dimension, name=name, metrics=_wires(metrics))
        for dimension, named in found["groups"].items()
        for name, metrics in named.items()
    ]
    judge = found["judge"]
    return benchmark_pb2.Report(
        suite=found["suite"],
        variant=found["variant"],
        dataset_sha256=found["dataset_sha256"],
        model=model,
        judge=judge["model"] or "",
        judge_snapshot=judge["snapshot"] or "",
        prompt_version=judge["prompt_version"],
        coverage=found["coverage"],
        items=items,
        given_up=given_up,
        metrics=_wires(found["metrics"]),
        groups=groups if len(groups) <= GROUPS_ANSWERED else [],
    )


def metric_wire(name: str, figure: Mapping[str, Any]) -> benchmark_pb2.Metric:
    """One figure of a report on the wire."""
    wire = benchmark_pb2.Metric(name=name, unavailable=figure.get("unavailable", ""))
    if "n" in figure:
        wire.n, wire.unscored = figure["n"], figure["unscored"]
        if figure["value"] is not None:
            wire.value = figure["value"]
        if figure["stderr"] is not None:
            wire.stderr = figure["stderr"]
            wire.low, wire.high = figure["ci95"]
    return wire


def _wires(metrics: Mapping[str, Mapping[str, Any]]) -> Sequence[benchmark_pb2.Metric]:
    return [metric_wire(name, figure) for name, figure in metrics.items()]


def _lacking(results: Results, variant: Variant) -> Mapping[str, str]:
    """Metrics that the items' kinds enter and that cannot be computed here, with the reason."""
    kinds = suite(variant.suite).kinds
    entered = {metric for kind in results.kinds() for metric in kinds.get(kind, ())}
    return {metric: reason for metric, reason in variant.unavailable.items() if metric in entered}


def _figures(results: Results, variant: Variant) -> Mapping[Group, Mapping[str, Mapping[str, Any]]]:
    """By group the figures of its metrics, in the benchmark's order."""
    figures: dict[Group, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    groups_of = [(ALL, *groups.items()) for groups in results.groups]
    for metric in suite(variant.suite).metrics:
        if metric not in results.metrics or metric in variant.unavailable:
            continue
        pooled = variant.pooled.get(metric)
        rows = results.values(metric) if pooled is None else results.statistics(metric)
        sums: dict[Group, Any] = {}
        unscored: Counter[Group] = Counter()
        for group, contents in _by_cluster(rows, groups_of, unscored):
            if group not in sums:
                sums[group] = Mean() if pooled is None else Pooled(pooled, variant.shown.get(metric))
            sums[group].add(contents)
        for group in sums.keys() | unscored.keys():
            estimate = sums[group].estimate() if group in sums else NOTHING
            figures[group][metric] = _figure(estimate, unscored[group])
    figures.setdefault(ALL, {})
    return figures


def _by_cluster(
    rows: Iterable[tuple[str, int, Any]], groups_of: Sequence[Sequence[Group]], unscored: Counter[Group]
) -> Iterator[tuple[Group, Sequence[Any]]]:
    """Of each cluster and each group that it has items in, what these have; counts those that have nothing."""
    for _, cluster in groupby(rows, key=itemgetter(0)):
        found: dict[Group, list[Any]] = {}
        for _, stratum, content in cluster:
            for group in groups_of[stratum]:
                if content is None:
                    unscored[group] += 1
                else:
                    found.setdefault(group, []).append(content)
        yield from found.items()


def _figure(estimate: Estimate, unscored: int) -> Mapping[str, Any]:
    return {
        "value": estimate.value,
        "stderr": estimate.stderr,
        "ci95": None if estimate.ci95 is None else list(estimate.ci95),
        "n": estimate.n,
        "unscored": unscored,
    }


def _text(value: str | None) -> str:
    """A text as JSON, or null: to write whole objects by `json` would take three times as long."""
    return "null" if value is None else _quoted(value)


_quoted = json.JSONEncoder(ensure_ascii=False).encode
