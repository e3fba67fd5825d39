"""A folder is sent as the same zip as long as its files are the same, and nothing of it that is not the service's."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from tellurion_client import InvalidInput
from tellurion_client.splat_scene import IMAGES, SCENE, zipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A scene, and files that are none of its own."""
    root = tmp_path / "scene"
    for name in ("transforms.json", "images/b.PNG", "images/a.jpg", "sparse/0/cameras.bin", "points.ply"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    for name in ("notes.md", "video.mp4", ".hidden.png", ".git/config.txt", "images/.cache/a.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"private")
    return root


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_the_files_of_a_scene_in_the_order_of_their_names(folder: Path) -> None:
    with zipped(folder, SCENE, "scene") as path:
        assert names(path) == [
            "images/a.jpg", "images/b.PNG", "points.ply", "sparse/0/cameras.bin", "transforms.json"
        ]  # fmt: skip
        with zipfile.ZipFile(path) as archive:
            assert archive.read("images/a.jpg") == b"images/a.jpg"
    assert not path.exists()


def test_a_linked_folder_is_refused_rather_than_left_out(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "images", tmp_path / "elsewhere")
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="scene: received images, a link"), zipped(folder, SCENE, "scene"):
        pass


def test_only_images_are_masks(folder: Path) -> None:
    with zipped(folder / "images", IMAGES, "masks") as path:
        assert names(path) == ["a.jpg", "b.PNG"]


def test_the_same_files_are_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    os.utime(copy / "transforms.json", (1, 1))
    (copy / "points.ply").chmod(0o400)
    with zipped(folder, SCENE, "scene") as one, zipped(copy, SCENE, "scene") as other:
        assert one.read_bytes() == other.read_bytes()
    (copy / "points.ply").chmod(0o600)
    (copy / "points.ply").write_bytes(b"others")
    with zipped(folder, SCENE, "scene") as one, zipped(copy, SCENE, "scene") as other:
        assert one.read_bytes() != other.read_bytes()


def test_links_are_followed_to_files_of_the_folder_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "images" / "out.png").symlink_to(tmp_path / "secret.png")
    (folder / "images" / "in.png").symlink_to(folder / "images" / "a.jpg")
    (folder / "images" / "nowhere.png").symlink_to(folder / "nothing")
    with zipped(folder, SCENE, "scene") as path:
        assert "images/in.png" in names(path)
        assert not {"images/out.png", "images/nowhere.png"} & set(names(path))


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (lambda path: None, "nothing: "),
        (lambda path: path.touch(), "no folder: "),
        (lambda path: path.mkdir(), "none in "),
    ],
)
def test_what_is_no_scene(tmp_path: Path, make: object, received: str) -> None:
    make(tmp_path / "scene")  # type: ignore[operator]
    with pytest.raises(InvalidInput) as caught, zipped(tmp_path / "scene", SCENE, "scene"):
        pass
    assert caught.value.violations[0].field == "scene"
    assert caught.value.violations[0].received.startswith(received)
