"""A file is the old one or the new one, never a part of either, and nothing else is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tellurion_core.whole_files import placed, write_whole


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_is_written_in_a_folder_that_is_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "file", b"new")
    assert held(tmp_path / "a" / "b") == {"file": b"new"}


def test_what_was_there_is_replaced_at_the_end_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with placed(path) as place:
        place.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert held(tmp_path) == {"file": b"new"}


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError), placed(path) as place, place.open("wb") as file:
        file.writelines([b"ne", None])
    assert held(tmp_path) == {"file": b"old"}
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_was_written_nothing_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError), placed(path):
        pass
    assert held(tmp_path) == {"file": b"old"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "named").write_bytes(b"old")
    (tmp_path / "link").symlink_to("named")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "named").read_bytes() == b"new"


def test_a_name_as_long_as_any_may_be(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), b"new")
    assert held(tmp_path) == {"n" * 255: b"new"}
