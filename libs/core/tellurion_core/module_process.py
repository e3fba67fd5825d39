"""A module of ours in a process of its own, for what this process is not to import or to crash of."""

from __future__ import annotations

import subprocess
import sys


def run_module(module: str, *arguments: str) -> tuple[int, str]:
    """Exit code of the module, and the last line that it wrote to stderr, empty where it wrote none."""
    ran = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = ran.stderr.decode(errors="replace").strip().splitlines()
    return ran.returncode, said[-1] if said else ""
