"""checkov, which looks for what is unsafe in manifests, finds nothing but what is excepted here with a reason."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .rendering import NAMESPACE, SETS, Object, pod_templates, rendered

CHECKOV = Path(__file__).parents[2] / ".cache" / "checkov" / "bin" / "checkov"
"""In an environment of its own (`make chart-test` makes it): it pins what the platform has in other versions."""

pytestmark = pytest.mark.slow

EXCEPTED = {
    "CKV_K8S_8": (r"Pod\..*-test-(health|reconstruct)", "`helm test` pods end by themselves, and have a deadline"),
    "CKV_K8S_9": (r"Pod\..*-test-(health|reconstruct)", "nobody calls them"),
    "CKV_K8S_15": (
        r".*",
        "a tag of a release never changes, and a node that has it starts pods while the registry is away",
    ),
    "CKV_K8S_35": (
        r".*",
        "libpq and Redis take passwords from variables or URLs; what is ours (pepper, token keys) is mounted as files",
    ),
    "CKV_K8S_38": (
        r"Deployment\..*-agent-worker|Pod\..*-(assimilation|ocean|pointcloud)-0",
        "the agent's worker creates Jobs, Ray's autoscaler pods; each with a Role of the verbs that takes",
    ),
    "CKV_K8S_40": (r"StatefulSet\..*-(redis|postgresql)", "the numeric users of those images"),
    "CKV_K8S_43": (r".*", "digests are values (image.digests): the chart cannot know those of an institute's registry"),
}
"""By check: the resources that may fail it, and why."""


def as_known(objects: tuple[Object, ...]) -> list[Object]:
    """Objects as checkov knows them: pods of a RayService, of which it knows nothing, as pods."""
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**template["metadata"], "name": f"{object['metadata']['name']}-{i}", "namespace": NAMESPACE},
            "spec": template["spec"],
        }
        for object in objects
        if object["kind"] == "RayService"
        for i, (_, template) in enumerate(pod_templates(object))
    ]
    return [*objects, *pods]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("manifests")
    for name in SETS:
        (folder / f"{name}.yaml").write_text(yaml.dump_all(as_known(rendered(name)), Dumper=yaml.CSafeDumper))
    options = ["--framework", "kubernetes", "--compact", "--skip-download", "--output", "json"]
    ran = subprocess.run([CHECKOV, "--directory", folder, *options], capture_output=True, text=True)
    return json.loads(ran.stdout)


def test_nothing_is_found_that_is_not_excepted(report: Any) -> None:
    failed = {
        (check["check_id"], check["resource"]): check["check_name"] for check in report["results"]["failed_checks"]
    }
    unexpected = {
        key: name
        for key, name in failed.items()
        if key[0] not in EXCEPTED or not re.fullmatch(EXCEPTED[key[0]][0], key[1])
    }
    assert unexpected == {}
    assert report["summary"]["passed"] > 1000
    assert report["summary"]["parsing_errors"] == 0


def test_every_exception_is_needed(report: Any) -> None:
    assert {check["check_id"] for check in report["results"]["failed_checks"]} == EXCEPTED.keys()
