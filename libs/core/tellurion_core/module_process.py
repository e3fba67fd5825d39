"""A module of ours in a process of its own, for what this process is not to import or to crash of."""

from __future__ import annotations

import subprocess
import sys
from signal import Signals


def run_module(module: str, *arguments: str) -> tuple[int, str]:
    """Exit code of the module, and the last line that it wrote to stderr, or the signal that ended it, or nothing."""
    ran = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if ran.returncode < 0:  # what it wrote before tells nothing of it
        return ran.returncode, f"its process was ended by {Signals(-ran.returncode).name}"
    said = ran.stderr.decode(errors="replace").strip().splitlines()
    return ran.returncode, said[-1] if said else ""
