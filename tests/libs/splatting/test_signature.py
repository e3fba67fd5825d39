"""A program for gsplat's `rasterization` runs with ours, argument by argument."""

from __future__ import annotations

import inspect
import subprocess
import sys
from enum import Enum

import gsplat
import pytest

from tellurion_splatting import rasterization

THEIRS = inspect.signature(gsplat.rasterization).parameters
OURS = inspect.signature(rasterization).parameters


def test_the_first_arguments_are_gsplats_in_their_order() -> None:
    assert list(OURS)[: len(THEIRS)] == list(THEIRS)


@pytest.mark.parametrize("name", THEIRS)
def test_each_argument_is_passed_as_in_gsplat_and_has_its_default(name: str) -> None:
    ours, theirs = OURS[name], THEIRS[name]
    assert ours.kind == theirs.kind
    if isinstance(theirs.default, Enum):  # an enumeration of ours, so that nothing of gsplat's is imported
        assert (ours.default.name, ours.default.value) == (theirs.default.name, theirs.default.value)
    else:
        assert ours.default == theirs.default


def test_what_is_ours_is_given_by_keyword_and_changes_nothing_by_default() -> None:
    added = {name: OURS[name] for name in list(OURS)[len(THEIRS) :]}
    assert {name: p.default for name, p in added.items()} == {
        "profile": "gsplat",
        "extra_signals": None,
        "second": None,
        "threads": None,
    }
    assert {parameter.kind for parameter in added.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_importing_it_starts_no_service_and_loads_no_gsplat() -> None:
    program = "import sys; from tellurion_splatting import rasterization; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert not {"gsplat", "PIL", "skimage", "tellurion_client"} & set(printed.split())
