"""What the schema of values refuses, and that it says where."""

from __future__ import annotations

from typing import Any

import helm_python
import pytest
import yaml

from .rendering import CHART, SETS, values_of

GROUP = {"name": "cpu", "minReplicas": 1, "maxReplicas": 1, "resources": {}}
IN_ITS_OWN_NAMESPACE = {
    "sandbox": {"mode": "kubernetes", "namespace": "earth"},
    "image": {"digests": {"agent": f"sha256:{'0' * 64}"}},
}
REFUSED: list[tuple[str, Any, str]] = [
    # unknown keys, at every depth
    ("relpicas", 1, "relpicas"),
    ("image.regsitry", "registry.example.org", "/image"),
    ("defaults.replica", 2, "/defaults"),
    ("services.oceans", {}, "/services"),
    ("services.ocean.resource", {}, "/services/ocean"),
    ("services.ocean.worker.replicaCount", 1, "/services/ocean/worker"),
    ("services.ocean.resources.limit", {}, "/services/ocean/resources"),
    ("services.ocean.resources.limits.gpu", "1", "/services/ocean/resources/limits"),
    ("services.pointcloud.worker", {}, "/services/pointcloud"),
    ("gateway.ingress.host", "a.example.org", "/gateway/ingress"),
    ("database.password", "secret", "/database"),
    ("redis.password", "secret", "/redis"),
    ("serving.ray.headGroupSpec", {}, "/serving/ray"),
    ("serving.triton.image", {"repository": "tellurion-triton"}, "/serving/triton"),
    ("serving.ray.scaling.max_replica", 2, "/serving/ray/scaling"),
    ("networkPolicy.peers.everybody", [], "/networkPolicy/peers"),
    ("sandbox.runtimeClass", "kata", "/sandbox"),
    # values of another type
    ("defaults.replicas", "two", "/defaults/replicas"),
    ("services.ocean.enabled", "yes", "/services/ocean/enabled"),
    ("services.ocean.settings", {"MAX_CALL_SECONDS": 7200}, "/services/ocean/settings/MAX_CALL_SECONDS"),
    ("gateway.service.port", "80", "/gateway/service/port"),
    ("storage.size", 100, "/storage/size"),
    ("image.pullSecrets", ["registry"], "/image/pullSecrets/0"),
    # values that cannot be
    ("defaults.gpus", -1, "/defaults/gpus"),
    ("services.ocean.worker.jobs", 0, "/services/ocean/worker/jobs"),
    ("services.splat.worker.gpus", 0.5, "/services/splat/worker/gpus"),
    ("services.ocean.autoscaling.targetCPUUtilizationPercentage", 150, "targetCPUUtilizationPercentage"),
    ("defaults.resources.limits.memory", "4 GB", "/defaults/resources/limits/memory"),
    ("gateway.service.port", 70000, "/gateway/service/port"),
    ("gateway.service.type", "Headless", "/gateway/service/type"),
    ("image.digests", {"ocean": "latest"}, "/image/digests/ocean"),
    ("image.digests", {"oceans": f"sha256:{'0' * 64}"}, "/image/digests"),
    ("image.registry", "https://registry.example.org", "/image/registry"),
    ("image.pullPolicy", "Sometimes", "/image/pullPolicy"),
    ("logLevel", "TRACE", "/logLevel"),
    ("storage.accessMode", "ReadOnlyMany", "/storage/accessMode"),
    ("database.sslMode", "prefer", "/database/sslMode"),
    ("trust.existingSecret", "institute-ca", "/trust"),
    ("trust.existingConfigMap", "Institute CA", "/trust/existingConfigMap"),
    ("trust.key", "certs/ca.crt", "/trust/key"),
    ("trust.key", "", "/trust/key"),
    ("serving.mode", "torchserve", "/serving/mode"),
    ("serving.address", "http://triton:8000", "/serving/address"),
    ("backup.schedule", "daily", "/backup/schedule"),
    ("tracing.endpoint", "collector:4317", "/tracing/endpoint"),
    ("identity.oidc.jwksUrl", "http://login.example.org/keys", "/identity/oidc/jwksUrl"),
    ("fullnameOverride", "x" * 31, "/fullnameOverride"),
    # images that are not there
    ("services.splat.worker.gpus", 1, "/services/splat/worker/gpus"),
    ("services.agent.gpus", 1, "/services/agent/gpus"),
    ("gateway.gpus", 1, "/gateway/gpus"),
    ("defaults.gpus", 1, "/defaults/gpus"),
    ("image.digests", {"splat-cuda": f"sha256:{'0' * 64}"}, "/image/digests"),
    # what would break a rule of the platform
    ("services.ocean.settings", {"LISTEN": "0.0.0.0:1"}, "/services/ocean/settings/LISTEN"),
    ("services.ocean.settings", {"max_call_seconds": "1"}, "/services/ocean/settings"),
    ("defaults.extraVolumes", [{"name": "host", "hostPath": {"path": "/"}}], "/defaults/extraVolumes/0"),
    # what is of no use without something else
    ("database.trial.enabled", False, "/database/host"),
    ("database", {"trial": {"enabled": False}, "host": "a", "sslMode": "verify-full"}, "/trust/existingConfigMap"),
    ("database", {"trial": {"enabled": False}, "host": "a", "sslMode": "verify-ca"}, "/trust/existingConfigMap"),
    ("redis.enabled", False, "/redis/host"),
    ("redis.tls", True, "/redis/tls"),
    ("serving.mode", "external", "/serving/address"),
    ("backup.enabled", True, "/backup/claim"),
    ("gateway.ingress.enabled", True, "/gateway/ingress/hosts"),
    ("gateway.route.enabled", True, "/gateway/route/parentRefs"),
    ("tls.certificate.enabled", True, "/tls/certificate"),
    ("identity.oidc.issuer", "https://login.example.org", "/identity/oidc"),
    ("sandbox.mode", "kubernetes", "/image/digests"),
    ("redis.resources.limits", None, "/redis/resources"),
    ("defaults.resources.limits.memory", None, "/defaults/resources/limits"),
    ("services.ocean.settings", {"ENDPONTS": "a:1"}, "/services/ocean/settings"),
    ("services.agent.settings", {"AGENT_SANDBOX": "none"}, "/services/agent/settings/AGENT_SANDBOX"),
    ("gateway.settings", {"OCEAN_ADDRESS": "a:1"}, "/gateway/settings/OCEAN_ADDRESS"),
    ("services.ocean.models", ["ocean_io"], "/services/ocean/models/0"),
    # what does not go together
    ("database.host", "db.example.org", "database.host: received db.example.org"),
    ("redis.host", "redis.example.org", "redis.host: received redis.example.org"),
    ("", IN_ITS_OWN_NAMESPACE, "sandbox.namespace: received earth"),
    (
        "storage",
        {"existingClaim": "a", "volume": {"nfs": {"server": "a", "path": "/a"}}},
        "storage.existingClaim: received",
    ),
    ("backup", {"enabled": True, "claim": "tellurion-state"}, "backup.claim: received tellurion-state"),
    ("services.agent.settings", {"ENDPOINTS": "a:443"}, "networkPolicy.peers.endpoints: received nobody"),
    ("serving", {"mode": "ray", "ray": {"models": {"ocean_oi": {"num_gpus": 1}}}}, "ocean_oi: received num_gpus 1"),
    ("serving", {"mode": "ray", "ray": {"scaling": {"min_replicas": 3, "max_replicas": 2}}}, "received min_replicas 3"),
    ("serving", {"mode": "ray", "ray": {"workerGroups": [GROUP | {"maxReplicas": 2}]}}, "received maxReplicas 2"),
    (
        "services.ocean.autoscaling",
        {"enabled": True, "minReplicas": 3, "maxReplicas": 2},
        "autoscaling of ocean: received",
    ),
    ("services.ocean.worker.jobs", 3, "ocean-worker: received 3 jobs of 3072 MiB, 9216 MiB together"),
    ("workerDefaults.resources.limits.memory", "6.1G", "-worker: received 2 jobs of 3072 MiB"),
    ("gateway.resources.requests.memory", "5Gi", "resources of gateway: received a request of 5Gi"),
    ("gateway.resources.requests.cpu", "8", "resources of gateway: received a request of 8 of cpu"),
    (
        "serving",
        {"mode": "triton", "triton": {"resources": {"requests": {"memory": "64Gi"}}}},
        "resources of serving.triton: received a request of 64Gi of memory",
    ),
    (
        "serving",
        {"mode": "ray", "ray": {"workerGroups": [GROUP | {"resources": {"requests": {"memory": "48Gi"}}}]}},
        "resources of serving.ray.workerGroups, cpu: received a request of 48Gi",
    ),
    (
        "serving",
        {
            "mode": "ray",
            "ray": {
                "models": {"pointcloud_encode_mmpt": {"num_gpus": 1}},
                "workerGroups": [GROUP, GROUP | {"name": "gpu", "gpus": 1, "services": ["ocean"]}],
            },
        },
        "no group of pods for pointcloud with gpus",
    ),
    ("redis.maxMemory", "1gb", "redis.maxMemory: received 1gb beside the limit of 1Gi"),
    ("gateway", {"tls": True, "ingress": {"enabled": True, "hosts": ["a.example.org"]}}, "gateway.tls: received"),
    ("gateway", {"tls": True, "route": {"enabled": True, "parentRefs": [{"name": "a"}]}}, "gateway.tls: received"),
    ("serving", {"mode": "ray", "ray": {"models": {"ocean_io": {}}}}, "serving.ray.models: received ocean_io"),
    ("serving", {"mode": "ray", "ray": {"fronts": 2}}, "received 1 pods at most for assimilation"),
    ("serving", {"mode": "ray", "ray": {"workerGroups": [GROUP, GROUP]}}, "received cpu twice"),
    ("serving", {"mode": "ray", "ray": {"workerGroups": [GROUP | {"minReplicas": 2}]}}, "cpu: received minReplicas 2"),
    (
        "serving",
        {"mode": "ray", "ray": {"workerGroups": [GROUP | {"services": ["oceans"]}]}},
        "received services oceans",
    ),
    ("serving", {"mode": "ray", "ray": {"workerGroups": [GROUP | {"services": ["ocean"]}]}}, "received 0 pods at most"),
    ("serving", {"mode": "ray", "ray": {"workerGroups": [{"name": "cpu"}]}}, "/serving/ray/workerGroups/0"),
]


