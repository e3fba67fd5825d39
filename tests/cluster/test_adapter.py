"""What podman plays differs from what Helm renders where the adapter's table says so, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..chart.rendering import Object, objects_of, pod_templates
from . import on_kubernetes
from .adapter import PROBES, Given, adapted, environment, expanded, pod_template
from .releases import values
from .volumes import Volumes

pytestmark = pytest.mark.skipif(on_kubernetes.there() is not None, reason="is about podman, with values of its own")
NODE = Path("/node")
SECRETS = {
    "tellurion-identity": {"pepper": b"p", "token.key": b"k", "token.pub": b"u"},
    "tellurion-database": {"password": b"of-the-database"},
    "tellurion-redis": {"password": b"of-redis"},
    "tellurion-tls": {"tls.crt": b"c", "tls.key": b"t"},
}
OBJECTS = objects_of(values())
WORKLOADS = [each for each in OBJECTS if list(pod_templates(each))]
GIVEN = Given({each["metadata"]["name"]: each["data"] for each in OBJECTS if each["kind"] == "ConfigMap"}, SECRETS)
CHANGED = (
    r"containers\.0\.(startupProbe|readinessProbe|livenessProbe|ports|envFrom|env)(\..*)?",
    r"volumes\.\d+\.(hostPath|emptyDir|configMap|secret|persistentVolumeClaim)(\..*)?",
)
"""Paths of a pod's spec that the adapter may change; those of `command` and `args` are only expanded."""


def played(workload: Object) -> Object:
    return adapted("pod", pod_template(workload), GIVEN, lambda volume: NODE / volume["name"])


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a manifest with its path; what is empty counts as a value."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from leaves(each, f"{path}.{number}" if path else str(number))
    else:
        yield path, value


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_nothing_else_of_a_pod_is_changed(workload: Object) -> None:
    before, after = dict(leaves(pod_template(workload)["spec"])), dict(leaves(played(workload)["spec"]))

    differing = {path for path in {*before, *after} if before.get(path, ...) != after.get(path, ...)}

    others = {path for path in differing if not any(re.fullmatch(each, path) for each in CHANGED)}
    words = {path for path in others if re.fullmatch(r"containers\.0\.(command|args)\.\d+", path)}
    assert others == words
    for path in words:
        assert after[path] == before[path].replace("$(REDIS_PASSWORD)", "of-redis")


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_what_holds_a_pod_down_is_passed_on(workload: Object) -> None:
    spec = played(workload)["spec"]
    (container,) = spec["containers"]

    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] in (65532, 999)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_every_volume_is_a_folder_with_its_name_and_is_mounted_as_it_was(workload: Object) -> None:
    spec = played(workload)["spec"]

    volumes = {each["name"]: each for each in spec["volumes"]}
    assert all(
        each == {"name": n, "hostPath": {"path": f"/node/{n}", "type": "Directory"}} for n, each in volumes.items()
    )
    mounts = pod_template(workload)["spec"]["containers"][0]["volumeMounts"]
    assert spec["containers"][0]["volumeMounts"] == mounts
    assert {each["name"] for each in mounts} == set(volumes)


def test_claims_of_a_stateful_set_have_the_names_that_kubernetes_gives_them() -> None:
    (redis,) = (each for each in WORKLOADS if each["kind"] == "StatefulSet" and "redis" in each["metadata"]["name"])

    volumes = {each["name"]: each for each in pod_template(redis)["spec"]["volumes"]}

    assert volumes["data"] == {"name": "data", "persistentVolumeClaim": {"claimName": "data-tellurion-redis-0"}}


