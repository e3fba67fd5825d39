"""transforms.json as nerfstudio writes it, and as NeRF's older scenes do."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_splatting.scenes import Cameras, read_cameras, read_scene
from tellurion_splatting.scenes.nerfstudio import read_transforms, transforms


def test_cameras_turn_from_opengl_to_opencv(nerfstudio_scene: Path, cameras: Cameras) -> None:
    got = read_cameras(nerfstudio_scene / "transforms.json")
    assert got.names == cameras.names
    assert (got.width, got.height) == (20, 16)
    np.testing.assert_allclose(got.viewmats, cameras.viewmats, atol=1e-12)
    np.testing.assert_array_equal(got.intrinsics, cameras.intrinsics)


def test_a_camera_at_the_origin_looks_along_minus_z(tmp_path: Path) -> None:
    """In OpenGL's axes; a point one metre ahead has depth 1, and one above stands higher in the image."""
    meta = {"fl_x": 10, "w": 8, "h": 8, "frames": [{"file_path": "a.png", "transform_matrix": np.eye(4).tolist()}]}
    (tmp_path / "transforms.json").write_text(json.dumps(meta))
    (viewmat,) = read_cameras(tmp_path).viewmats
    np.testing.assert_allclose(viewmat @ [0, 0, -1, 1], [0, 0, 1, 1])
    assert (viewmat @ [0, 0.5, -1, 1])[1] == -0.5


def test_intrinsics_of_a_frame_stand_before_those_of_the_file(changed: Callable) -> None:
    folder = changed(lambda meta: meta["frames"][0].update(fl_x=44, cy=3))
    K = read_cameras(folder).intrinsics
    assert (K[9, 0, 0], K[9, 1, 2]) == (44, 3)
    assert K[8, 0, 0] == 30


def test_nerfs_synthetic_scenes_give_an_angle_no_size_and_no_suffix(changed: Callable) -> None:
    def old(meta: dict) -> None:
        for key in ("w", "h", "fl_x", "fl_y", "cx", "cy", "camera_model", "ply_file_path"):
            del meta[key]
        meta["camera_angle_x"] = math.pi / 2
        for frame in meta["frames"]:
            frame["file_path"] = "./" + frame["file_path"].removesuffix(".png")

    scene = read_scene(changed(old))
    np.testing.assert_allclose(scene.cameras.intrinsics[0], [[10, 0, 10], [0, 10, 8], [0, 0, 1]])
    assert scene.images[3].name == "003.png"
    assert len(scene.points) == 0


def test_what_is_written_is_read(tmp_path: Path, cameras: Cameras) -> None:
    images = [f"images/{name}.png" for name in cameras.names]
    (tmp_path / "transforms.json").write_text(json.dumps(transforms(cameras, images, "points.ply")))
    got = read_transforms(tmp_path / "transforms.json")
    assert (got.images, got.points) == (tuple(images), "points.ply")
    np.testing.assert_allclose(got.cameras.viewmats, cameras.viewmats, atol=1e-12)
    np.testing.assert_array_equal(got.cameras.intrinsics, cameras.intrinsics)


def frame(**values: object) -> Callable[[dict], None]:
    return lambda meta: meta["frames"][0].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda meta: meta.update(frames=[]), "no camera"),
        (lambda meta: meta.pop("frames"), "frames"),
        (lambda meta: meta.update(frames=[1, 2]), "frames"),
        (lambda meta: meta.update(k1=0.01), "k1.*undistorted"),
        (lambda meta: meta.update(camera_model="OPENCV_FISHEYE"), "OPENCV_FISHEYE.*PINHOLE"),
        (lambda meta: meta.update(fl_x=0), r"intrinsics\[0\]"),
        (lambda meta: meta.update(fl_x="wide"), r"frames\[0\]\.fl_x.*wide"),
        (lambda meta: meta.update(fl_x=float("nan")), "fl_x.*nan"),
        (lambda meta: meta.update(cx=True), "cx.*True"),
        (lambda meta: meta.pop("fl_x"), "fl_x.*camera_angle_x"),
        (lambda meta: meta.update(w=10**9), "size"),
        (lambda meta: meta.update(w=20.7), r"frames\[0\]\.w.*20\.7.*whole"),
        (lambda meta: meta.update(fl_x=10**400), "fl_x.*finite"),
        (lambda meta: meta.update(w=1e400), "w.*inf"),
        (lambda meta: meta.update(ply_file_path=3), "ply_file_path"),
        (frame(w=30), "20×16 and 30×16"),
        (frame(file_path=None), "file_path"),
        (frame(file_path="../../secret.png"), "within the folder"),
        (frame(file_path="/etc/passwd"), "within the folder"),
        (frame(file_path="images/a\0b.png"), "within the folder"),
        (frame(file_path="images/000.png"), "000 twice"),
        (frame(file_path="left/000.png"), "000 twice: images/000.png and left/000.png"),
        (frame(transform_matrix=[[10**400] * 4] * 4), "transform_matrix"),
        (frame(transform_matrix=[["1", "0", "0", "0"], *np.eye(4)[1:].tolist()]), "transform_matrix"),
        (frame(transform_matrix=[[True, 0, 0, 0], *np.eye(4)[1:].tolist()]), "transform_matrix"),
        (frame(transform_matrix=None), "transform_matrix"),
        (frame(transform_matrix=[[1, 2], [3]]), "transform_matrix"),
        (frame(transform_matrix=np.zeros((4, 4)).tolist()), "transform_matrix"),
        (frame(transform_matrix=(2 * np.eye(4)).tolist()), "viewmats"),
        (frame(transform_matrix=[["a"] * 4] * 4), "transform_matrix"),
    ],
)
def test_a_file_that_cannot_be_used(changed: Callable, change: Callable, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_cameras(changed(change))


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, "null", '{"frames": null}'])
def test_text_that_is_not_the_json_wanted(tmp_path: Path, text: str) -> None:
    (tmp_path / "transforms.json").write_text(text)
    with pytest.raises(InvalidInput):
        read_cameras(tmp_path / "transforms.json")


def test_a_matrix_of_three_rows_and_whole_numbers_as_floats_are_read(changed: Callable) -> None:
    def shorter(meta: dict) -> None:
        meta.update(w=20.0)
        for frame in meta["frames"]:
            del frame["transform_matrix"][3]

    assert read_cameras(changed(shorter)).width == 20


def test_a_file_with_much_beside_its_frames_is_read_in_a_moment(tmp_path: Path) -> None:
    pose = np.eye(4).tolist()
    frames = [{"file_path": f"{index}.png", "transform_matrix": pose} for index in range(4000)]
    meta = {"fl_x": 10, "w": 8, "h": 8, "frames": frames} | {f"note {index}": index for index in range(20_000)}
    (tmp_path / "transforms.json").write_text(json.dumps(meta))
    start = time.thread_time()
    assert len(read_cameras(tmp_path)) == 4000
    assert time.thread_time() - start < 2