def nested(path: str, value: Any) -> dict[str, Any]:
    for key in reversed([*filter(None, path.split("."))]):
        value = {key: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(("path", "value", "told"), REFUSED, ids=lambda each: each if isinstance(each, str) else None)
def test_refused(path: str, value: Any, told: str) -> None:
    with (
        helm_python.Chart.load(CHART) as chart,
        pytest.raises(helm_python.HelmError) as refusal,
    ):
        chart.render(nested(path, value), name="tellurion", namespace="earth")
    assert told in str(refusal.value)


@pytest.mark.parametrize("name", SETS)
def test_value_sets_are_accepted(name: str) -> None:
    with helm_python.Chart.load(CHART) as chart:
        chart.validate_schema(values_of(name))


def test_every_key_is_described_in_the_schema_and_has_a_default() -> None:
    """A key of values.yaml that the schema does not know is refused; one that it alone knows has no word there."""
    with helm_python.Chart.load(CHART) as chart:
        schema, defaults = chart.schema, chart.values
    assert schema is not None
    definitions = schema["definitions"]

    def known(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]]
        properties: dict[str, Any] = node.get("properties", {}) if node.get("additionalProperties") is False else {}
        return properties

    partial = {"services", "serving/ray/scaling", "serving/ray/head", "serving/triton", "gateway", "workerDefaults"}
    """Where keys are those of `defaults`, and documented there."""

    def compare(node: dict[str, Any], given: Any, path: str) -> None:
        if path in partial or not isinstance(given, dict) or not given or not (properties := known(node)):
            return
        assert properties.keys() - {"global"} == given.keys(), path
        for key, value in given.items():
            compare(properties[key], value, f"{path}/{key}".strip("/"))

    compare(schema, defaults, "")


def test_every_section_of_values_is_documented() -> None:
    text = (CHART / "values.yaml").read_text()
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith((" ", "#")):
            assert lines[number - 1].startswith("#"), line
    assert yaml.safe_load(text)
