"""Every container is watched, bounded, without privilege: Pod Security `restricted`, and what the chart adds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from .rendering import CHART, SETS, Object, named, objects_of, pod_templates, pods, rendered

SAFE_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Those that Pod Security Standards `restricted` allow."""
ERRANDS = {"migration", "backup", "health", "reconstruct", "repository"}
"""Containers that end by themselves: their Job or pod has a deadline, and nothing is to be probed."""


def containers(name: str) -> Iterator[tuple[str, Object, Object]]:
    for pod, template in pods(name):
        spec = template["spec"]
        for container in (*spec.get("initContainers", ()), *spec["containers"]):
            yield f"{pod}:{container['name']}", container, spec


def breaches(spec: Object) -> Iterator[str]:
    """Of Pod Security Standards, profile `restricted` (Kubernetes 1.34), in a pod's spec."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key
    for volume in spec.get("volumes", ()):
        if unsafe := volume.keys() - {"name"} - SAFE_VOLUMES:
            yield f"volume {unsafe}"
    pod = spec.get("securityContext", {})
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        own: dict[str, Any] = container.get("securityContext", {})
        both = {**pod, **own}
        if own.get("privileged"):
            yield "privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield "allowPrivilegeEscalation"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or own.get("capabilities", {}).get("add"):
            yield "capabilities"
        if both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0:
            yield "runAsNonRoot"
        if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "seccompProfile"
        if both.get("procMount", "Default") != "Default" or both.get("seLinuxOptions") or both.get("sysctls"):
            yield "kernel"
        if any("hostPort" in port for port in container.get("ports", ())):
            yield "hostPort"


@pytest.mark.parametrize("name", SETS)
def test_pod_security_restricted_admits_every_pod(name: str) -> None:
    found = {pod: list(breaches(template["spec"])) for pod, template in pods(name)}
    assert found
    assert {pod: wrong for pod, wrong in found.items() if wrong} == {}


def test_the_profile_refuses_what_it_should() -> None:
    """That the check above can fail."""
    bad = {
        "hostNetwork": True,
        "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
        "containers": [{"name": "a", "securityContext": {"privileged": True}, "ports": [{"hostPort": 1}]}],
    }
    assert set(breaches(bad)) == {
        *("hostNetwork", "volume {'hostPath'}", "privileged", "allowPrivilegeEscalation", "capabilities"),
        *("runAsNonRoot", "seccompProfile", "hostPort"),
    }


@pytest.mark.parametrize("name", SETS)
def test_users_are_numbers_and_the_root_is_read_only(name: str) -> None:
    for where, container, spec in containers(name):
        assert spec["securityContext"]["runAsUser"] > 0, where
        assert container["securityContext"]["readOnlyRootFilesystem"] is True, where


@pytest.mark.parametrize("name", SETS)
def test_every_container_has_requests_and_limits(name: str) -> None:
    for where, container, _ in containers(name):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert {"cpu", "memory", "ephemeral-storage"} <= requests.keys() & limits.keys(), where
        gpus = [resources.get("nvidia.com/gpu") for resources in (requests, limits)]
        assert gpus[0] == gpus[1], where  # Kubernetes shares no GPU


@pytest.mark.parametrize("name", SETS)
def test_every_container_that_stays_is_probed(name: str) -> None:
    for where, container, _ in containers(name):
        probes = {"startupProbe", "readinessProbe", "livenessProbe"} & container.keys()
        assert len(probes) == (0 if container["name"] in ERRANDS else 3), where


@pytest.mark.parametrize("name", SETS)
def test_what_ends_by_itself_ends_in_time(name: str) -> None:
    for object in rendered(name):
        spec = object.get("spec", {})
        if object["kind"] in ("Job", "Pod"):
            assert spec["activeDeadlineSeconds"] > 0, named(object)
        elif object["kind"] == "CronJob":
            assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 0, named(object)


@pytest.mark.parametrize("name", SETS)
def test_tmp_and_shm_are_bounded_and_writable(name: str) -> None:
    for where, container, spec in containers(name):
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        mounts = {mount["mountPath"]: volumes.get(mount["name"]) for mount in container["volumeMounts"]}
        assert mounts["/tmp"]["emptyDir"]["sizeLimit"], where
        if container["name"] not in ERRANDS | {"redis"}:
            assert mounts["/dev/shm"]["emptyDir"]["medium"] == "Memory", where


@pytest.mark.parametrize("name", SETS)
def test_only_who_talks_to_kubernetes_has_a_token(name: str) -> None:
    given = {pod for pod, template in pods(name) if template["spec"]["automountServiceAccountToken"] is not False}
    heads = {f"RayService/tellurion-{service}/head" for service in ("assimilation", "ocean", "pointcloud")}
    expected = {"Deployment/tellurion-agent-worker", *heads}
    assert given == (expected if name == "institute" else set())


@pytest.mark.parametrize("name", SETS)
def test_no_environment_has_a_secret_in_clear(name: str) -> None:
    for where, container, _ in containers(name):
        for variable in container.get("env", ()):
            if any(word in variable["name"] for word in ("PASSWORD", "AUTH", "KEY")) and "value" in variable:
                assert variable["value"].startswith("/"), f"{where} {variable['name']}"  # a file's place


@pytest.mark.parametrize("name", SETS)
def test_gpus_come_with_the_cuda_image_and_their_toleration(name: str) -> None:
    for where, container, spec in containers(name):
        if "nvidia.com/gpu" in container["resources"]["limits"]:
            assert container["image"].endswith("-cuda"), where
            assert any(each.get("key") == "nvidia.com/gpu" for each in spec["tolerations"]), where
        else:
            assert not container["image"].endswith("-cuda"), where


def test_triton_is_an_image_of_ours_that_starts_as_it_does_by_itself() -> None:
    (spec,) = (template["spec"] for pod, template in pods("air-gapped") if pod == "Deployment/tellurion-triton")
    (export,), (server,) = spec["initContainers"], spec["containers"]
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert server["image"] == f"registry.internal:5000/tellurion/tellurion-triton:{version}-cuda"
    assert export["image"] == server["image"]
    containerfile = (CHART.parents[1] / "Containerfile").read_text()
    assert f"\nCMD {json.dumps(server['command'])}\n" in containerfile


def test_triton_is_pinned_by_a_digest_like_services() -> None:
    digest = f"sha256:{'1' * 64}"
    values = {"serving": {"mode": "triton"}, "image": {"digests": {"triton": digest}}}
    images = {
        container["image"]
        for object in objects_of(values)
        for pod, template in pod_templates(object)
        if pod == "Deployment/tellurion-triton"
        for container in (*template["spec"]["initContainers"], *template["spec"]["containers"])
    }
    assert images == {f"tellurion-triton@{digest}"}


def test_the_mirror_takes_the_place_of_every_registry() -> None:
    images = {container["image"] for _, container, _ in containers("air-gapped")}
    assert images
    assert {image for image in images if not image.startswith("registry.internal:5000/")} == set()


@pytest.mark.parametrize("name", SETS)
def test_nothing_sets_replicas_that_something_scales(name: str) -> None:
    scaled = {
        object["spec"]["scaleTargetRef"]["name"]
        for object in rendered(name)
        if object["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")
    }
    assert bool(scaled) == (name == "institute")
    for object in rendered(name):
        if object["kind"] == "Deployment":
            assert ("replicas" in object["spec"]) != (object["metadata"]["name"] in scaled), named(object)


@pytest.mark.parametrize("name", SETS)
def test_a_disruption_budget_only_above_one_replica(name: str) -> None:
    guarded = {object["metadata"]["name"] for object in rendered(name) if object["kind"] == "PodDisruptionBudget"}
    several = {
        f"{object['metadata']['name']}-ray"
        for object in rendered(name)
        if object["kind"] == "RayService"
        and sum(each["minReplicas"] for each in object["spec"]["rayClusterConfig"]["workerGroupSpecs"]) > 1
    }
    several |= {
        object["metadata"]["name"]
        for object in rendered(name)
        for key in ("replicas", "minReplicas", "minReplicaCount")
        if object["kind"] in ("Deployment", "HorizontalPodAutoscaler", "ScaledObject")
        and object["spec"].get(key, 0) > 1
    }
    assert guarded == several
    assert bool(several) == (name in ("institute", "air-gapped"))


def test_all_but_one_of_rays_workers_stay() -> None:
    """Pods that no Deployment counts: a budget that says how many may go would be refused each eviction."""
    (budget,) = (
        object
        for object in rendered("institute")
        if (object["kind"], object["metadata"]["name"]) == ("PodDisruptionBudget", "tellurion-ocean-ray")
    )
    (service,) = (
        object
        for object in rendered("institute")
        if (object["kind"], object["metadata"]["name"]) == ("RayService", "tellurion-ocean")
    )
    least = sum(each["minReplicas"] for each in service["spec"]["rayClusterConfig"]["workerGroupSpecs"])
    assert budget["spec"]["minAvailable"] == least - 1 > 0
    assert budget["spec"]["selector"]["matchLabels"]["ray.io/node-type"] == "worker"


def test_rays_objects_have_room_in_shared_memory() -> None:
    for object in rendered("institute"):
        if object["kind"] == "RayService":
            cluster = object["spec"]["rayClusterConfig"]
            for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
                (shm,) = (each for each in group["template"]["spec"]["volumes"] if each["name"] == "shm")
                gibibytes = int(shm["emptyDir"]["sizeLimit"].removesuffix("Gi"))
                assert 0.8 < int(group["rayStartParams"]["object-store-memory"]) / (gibibytes << 30) < 1


@pytest.mark.parametrize("name", SETS)
def test_a_deployment_gives_up_no_sooner_than_its_pods_may_start(name: str) -> None:
    for object in rendered(name):
        if object["kind"] == "Deployment":
            probe = object["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
            starting = probe["periodSeconds"] * probe["failureThreshold"]
            assert object["spec"]["progressDeadlineSeconds"] >= starting + 600, named(object)


@pytest.mark.parametrize("name", SETS)
def test_settings_that_change_start_new_pods(name: str) -> None:
    for object in rendered(name):
        if object["kind"] == "Deployment" and "triton" not in object["metadata"]["name"]:
            assert object["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]


def strategies(name: str) -> dict[str, tuple[bool, Any]]:
    """Whether pods of a Deployment have GPUs, and how they are replaced."""
    found = {}
    for object in rendered(name):
        if object["kind"] == "Deployment":
            (container,) = object["spec"]["template"]["spec"]["containers"]
            gpus = "nvidia.com/gpu" in container["resources"]["limits"]
            found[named(object)] = gpus, object["spec"]["strategy"]["rollingUpdate"]
    return found


@pytest.mark.parametrize("name", ["one-gpu", "institute", "air-gapped"])
def test_a_pod_with_gpus_makes_room_for_its_successor(name: str) -> None:
    for deployment, (gpus, strategy) in strategies(name).items():
        wanted = {"maxUnavailable": 1, "maxSurge": 0} if gpus else {"maxUnavailable": 0, "maxSurge": 1}
        assert strategy == wanted, deployment
    assert any(gpus for gpus, _ in strategies(name).values())


@pytest.mark.parametrize("name", SETS)
def test_a_new_version_of_the_chart_alone_changes_no_pod(name: str) -> None:
    """Least of all those of Redis, PostgreSQL and Ray, whose restart is felt."""
    for pod, template in pods(name):
        if "-test-" not in pod:
            labels = template["metadata"]["labels"]
            assert not labels.keys() & {"helm.sh/chart", "app.kubernetes.io/version"}, pod


def test_a_pod_is_given_the_time_that_it_takes_to_stop() -> None:
    values = {"services": {"ocean": {"settings": {"STOP_SECONDS": "300"}}}}
    graces = {
        pod.removeprefix("Deployment/tellurion-"): template["spec"]["terminationGracePeriodSeconds"]
        for object in objects_of(values)
        if object["kind"] == "Deployment"
        for pod, template in pod_templates(object)
    }
    assert graces["ocean"] == graces["ocean-worker"] == 315
    assert graces["splat"] == 45
