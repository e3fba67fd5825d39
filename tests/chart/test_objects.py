"""Every object is one that Kubernetes 1.29 to 1.34, or its operator, takes as it stands: no unknown keys."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from referencing import Registry, Resource

from . import custom_resources
from .custom_resources import KINDS
from .rendering import SETS, Object, named, rendered

VERSIONS = ("1.29", "1.30", "1.31", "1.32", "1.33", "1.34")
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
WITH = "operators" if custom_resources.present() else "kept_ones_as_TELLURION_CRDS_is_not_set"
"""Which schemas of custom resources are used; stands in the names of tests."""


@cache
def definitions(version: str) -> Registry:
    contents = json.loads((SCHEMAS / f"v{version}.0-local-strict" / "_definitions.json").read_text())
    return Resource.from_contents(contents) @ Registry()


@cache
def of_kubernetes(version: str, kind: str, api: str) -> Any:
    """The strict schema of a kind: keys that it does not know are refused."""
    group, _, number = api.rpartition("/")
    name = f"{group.partition('.')[0]}-{number}" if group else number
    schema = json.loads((SCHEMAS / f"v{version}.0-local-strict" / f"{kind.lower()}-{name}.json").read_text())
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ definitions(version))


def faults(object: Object, version: str) -> list[str]:
    validator = of_kubernetes(version, object["kind"], object["apiVersion"])
    return [f"{named(object)}{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(object)]


def custom_faults(object: Object) -> list[str]:
    kind = object["kind"]
    if custom_resources.present():
        return faults_by(custom_resources.own(kind), object)
    return faults_by(custom_resources.kept()["operators"][kind]["schema"], object)


def faults_by(schema: Any, object: Object) -> list[str]:
    wrong = [error.json_path for error in jsonschema.Draft202012Validator(schema).iter_errors(object)]
    # Metadata is every API's own.
    return [*wrong, *(key for key in custom_resources.unknown(object, schema) if not key.startswith(".metadata."))]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SETS)
def test_kubernetes_takes_every_object(name: str, version: str) -> None:
    objects = [object for object in rendered(name) if object["kind"] not in KINDS]
    assert len(objects) > 50
    assert [fault for object in objects for fault in faults(object, version)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_key_is_refused(version: str) -> None:
    deployment = deepcopy(next(object for object in rendered("default") if object["kind"] == "Deployment"))
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    (fault,) = faults(deployment, version)
    assert "livenesProbe" in fault


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schemas", [WITH])
def test_operators_take_every_custom_resource(kind: str, schemas: str) -> None:
    objects = [object for name in SETS for object in rendered(name) if object["kind"] == kind]
    assert objects, "no value set renders one"
    for object in objects:
        assert object["apiVersion"] == KINDS[kind]
        assert custom_faults(object) == [], named(object)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schemas", [WITH])
def test_an_unknown_key_of_a_custom_resource_is_refused(kind: str, schemas: str) -> None:
    object = deepcopy(next(object for name in SETS for object in rendered(name) if object["kind"] == kind))
    object["spec"]["replicaCuont"] = 1
    assert any("replicaCuont" in fault or fault == "$.spec" for fault in custom_faults(object))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("schemas", [WITH])
def test_what_is_kept_of_the_operators_schemas_is_theirs(kind: str, schemas: str) -> None:
    if not custom_resources.present():
        kept = custom_resources.kept()["operators"][kind]
        assert kept["of"] == custom_resources.SOURCES[kind]
        assert kept["schema"]["properties"]["spec"]["properties"]
        return
    objects = [object for name in SETS for object in rendered(name) if object["kind"] == kind]
    schema = custom_resources.used(custom_resources.own(kind), objects)
    assert custom_resources.kept()["operators"][kind] == {"of": custom_resources.SOURCES[kind], "schema": schema}


def test_the_oldest_kuberay_that_is_promised_knows_every_key_of_a_rayservice() -> None:
    kept = custom_resources.kept()["oldest"]
    assert kept["of"] == f"KubeRay {custom_resources.OLDEST_KUBERAY}"
    objects = [object for name in SETS for object in rendered(name) if object["kind"] == "RayService"]
    assert objects
    assert [fault for object in objects for fault in faults_by(kept["schema"], object)] == []
    later = deepcopy(objects[0])
    later["spec"]["rayClusterConfig"]["aKeyOfALaterOne"] = {}
    assert faults_by(kept["schema"], later) != []


def test_the_pods_of_a_rayservice_are_pods() -> None:
    """KubeRay's schema of a pod is not closed; Kubernetes' is."""
    for object in rendered("institute"):
        if object["kind"] == "RayService":
            cluster = object["spec"]["rayClusterConfig"]
            for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
                metadata = {**group["template"]["metadata"], "name": "ray"}
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": group["template"]["spec"]}
                assert faults(pod, VERSIONS[-1]) == []


def test_serve_knows_what_a_rayservice_has_it_run() -> None:
    """The configuration that KubeRay hands on, by the models of Serve itself."""
    from ray.serve.schema import ServeDeploySchema

    for object in rendered("institute"):
        if object["kind"] == "RayService":
            config = ServeDeploySchema.model_validate(yaml.safe_load(object["spec"]["serveConfigV2"]))
            assert config.http_options.port == 8000
            assert {app.name for app in config.applications} >= {"tellurion-fronts"}


def test_kuberay_makes_the_service_that_the_clients_of_models_know() -> None:
    """KubeRay takes of a `serveService` the port `serve`, unless the head has one of that name: then the head's."""
    objects = rendered("institute")
    settings = [value for object in objects for value in object.get("data", {}).values() if isinstance(value, str)]
    for object in objects:
        if object["kind"] == "RayService":
            service, cluster = object["spec"]["serveService"], object["spec"]["rayClusterConfig"]
            (port,) = service["spec"]["ports"]
            assert port["name"] == "serve"
            assert f"grpc://{service['metadata']['name']}:{port['port']}" in settings
            (head,) = cluster["headGroupSpec"]["template"]["spec"]["containers"]
            assert not [name for name in _ports(head) if name.startswith("serve")]
            assert object["spec"]["excludeHeadPodFromServeSvc"]
            for group in cluster["workerGroupSpecs"]:
                (worker,) = group["template"]["spec"]["containers"]
                assert _ports(worker)[port["targetPort"]] == port["port"]


def test_kuberay_can_make_the_service_of_each_head() -> None:
    """It has each port of the head's container, and `metrics`, 8080, where none is called so; no number comes twice."""
    for object in rendered("institute"):
        if object["kind"] == "RayService":
            (head,) = object["spec"]["rayClusterConfig"]["headGroupSpec"]["template"]["spec"]["containers"]
            numbers = list(({"metrics": 8080} | _ports(head)).values())
            assert len(set(numbers)) == len(numbers)


def _ports(container: dict[str, Any]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container["ports"]}
