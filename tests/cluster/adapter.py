"""A rendered pod as podman 4.3 plays it: what `podman kube play` lacks is filled in, everything else stays as it is.

| of the manifest | becomes | because podman 4.3 |
|---|---|---|
| `env` and `envFrom` with references | values | knows neither our Secrets nor `$(NAME)` |
| `command` and `args` with `$(NAME)` | their values in place | passes them as they are |
| volumes | folders of this machine | has no Secrets, and its empty folders are root's |
| probes | nothing: `probes.py` runs them | has no gRPC probes, and needs systemd for the others |
| `ports` | nothing | would publish each on this machine, and two pods have the same |
| annotations | nothing | refuses those of more than 63 characters, as checksums are |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


@dataclass(frozen=True)
class Given:
    """What pods refer to, by name and key."""

    config_maps: Mapping[str, Mapping[str, str]]
    secrets: Mapping[str, Mapping[str, bytes]]


def adapted(
    name: str, template: Object, given: Given, folder: Callable[[Object], Path], lent: Sequence[Path] = ()
) -> Object:
    """The pod that podman plays.

    `folder` says where a volume is on this machine; what is `lent` of it is read where it is, for images that lack it.
    Raises KeyError where something that is referred to is not there.
    """
    spec = deepcopy(template["spec"])
    for container in spec["containers"]:
        for key in (*PROBES, "ports"):
            container.pop(key, None)
        variables = environment(container, given)
        container.pop("envFrom", None)
        container["env"] = [{"name": key, "value": value} for key, value in variables.items()]
        for key in ("command", "args"):
            if key in container:
                container[key] = [expanded(word, variables) for word in container[key]]
    if volumes := spec.get("volumes"):
        spec["volumes"] = [
            {"name": each["name"], "hostPath": {"path": str(folder(each)), "type": "Directory"}} for each in volumes
        ]
    for number, path in enumerate(map(str, lent)):
        volume = {"name": f"lent-{number}", "hostPath": {"path": path, "type": "Directory"}}
        spec.setdefault("volumes", []).append(volume)
        mount = {"name": volume["name"], "mountPath": path, "readOnly": True}
        spec["containers"][0].setdefault("volumeMounts", []).append(mount)
    labels = template["metadata"].get("labels", {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


def environment(container: Object, given: Given) -> dict[str, str]:
    """A container's variables, as the kubelet makes them: those of `envFrom` first, later ones before earlier ones."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        (kind,) = set(source) - {"prefix"}
        if kind != "configMapRef":
            raise ValueError(f"envFrom: received {kind}; accepted: configMapRef")
        variables |= given.config_maps[source[kind]["name"]]
    for each in container.get("env", ()):
        if "valueFrom" in each:
            variables[each["name"]] = _referred(each["valueFrom"], given)
        else:
            variables[each["name"]] = expanded(str(each.get("value", "")), variables)
    return variables


def _referred(source: Object, given: Given) -> str:
    match source:
        case {"secretKeyRef": {"name": name, "key": key}}:
            return given.secrets[name][key].decode()
        case {"configMapKeyRef": {"name": name, "key": key}}:
            return given.config_maps[name][key]
    raise ValueError(f"valueFrom: received {', '.join(source)}; accepted: secretKeyRef, configMapKeyRef")


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A text with `$(NAME)` replaced; one that is not known stays, and `$$` is a dollar."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def pod_template(workload: Object) -> Object:
    """The pod of a Deployment, StatefulSet, Job, CronJob or Pod; claims of a StatefulSet are volumes of it."""
    match workload["kind"]:
        case "Pod":
            return {"metadata": workload["metadata"], "spec": workload["spec"]}
        case "Deployment" | "Job":
            return deepcopy(workload["spec"]["template"])
        case "CronJob":
            return deepcopy(workload["spec"]["jobTemplate"]["spec"]["template"])
        case "StatefulSet":
            template = deepcopy(workload["spec"]["template"])
            name = workload["metadata"]["name"]
            for claim in workload["spec"].get("volumeClaimTemplates", ()):
                use = claim["metadata"]["name"]
                volume = {"name": use, "persistentVolumeClaim": {"claimName": f"{use}-{name}-0"}}
                template["spec"].setdefault("volumes", []).append(volume)
            return template
    raise ValueError(f"kind: received {workload['kind']}; accepted: Pod, Deployment, StatefulSet, Job, CronJob")
