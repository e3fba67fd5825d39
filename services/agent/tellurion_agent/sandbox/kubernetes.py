"""The outer sandbox on a cluster, as manifests: one Job for each run, and a policy that leaves it no network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.errors import InvalidInput

LABELS = {"app.kubernetes.io/component": "sandbox", "app.kubernetes.io/part-of": "tellurion"}
"""Of every pod that runs a script; what the network policy selects."""
OUTPUT, INPUTS, SCRIPT = "/run/tellurion/output", "/run/tellurion/inputs", "/run/tellurion/script"
"""Where a pod finds them."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
_DIGEST = re.compile(r"[a-z0-9][\w.:/-]{0,200}@sha256:[0-9a-f]{64}")
_NOBODY = 65532
_START_SECONDS = 120
"""For the image to come and the pod to be placed."""
_KEPT_SECONDS = 300
"""For the service to read how a Job ended, before the cluster removes it."""


@dataclass(frozen=True)
class Source:
    """Files on a claim, which a pod reads."""

    claim: str
    """Name of a PersistentVolumeClaim."""
    path: str
    """Within it; relative, without ``..``."""


def job(
    name: str,
    image: str,
    command: Sequence[str],
    script: str,
    inputs: Sequence[Source],
    limits: Limits,
    *,
    cpus: int = 2,
    runtime_class: str | None = None,
) -> dict[str, Any]:
    """The Job of one run, as `batch/v1` has it; Pod Security `restricted` admits it.

    `script` is the name of the ConfigMap that holds it, `image` is named by its digest, `runtime_class` is gVisor's
    where the cluster has it. Raises InvalidInput.
    """
    _check(name, image, script, inputs)
    # An emptyDir counts as storage of the node: the pod is evicted where it grows beyond its size.
    disk = str(int(limits.disk_bytes))
    resources = {"cpu": str(cpus), "memory": str(int(limits.memory_bytes)), "ephemeral-storage": disk}
    volumes: list[dict[str, Any]] = [
        {"name": "output", "emptyDir": {"sizeLimit": disk}},
        {"name": "script", "configMap": {"name": script, "defaultMode": 0o444}},
    ]
    mounts: list[dict[str, Any]] = [
        {"name": "output", "mountPath": OUTPUT},
        {"name": "script", "mountPath": SCRIPT, "readOnly": True},
    ]
    claims = dict.fromkeys(source.claim for source in inputs)
    volumes += ({"name": claim, "persistentVolumeClaim": {"claimName": claim, "readOnly": True}} for claim in claims)
    for index, source in enumerate(inputs):
        place = {"mountPath": f"{INPUTS}/{index}", "subPath": source.path, "readOnly": True}
        mounts.append({"name": source.claim, **place})
    container = {
        "name": "script",
        "image": image,
        "command": list(command),
        "workingDir": OUTPUT,
        "env": [{"name": variable, "value": OUTPUT} for variable in ("HOME", "TMPDIR", "MPLCONFIGDIR")],
        "resources": {"requests": resources, "limits": resources},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": mounts,
    }
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "enableServiceLinks": False,
        "hostIPC": False,
        "hostNetwork": False,
        "hostPID": False,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "fsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 0,
        "volumes": volumes,
    }
    if runtime_class:
        pod["runtimeClassName"] = runtime_class
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": LABELS},
        "spec": {
            "activeDeadlineSeconds": math.ceil(limits.seconds) + _START_SECONDS,
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "template": {"metadata": {"labels": LABELS}, "spec": pod},
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
        },
    }


def network_policy() -> dict[str, Any]:
    """The policy that leaves the pods of scripts no network, inwards or outwards, names of hosts included."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "tellurion-sandbox", "labels": LABELS},
        "spec": {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress", "Egress"]},
    }


def _check(name: str, image: str, script: str, inputs: Sequence[Source]) -> None:
    named = {"name": name, "script": script}
    named |= {f"inputs[{index}].claim": source.claim for index, source in enumerate(inputs)}
    for field, value in named.items():
        if not _NAME.fullmatch(value):
            raise InvalidInput.of(field, received=value, accepted="up to 52 lower-case letters, digits and dashes")
    if not _DIGEST.fullmatch(image):
        raise InvalidInput.of("image", received=image, accepted="an image by its digest: registry/name@sha256:…")
    for index, source in enumerate(inputs):
        parts = source.path.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise InvalidInput.of(f"inputs[{index}].path", received=source.path, accepted="a relative path without ..")
