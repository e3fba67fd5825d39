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
POLICY = "tellurion-sandbox"
"""Name of that policy."""
TOLD = "/dev/termination-log"
"""Where a container leaves its last words."""
START_SECONDS = 120
"""For the image to come and the pod to be placed."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?")
_DIGEST = re.compile(r"[a-z0-9][\w.:/-]{0,200}@sha256:[0-9a-f]{64}")
_KEPT_SECONDS = 300
"""For the service to read how a Job ended, before the cluster removes it."""
_TEMPORARY, _TEMPORARY_BYTES = "/tmp", 64 << 20  # noqa: S108 -- the container's own
_SUPERVISOR_BYTES = 256 << 20
"""Of memory, for the process that watches the script."""


@dataclass(frozen=True)
class Mount:
    """A file or folder on a claim, as a pod has it."""

    claim: str
    """Name of a PersistentVolumeClaim."""
    path: str
    """Within it; relative, without ``..``."""
    place: str
    """In the pod; absolute."""
    writable: bool = False


def job(
    name: str,
    image: str,
    command: Sequence[str],
    mounts: Sequence[Mount],
    limits: Limits,
    *,
    user: int,
    cpus: int = 2,
    runtime_class: str | None = None,
    pull_secrets: Sequence[str] = (),
) -> dict[str, Any]:
    """The Job of one run, as `batch/v1` has it; Pod Security `restricted` admits it.

    `image` is named by its digest and pulled with `pull_secrets`, `user` is who may write where a mount is writable,
    `runtime_class` is that of a runtime that separates more than the node's own. Raises InvalidInput.
    """
    _check(name, image, mounts, user)
    claims = list(dict.fromkeys(mount.claim for mount in mounts))
    writable = {mount.claim for mount in mounts if mount.writable}
    # Logs count as storage of the node beside what is written; the pod is evicted where it takes more.
    storage = str(_TEMPORARY_BYTES + 2 * math.ceil(limits.output_bytes))
    memory = str(math.ceil(limits.memory_bytes) + _SUPERVISOR_BYTES)
    resources = {"cpu": str(cpus), "memory": memory, "ephemeral-storage": storage}
    container = {
        "name": "script",
        "image": image,
        # The cluster reads $(NAME) as a variable, and $$ as $.
        "command": [part.replace("$", "$$") for part in command],
        "env": [{"name": variable, "value": _TEMPORARY} for variable in ("HOME", "TMPDIR")],
        "resources": {"requests": resources, "limits": resources},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePath": TOLD,
        "volumeMounts": [{"name": "temporary", "mountPath": _TEMPORARY}, *(_mounted(each, claims) for each in mounts)],
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
            "runAsUser": user,
            "runAsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "terminationGracePeriodSeconds": 0,
        "volumes": [
            {"name": "temporary", "emptyDir": {"sizeLimit": str(_TEMPORARY_BYTES)}},
            *(
                {"name": _volume(claim, claims), "persistentVolumeClaim": _claimed(claim, claim in writable)}
                for claim in claims
            ),
        ],
    }
    if runtime_class:
        pod["runtimeClassName"] = runtime_class
    if pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret} for secret in pull_secrets]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": LABELS},
        "spec": {
            "activeDeadlineSeconds": math.ceil(limits.seconds) + START_SECONDS,
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
        "metadata": {"name": POLICY, "labels": LABELS},
        "spec": {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress", "Egress"]},
    }


def _mounted(mount: Mount, claims: Sequence[str]) -> dict[str, Any]:
    mounted = {"name": _volume(mount.claim, claims), "mountPath": mount.place, "subPath": mount.path}
    return mounted if mount.writable else {**mounted, "readOnly": True}


def _claimed(claim: str, writable: bool) -> dict[str, Any]:
    return {"claimName": claim} if writable else {"claimName": claim, "readOnly": True}


def _volume(claim: str, claims: Sequence[str]) -> str:
    return f"claim-{claims.index(claim)}"


def _check(name: str, image: str, mounts: Sequence[Mount], user: int) -> None:
    named = {"name": name} | {f"mounts[{index}].claim": mount.claim for index, mount in enumerate(mounts)}
    for field, value in named.items():
        if not _NAME.fullmatch(value):
            raise InvalidInput.of(field, received=value, accepted="up to 52 lower-case letters, digits and dashes")
    if not _DIGEST.fullmatch(image):
        raise InvalidInput.of("image", received=image, accepted="an image by its digest: registry/name@sha256:…")
    if user <= 0:
        raise InvalidInput.of("user", received=user, accepted="a user that is not root")
    for index, mount in enumerate(mounts):
        if any(part in ("", ".", "..") for part in mount.path.split("/")):
            raise InvalidInput.of(f"mounts[{index}].path", received=mount.path, accepted="a relative path without ..")
        # A container's mount path may have no colon.
        if not mount.place.startswith("/") or ":" in mount.place:
            raise InvalidInput.of(f"mounts[{index}].place", received=mount.place, accepted="an absolute path without :")
