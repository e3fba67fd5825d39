"""A script in the sandbox, as the tests run one, and what must be so after each of them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Limits, Run
from tellurion_core import landlock

SMALL = {"seconds": 20, "memory_bytes": 192 << 20, "disk_bytes": 8 << 20, "processes": 16, "output_bytes": 1 << 20}


@pytest.fixture(scope="session", autouse=True)
def _confinable() -> None:
    if not sys.platform.startswith("linux") or landlock.abi() < landlock.MIN_ABI:
        message = "this system has no Landlock, or one older than Linux 6.2"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@dataclass(frozen=True)
class Ran:
    """A run and what is left of it."""

    run: Run
    output: Path
    lines: list[str]
    """What the script printed, as it came."""


Runner = Callable[..., Ran]


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[Runner]:
    """Runs Python code in the sandbox under small limits; afterwards nothing of it is left and nothing has leaked."""
    me = psutil.Process()
    children, descriptors = set(me.children(recursive=True)), me.num_fds()  # other tests of this process have theirs

    def run(
        code: str,
        inputs: Sequence[Path] = (),
        *,
        cancelled: Callable[[], bool] = lambda: False,
        log: Callable[[str], None] = lambda line: None,
        **limits: float,
    ) -> Ran:
        place = tmp_path / f"run-{len(list(tmp_path.glob('run-*')))}"
        output = place / "output"
        output.mkdir(parents=True)
        script = place / "script.py"
        script.write_text(code)
        lines: list[str] = []

        def heard(line: str) -> None:
            lines.append(line)
            log(line)

        what = InnerSandbox().run(script, inputs, output, Limits(**{**SMALL, **limits}), cancelled=cancelled, log=heard)
        return Ran(what, output, lines)

    yield run
    assert not set(me.children(recursive=True)) - children
    assert me.num_fds() <= descriptors


@pytest.fixture(scope="session")
def cluster_api() -> ModuleType:
    """The module `cluster_api`."""
    return _module(Path(__file__).with_name("cluster_api.py"))


@pytest.fixture(scope="session")
def rendering() -> ModuleType:
    """The module `rendering` of the chart's tests."""
    return _module(Path(__file__).parents[3] / "chart" / "rendering.py")


def _module(path: Path) -> ModuleType:
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    sys.modules[path.stem] = module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
