"""Folders that a question is about: the service takes them whatever they are called, or what it does not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellurion_agent.catalogue.walking import walk
from tellurion_agent.libraries import Libraries
from tellurion_agent.uploads import check_names
from tellurion_client.agent_data import MOST_FILES, check_folders, libraries_of, setting_of, to_send
from tellurion_core.errors import InvalidInput


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_names_of_any_kind_are_sent_as_the_service_takes_them(tmp_path: Path) -> None:
    deep = "/".join(f"level {n}" for n in range(15)) + "/tos.nc"
    names = (
        "plain.nc",
        "with space (1).nc",
        "with-space--1-.nc",
        "().nc",
        "-.nc",
        "größe.cdf",
        "a" * 250 + ".nc",
        deep,
    )
    folder = made(tmp_path / "my data", *names)
    files, left_out = to_send([folder])
    check_names(dict.fromkeys(files, "0" * 64))
    assert sorted(files.values()) == sorted(folder / name for name in names)
    assert all(Path(name).suffix == path.suffix for name, path in files.items())
    assert files["my-data/plain.nc"] == folder / "plain.nc"
    assert [name for name in files if name.endswith("level-14/tos.nc")]
    assert left_out == {}


def test_what_is_sent_is_what_the_service_would_find(tmp_path: Path) -> None:
    folder = made(tmp_path / "data", "a.nc", "B.NC", "c.NC4", ".hidden.nc", ".cache/d.nc", "notes.txt", "deep/e.cdf")
    made(tmp_path / "elsewhere", "f.nc")
    (folder / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (folder / "back").symlink_to(folder, target_is_directory=True)
    (folder / "gone.nc").symlink_to(tmp_path / "gone.nc")
    assert {str(path) for path in to_send([folder])[0].values()} == {found.path for found in walk([folder])}


@pytest.mark.parametrize("mark", ["zarr.json", ".zgroup", ".zmetadata"])
def test_a_zarr_store_is_named_as_left_out(tmp_path: Path, mark: str) -> None:
    folder = made(tmp_path / "data", f"store.zarr/{mark}", "store.zarr/tas/inner.nc", "a.nc")
    files, left_out = to_send([folder])
    assert list(files) == ["data/a.nc"]
    assert left_out.keys() == {str(folder / "store.zarr")}
    assert "library" in left_out[str(folder / "store.zarr")]


def test_each_folder_has_a_name_of_its_own(tmp_path: Path) -> None:
    places = ["data-2", "x/data", "y/data", "z/data", "_private", ".hidden", "ä", "l" * 100, "x/data"]
    folders = [made(tmp_path / place, "a.nc") for place in places]
    named = libraries_of(folders)
    assert list(named.values()) == [folder.resolve() for folder in folders[:-1]]
    assert [*named][:5] == ["data-2", "data", "data-3", "data-4", "private"]
    assert Libraries.of(setting_of(named)).folders == named


@pytest.mark.parametrize("name", ["a,b", "a "])
def test_a_folder_that_the_setting_cannot_name_is_refused_for_itself(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="without a comma"):
        setting_of(libraries_of([made(tmp_path / name, "a.nc")]))


@pytest.mark.parametrize(
    ("name", "accepted"), [("a.nc", "the folder that this file is in"), ("b", "a folder that is there")]
)
def test_what_is_no_folder_is_named(tmp_path: Path, name: str, accepted: str) -> None:
    folder = made(tmp_path / ("long" * 20), "a.nc")
    with pytest.raises(InvalidInput, match=rf"^data: received .*/{name}; accepted: {accepted}$"):
        check_folders([folder, folder / name])


def test_more_files_than_a_request_has_are_refused(tmp_path: Path) -> None:
    made(tmp_path, *(f"{number}.nc" for number in range(MOST_FILES + 1)))
    with pytest.raises(InvalidInput, match=f"{MOST_FILES + 1} files"):
        to_send([tmp_path])
