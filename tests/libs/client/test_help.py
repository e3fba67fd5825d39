"""The command explains itself, quickly."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

import pytest

from tellurion_client.cli.main import run


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["up"],
        ["status"],
        ["down"],
        ["ocean"],
        ["ocean", "reconstruct"],
        ["ocean", "fetch"],
        ["ocean", "evaluate"],
        ["ocean", "methods"],
        ["assimilation"],
        ["assimilation", "twin"],
        ["assimilation", "analyse"],
        ["assimilation", "compare"],
        ["assimilation", "methods"],
        ["benchmark"],
        ["benchmark", "run"],
        ["benchmark", "score"],
        ["benchmark", "compare"],
        ["benchmark", "suites"],
        ["benchmark", "leaderboard"],
        ["benchmark", "report"],
        ["splat"],
        ["splat", "fit"],
        ["splat", "fetch"],
        ["splat", "render"],
        ["splat", "edit"],
        ["splat", "evaluate"],
        ["splat", "convert"],
        ["agent"],
        ["agent", "ask"],
        ["agent", "feedback"],
        ["agent", "replay"],
        ["agent", "recipes"],
        ["agent", "catalogue"],
        ["agent", "learn"],
        ["agent", "lessons"],
        ["pointcloud"],
        ["pointcloud", "encode"],
        ["pointcloud", "complete"],
        ["pointcloud", "classify"],
        ["pointcloud", "detect"],
        ["pointcloud", "evaluate"],
        ["pointcloud", "models"],
        ["models"],
        ["models", "add"],
        ["models", "list"],
        ["models", "remove"],
        ["models", "served"],
        ["models", "export"],
        ["models", "serve"],
        ["keys"],
        ["keys", "create"],
        ["keys", "list"],
        ["keys", "revoke"],
        ["operations"],
        ["operations", "list"],
        ["operations", "get"],
        ["operations", "wait"],
        ["operations", "cancel"],
        ["operations", "delete"],
    ],
)
def test_help_of_every_command_has_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"Example: tellurion {' '.join(command)}".strip() in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"tellurion {version('tellurion-client')}\n"


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_help_imports_no_science_and_no_grpc(tellurion: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    before = _cpu_of_children()
    assert tellurion("--help").returncode == 0
    assert _cpu_of_children() - before < 2.0  # 0.2 s; of the processor, since a busy machine makes all wait
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, tellurion_client.cli.main; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"numpy", "grpc", "xarray", "google.protobuf"} & set(loaded)


def test_neither_ray_nor_tritonclient_is_imported_by_any_module() -> None:
    program = """
import importlib, pkgutil, sys, tellurion_client
for module in pkgutil.walk_packages(tellurion_client.__path__, "tellurion_client."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(*sys.modules)
"""
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "tellurion_client.cli.serve" in loaded
    assert not {"ray", "tritonclient"} & set(loaded)
