"""Alerts and dashboards ask Prometheus for what our processes tell it, and every alert says what to do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from tellurion_core.batching_predictor import Batch
from tellurion_core.ray_serving.metrics import ModelMetrics, ReplicaCount
from tellurion_core.telemetry import RpcMetrics
from tellurion_gateway.metrics import HttpMetrics

from .rendering import CHART, objects_of, rendered

JOBS = {"tellurion_jobs": {"kind", "state"}, "tellurion_job_attempts_total": {"kind", "end"}}
"""Of workers, as `tellurion_core.jobs.worker` has them."""
KUBELET = {
    f"kubelet_volume_stats_{what}_bytes": {"namespace", "persistentvolumeclaim"} for what in ("available", "capacity")
}
OF_TARGETS = {"namespace", "job", "pod", "component"}
"""Labels that Prometheus and the ServiceMonitor add."""
FUNCTIONS = {"sum", "max", "by", "on", "unless", "rate", "increase", "histogram_quantile", "label_values", "le"}


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """The labels of every sample, by its name."""
    rpc, http = CollectorRegistry(), CollectorRegistry()
    calls, requests, models = RpcMetrics(rpc), HttpMetrics(http), ModelMetrics()
    calls.started("/m")
    calls.ended("/m", "OK", 0.1)
    requests.started()
    requests.ended("GET", "/", 200, 0.1)
    with models.request("a"):
        models.ran([Batch("a", 2, 0.5)])
    models.registry.register(ReplicaCount(lambda: {"a": 1}))
    samples = {s.name: set(s.labels) for r in (rpc, http, models.registry) for f in r.collect() for s in f.samples}
    return {**samples, **JOBS, **KUBELET, "up": set()}


def rules() -> list[dict[str, Any]]:
    (rule,) = (object for object in rendered("institute") if object["kind"] == "PrometheusRule")
    (group,) = rule["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def dashboards() -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in (CHART / "dashboards").glob("*.json")}


def queries() -> list[str]:
    asked = [rule["expr"] for rule in rules()]
    for board in dashboards().values():
        asked += [v["query"] for v in board["templating"]["list"] if v["type"] == "query"]
        asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return asked


def metrics_of(query: str) -> set[str]:
    return set(re.findall(r"\b(?:tellurion|kubelet)_\w+|\bup\b", query))


def test_every_metric_is_one_that_is_told(exported: dict[str, set[str]]) -> None:
    for query in queries():
        assert metrics_of(query), query
        assert metrics_of(query) <= exported.keys(), query


def test_every_label_is_one_of_its_metrics(exported: dict[str, set[str]]) -> None:
    for query in queries():
        bare = re.sub(r'"[^"]*"|\[[^]]*\]', "", query)
        names = set(re.findall(r"[a-z_]+", bare)) - FUNCTIONS - metrics_of(query)
        known = OF_TARGETS.union(*(exported[metric] for metric in metrics_of(query)))
        assert names <= known, query


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules()) >= 8
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert len(rule["annotations"]["summary"]) > 20, rule["alert"]
        assert len(rule["annotations"]["runbook"]) > 60, rule["alert"]
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        kept = re.findall(r"by \(([\w, ]+)\)", rule["expr"])
        assert not kept or labels <= {name.strip() for each in kept for name in each.split(",")}, rule["alert"]


def test_the_alert_on_space_is_about_the_claim_that_is_used() -> None:
    values = {"metrics": {"rules": {"enabled": True}}, "storage": {"existingClaim": "earth-files"}}
    (rule,) = (object for object in objects_of(values) if object["kind"] == "PrometheusRule")
    (alert,) = (each for each in rule["spec"]["groups"][0]["rules"] if each["alert"] == "TellurionStateFull")
    assert alert["expr"].count('persistentvolumeclaim="earth-files"') == 2


def test_pods_of_ray_which_tell_nothing_while_they_have_no_front_are_not_missed() -> None:
    (silent,) = (rule for rule in rules() if rule["alert"] == "TellurionPodSilent")
    (left_out,) = re.findall(r'component!~"([^"]+)"', silent["expr"])
    components = {
        object["metadata"]["labels"]["app.kubernetes.io/component"]
        for object in rendered("institute")
        if object["kind"] == "ServiceAccount"
    }
    assert {name for name in components if re.fullmatch(left_out, name)} == {
        f"{service}-ray" for service in ("assimilation", "ocean", "pointcloud")
    }


def test_alerts_are_about_this_release_alone() -> None:
    for rule in rules():
        for selected in re.findall(r"(?:tellurion|kubelet)_\w+(\{[^}]*\})?", rule["expr"]):
            assert 'namespace="earth"' in selected, rule["alert"]


def test_dashboards_are_found_by_grafana_and_do_not_overlap() -> None:
    boards = dashboards()
    assert len({board["uid"] for board in boards.values()}) == len(boards) >= 2
    maps = [object for object in rendered("institute") if object["metadata"].get("labels", {}).get("grafana_dashboard")]
    assert {file for object in maps for file in object["data"]} == {f"{name}.json" for name in boards}
    for board in boards.values():
        taken: set[tuple[int, int]] = set()
        for at in (panel["gridPos"] for panel in board["panels"]):
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            assert taken.isdisjoint(cells)
            assert max(x for x, _ in cells) < 24
            taken |= cells
