"""A zip is unpacked whole below its folder, or refused before a byte of it is written."""

from __future__ import annotations

import errno
import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tellurion_core.errors import Cancelled, InvalidInput, ResourceExhausted
from tellurion_splat import archive
from tellurion_splat.archive import unpack


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as writer:
        for entry, data in entries:
            writer.writestr(entry, data)
    return file


def of_kind(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    return entry


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[io.BytesIO], str]:
    """What is said of a zip that must be refused; nothing of it is left anywhere."""

    def of(file: io.BytesIO) -> str:
        place = tmp_path / "job"
        place.mkdir()
        with pytest.raises(InvalidInput) as caught:
            unpack(file, place / "scene", "scene")
        assert [*place.iterdir()] == []
        assert [*tmp_path.iterdir()] == [place]
        assert caught.value.violations[0].field == "scene"
        return caught.value.violations[0].received

    return of


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_come_out_as_they_went_in(tmp_path: Path, compression: int) -> None:
    content = bytes(range(256)) * 5000
    file = zipped(("images/", b""), ("images/a.png", content), ("transforms.json", b"{}"), compression=compression)
    unpack(file, tmp_path / "scene", "scene")
    assert sorted(path.name for path in (tmp_path / "scene").rglob("*")) == ["a.png", "images", "transforms.json"]
    assert (tmp_path / "scene" / "images" / "a.png").read_bytes() == content


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    unpack(zipped(("a", b"first")), tmp_path / "scene", "scene")
    unpack(zipped(("a", b"second")), tmp_path / "scene", "scene")
    assert (tmp_path / "scene" / "a").read_bytes() == b"first"


def test_what_a_killed_attempt_left_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "scene.part").mkdir()
    (tmp_path / "scene.part" / "a").write_bytes(b"hal")
    unpack(zipped(("a", b"whole")), tmp_path / "scene", "scene")
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]
    assert (tmp_path / "scene" / "a").read_bytes() == b"whole"


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/a", "//a", "a//b", "./a", "a/./b", "..", "a\\..\\b", "\\\\host\\a", "a\nb", "a\x1b[2Jb"],
)
def test_a_path_that_may_lead_elsewhere(refused: Callable[[io.BytesIO], str], name: str) -> None:
    entry = zipfile.ZipInfo("a")
    entry.filename = name
    assert refused(zipped(("good", b""), (entry, b"evil"))).startswith("a path that may lead elsewhere: ")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_link_or_a_device(refused: Callable[[io.BytesIO], str], kind: int) -> None:
    assert refused(zipped((of_kind("images", kind), b"/etc"))) == "a link or a device: images"


def test_two_files_of_one_name(refused: Callable[[io.BytesIO], str]) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        file = zipped(("a", b"1"), ("a", b"2"))
    assert refused(file) == "two files of one name"


def test_a_file_that_is_also_a_folder(refused: Callable[[io.BytesIO], str]) -> None:
    assert refused(zipped(("a", b"1"), ("a/b", b"2"))) == "two files of one name"


def test_names_that_some_file_systems_do_not_tell_apart(refused: Callable[[io.BytesIO], str]) -> None:
    assert refused(zipped(("images/A.png", b"1"), ("images/a.png", b"2"))) == "two files of one name"


def test_folders_deeper_than_a_scene_has_them(refused: Callable[[io.BytesIO], str], tmp_path: Path) -> None:
    assert refused(zipped(("1/2/3/4/5/a.png", b""))) == "a folder too deep: 1/2/3/4/5/a.png"
    unpack(zipped(("1/2/3/4/a.png", b"")), tmp_path / "scene", "scene")


def test_it_stops_before_the_next_file_when_it_is_cancelled(tmp_path: Path) -> None:
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        unpack(zipped(*((f"{i}", b"") for i in range(3))), tmp_path / "scene", "scene", lambda: next(asked))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("operation", ["mkdir", "replace", "open"])
def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = zipped(("a", b"1"))
    with monkeypatch.context() as patched:
        patched.setattr(Path, operation, full)
        with pytest.raises(ResourceExhausted, match="No space left"):
            unpack(file, tmp_path / "scene", "scene")
    assert [*tmp_path.iterdir()] == []


