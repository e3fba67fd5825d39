"""The chart sets what processes read, and nothing else: a setting of another name would be ignored without a word."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from tellurion_core.model_discovery import installed_models
from tellurion_core.ray_serving.declared import ModelArguments
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.settings import load

from .rendering import CHART, SETS, Object, objects_of, pod_templates, rendered, values_of

SHARED = {
    "tellurion_core.settings": ("TelemetrySettings", "ServerSettings", "StateSettings", "ServingSettings"),
    "tellurion_core.jobs.settings": ("JobSettings",),
    "tellurion_core.endpoints.settings": ("EndpointSettings",),
}
OWN = {
    "gateway": {
        "tellurion_core.settings": ("TelemetrySettings",),
        "tellurion_core.jobs.settings": ("JobSettings",),
        "tellurion_gateway.settings": ("GatewaySettings",),
        "tellurion_gateway.identity.oidc_settings": ("OidcSettings",),
    },
    "agent": {
        **SHARED,
        "tellurion_agent.settings": ("AgentSettings", "ServiceSettings"),
        "tellurion_agent.sandbox.choosing": ("SandboxSettings",),
    },
    "pointcloud": {**SHARED, "tellurion_pointcloud.settings": ("PointCloudSettings",)},
    "ray": {
        "tellurion_core.settings": ("TelemetrySettings", "ServerSettings", "StateSettings"),
        "tellurion_core.ray_serving.settings": ("RaySettings",),
    },
}
"""What a process reads its settings by: classes by module; `SHARED` where it is not here."""


def classes(image: str) -> list[type[BaseSettings]]:
    return [
        getattr(importlib.import_module(module), name)
        for module, names in OWN.get(image, SHARED).items()
        for name in names
    ]


def known(image: str) -> set[str]:
    """Variables that a process reads."""
    return {
        f"{kind.model_config['env_prefix']}{field}".upper() for kind in classes(image) for field in kind.model_fields
    }


def environments(name: str) -> list[tuple[str, dict[str, str]]]:
    """What each container of ours has in its environment, `TELLURION_…` alone, with what reads it."""
    maps = {o["metadata"]["name"]: o["data"] for o in rendered(name) if o["kind"] == "ConfigMap"}
    found = []
    for object in rendered(name):
        for _, template in pod_templates(object):
            for container in template["spec"]["containers"]:
                variables = {v["name"]: v.get("value", "secret") for v in container.get("env", ())}
                for source in container.get("envFrom", ()):
                    variables |= maps[source["configMapRef"]["name"]]
                if object["kind"] == "RayService":
                    reads = "ray"
                elif object["kind"] == "Deployment":
                    reads = container["image"].partition("tellurion-")[2].partition(":")[0].partition("@")[0]
                else:
                    continue
                ours = {key: value for key, value in variables.items() if key.startswith("TELLURION_")}
                found.append((reads, ours))
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_setting_is_one_that_the_process_reads(name: str) -> None:
    for image, variables in environments(name):
        if image == "triton":
            continue
        assert variables.keys() - known(image) == set(), image


def test_the_schema_knows_the_settings_that_processes_read() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["definitions"]["settings"]
    services = yaml.safe_load((CHART / "values.yaml").read_text())["services"]
    read = set[str]().union(*map(known, ("gateway", *services)))
    assert {f"TELLURION_{name}" for name in schema["properties"]} == read


@pytest.mark.parametrize("name", SETS)
def test_every_setting_has_a_value_that_the_process_takes(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for image, variables in environments(name):
        if image == "triton":
            continue
        with monkeypatch.context() as environment:
            for variable, value in variables.items():
                if value.startswith("/etc/tellurion/"):  # a file of a Secret
                    (tmp_path / "file").touch()
                    value = str(tmp_path / "file")
                environment.setenv(variable, value.replace("$(REDIS_PASSWORD)", "p"))
            for kind in classes(image):
                load(kind)


def test_the_models_of_services_are_those_that_are_installed() -> None:
    """KubeRay is told of each by its name."""
    (cluster,) = (o for o in rendered("institute") if o["kind"] == "RayService" and "ocean" in o["metadata"]["name"])
    told = re.findall(r"args: \{name: ([\w-]+)\}", cluster["spec"]["serveConfigV2"])
    assert sorted(told) == sorted(installed_models(["ocean"]))
    services = yaml.safe_load((CHART / "values.yaml").read_text())["services"]
    for service, entry in services.items():
        assert sorted(entry["models"]) == sorted(installed_models([service])), service
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert sorted(schema["definitions"]["model"]["enum"]) == sorted(installed_models(list(services)))
    assert ModelArguments(name=told[0]).name == told[0]


def test_services_with_workers_are_those_with_long_work() -> None:
    services = yaml.safe_load((CHART / "values.yaml").read_text())["services"]
    long = {point.name.partition(".")[0] for point in entry_points(group="tellurion.jobs")} & services.keys()
    assert {service for service, entry in services.items() if "worker" in entry} == long


def test_a_worker_has_room_for_its_jobs() -> None:
    for name in SETS:
        for object in rendered(name):
            if object["kind"] == "Deployment" and object["metadata"]["name"].endswith("-worker"):
                (container,) = object["spec"]["template"]["spec"]["containers"]
                (settings,) = (
                    o["data"]
                    for o in rendered(name)
                    if o["kind"] == "ConfigMap" and o["metadata"]["name"] == object["metadata"]["name"]
                )
                jobs, each = (int(settings[f"TELLURION_JOBS_{key}"]) for key in ("CONCURRENCY", "MEMORY_MIB"))
                limit = container["resources"]["limits"]["memory"]
                assert jobs * each < int(limit.removesuffix("Gi")) * 1024, f"{name}: {object['metadata']['name']}"


def test_the_schema_knows_the_scaling_of_models() -> None:
    schema: Any = json.loads((CHART / "values.schema.json").read_text())
    assert schema["definitions"]["scaling"]["properties"].keys() == Scaling.model_fields.keys()


def test_ray_is_given_the_scaling_of_its_own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    for service, model in (("ocean", "ocean_reconmost"), ("pointcloud", "pointcloud_encode_mmpt")):
        (settings,) = (
            o["data"]
            for o in rendered("institute")
            if o["kind"] == "ConfigMap" and o["metadata"]["name"] == f"tellurion-{service}-ray"
        )
        for variable, value in settings.items():
            monkeypatch.setenv(variable, value)
        read = load(RaySettings)
        assert read.models.keys() == {model}
        assert read.of(model).max_replicas == 8
        assert read.services == [service]
        read.check_names(installed_models([service]))


@pytest.mark.parametrize("values", [{"serving": {"mode": "ray"}}, values_of("institute")], ids=["default", "institute"])
def test_the_least_replicas_find_room_in_the_least_pods(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = objects_of(values)
    for cluster in (object for object in objects if object["kind"] == "RayService"):
        service = cluster["metadata"]["name"].removeprefix("tellurion-")
        for variable, value in object_named(objects, "ConfigMap", f"tellurion-{service}-ray")["data"].items():
            monkeypatch.setenv(variable, value)
        settings = load(RaySettings)
        least = [settings.of(model) for model in installed_models([service])]
        room = sum(
            group["minReplicas"] * int(group["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"])
            for group in cluster["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        )
        assert 0 < sum(each.num_cpus * each.min_replicas for each in least) <= room


def object_named(objects: Sequence[Object], kind: str, name: str) -> Object:
    (found,) = (o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name)
    return found


def test_nginx_is_told_to_hold_back_neither_uploads_nor_events() -> None:
    own = {"nginx.ingress.kubernetes.io/proxy-body-size": "10g"}
    ingress = {"enabled": True, "hosts": ["tellurion.example.org"], "annotations": own}
    for name, told in (("nginx", 5), ("traefik", 1)):
        values = {"gateway": {"ingress": {**ingress, "className": name}}}
        (object,) = (each for each in objects_of(values) if each["kind"] == "Ingress")
        annotations = object["metadata"]["annotations"]
        assert len(annotations) == told
        assert annotations["nginx.ingress.kubernetes.io/proxy-body-size"] == "10g"


def test_jobs_of_scripts_are_pulled_with_the_same_secrets() -> None:
    values = values_of("institute")
    values["image"]["pullSecrets"] = [{"name": "registry"}, {"name": "mirror"}]
    maps = {o["metadata"]["name"]: o["data"] for o in objects_of(values) if o["kind"] == "ConfigMap"}
    assert maps["tellurion-agent-worker"]["TELLURION_AGENT_KUBERNETES_PULL_SECRETS"] == "registry,mirror"
