"""The contracts do not break those of the last release, and a change that would is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path(__file__).parents[2] / "protos"
BUF = Path(sys.executable).with_name("buf")


def breaking(protos: Path) -> subprocess.CompletedProcess[str]:
    command = [BUF, "breaking", protos, "--against", PROTOS / "released.binpb"]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_contracts_keep_what_was_released() -> None:
    ran = breaking(PROTOS)
    assert (ran.returncode, ran.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("int32 members = ", "string members = ", "members"),
        ("int32 members = ", "int32 ensemble = ", "members"),
        ("rpc ListMethods(", "rpc AllMethods(", "ListMethods"),
        ("service OceanService {", "service SeaService {", "OceanService"),
    ],
)
def test_a_change_that_breaks_callers_is_found(tmp_path: Path, old: str, new: str, told: str) -> None:
    changed = tmp_path / "protos"
    shutil.copytree(PROTOS, changed, ignore=shutil.ignore_patterns("released.binpb", "__pycache__", "build"))
    file = changed / "tellurion" / "ocean" / "v1" / "ocean.proto"
    text = file.read_text()
    assert text.count(old) >= 1
    file.write_text(text.replace(old, new))
    ran = breaking(changed)
    assert ran.returncode != 0
    assert told in ran.stdout
