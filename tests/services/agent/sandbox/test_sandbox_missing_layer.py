"""Where a layer is missing nothing is run, and the error says which."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.errors import Unavailable

ARM = os.uname().machine == "aarch64"
WITHOUT = """
import ctypes, errno, pathlib, struct, sys
# As on a system that has no such call: a filter that answers ENOSYS to it.
steps = ((0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[2])), (0x06, 0, 0, 0x00050000 | errno.ENOSYS),
         (0x06, 0, 0, 0x7FFF0000))
program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)), 0, 0) == 0

from tellurion_agent.sandbox.inner import InnerSandbox
from tellurion_agent.sandbox.sandbox import Limits
from tellurion_core.errors import Unavailable
folder = pathlib.Path(sys.argv[1])
try:
    InnerSandbox().run(folder / "script.py", [], folder / "output", Limits(), cancelled=lambda: False, log=print)
except Unavailable as error:
    print(error.reason, error.message)
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "output").mkdir()
    (tmp_path / "script.py").write_text("open('ran.json', 'w')")
    return tmp_path


@pytest.mark.parametrize(
    ("layer", "numbers"),
    [("landlock", (444, 444)), ("seccomp", (317, 277)), ("no capabilities", (126, 91))],
    ids=["landlock", "seccomp", "capabilities"],
)
def test_a_system_without_a_layer_runs_nothing(place, layer, numbers):
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(place), str(numbers[ARM])], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("SANDBOX_INCOMPLETE The sandbox is not complete, and nothing was run: " + layer)
    assert not list((place / "output").iterdir())


def test_another_system_runs_nothing(place, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Unavailable, match="Linux only"):
        InnerSandbox().run(
            place / "script.py", [], place / "output", Limits(), cancelled=lambda: False, log=lambda line: None
        )
    assert not list((place / "output").iterdir())
