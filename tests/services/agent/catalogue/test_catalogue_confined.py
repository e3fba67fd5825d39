"""What a file may make the catalogue read: nothing outside of the folders, and nothing of the service's environment."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import catalogue_files as files
import numpy as np
import pytest

from tellurion_agent.catalogue import library, readers
from tellurion_agent.catalogue.library import Catalogue
from tellurion_core import landlock
from tellurion_core.errors import Unavailable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_files_whose_values_lie_in_others_are_refused(folder: Path, tmp_path: Path, elsewhere: ModuleType) -> None:
    for kind in elsewhere.KINDS:
        elsewhere.write(folder / f"{kind}.nc", kind, bytes(119))
    found = Catalogue.open([folder], tmp_path / "index.sqlite", hostile=True, processes=1)
    told = {Path(path).stem: problem for path, problem in found.problems.items()}
    for kind in elsewhere.KINDS:
        assert kind in told[kind]


def test_links_lead_out_of_a_folder_to_what_they_name_and_no_further(folder: Path, tmp_path: Path) -> None:
    axes = {"time": files.months(1950, 24)}
    for name in ("linked", "beside"):
        files.write(tmp_path / f"elsewhere/{name}.nc", "tas", np.zeros(24), axes, units="K")
    files.write(tmp_path / "disk/whole/whole.nc", "tas", np.zeros(24), axes, units="K")
    (folder / "linked.nc").symlink_to(tmp_path / "elsewhere/linked.nc")
    (folder / "disk").symlink_to(tmp_path / "disk", target_is_directory=True)
    found = Catalogue.open([folder], tmp_path / "index.sqlite", processes=1)
    assert ({data.source for data in found.datasets}, dict(found.problems)) == ({"linked", "whole"}, {})
    (answer,) = readers.read_headers([f"{tmp_path}/elsewhere/beside.nc"], [str(folder)], processes=1)
    assert answer.problem


def test_the_environment_of_the_service_is_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "worker"
    script.write_text('#!/bin/sh\nread -r places; echo ready; read -r line; echo "{\\"problem\\": \\"$KEY.\\"}"\n')
    script.chmod(0o755)
    monkeypatch.setattr(readers, "PROGRAM", [str(script)])
    monkeypatch.setenv("KEY", "secret")
    (answer,) = readers.read_headers(["a"], [], processes=1)
    assert answer.problem == "."


def test_without_landlock_named_folders_are_read_and_files_that_were_sent_are_not(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(paths: list[str], places: list[str], *, processes: int) -> list[readers.Answer]:
        return [readers.Answer(path, "", "read") for path in paths]

    monkeypatch.setattr(landlock, "abi", lambda: 0)
    monkeypatch.setattr(library, "read_headers", read)
    (folder / "a.nc").touch()
    assert list(Catalogue.open([folder], tmp_path / "index.sqlite").problems.values()) == ["read"]
    with pytest.raises(Unavailable, match="Landlock"):
        Catalogue.open([folder], tmp_path / "index.sqlite", hostile=True)
