"""The Job of a run is what Pod Security `restricted` admits, and holds the run to its limits."""

from __future__ import annotations

import json

import pytest

from tellurion_agent.sandbox.manifests import LABELS, Mount, job, network_policy
from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.errors import InvalidInput

IMAGE = "registry.example/tellurion/agent@sha256:" + "0" * 64
GIVEN = {
    "name": "run-1",
    "image": IMAGE,
    "command": ["python", "script.py", "$(HOME)"],
    "mounts": [
        Mount("data", "cmip6/tas.nc", "/data/cmip6/tas.nc"),
        Mount("data", "cmip6/pr", "/data/cmip6/pr"),
        Mount("state", "runs/1/results", "/state/runs/1/results", writable=True),
    ],
    "limits": Limits(seconds=60.5, memory_bytes=1 << 30, output_bytes=1 << 20),
    "user": 1000,
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
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (1000, 1000)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["privileged"] is False
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"emptyDir", "persistentVolumeClaim"}
    assert "ports" not in container


def test_it_has_no_token_and_writes_only_where_its_results_go(pod, container):
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
    assert writable == ["/tmp", "/state/runs/1/results"]
    sizes = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
    assert sizes == [{"sizeLimit": str(64 << 20)}]


def test_it_runs_once_within_its_limits(spec, pod, container):
    assert spec["backoffLimit"] == 0
    assert pod["restartPolicy"] == "Never"
    assert spec["activeDeadlineSeconds"] >= 61
    assert isinstance(spec["activeDeadlineSeconds"], int)
    assert 1 << 30 < int(container["resources"]["limits"]["memory"]) <= (1 << 30) + (256 << 20)
    assert container["resources"]["limits"]["ephemeral-storage"] == str((64 << 20) + (2 << 20))
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_each_file_is_a_place_of_its_own_on_its_claim(pod, container):
    claims = [volume["persistentVolumeClaim"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume]
    assert claims == [{"claimName": "data", "readOnly": True}, {"claimName": "state"}]
    volumes = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"][1:]}
    mounts = container["volumeMounts"][1:]
    assert [(volumes[each["name"]], each["subPath"], each.get("readOnly", False)) for each in mounts] == [
        ("data", "cmip6/tas.nc", True),
        ("data", "cmip6/pr", True),
        ("state", "runs/1/results", False),
    ]


def test_no_word_of_a_command_is_read_as_a_variable(container):
    """As the cluster's expansion has it, $$ stands for $."""
    assert container["command"] == ["python", "script.py", "$$(HOME)"]


def test_another_runtime_runs_it_where_it_is_named(pod):
    assert "runtimeClassName" not in pod
    assert job(**GIVEN, runtime_class="kata")["spec"]["template"]["spec"]["runtimeClassName"] == "kata"


def test_the_image_is_pulled_with_the_secrets_that_are_named():
    assert "imagePullSecrets" not in job(**GIVEN)["spec"]["template"]["spec"]
    pod = job(**GIVEN, pull_secrets=("registry", "mirror"))["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]


def test_its_pods_have_no_network(spec):
    policy = network_policy()["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert policy == {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress", "Egress"]}


def test_the_api_knows_every_field_of_what_is_sent(cluster_api):
    """The client's models follow the API's OpenAPI document; a field that they do not know is lost, and so is found."""
    for manifest, model in ((job(**GIVEN, runtime_class="kata"), "V1Job"), (network_policy(), "V1NetworkPolicy")):
        assert cluster_api.strict(manifest, model) == manifest
    misspelt = json.loads(json.dumps(job(**GIVEN)).replace("automountServiceAccountToken", "automountToken"))
    with pytest.raises(ValueError, match="V1Job"):
        cluster_api.strict(misspelt, "V1Job")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": "Run_1"}),
        ("name", {"name": "x" * 60}),
        ("user", {"user": 0}),
        ("image", {"image": "registry.example/agent:latest"}),
        ("mounts[0].claim", {"mounts": [Mount("a/b", "x", "/x")]}),
        ("mounts[0].path", {"mounts": [Mount("data", "../other-tenant", "/x")]}),
        ("mounts[0].path", {"mounts": [Mount("data", "/etc", "/x")]}),
        ("mounts[0].path", {"mounts": [Mount("data", "", "/x")]}),
        ("mounts[0].place", {"mounts": [Mount("data", "x", "x")]}),
        ("mounts[0].place", {"mounts": [Mount("data", "x", "/x:/etc")]}),
    ],
)
def test_what_would_lead_elsewhere_is_refused(field, change):
    with pytest.raises(InvalidInput) as caught:
        job(**{**GIVEN, **change})
    assert caught.value.violations[0].field == field