def test_a_name_too_long(refused: Callable[[io.BytesIO], str]) -> None:
    assert refused(zipped(("é" * 101, b""))).startswith("a name too long: ")


def test_a_bomb_is_refused_by_what_it_says(
    refused: Callable[[io.BytesIO], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 1 << 20)
    file = zipped(*((f"{i}.png", bytes(600_000)) for i in range(2)), compression=zipfile.ZIP_DEFLATED)
    assert len(file.getvalue()) < 3000
    assert refused(file) == "1200000 bytes, unpacked"


def test_a_bomb_that_lies_yields_no_more_than_it_says(refused: Callable[[io.BytesIO], str]) -> None:
    """10 MiB, of which the list of files says that they are 10 bytes."""
    file = zipped(("a.png", bytes(10 << 20)), compression=zipfile.ZIP_DEFLATED)
    data = bytearray(file.getvalue())
    listed = data.rfind(b"PK\x01\x02")
    data[listed + 24 : listed + 28] = (10).to_bytes(4, "little")
    assert refused(io.BytesIO(bytes(data))) == "a damaged zip"


def test_more_files_than_a_scene_has(refused: Callable[[io.BytesIO], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    assert refused(zipped(*((f"{i}", b"") for i in range(4)))) == "4 files"


def test_a_list_of_files_that_would_fill_the_memory_is_not_read(
    refused: Callable[[io.BytesIO], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile.ZipFile, "__init__", lambda *_: pytest.fail("it was read"))
    end = b"PK\x05\x06" + bytes(8) + (archive.MAX_LIST_BYTES + 1).to_bytes(4, "little") + bytes(6)
    assert refused(io.BytesIO(bytes(1000) + end)) == "more"


@pytest.mark.parametrize("comment", [b"", b"abc"])
def test_a_list_in_the_long_form_is_not_read(refused: Callable[[io.BytesIO], str], comment: bytes) -> None:
    """It may be longer than the short form beside it says."""
    long_form = b"PK\x06\x06" + bytes(52) + b"PK\x06\x07" + bytes(16)
    short_form = b"PK\x05\x06" + bytes(16) + len(comment).to_bytes(2, "little") + comment
    assert refused(io.BytesIO(long_form + short_form)) == "more"


@pytest.mark.parametrize(
    ("data", "received"),
    [
        (b"", "no zip"),
        (b"PK\x05\x06", "no zip"),
        (b"\x1f\x8b" + bytes(100), "no zip"),
        (b"PK\x05\x06" + bytes(8) + b"\x01" + bytes(9), "a damaged zip"),
    ],
)
def test_what_is_no_zip(refused: Callable[[io.BytesIO], str], data: bytes, received: str) -> None:
    assert refused(io.BytesIO(data)) == received


@pytest.mark.parametrize("where", [3, 10, 20, 40, 2000, 4036, 4046, 4060, 4075, 4090, 4100, 4106])
def test_a_zip_that_is_damaged_somewhere(tmp_path: Path, where: int) -> None:
    """A bit that is turned over is found, or changes nothing of what is written."""
    data = bytearray(zipped(("a.png", bytes(4000))).getvalue())
    data[where] ^= 0x10
    try:
        unpack(io.BytesIO(bytes(data)), tmp_path / "scene", "scene")
    except InvalidInput:
        assert not (tmp_path / "scene").exists()
    else:
        (file,) = (tmp_path / "scene").iterdir()
        assert file.read_bytes() == bytes(4000)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_zip_that_is_cut_off(refused: Callable[[io.BytesIO], str], part: float) -> None:
    data = zipped(("a.png", bytes(4000)), ("b.png", bytes(4000))).getvalue()
    assert refused(io.BytesIO(data[: int(part * len(data))])) == "no zip"


def test_another_compression(refused: Callable[[io.BytesIO], str]) -> None:
    assert refused(zipped(("a", bytes(100)), compression=zipfile.ZIP_LZMA)) == "another compression than deflate: a"


def test_an_encrypted_file(refused: Callable[[io.BytesIO], str]) -> None:
    data = bytearray(zipped(("a", b"1234")).getvalue())
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    assert refused(io.BytesIO(bytes(data))) == "an encrypted file: a"
