"""skaffold.yaml against the Containerfile and the sources that it names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CONFIG: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text(encoding="utf-8"))
ARTIFACTS = {artifact["docker"]["target"]: artifact for artifact in CONFIG["build"]["artifacts"]}
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_every_service_is_built_under_the_name_that_the_chart_gives_its_image() -> None:
    services = {folder.parent.name for folder in (ROOT / "services").glob("*/pyproject.toml")}

    assert set(ARTIFACTS) == services
    assert {target: artifact["image"] for target, artifact in ARTIFACTS.items()} == {
        service: f"tellurion-{service}" for service in services
    }


@pytest.mark.parametrize("target", ARTIFACTS)
def test_changed_python_of_all_its_distributions_is_copied_into_an_image(target: str) -> None:
    stage = TEXT.partition(f"FROM core AS {target}-code")[2].partition("FROM ")[0]
    copied = {"libs/core", *re.findall(r"^COPY (libs/\S+|services/\S+)", stage, re.MULTILINE)}

    rules = ARTIFACTS[target]["sync"]["manual"]

    assert {rule["strip"].rstrip("/") for rule in rules} == copied
    for rule in rules:
        assert rule["src"] == f"{rule['strip']}**/*.py"
        assert list(ROOT.glob(rule["src"]))


def at(path: str) -> Any:
    """What stands at a path of the configuration. Raises LookupError where nothing does."""
    node: Any = CONFIG
    for part in path.lstrip("/").split("/"):
        node = node[int(part)] if isinstance(node, list) else node[part]
    return node


@pytest.mark.parametrize(
    "patch",
    [pytest.param(patch, id=each["name"] + patch["path"]) for each in CONFIG["profiles"] for patch in each["patches"]],
)
def test_profiles_replace_what_is_there_and_add_what_is_not(patch: dict[str, Any]) -> None:
    """An empty map counts as nothing: skaffold drops it before it patches, and then refuses to replace it."""
    parent, _, key = patch["path"].rpartition("/")

    if patch["op"] == "replace":
        assert type(at(patch["path"])) is type(patch["value"])
        assert at(patch["path"])
    else:
        assert patch["op"] == "add"
        assert at(parent)
        assert key not in at(parent)


def test_the_profile_for_gpus_builds_for_cuda_what_has_torch_and_can_use_a_gpu() -> None:
    (gpu,) = (profile for profile in CONFIG["profiles"] if profile["name"] == "gpu")
    changed = {
        CONFIG["build"]["artifacts"][int(patch["path"].split("/")[3])]["docker"]["target"]
        for patch in gpu["patches"]
        if patch["value"] == "cuda"
    }

    with_torch = set(re.findall(r"^FROM (?:torch|ray) AS (?!ray)(\w+)$", TEXT, re.MULTILINE))
    # Values of no profile have models on Triton.
    assert changed == with_torch - {"splat", "triton"}
