"""What is said of a cluster is looked at before anything is installed on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .on_kubernetes import check_given

NAMES = ("KUBECONFIG", "VALUES", "GATEWAY")


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"TELLURION_CLUSTER_{name}", raising=False)


def test_nothing_needs_to_be_said() -> None:
    check_given()


@pytest.mark.parametrize("name", ["VALUES", "GATEWAY"])
def test_what_is_for_a_cluster_needs_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"TELLURION_CLUSTER_{name}", "anything")

    with pytest.raises(pytest.UsageError, match=f"^TELLURION_CLUSTER_{name} is for a cluster"):
        check_given()


@pytest.mark.parametrize("text", ["", "- image", "image", "image: [", "\0"])
def test_values_that_cannot_be(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)
    monkeypatch.setenv("TELLURION_CLUSTER_KUBECONFIG", "/nowhere")
    monkeypatch.setenv("TELLURION_CLUSTER_VALUES", str(file))

    with pytest.raises(pytest.UsageError, match=f"^TELLURION_CLUSTER_VALUES: {file}"):
        check_given()


@pytest.mark.parametrize("where", ["earth.example", "https://earth.example:443", ":443", "earth.example:port"])
def test_a_gateway_that_cannot_be(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_CLUSTER_KUBECONFIG", "/nowhere")
    monkeypatch.setenv("TELLURION_CLUSTER_GATEWAY", where)

    with pytest.raises(pytest.UsageError, match=r"^TELLURION_CLUSTER_GATEWAY: .* accepted: host:port"):
        check_given()


def test_a_cluster_that_does_not_answer_or_no_way_to_ask_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLURION_CLUSTER_KUBECONFIG", "/nowhere")

    with pytest.raises(pytest.UsageError, match=r"^TELLURION_CLUSTER_KUBECONFIG: /nowhere: |is not in PATH$"):
        check_given()
