"""Models that inference servers run: what there is, what is written for Triton, and what is not there is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tellurion_client.cli.main import run
from tellurion_core.model_discovery import installed_models

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Exit code, stdout and stderr of a command, which runs in this process."""
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path / "state"))

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return command


def test_the_models_of_installed_services_are_listed(said: Said) -> None:
    code, out, err = said("models", "served", "--json")
    assert (code, err) == (0, "")
    known = {model["name"]: model for model in json.loads(out)}
    assert known.keys() == installed_models().keys()
    detect = known["pointcloud_detect"]
    assert detect["distribution"] == "tellurion-pointcloud"
    assert detect["inputs"]["points"] == {
        "dtype": "float32",
        "shape": ["N", 3],
        "optional": False,
        "unit": "m",
        "missing": False,
    }
    assert [*detect["outputs"]] == ["boxes", "classes", "scores"]
    table = said("models", "served")[1]
    assert all(word in table for word in ("pointcloud_detect", "tellurion-pointcloud", "points float32 [N, 3]"))


@pytest.mark.slow
def test_a_repository_is_written_for_triton(said: Said, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = said("models", "export", tmp_path / "empty", "--model", "ocean_climatology")
    assert (code, out, err) == (0, f"{tmp_path / 'empty'}: 1 model, each of which was loaded\n", "")
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["empty/ocean_climatology/1/model.py", "empty/ocean_climatology/config.pbtxt"]


def test_a_model_that_cannot_be_loaded_leaves_no_repository(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    for name in ("mmpt", "gaussian2scene", "completion", "detector"):
        (weights / f"{name}.safetensors").write_bytes(b"no weights")
    monkeypatch.setenv("TELLURION_POINTCLOUD_WEIGHTS", str(weights))
    code, out, err = said("models", "export", tmp_path / "repository", "--model", "pointcloud_encode_mmpt")
    assert (code, out) == (1, "")
    assert err.startswith("tellurion: pointcloud_encode_mmpt cannot be loaded: ")
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [
        (("up", "--services", "ocean", "--serving", "ray"), "ray", "ray"),
        (("up", "--services", "ocean", "--serving", "triton=localhost:8001"), "tritonclient", "triton"),
        (("models", "serve", "--listen", "127.0.0.1:0"), "ray", "ray"),
        (("models", "export", "out"), "tritonclient", "triton"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    said: Said, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as where there is no such distribution
    line = f"tellurion: the extra {extra} is not installed: pip install 'tellurion-core[{extra}]'\n"
    assert said(*command) == (1, "", line)


def test_a_server_that_is_away_stops_the_platform_before_it_starts(said: Said, tmp_path: Path) -> None:
    code, out, err = said("up", "--services", "ocean", "--serving", f"triton=unix:{tmp_path}/none")
    assert (code, out, err) == (1, "", f"tellurion: no inference server answers at unix:{tmp_path}/none\n")
    assert not (tmp_path / "state").exists()


def test_a_server_of_something_else_stops_the_platform_before_it_starts(said: Said, bench: Any) -> None:
    code, out, err = said("up", "--services", "ocean", "--serving", f"triton={bench.served.url}")
    assert (code, out) == (1, "")
    assert err == f"tellurion: what listens at {bench.served.url} does not speak the Open Inference Protocol\n"
