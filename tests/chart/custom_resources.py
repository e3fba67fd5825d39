"""Schemas of the custom resources that the chart renders: those of their operators, and what is kept of them here.

The operators' own lie in a folder, `<kind>_<version>.json`, which TELLURION_CRDS names and which is no part of the
repository. Without it, objects are checked with `custom_resources.json`: of each schema what the chart uses, closed,
with all that is required, and whose version it is of. `python -m tests.chart.custom_resources`, from the root of the
repository, writes that anew; it needs the folder, and in TELLURION_KUBERAY a clone of KubeRay, for the oldest version
that the chart's guide promises.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .rendering import SETS, rendered

FOLDER = Path(os.environ["TELLURION_CRDS"]) if "TELLURION_CRDS" in os.environ else None
KEPT = Path(__file__).with_name("custom_resources.json")
KINDS = {
    "Certificate": "cert-manager.io/v1",
    "GRPCRoute": "gateway.networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "RayService": "ray.io/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
}
"""Version by kind."""
CATALOGUE = "datreeio/CRDs-catalog 7b1e26ef of 2026-08-20, which does not say of which release"
SOURCES = {
    "Certificate": f"cert-manager: {CATALOGUE}",
    "GRPCRoute": f"Gateway API: {CATALOGUE}",
    "HTTPRoute": f"Gateway API: {CATALOGUE}",
    "PrometheusRule": f"Prometheus operator: {CATALOGUE}",
    "RayService": "KubeRay 1.7.0",
    "ScaledObject": f"KEDA: {CATALOGUE}",
    "ServiceMonitor": f"Prometheus operator: {CATALOGUE}",
    "TriggerAuthentication": f"KEDA: {CATALOGUE}",
}
"""Where the schemas come from, as far as it is known."""
OLDEST_KUBERAY = "1.5.1"
"""That is promised; RayService is checked with its schema too."""
ANYTHING = "x-kubernetes-preserve-unknown-fields"


def present() -> bool:
    """Whether the operators' own schemas are there."""
    return FOLDER is not None


def own(kind: str) -> Any:
    """The operator's schema."""
    assert FOLDER is not None
    return json.loads((FOLDER / f"{kind.lower()}_{KINDS[kind].rpartition('/')[2]}.json").read_text())


@cache
def kept() -> Any:
    """What is kept here: `operators`, by kind its source and schema, and `oldest`, those of RayService."""
    return json.loads(KEPT.read_text())


def unknown(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Keys of an object that its schema does not have: an API server would drop them without a word."""
    if isinstance(value, dict) and not schema.get(ANYTHING):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, inner in value.items():
            if key in properties:
                yield from unknown(inner, properties[key], f"{path}.{key}")
            elif isinstance(others, dict):
                yield from unknown(inner, others, f"{path}.{key}")
            elif "properties" in schema or others is not None:
                yield f"{path}.{key}"
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from unknown(inner, schema.get("items", {}), f"{path}[{i}]")


def used(schema: Mapping[str, Any], values: Sequence[Any]) -> dict[str, Any]:
    """A schema without the properties that none of these values has; required ones stay."""
    words = ("type", "enum", "pattern", "minimum", "maximum", "required", "additionalProperties", ANYTHING)
    less = {word: schema[word] for word in words if word in schema}
    if "properties" in schema:
        objects = [value for value in values if isinstance(value, dict)]
        less["properties"] = {
            key: used(inner, having)
            for key, inner in schema["properties"].items()
            if (having := [each[key] for each in objects if key in each]) or key in schema.get("required", ())
        }
    if "items" in schema:
        less["items"] = used(schema["items"], [item for value in values if isinstance(value, list) for item in value])
    return less


def oldest_kuberay(clone: Path) -> Any:
    """The schema of RayService in the oldest KubeRay that is promised."""
    file = f"v{OLDEST_KUBERAY}:ray-operator/config/crd/bases/ray.io_rayservices.yaml"
    shown = subprocess.run(["git", "-C", clone, "show", file], check=True, capture_output=True)
    (schema,) = (
        version["schema"]["openAPIV3Schema"]
        for version in yaml.load(shown.stdout, Loader=yaml.CSafeLoader)["spec"]["versions"]
        if version["name"] == "v1"
    )
    return schema


def main() -> None:
    """Writes what is kept."""
    objects = [object for name in SETS for object in rendered(name)]
    by_kind = {kind: [object for object in objects if object["kind"] == kind] for kind in KINDS}
    oldest = oldest_kuberay(Path(os.environ["TELLURION_KUBERAY"]))
    contents = {
        "oldest": {"of": f"KubeRay {OLDEST_KUBERAY}", "schema": used(oldest, by_kind["RayService"])},
        "operators": {kind: {"of": SOURCES[kind], "schema": used(own(kind), by_kind[kind])} for kind in KINDS},
    }
    KEPT.write_text(json.dumps(contents, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
