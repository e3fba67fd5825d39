"""The command that measures containers, without one: what it takes, and how it adds memory up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = Path(__file__).with_name("measure.py")
IMAGE = "localhost/tellurion-SERVICE:0.1.0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([IMAGE, "nonsense"], "argument SERVICE: received nonsense; accepted: gateway, agent"),
        (
            ["localhost/tellurion-ocean:0.1.0"],
            "argument image: received 'localhost/tellurion-ocean:0.1.0'; accepted: a",
        ),
        ([IMAGE, "--starts=0"], "argument --starts: received 0; accepted: 1 or more"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(arguments: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, str(MEASURE), *arguments], capture_output=True, text=True)

    assert done.returncode == 2
    assert said in done.stderr


def test_memory_is_summed_over_processes_and_a_zombie_has_none() -> None:
    added = (
        "import measure; told = measure.memory(["
        "'VmRSS:\\t     100 kB\\nRssAnon:\\t      60 kB\\nRssFile:\\t      35 kB\\nRssShmem:\\t       5 kB\\n',"
        "'VmRSS:\\t      10 kB\\nRssAnon:\\t      10 kB\\nRssFile:\\t       0 kB\\nRssShmem:\\t       0 kB\\n',"
        "'State:\\tZ (zombie)\\n'])\n"
        "print(told.resident, told.own)"
    )

    done = subprocess.run([sys.executable, "-c", added], capture_output=True, text=True, cwd=MEASURE.parent, check=True)

    assert done.stdout.split() == [str(110 * 1024), str(75 * 1024)]
