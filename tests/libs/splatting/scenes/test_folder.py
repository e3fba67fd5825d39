"""A scene's folder: photographs that fit their cameras, points, held-out views and further folders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import plyfile
import pytest
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_splatting.scenes import read_scene


def test_photographs_are_read_one_by_one(nerfstudio_scene: Path) -> None:
    scene = read_scene(nerfstudio_scene)
    assert scene.size == (20, 16)
    image = scene.image(7)
    assert image.shape == (16, 20, 3)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[3, 4], [7 / 255, 14 / 255, 1], rtol=1e-6)


def test_points_carry_their_colours(nerfstudio_scene: Path, sparse: tuple[np.ndarray, np.ndarray]) -> None:
    scene = read_scene(nerfstudio_scene)
    np.testing.assert_array_equal(scene.points, sparse[0])
    np.testing.assert_allclose(scene.point_colors, sparse[1] / 255, atol=1e-7)


def test_points_without_colours_are_gray(nerfstudio_scene: Path) -> None:
    rows = np.array([(1, 2, 3), (4, 5, 6)], [("x", "f8"), ("y", "f8"), ("z", "f8")])
    plyfile.PlyData([plyfile.PlyElement.describe(rows, "vertex")], text=True).write(nerfstudio_scene / "points.ply")
    scene = read_scene(nerfstudio_scene)
    np.testing.assert_array_equal(scene.points, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(scene.point_colors, 0.5)


def test_every_eighth_view_is_held_out(nerfstudio_scene: Path) -> None:
    scene = read_scene(nerfstudio_scene)
    assert [name for name, out in zip(scene.cameras.names, scene.held_out, strict=True) if out] == ["000", "008"]


def test_a_further_folder_by_the_names_of_views(nerfstudio_scene: Path) -> None:
    folder = nerfstudio_scene / "clean"
    folder.mkdir()
    for name in ("001.webp", "005.png", "other.png", "007.txt"):
        if not name.endswith("txt"):
            Image.new("RGB", (20, 16), (255, 51, 0)).save(folder / name, lossless=True)
    scene = read_scene(nerfstudio_scene)
    found = scene.folder("clean")
    assert sorted(found) == ["001", "005"]
    np.testing.assert_allclose(scene.color(found["001"])[0, 0], [1, 0.2, 0], rtol=1e-6)


def test_depth_images_hold_near_over_depth_in_16_bits(nerfstudio_scene: Path) -> None:
    depth = np.linspace(2, 40, 20 * 16).reshape(16, 20)
    (nerfstudio_scene / "depth").mkdir()
    Image.fromarray(np.rint(65535 * 2 / depth).astype(np.uint16)).save(nerfstudio_scene / "depth" / "004.png")
    (nerfstudio_scene / "scene.json").write_text(json.dumps({"near": 2.0, "noise": 45}))
    scene = read_scene(nerfstudio_scene)
    inverse = scene.inverse_depth(scene.folder("depth")["004"])
    np.testing.assert_allclose(inverse, 1 / depth, atol=0.51 / 65535 / 2)


def test_an_inverse_depth_of_8_bits_is_relative(nerfstudio_scene: Path) -> None:
    (nerfstudio_scene / "depth").mkdir()
    Image.new("L", (20, 16), 51).save(nerfstudio_scene / "depth" / "004.png")
    scene = read_scene(nerfstudio_scene)
    np.testing.assert_allclose(scene.inverse_depth(scene.folder("depth")["004"]), 0.2, rtol=1e-6)


def test_what_is_transparent_is_black(nerfstudio_scene: Path) -> None:
    rgba = np.full((16, 20, 4), 255, np.uint8)
    rgba[:8, :, 3] = 0
    Image.fromarray(rgba).save(nerfstudio_scene / "images" / "002.png")
    image = read_scene(nerfstudio_scene).image(2)
    assert image[:8].max() == 0
    assert image[8:].min() == 1


@pytest.mark.parametrize("name", ["..", "../scene/../..", "/", "nowhere", "images/../../outside", "points.ply", "a\0b"])
def test_a_further_folder_outside_or_absent_is_refused(nerfstudio_scene: Path, name: str) -> None:
    (nerfstudio_scene.parent / "outside").mkdir()
    Image.new("L", (20, 16)).save(nerfstudio_scene.parent / "outside" / "004.png")
    with pytest.raises(InvalidInput, match=r"scene\.folder"):
        read_scene(nerfstudio_scene).folder(name)


def test_a_link_does_not_lead_out(nerfstudio_scene: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (20, 16)).save(secret)
    (nerfstudio_scene / "images" / "003.png").unlink()
    (nerfstudio_scene / "images" / "003.png").symlink_to(secret)
    with pytest.raises(InvalidInput, match="within the folder"):
        read_scene(nerfstudio_scene)


@pytest.mark.parametrize("name", ["transforms.json", "scene.json", "clean/003.png"])
def test_nor_does_one_to_what_stands_beside_the_photographs(nerfstudio_scene: Path, tmp_path: Path, name: str) -> None:
    path = nerfstudio_scene / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    path.rename(tmp_path / "secret")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match="within the folder"):
        read_scene(nerfstudio_scene).folder("clean")


def test_a_photograph_of_16_bits_is_refused_and_not_read_as_white(nerfstudio_scene: Path) -> None:
    Image.fromarray(np.full((16, 20), 20_000, np.uint16)).save(nerfstudio_scene / "images" / "005.png")
    with pytest.raises(InvalidInput, match=r"005\.png.*8 bits"):
        read_scene(nerfstudio_scene).image(5)


def test_a_photograph_of_another_size_is_refused_before_it_is_decoded(nerfstudio_scene: Path) -> None:
    Image.new("RGB", (21, 16)).save(nerfstudio_scene / "images" / "005.png")
    with pytest.raises(InvalidInput, match=r"005\.png.*21×16.*20×16"):
        read_scene(nerfstudio_scene)


def test_a_mask_of_another_size_or_with_colours_is_refused(nerfstudio_scene: Path) -> None:
    scene = read_scene(nerfstudio_scene)
    (nerfstudio_scene / "depth").mkdir()
    Image.new("L", (10, 16)).save(nerfstudio_scene / "depth" / "004.png")
    with pytest.raises(InvalidInput, match="10×16"):
        scene.inverse_depth(scene.folder("depth")["004"])
    Image.new("RGB", (20, 16)).save(nerfstudio_scene / "depth" / "004.png")
    with pytest.raises(InvalidInput, match="mode RGB"):
        scene.inverse_depth(scene.folder("depth")["004"])


def test_a_photograph_that_is_missing_or_no_image(nerfstudio_scene: Path) -> None:
    path = nerfstudio_scene / "images" / "005.png"
    path.write_bytes(b"not an image")
    with pytest.raises(InvalidInput, match=r"005\.png"):
        read_scene(nerfstudio_scene)
    path.unlink()
    with pytest.raises(InvalidInput, match=r"005\.png"):
        read_scene(nerfstudio_scene)


def test_a_photograph_cut_off_is_damaged_when_it_is_read(nerfstudio_scene: Path) -> None:
    path = nerfstudio_scene / "images" / "005.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 20, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    scene = read_scene(nerfstudio_scene)
    with pytest.raises(InvalidInput, match=r"005\.png"):
        scene.image(5)


def test_one_photograph_is_too_few(changed: Callable) -> None:
    with pytest.raises(InvalidInput, match=r"one image.*at least two"):
        read_scene(changed(lambda meta: meta.update(frames=meta["frames"][:1])))


def test_a_folder_without_cameras(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no cameras.*transforms\.json"):
        read_scene(tmp_path)
    with pytest.raises(InvalidInput, match="no cameras"):
        read_scene(tmp_path / "nowhere")


@pytest.mark.parametrize("near", [0, -1, "2", None, True, float("nan"), 1e400])
def test_a_near_that_is_no_depth(nerfstudio_scene: Path, near: object) -> None:
    (nerfstudio_scene / "scene.json").write_text(json.dumps({"near": near}))
    with pytest.raises(InvalidInput, match=r"scene\.json\.near"):
        read_scene(nerfstudio_scene)


def test_points_that_are_not_finite_or_lie_outside(nerfstudio_scene: Path, changed: Callable) -> None:
    rows = np.array([(1, np.nan, 3)], [("x", "f4"), ("y", "f4"), ("z", "f4")])
    plyfile.PlyData([plyfile.PlyElement.describe(rows, "vertex")]).write(nerfstudio_scene / "points.ply")
    with pytest.raises(InvalidInput, match="not finite"):
        read_scene(nerfstudio_scene)
    with pytest.raises(InvalidInput, match="within the folder"):
        read_scene(changed(lambda meta: meta.update(ply_file_path="../points.ply")))
