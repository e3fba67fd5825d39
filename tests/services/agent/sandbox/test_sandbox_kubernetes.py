"""The Job of a run is what Pod Security `restricted` admits, and holds the run to its limits."""

from __future__ import annotations

import json

import pytest

from tellurion_agent.sandbox.kubernetes import LABELS, OUTPUT, Source, job, network_policy
from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.errors import InvalidInput

IMAGE = "registry.example/tellurion/agent@sha256:" + "0" * 64
GIVEN = {
    "name": "run-1",
    "image": IMAGE,
    "command": ["python", "script.py"],
    "script": "run-1-script",
    "inputs": [Source("data", "cmip6/tas.nc"), Source("data", "cmip6/pr"), Source("observed", "sst.nc")],
    "limits": Limits(seconds=60.5, memory_bytes=1 << 30, disk_bytes=2 << 30),
}


@pytest.fixture
def spec():
    return job(**GIVEN)["spec"]


@pytest.fixture
def pod(spec):
    return spec["template"]["spec"]


@pytest.fixture
def container(pod):
    (container,) = pod["containers"]
    return container


def test_pod_security_restricted_admits_it(pod, container):
    """The controls of the standard: kubernetes.io/docs/concepts/security/pod-security-standards."""
    assert not any(pod.get(shared) for shared in ("hostNetwork", "hostPID", "hostIPC"))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["privileged"] is False
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "emptyDir", "persistentVolumeClaim"}
    assert "ports" not in container


def test_it_has_no_token_and_writes_only_where_its_results_go(pod, container):
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == [OUTPUT]
    sizes = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
    assert sizes == [{"sizeLimit": str(2 << 30)}]


def test_it_runs_once_within_its_limits(spec, pod, container):
    assert spec["backoffLimit"] == 0
    assert pod["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] >= 61
    assert isinstance(spec["activeDeadlineSeconds"], int)
    assert container["resources"]["limits"]["memory"] == str(1 << 30)
    assert container["resources"]["limits"]["ephemeral-storage"] == str(2 << 30)
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_inputs_are_read_where_the_claims_have_them(pod, container):
    claims = [volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [{"claimName": name, "readOnly": True} for name in ("data", "observed")]
    read = [(mount["name"], mount["subPath"], mount["readOnly"]) for mount in container["volumeMounts"][2:]]
    assert read == [("data", "cmip6/tas.nc", True), ("data", "cmip6/pr", True), ("observed", "sst.nc", True)]


def test_gvisor_runs_it_where_it_is_named(pod):
    assert "runtimeClassName" not in pod
    assert job(**GIVEN, runtime_class="gvisor")["spec"]["template"]["spec"]["runtimeClassName"] == "gvisor"


def test_its_pods_have_no_network(spec):
    policy = network_policy()["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert policy == {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress", "Egress"]}


def test_it_can_be_sent():
    assert json.loads(json.dumps(job(**GIVEN))) == job(**GIVEN)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": "Run_1"}),
        ("name", {"name": "x" * 60}),
        ("script", {"script": "../secret"}),
        ("image", {"image": "registry.example/agent:latest"}),
        ("inputs[0].claim", {"inputs": [Source("a/b", "x")]}),
        ("inputs[0].path", {"inputs": [Source("data", "../other-tenant")]}),
        ("inputs[0].path", {"inputs": [Source("data", "/etc")]}),
        ("inputs[0].path", {"inputs": [Source("data", "")]}),
    ],
)
def test_what_would_lead_elsewhere_is_refused(field, change):
    with pytest.raises(InvalidInput) as caught:
        job(**{**GIVEN, **change})
    assert caught.value.violations[0].field == field
