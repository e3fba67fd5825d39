"""The command that builds, without building: what it takes, and what of the machine it passes on."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

BUILD = Path(__file__).resolve().parents[2] / "containers/build.py"


@pytest.fixture
def build() -> ModuleType:
    found = spec_from_file_location("build", BUILD)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "argument SERVICE: received nonsense; accepted: ocean, assimilation"),
        (["--variant=cuda", "splat"], "argument SERVICE: received splat; accepted: ocean, assimilation"),
        (["--variant=tpu"], "argument --variant: invalid choice: 'tpu'"),
        (["--engine=no-such-engine"], "argument --engine: received 'no-such-engine'; accepted: a command"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(arguments: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, str(BUILD), *arguments], capture_output=True, text=True)

    assert done.returncode == 2
    assert said in done.stderr


def test_what_pip_has_set_holds_in_the_build(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "authorities.pem").write_text("an authority")
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"file://{tmp_path}/index https://more.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path}/wheels https://pages.example/wheels")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "authorities.pem"))
    monkeypatch.setenv("PIP_NO_INPUT", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".npmrc").write_text("registry=https://npm.example\n")
    folder = tmp_path / "settings"
    folder.mkdir()

    flags = list(build.machine(folder))

    assert flags == [f"--volume={tmp_path}/wheels:/run/build-wheels-0:ro", f"--volume={folder}:/run/build:ro"]
    assert (folder / "authorities.pem").read_text() == "an authority"
    lines = set((folder / "pip.conf").read_text().splitlines())
    assert {
        "[global]",
        "index-url = https://pip.example/simple",
        "extra-index-url = https://more.example/simple",
        "find-links = /run/build-wheels-0 https://pages.example/wheels",
        "cert = /run/build/authorities.pem",
    } <= lines
    assert not [line for line in lines if line.startswith("no-input")]
    assert (folder / "npmrc").read_text() == "registry=https://npm.example\ncafile=/run/build/authorities.pem\n"


def test_files_are_mounted_where_the_build_looks_for_them(build: ModuleType) -> None:
    text = (BUILD.parents[1] / "Containerfile").read_text(encoding="utf-8")

    assert f"PIP_CONFIG_FILE={build._INSIDE}/pip.conf" in text
    assert f"NPM_CONFIG_USERCONFIG={build._INSIDE}/npmrc" in text
    assert f"PIP_CONFIG_FILE={build._INSIDE}/pip.conf" in (BUILD.parent / "pip.sh").read_text(encoding="utf-8")
