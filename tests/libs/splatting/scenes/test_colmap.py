"""COLMAP's sparse models, text and binary: by hand from its documentation, and by pycolmap where it is installed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_splatting.scenes import Cameras, read_cameras, read_scene
from tellurion_splatting.scenes.colmap import read_model


def model(scene: Path) -> Path:
    return scene / "sparse" / "0"


def test_cameras_and_points(colmap_scene: Path, cameras: Cameras, sparse: tuple[np.ndarray, np.ndarray]) -> None:
    scene = read_scene(colmap_scene)
    assert scene.cameras.names == cameras.names
    np.testing.assert_allclose(scene.cameras.viewmats, cameras.viewmats, atol=1e-12)
    np.testing.assert_array_equal(scene.cameras.intrinsics, cameras.intrinsics)
    np.testing.assert_array_equal(scene.points, sparse[0])
    np.testing.assert_allclose(scene.point_colors, sparse[1] / 255, atol=1e-7)
    assert [path.name for path in scene.images] == [f"{index:03}.png" for index in range(10)]
    assert len(read_cameras(colmap_scene)) == 10


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_pycolmaps_model_is_read_and_projects_where_pycolmap_does(
    tmp_path: Path, cameras: Cameras, sparse: tuple[np.ndarray, np.ndarray], suffix: str
) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    theirs = pycolmap.Reconstruction()
    (fx, _, cx), (_, fy, cy), _ = cameras.intrinsics[0]
    theirs.add_camera_with_trivial_rig(
        pycolmap.Camera(model="PINHOLE", width=20, height=16, params=[fx, fy, cx, cy], camera_id=5)
    )
    for index, (name, viewmat) in enumerate(zip(cameras.names, cameras.viewmats, strict=True)):
        image = pycolmap.Image(name=f"{name}.png", keypoints=np.ones((index % 3, 2)), camera_id=5, image_id=index + 1)
        theirs.add_image_with_trivial_frame(image, pycolmap.Rigid3d(viewmat[:3]))
    for point, color in zip(*sparse, strict=True):
        theirs.add_point3D(point, pycolmap.Track(), color)
    folder = tmp_path / "sparse" / "0"
    folder.mkdir(parents=True)
    (theirs.write_text if suffix == ".txt" else theirs.write_binary)(folder)

    ours = read_model(folder)
    assert ours.images == tuple(f"{name}.png" for name in cameras.names)
    np.testing.assert_allclose(ours.points, sparse[0], atol=1e-12)
    np.testing.assert_allclose(ours.colors, sparse[1] / 255, atol=1e-7)
    seen = 0
    for index, (viewmat, K) in enumerate(zip(ours.cameras.viewmats, ours.cameras.intrinsics, strict=True)):
        for point in sparse[0]:
            x, y, z = K @ (viewmat[:3, :3] @ point + viewmat[:3, 3])
            if z > 0:
                np.testing.assert_allclose(theirs.image(index + 1).project_point(point), (x / z, y / z), atol=1e-9)
                seen += 1
    assert seen > 5


def lens(scene: Path, text: str) -> Path:
    """The scene with another line in cameras.txt; in a binary scene, with the same camera in binary."""
    number, name, width, height, *values = text.split()
    if (path := model(scene) / "cameras.txt").exists():
        path.write_text(text + "\n")
    else:
        kind = {"SIMPLE_PINHOLE": 0, "PINHOLE": 1, "SIMPLE_RADIAL": 2, "OPENCV": 4, "OPENCV_FISHEYE": 5}[name]
        data = struct.pack("<QiiQQ", 1, int(number), kind, int(width), int(height))
        (model(scene) / "cameras.bin").write_bytes(data + struct.pack(f"<{len(values)}d", *map(float, values)))
    return scene


@pytest.mark.parametrize(
    "text",
    ["7 SIMPLE_PINHOLE 20 16 30 10 8", "7 SIMPLE_RADIAL 20 16 30 10 8 0", "7 OPENCV 20 16 30 30 10 8 0 0 0 0"],
)
def test_models_that_are_pinholes(colmap_scene: Path, text: str) -> None:
    intrinsics = read_cameras(lens(colmap_scene, text)).intrinsics
    np.testing.assert_array_equal(intrinsics[4], [[30, 0, 10], [0, 30, 8], [0, 0, 1]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7 SIMPLE_RADIAL 20 16 30 10 8 0.01", "k.*undistorted"),
        ("7 OPENCV 20 16 30 30 10 8 0 0 1e-3 0", "p1.*undistorted"),
        ("7 OPENCV_FISHEYE 20 16 30 30 10 8 0 0 0 0", "image_undistorter"),
        ("8 PINHOLE 20 16 30 30 10 8", "camera 7"),
        ("7 PINHOLE 20 16 0 30 10 8", "intrinsics"),
        ("7 PINHOLE 20 0 30 30 10 8", "size"),
        ("7 PINHOLE 20 16 nan 30 10 8", "intrinsics"),
    ],
)
def test_a_camera_that_cannot_be_used(colmap_scene: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_cameras(lens(colmap_scene, text))


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_a_model_cut_off_is_an_error(colmap_scene: Path, name: str) -> None:
    (path,) = model(colmap_scene).glob(f"{name}.*")
    data = path.read_bytes()
    if path.suffix == ".bin":
        for place in np.unique(np.linspace(0, len(data) - 1, 64).astype(int)):
            path.write_bytes(data[:place])
            with pytest.raises(InvalidInput):
                read_cameras(colmap_scene)
    path.unlink()
    with pytest.raises(InvalidInput):
        read_cameras(colmap_scene)


@pytest.mark.parametrize("name", ["cameras", "images", "points3D"])
def test_a_count_of_everything_is_refused_before_memory(colmap_scene: Path, name: str) -> None:
    (path,) = model(colmap_scene).glob(f"{name}.*")
    if path.suffix == ".bin":
        path.write_bytes(struct.pack("<Q", 2**63) + path.read_bytes()[8:])
        with pytest.raises(InvalidInput, match="do not fit"):
            read_cameras(colmap_scene)
    else:
        path.write_text("1 2 nonsense\n")
        with pytest.raises(InvalidInput, match=r"nonsense|size|no camera"):
            read_cameras(colmap_scene)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("cameras", "7 PINHOLE 20"),
        ("images", "1 1 0 0 0 0 0 7 000.png"),
        ("images", "1 1 0 0 0 0 0 0 7"),
        ("points3D", "1 0 0 0 255 0 51"),
        ("points3D", "1 0 0 0\n2 0 0 0"),
        ("points3D", "1 0 0 0 255 0 51 0.5\n2 0 0 0 9"),
        ("points3D", "1 0 0 0 255 0 red 0.5"),
    ],
)
def test_a_line_of_too_few_numbers_is_refused(colmap_scene: Path, name: str, line: str) -> None:
    path = model(colmap_scene) / f"{name}.txt"
    if path.exists():
        path.write_text(line + "\n")
        with pytest.raises(InvalidInput, match=name):
            read_cameras(colmap_scene)


@pytest.mark.parametrize("name", ["cameras", "images", "points3D", ""])
def test_a_model_that_is_a_link_to_another_folder_is_not_read(colmap_scene: Path, tmp_path: Path, name: str) -> None:
    (path,) = model(colmap_scene).glob(f"{name}.*") if name else [model(colmap_scene)]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    for read in (read_scene, read_cameras):
        with pytest.raises(InvalidInput, match="within the folder"):
            read(colmap_scene)


def test_a_photograph_outside_the_folder_is_not_opened(colmap_scene: Path) -> None:
    (path,) = model(colmap_scene).glob("images.*")
    path.write_bytes(path.read_bytes().replace(b"003.png", b"../../x"))
    with pytest.raises(InvalidInput, match="within the folder"):
        read_scene(colmap_scene)
