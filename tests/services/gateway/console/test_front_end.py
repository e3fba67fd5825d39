"""The front end by itself: its types, and its units."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

NODE = Path(__file__).parents[4] / "services/gateway/console/node.py"


@pytest.mark.parametrize("script", ["check", "test"])
def test_types_agree_and_units_do_as_they_say(script: str) -> None:
    done = subprocess.run([sys.executable, NODE, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
