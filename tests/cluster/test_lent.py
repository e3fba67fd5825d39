"""What pods see of this machine where no images are built."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from . import lent


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local", "/opt/python"])
def test_each_folder_is_lent_once_wherever_python_is(monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setattr(sys, "base_prefix", prefix)

    found = lent.folders()

    for wanted in ("/usr", prefix, sys.prefix, lent.ROOT):
        assert sum(Path(wanted).is_relative_to(folder) for folder in found) == 1
