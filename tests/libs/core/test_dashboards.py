"""The dashboard of models asks Prometheus for nothing but what a front exports, and leaves nothing of it out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tellurion_core.batching_predictor import Batch
from tellurion_core.ray_serving.metrics import ModelMetrics, ReplicaCount

FILE = Path(__file__).parents[3] / "charts" / "tellurion" / "dashboards" / "models.json"
FUNCTIONS = {"sum", "max", "by", "rate", "histogram_quantile", "label_values"}
AXES = 24
"""Columns of Grafana's grid."""


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(FILE.read_text())
    return read


@pytest.fixture(scope="module")
def asked(dashboard: dict[str, Any]) -> list[str]:
    """Every query in it."""
    variables = (variable["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query")
    return [*variables, *(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])]


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """The labels of each sample that a front exports, by its name, after a request and a batch."""
    metrics = ModelMetrics()
    with metrics.request("a"):
        metrics.ran([Batch("a", 2, 0.5)])
    metrics.registry.register(ReplicaCount(lambda: {"a": 1}))
    return labels(metrics.registry)


def labels(registry: CollectorRegistry) -> dict[str, set[str]]:
    return {sample.name: set(sample.labels) for family in registry.collect() for sample in family.samples}


def metrics_of(query: str) -> set[str]:
    return set(re.findall(r"tellurion_\w+", query))


def test_every_metric_is_one_that_a_front_exports(asked: list[str], exported: dict[str, set[str]]) -> None:
    for query in asked:
        assert metrics_of(query)
        assert metrics_of(query) <= exported.keys()


def test_every_label_is_one_of_the_metrics(asked: list[str], exported: dict[str, set[str]]) -> None:
    for query in asked:
        bare = re.sub(r'"[^"]*"|\[[^]]*\]', "", query)
        names = {name for name in re.findall(r"[a-z_]+", bare)} - FUNCTIONS - metrics_of(query)
        assert names
        for metric in metrics_of(query):
            assert names <= exported[metric]


def test_everything_that_a_front_exports_of_models_is_shown(asked: list[str], exported: dict[str, set[str]]) -> None:
    def family(name: str) -> str:
        return re.sub(r"_(bucket|sum|count|created)$|_(total)$", "", name)

    assert {family(name) for query in asked for name in metrics_of(query)} == {family(name) for name in exported}


def test_panels_do_not_overlap(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for at in (panel["gridPos"] for panel in dashboard["panels"]):
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert taken.isdisjoint(cells)
        assert max(x for x, _ in cells) < AXES
        taken |= cells
