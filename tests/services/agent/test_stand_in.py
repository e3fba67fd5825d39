"""Data that are given for a replay: they stand in for those that the run read, by the names that those had."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellurion_agent.libraries import Libraries
from tellurion_agent.stand_in import StandIn
from tellurion_core.errors import InvalidInput, NotFound


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folders `a` and `b` with a tos.nc each, `a` with a deep/pr.nc, `kept` with an sst.nc."""
    for name in ("a/tos.nc", "b/tos.nc", "a/deep/pr.nc", "kept/sst.nc", "sent/c/tos.nc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def given(folder: Path, *names: str, kept: bool = False) -> StandIn:
    return StandIn.with_given(
        Libraries({name: folder / place for name, _, place in (each.partition("=") for each in names)}),
        Libraries({"obs": folder / "kept"} if kept else {}),
    )


@pytest.mark.parametrize(
    ("names", "place", "found"),
    [
        (("a=a", "b=b"), "b/tos.nc", "b/tos.nc"),  # of the same name
        (("a=a", "b=b"), "@files/b/tos.nc", "b/tos.nc"),  # however it came then
        (("a=a",), "other/tos.nc", "a/tos.nc"),  # of another name
        (("a=a", "b=b"), "other/deep/pr.nc", "a/deep/pr.nc"),  # in the only one that has it
        (("a=a",), "@files/tos.nc", "a/tos.nc"),  # that was in no folder
        (("@files=sent",), "cmip6/tos.nc", "sent/c/tos.nc"),  # that is sent now
        (("@files=sent", "a=a"), "a/tos.nc", "a/tos.nc"),
    ],
)
def test_a_file_is_found_by_its_name(folder: Path, names: tuple[str, ...], place: str, found: str) -> None:
    stand_in = given(folder, *names)
    assert stand_in.path(place) == folder / found
    assert stand_in.place(str(folder / found)).endswith(found.partition("/")[2])


def test_what_did_not_come_with_the_question_is_as_it_was(folder: Path) -> None:
    stand_in = given(folder, "a=a", kept=True)
    assert stand_in.path("obs/sst.nc") == folder / "kept" / "sst.nc"
    assert stand_in.place(str(folder / "kept" / "sst.nc")) == "obs/sst.nc"
    with pytest.raises(NotFound, match=r"no file sst\.nc in a"):
        stand_in.path("@files/obs/sst.nc")
    with pytest.raises(NotFound, match=r"no file sst\.nc in a"):
        given(folder, "a=a").path("obs/sst.nc")


def test_a_file_that_two_folders_have_is_not_guessed(folder: Path) -> None:
    with pytest.raises(InvalidInput, match=r"tos\.nc in a, b; accepted: one in other"):
        given(folder, "a=a", "b=b").path("other/tos.nc")


@pytest.mark.parametrize("place", ["a/../b/tos.nc", "@files/../a/tos.nc", "a//etc/passwd", "a/gone.nc", "x\0/y"])
def test_nothing_outside_of_what_is_given_is_found(folder: Path, place: str) -> None:
    with pytest.raises(NotFound):
        given(folder, "a=a").path(place)
