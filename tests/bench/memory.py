"""The most memory that this process ever had."""

from __future__ import annotations

import re
from pathlib import Path


def peak_mib() -> float:
    """Most MiB that were resident; `ru_maxrss` would begin with what the parent had when it started this process."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