def test_variables_are_what_the_kubelet_would_make_of_them() -> None:
    (worker,) = (each for each in WORKLOADS if each["metadata"]["name"] == "tellurion-ocean-worker")
    settings = GIVEN.config_maps["tellurion-ocean-worker"]

    found = environment(pod_template(worker)["spec"]["containers"][0], GIVEN)

    assert found == settings | {
        "HOME": "/tmp",
        "PGPASSWORD": "of-the-database",
        "REDIS_PASSWORD": "of-redis",
        "TELLURION_JOBS_BROKER": "redis://:of-redis@tellurion-redis:6379/0",
    }
    assert settings["TELLURION_JOBS_CONCURRENCY"] == "1"  # of the laptop's values


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("a $(NAME) b", "a value b"),
        ("$(OTHER)", "$(OTHER)"),
        ("$$(NAME)", "$(NAME)"),
        ("$NAME ${NAME}", "$NAME ${NAME}"),
    ],
)
def test_references_are_read_as_kubernetes_reads_them(text: str, becomes: str) -> None:
    assert expanded(text, {"NAME": "value"}) == becomes


@pytest.mark.parametrize(
    ("container", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "x"}}]}, "envFrom: received secretRef; accepted: configMapRef"),
        (
            {"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
            "valueFrom: received fieldRef; accepted: secretKeyRef, configMapKeyRef",
        ),
    ],
)
def test_what_the_adapter_does_not_know_is_refused(container: Object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        environment(container, GIVEN)


def test_a_secret_that_is_not_there_is_refused() -> None:
    (gateway,) = (each for each in WORKLOADS if each["metadata"]["name"] == "tellurion-gateway")
    with pytest.raises(KeyError, match="tellurion-database"):
        environment(pod_template(gateway)["spec"]["containers"][0], Given(GIVEN.config_maps, {}))


def test_volumes_hold_what_is_referred_to_with_the_modes_of_the_manifest(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path / "disk", tmp_path / "memory", GIVEN)
    group = tmp_path.stat().st_gid
    secret = {"secretName": "tellurion-identity", "defaultMode": 0o440, "items": [{"key": "token.pub", "path": "pub"}]}

    identity = volumes.made("pod", {"name": "identity", "secret": secret}, group)
    scripts = volumes.made("pod", {"name": "scripts", "configMap": {"name": "tellurion-backup"}}, group)
    shared = volumes.made("pod", {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, group)
    temporary = volumes.made("pod", {"name": "tmp", "emptyDir": {}}, group)
    state = volumes.made("pod", {"name": "state", "persistentVolumeClaim": {"claimName": "state"}}, group)

    assert {file.name: file.read_bytes() for file in identity.iterdir()} == {"pub": b"u"}
    assert (identity / "pub").stat().st_mode & 0o7777 == 0o440
    assert {file.name for file in scripts.iterdir()} == {"backup.sh", "restore.sh"}
    assert [tmp_path / "memory" in each.parents for each in (identity, shared, scripts, temporary)] == [
        True,
        True,
        False,
        False,
    ]
    assert [each.stat().st_mode & 0o7777 for each in (shared, temporary, state)] == [0o777, 0o777, 0o2775]
    volumes.forget("pod")
    assert not identity.exists()
    assert state.exists()


def test_a_volume_of_another_kind_is_refused(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, tmp_path, GIVEN)
    with pytest.raises(ValueError, match="volume x: received nfs; accepted: persistentVolumeClaim, emptyDir"):
        volumes.made("pod", {"name": "x", "nfs": {}}, 0)


def test_every_long_running_pod_has_all_three_probes() -> None:
    for workload in WORKLOADS:
        container = pod_template(workload)["spec"]["containers"][0]
        expected = set(PROBES) if workload["kind"] in ("Deployment", "StatefulSet") else set()
        assert set(PROBES) & set(container) == expected


def test_the_values_beyond_the_laptops_are_stores_names_and_backup() -> None:
    given = yaml.safe_load((Path(__file__).parent / "stores" / "values.yaml").read_text())

    assert set(given) == {"database", "networkPolicy", "redis", "backup"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_what_is_lent_is_read_and_nothing_else_is_changed(workload: Object) -> None:
    before = played(workload)["spec"]
    after = adapted("pod", pod_template(workload), GIVEN, lambda volume: NODE / volume["name"], [Path("/usr")])["spec"]

    (container,) = after["containers"]
    assert after["volumes"].pop() == {"name": "lent-0", "hostPath": {"path": "/usr", "type": "Directory"}}
    assert container["volumeMounts"].pop() == {"name": "lent-0", "mountPath": "/usr", "readOnly": True}
    assert after == before
