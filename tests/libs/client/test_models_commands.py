"""`tellurion models …`: weights of one's own are registered where the services of the same state folder look."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from tellurion_client.cli.main import run
from tellurion_client.cli.platform import state_folder
from tellurion_core.settings import StateSettings, load
from tellurion_core.weights import WeightsStore

SPEC = {"kind": "unet", "width": 8}


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TELLURION_MODELS", raising=False)
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path / "state"))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file({"kernel": np.ones(1000, np.float32)}, path, {"spec": json.dumps(SPEC)})
    return path


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints, to its good end."""

    def command(*arguments: object) -> str:
        assert run([str(argument) for argument in arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return command


def add(printed: Callable[..., str], weights: Path, name: str = "north", *options: object) -> dict[str, Any]:
    asked = ("models", "add", weights, "--service", "ocean", "--name", name, "--json", *options)
    return json.loads(printed(*asked))


def test_what_was_added_is_listed_until_it_is_removed(printed: Callable[..., str], weights: Path) -> None:
    added = add(printed, weights)
    assert set(added) == {"service", "name", "sha256", "size", "added", "spec"}
    assert added["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (added["size"], added["spec"]) == (weights.stat().st_size, SPEC)
    assert json.loads(printed("models", "list", "--json")) == [added]
    assert json.loads(printed("models", "list", "--service", "splat", "--json")) == []
    table = printed("models", "list")
    assert all(word in table for word in ("ocean", "north", added["sha256"]))
    assert json.loads(printed("models", "remove", "north", "--service", "ocean", "--json")) == added
    assert json.loads(printed("models", "list", "--json")) == []


def test_a_person_is_told_in_a_sentence(printed: Callable[..., str], weights: Path) -> None:
    said = printed("models", "add", weights, "--service", "ocean", "--name", "north")
    assert said == f"north for ocean: 0.0 MB, SHA-256 {hashlib.sha256(weights.read_bytes()).hexdigest()}\n"
    assert printed("models", "remove", "north", "--service", "ocean") == "north for ocean is no longer registered\n"


def test_a_spec_of_its_own_is_taken_for_weights_without_one(printed: Callable[..., str], tmp_path: Path) -> None:
    save_file({"kernel": np.ones(3)}, tmp_path / "bare.safetensors")
    (tmp_path / "spec.json").write_text(json.dumps(SPEC))
    assert add(printed, tmp_path / "bare.safetensors", "bare", "--spec", tmp_path / "spec.json")["spec"] == SPEC


def test_services_of_the_same_state_folder_find_them(
    printed: Callable[..., str], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"default": (), "other": ("--state", tmp_path / "other")}
    for name, option in places.items():
        add(printed, weights, name, *option)
        monkeypatch.setenv("TELLURION_STATE", str(state_folder(option[1] if option else None)))
        assert WeightsStore(load(StateSettings).models_folder).get("ocean", name)
        assert [entry["name"] for entry in json.loads(printed("models", "list", "--json"))] == [name]
    monkeypatch.setenv("TELLURION_MODELS", str(tmp_path / "shared"))
    add(printed, weights, "shared", "--state", tmp_path / "third")
    assert WeightsStore(tmp_path / "shared").get("ocean", "shared")
    assert not (tmp_path / "third").exists()


def test_what_is_not_registered_is_told_with_what_is(
    printed: Callable[..., str], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(printed, weights)
    assert run(["models", "remove", "south", "--service", "ocean"]) == 1
    assert capsys.readouterr().err == "tellurion: there are no weights south for ocean; registered: north\n"


def test_a_name_that_is_taken_is_not_given_away(
    printed: Callable[..., str], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = add(printed, weights)
    save_file({"kernel": np.zeros(3)}, weights, {"spec": "{}"})
    assert run(["models", "add", str(weights), "--service", "ocean", "--name", "north"]) == 1
    assert f"north already means other weights, {kept['sha256']}" in capsys.readouterr().err
    assert json.loads(printed("models", "list", "--json")) == [kept]


def test_a_folder_that_cannot_be_written_is_said(
    weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELLURION_MODELS", os.fspath(weights))
    assert run(["models", "add", str(weights), "--service", "ocean", "--name", "north"]) == 1
    assert capsys.readouterr().err == "tellurion: the folder of weights cannot be written: Not a directory\n"
