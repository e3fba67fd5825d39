"""The chart as it is installed here: the value set of laptops, with HTTPS, and with stores or images of one's own.

Asked for by TELLURION_CLUSTER_RUN it is the whole; else, within the time of every run of the tests, the ocean alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ..chart import test_network
from ..chart.rendering import objects_of, pod_templates, values_of
from . import on_kubernetes

HERE = Path(__file__).parent
WHOLE = bool(os.environ.get("TELLURION_CLUSTER_RUN") or on_kubernetes.there())
SERVICES = test_network.SERVICES if WHOLE else ("ocean",)
STORES = ("postgresql", "redis")
WORKERS = tuple(worker for worker in test_network.WORKERS if worker.removesuffix("-worker") in SERVICES)
COMPONENTS = (*SERVICES, *WORKERS, "gateway", *STORES)
"""What has pods."""
FEW: Mapping[str, Any] = {
    "services": {service: {"enabled": False} for service in test_network.SERVICES if service not in SERVICES}
}
"""Values that leave the others out."""
SECURE: Mapping[str, Any] = {"gateway": {"tls": True, "service": {"port": 443}}}


def values(**more: Any) -> dict[str, Any]:
    """Those of the laptop with HTTPS in the gateway's pod, then those of where it runs, then these."""
    if on_kubernetes.there() is None:
        file: Path | None = HERE / "stores" / "values.yaml"
    else:
        file = on_kubernetes.given_values()
    ours = yaml.safe_load(file.read_text()) if file is not None else {}
    return merged(merged(merged(values_of("laptop"), SECURE), ours), more)


def images() -> set[str]:
    """Of all containers of the release, hooks among them."""
    templates = (template for each in objects_of(values()) for _, template in pod_templates(each))
    return {container["image"] for template in templates for container in template["spec"]["containers"]}


def merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm merges value files: key by key, later ones before earlier ones."""
    both = {key: merged(values[key], new) for key, new in more.items() if isinstance(new, Mapping) and key in values}
    return {**values, **more, **both}
