"""Helm finds nothing in the chart, and renders the same from the same."""

from __future__ import annotations

import helm_python
import pytest

from .rendering import CHART, SETS, objects_of, values_of

WARNING = 2
"""Of Helm's severities: what `--strict` takes for an error."""


@pytest.mark.parametrize("name", SETS)
def test_lint_is_silent_when_strict(name: str) -> None:
    found = helm_python.lint(CHART, values_of(name), strict=True, namespace="earth")
    assert found["errors"] == []
    assert [message for message in found["messages"] if message["severity"] >= WARNING] == []


@pytest.mark.parametrize("name", SETS)
def test_the_same_values_render_the_same(name: str) -> None:
    """Several times, for Helm's templates go through some maps in any order."""

    def manifests() -> dict[str, str]:
        with helm_python.Chart.load(CHART) as chart:
            return chart.render(values_of(name), name="a", namespace="b")

    first = manifests()
    assert all(manifests() == first for _ in range(4))


@pytest.mark.parametrize("name", SETS)
def test_a_release_stays_in_its_namespace_and_under_its_name(name: str) -> None:
    first, second = (objects_of(values_of(name), release, release) for release in ("one", "two"))
    sandbox = values_of(name).get("sandbox", {}).get("namespace", "tellurion-sandbox")

    def keys(objects: list[dict]) -> set[tuple[str, ...]]:
        return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in objects}

    shared = {key for key in keys(first) & keys(second) if sandbox not in key[1:]}
    assert shared == set()


def test_the_version_is_that_of_the_distributions() -> None:
    with helm_python.Chart.load(CHART) as chart:
        version = chart.metadata["version"]
    pyproject = (CHART.parents[1] / "libs" / "core" / "pyproject.toml").read_text()
    assert f'version = "{version}"' in pyproject
