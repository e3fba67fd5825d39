"""Whatever an object refers to is rendered beside it, or is what the README has made before: by kind, name and port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from .network import selects
from .rendering import Object, named, objects_of, pod_templates, values_of

RELEASE, NAMESPACE = "summer", "sea"
"""Neither is part of another name, so that none is right by chance."""
Reference = tuple[str, str, str]
"""Namespace, which is none for what is of the whole cluster; kind; name, and of a Service or Secret its port or key."""

BEFORE = {
    "institute": {
        ("ConfigMap", "institute-ca"),
        ("PersistentVolumeClaim", "tellurion-backup"),
        ("Secret", "registry"),
        *(("Secret", f"tellurion-identity {key}") for key in ("pepper", "token.key", "token.pub")),
        *(("Secret", f"tellurion-{server} password") for server in ("database", "redis")),
        *(("Secret", f"tellurion-endpoints {key}") for key in ("judge", "planner")),
    },
    "one-gpu": {
        *(("Secret", f"tellurion-identity {key}") for key in ("pepper", "token.key", "token.pub")),
        *(("Secret", f"tellurion-{server} password") for server in ("database", "redis")),
    },
    "air-gapped": {
        ("Secret", "gateway-tls"),
        ("Secret", "gateway-tls tls.crt"),
        *(("Secret", f"platform-identity {key}") for key in ("pepper", "token.key", "token.pub")),
        *(("Secret", f"tellurion-{server} password") for server in ("database", "redis")),
    },
}
"""What is made before the release, in its namespace: by value set, of three that have every object among them."""
SETS = tuple(BEFORE)
ADDRESS = re.compile(r"(?:^|//|@)([a-z][a-z0-9-]*):(\d{1,5})\b")
"""Host and port in settings and arguments; a host with dots is outside."""


@cache
def objects(name: str) -> tuple[Object, ...]:
    return tuple(objects_of(values_of(name), release=RELEASE, namespace=NAMESPACE))


def pods(name: str) -> list[tuple[str, Object]]:
    return [pod for object in objects(name) for pod in pod_templates(object)]


def there(name: str) -> set[Reference]:
    """All that is rendered, and what is made before."""
    found = {(NAMESPACE, *each) for each in BEFORE[name]}
    for object in objects(name):
        space, spec = object["metadata"].get("namespace", ""), object.get("spec", {})
        found.add((space, object["kind"], object["metadata"]["name"]))
        match object["kind"]:
            case "Service":
                found |= {(space, "Service", f"{object['metadata']['name']} {each['port']}") for each in spec["ports"]}
            case "RayService":
                made = spec["serveService"]
                found |= {
                    (space, "Service", f"{made['metadata']['name']} {port['port']}") for port in made["spec"]["ports"]
                }
            case "Certificate":
                found.add((space, "Secret", spec["secretName"]))
    return found


def references(object: Object) -> Iterator[Reference]:
    space, spec = object["metadata"].get("namespace", ""), object.get("spec", {})
    match object["kind"]:
        case "Ingress":
            for rule in spec["rules"]:
                for path in rule["http"]["paths"]:
                    service = path["backend"]["service"]
                    yield space, "Service", f"{service['name']} {service['port']['number']}"
            yield from ((space, "Secret", each["secretName"]) for each in spec.get("tls", ()))
        case "HTTPRoute" | "GRPCRoute":
            for rule in spec["rules"]:
                yield from ((space, "Service", f"{each['name']} {each['port']}") for each in rule["backendRefs"])
        case "HorizontalPodAutoscaler" | "ScaledObject":
            yield space, spec["scaleTargetRef"].get("kind", "Deployment"), spec["scaleTargetRef"]["name"]
            for trigger in spec.get("triggers", ()):
                yield space, "TriggerAuthentication", trigger["authenticationRef"]["name"]
        case "TriggerAuthentication":
            yield from ((space, "Secret", f"{each['name']} {each['key']}") for each in spec["secretTargetRef"])
        case "RoleBinding":
            yield space, object["roleRef"]["kind"], object["roleRef"]["name"]
            yield from ((each["namespace"], each["kind"], each["name"]) for each in object["subjects"])
        case "PersistentVolumeClaim":
            if "volumeName" in spec:
                yield "", "PersistentVolume", spec["volumeName"]
        case "StatefulSet":
            yield space, "Service", spec["serviceName"]
        case "RayService":
            options = spec["rayClusterConfig"]["gcsFaultToleranceOptions"]
            yield space, "Secret", "{name} {key}".format(**options["redisPassword"]["valueFrom"]["secretKeyRef"])
            yield from addresses(space, options["redisAddress"])
        case "ConfigMap":
            for key, value in object["data"].items():
                if key.startswith("TELLURION_"):
                    yield from addresses(space, value)
            if "TELLURION_AGENT_KUBERNETES_CLAIMS" in object["data"]:
                claim = object["data"]["TELLURION_AGENT_KUBERNETES_CLAIMS"].partition("=")[0]
                yield object["data"]["TELLURION_AGENT_KUBERNETES_NAMESPACE"], "PersistentVolumeClaim", claim
    if space not in ("", NAMESPACE):
        yield "", "Namespace", space
    for _, template in pod_templates(object):
        yield from of_a_pod(space, template["spec"])


def of_a_pod(space: str, spec: Object) -> Iterator[Reference]:
    yield space, "ServiceAccount", spec["serviceAccountName"]
    yield from ((space, "Secret", each["name"]) for each in spec.get("imagePullSecrets", ()))
    if "priorityClassName" in spec:
        yield "", "PriorityClass", spec["priorityClassName"]
    for volume in spec["volumes"]:
        if "configMap" in volume:
            yield space, "ConfigMap", volume["configMap"]["name"]
        if "persistentVolumeClaim" in volume:
            yield space, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]
        if "secret" in volume:
            secret = volume["secret"]
            keys = [f" {item['key']}" for item in secret.get("items", ())]
            yield from ((space, "Secret", f"{secret['secretName']}{key}") for key in keys or [""])
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        yield from ((space, "ConfigMap", each["configMapRef"]["name"]) for each in container.get("envFrom", ()))
        for variable in container.get("env", ()):
            if "value" in variable:
                yield from addresses(space, variable["value"])
            else:
                yield space, "Secret", "{name} {key}".format(**variable["valueFrom"]["secretKeyRef"])
        for argument in (*container.get("command", ()), *container.get("args", ())):
            yield from addresses(space, argument)


def addresses(space: str, text: str) -> Iterator[Reference]:
    yield from ((space, "Service", f"{host} {port}") for host, port in ADDRESS.findall(text))


@pytest.mark.parametrize("name", SETS)
def test_every_reference_is_to_something_that_is_there(name: str) -> None:
    asked = {(each, named(object)) for object in objects(name) for each in references(object)}
    assert len(asked) > 100
    present = there(name)
    assert [f"{user}: {each}" for each, user in sorted(asked) if each not in present] == []


def test_every_kind_of_reference_is_looked_at() -> None:
    kinds = {kind for name in SETS for object in objects(name) for _, kind, _ in references(object)}
    assert kinds == {
        *("ConfigMap", "Deployment", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "PriorityClass"),
        *("Role", "Secret", "Service", "ServiceAccount", "TriggerAuthentication"),
    }


@pytest.mark.parametrize("name", SETS)
def test_what_was_to_be_made_before_is_used(name: str) -> None:
    """That a pod asks for another Secret than it is to have is seen here too."""
    asked = {each for object in objects(name) for each in references(object)}
    assert {(NAMESPACE, *each) for each in BEFORE[name]} - asked == set()


@pytest.mark.parametrize("name", SETS)
def test_account_and_settings_of_a_pod_are_those_of_its_component(name: str) -> None:
    for pod, template in pods(name):
        own = f"{RELEASE}-tellurion-{labels_of(template)['app.kubernetes.io/component']}"
        assert template["spec"]["serviceAccountName"] == own, pod
        sources = [each for container in template["spec"]["containers"] for each in container.get("envFrom", ())]
        assert all(each == {"configMapRef": {"name": own}} for each in sources), pod


def test_what_scales_is_named_for_what_it_scales() -> None:
    scalers = [each for each in objects("institute") if "scaleTargetRef" in each.get("spec", {})]
    assert len(scalers) == 12
    for object in scalers:
        assert object["spec"]["scaleTargetRef"]["name"] == object["metadata"]["name"]


@pytest.mark.parametrize("name", SETS)
def test_every_mount_is_of_a_volume_and_every_volume_is_mounted(name: str) -> None:
    for pod, template in pods(name):
        spec = template["spec"]
        containers = (*spec.get("initContainers", ()), *spec["containers"])
        mounts = {mount["name"] for container in containers for mount in container["volumeMounts"]}
        # A StatefulSet adds those of its claims.
        claims = {"data"} if pod.startswith("StatefulSet/") else set()
        assert mounts == {volume["name"] for volume in spec["volumes"]} | claims, pod


@pytest.mark.parametrize("name", SETS)
def test_a_secret_is_read_by_the_group_of_its_pod_and_nobody_else(name: str) -> None:
    mounted = {
        f"{pod}: {volume['name']}": volume["secret"].get("defaultMode")
        for pod, template in pods(name)
        for volume in template["spec"]["volumes"]
        if "secret" in volume
    }
    assert len(mounted) > 10
    assert set(mounted.values()) == {0o440}, mounted


def selected(name: str, labels: dict[str, Any]) -> dict[str, Object]:
    return {pod: template for pod, template in pods(name) if selects({"matchLabels": labels}, labels_of(template))}


def labels_of(template: Object) -> dict[str, str]:
    labels: dict[str, str] = template["metadata"]["labels"]
    return labels


@pytest.mark.parametrize("name", SETS)
def test_a_service_has_pods_and_each_has_its_port(name: str) -> None:
    services = [object for object in objects(name) if object["kind"] == "Service"]
    assert len(services) >= 7
    for service in services:
        found = selected(name, service["spec"]["selector"])
        component = service["metadata"]["labels"]["app.kubernetes.io/component"]
        assert found, named(service)
        for pod, template in found.items():
            if component != "metrics":
                assert pod.endswith(f"/{RELEASE}-tellurion-{component}"), named(service)
            (container,) = template["spec"]["containers"]
            ports = {port["name"] for port in container["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, f"{named(service)}: {pod}"


@pytest.mark.parametrize("name", SETS)
def test_a_port_of_a_probe_is_one_of_its_container(name: str) -> None:
    for pod, template in pods(name):
        for container in template["spec"]["containers"]:
            ports = {key for port in container.get("ports", ()) for key in (port["name"], port["containerPort"])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for kind in {"httpGet", "grpc"} & container.get(probe, {}).keys():
                    # That of Ray's agent is Ray's own.
                    assert container[probe][kind]["port"] in {*ports, 52365}, f"{pod}: {probe}"


@pytest.mark.parametrize("name", SETS)
def test_selectors_are_of_the_pods_of_one_component(name: str) -> None:
    for object in objects(name):
        if object["kind"] in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            labels = object["spec"]["selector"]["matchLabels"]
            if "ray.io/node-type" in labels:
                continue  # which KubeRay sets: of all workers of a cluster
            (pod,) = selected(name, labels)
            assert pod.partition("/")[2] == object["metadata"]["name"], named(object)


def test_prometheus_is_sent_to_a_port_of_a_service_that_is_there() -> None:
    (monitor,) = (object for object in objects("institute") if object["kind"] == "ServiceMonitor")
    (service,) = (
        object
        for object in objects("institute")
        if object["kind"] == "Service" and selects(monitor["spec"]["selector"], object["metadata"]["labels"])
    )
    assert {each["port"] for each in monitor["spec"]["endpoints"]} <= {
        port["name"] for port in service["spec"]["ports"]
    }


def test_names_of_the_certificate_are_those_of_the_ingress() -> None:
    (ingress,) = (object for object in objects("one-gpu") if object["kind"] == "Ingress")
    (certificate,) = (object for object in objects("one-gpu") if object["kind"] == "Certificate")
    (tls,) = ingress["spec"]["tls"]
    assert tls["secretName"] == certificate["spec"]["secretName"] == "tellurion-tls"
    assert tls["hosts"] == certificate["spec"]["dnsNames"] == [rule["host"] for rule in ingress["spec"]["rules"]]
