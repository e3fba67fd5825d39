"""The chart under real Helm: its value sets, and the objects that it renders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

CHART = Path(__file__).parents[2] / "charts" / "tellurion"
SETS = ("default", *sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml")))
"""Names of the value sets."""
RELEASE, NAMESPACE = "tellurion", "earth"

Object = dict[str, Any]


@cache
def _given(name: str) -> dict[str, Any]:
    if name == "default":
        return {}
    given: dict[str, Any] = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text())
    return given


def values_of(name: str) -> dict[str, Any]:
    """What a value set gives."""
    return deepcopy(_given(name))


def objects_of(values: Mapping[str, Any], release: str = RELEASE, namespace: str = NAMESPACE) -> list[Object]:
    """All objects that these values render, hooks among them."""
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(dict(values), name=release, namespace=namespace)
    manifests = (text for path, text in sorted(files.items()) if not path.endswith("NOTES.txt"))
    return [object for text in manifests for object in yaml.load_all(text, Loader=yaml.CSafeLoader) if object]


@cache
def rendered(name: str) -> tuple[Object, ...]:
    """Those of a value set; nobody changes them."""
    return tuple(objects_of(values_of(name)))


def named(object: Object) -> str:
    """An object in messages."""
    return f"{object['kind']}/{object['metadata']['name']}"


def pod_templates(object: Object) -> Iterator[tuple[str, Object]]:
    """The pods that an object describes, each with a name for messages and as {metadata, spec}."""
    spec = object.get("spec", {})
    match object["kind"]:
        case "Pod":
            yield named(object), object
        case "Deployment" | "StatefulSet" | "Job":
            yield named(object), spec["template"]
        case "CronJob":
            yield named(object), spec["jobTemplate"]["spec"]["template"]
        case "RayService":
            cluster = spec["rayClusterConfig"]
            yield f"{named(object)}/head", cluster["headGroupSpec"]["template"]
            for group in cluster["workerGroupSpecs"]:
                yield f"{named(object)}/{group['groupName']}", group["template"]


def pods(name: str) -> list[tuple[str, Object]]:
    """The pods of a value set."""
    return [pod for object in rendered(name) for pod in pod_templates(object)]
