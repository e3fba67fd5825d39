"""A small scene in each layout: cameras around the origin, images that tell their index, a few points."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import plyfile
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from tellurion_splatting.scenes import Cameras

SIZE = (20, 16)
FOCAL = (30.0, 31.0)
CENTRE = (10.5, 7.5)
POINTS = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [-1.0, 0.5, 0.25]])
COLORS = np.array([[255, 0, 51], [0, 102, 204], [153, 255, 0]], np.uint8)


@pytest.fixture
def viewmats() -> np.ndarray:
    """[10, 4, 4] world to camera, of random rigid motions."""
    rng = np.random.default_rng(0)
    matrices = np.tile(np.eye(4), (10, 1, 1))
    matrices[:, :3, :3] = Rotation.random(10, rng=rng).as_matrix()
    matrices[:, :3, 3] = rng.normal(size=(10, 3))
    return matrices


@pytest.fixture
def cameras(viewmats: np.ndarray) -> Cameras:
    names = tuple(f"{index:03}" for index in range(10))
    K = [[FOCAL[0], 0, CENTRE[0]], [0, FOCAL[1], CENTRE[1]], [0, 0, 1]]
    return Cameras(names, viewmats, np.tile(K, (10, 1, 1)), *SIZE)


@pytest.fixture
def sparse() -> tuple[np.ndarray, np.ndarray]:
    """[3, 3] points and their colours in bytes, as both scenes carry them."""
    return POINTS, COLORS


def write_images(folder: Path, names: list[str], size: tuple[int, int] = SIZE) -> None:
    for index, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (index, 2 * index, 255)).save(path)


def write_points(path: Path) -> None:
    columns = [("x", "f4"), ("y", "f4"), ("z", "f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
    rows = [(*point, *color) for point, color in zip(POINTS, COLORS, strict=True)]
    plyfile.PlyData([plyfile.PlyElement.describe(np.array(rows, columns), "vertex")]).write(path)


@pytest.fixture
def nerfstudio_scene(tmp_path: Path, viewmats: np.ndarray) -> Path:
    """Written as nerfstudio describes its format: the inverse of the view matrix with y and z of the camera negated."""
    folder = tmp_path / "scene"
    frames = []
    for index, viewmat in reversed(list(enumerate(viewmats))):  # the reader sorts
        pose = np.linalg.inv(viewmat)
        pose[:, 1:3] *= -1
        frames.append({"file_path": f"images/{index:03}.png", "transform_matrix": pose.tolist()})
    meta = {
        **{"camera_model": "OPENCV", "w": SIZE[0], "h": SIZE[1], "fl_x": FOCAL[0], "fl_y": FOCAL[1]},
        **{"cx": CENTRE[0], "cy": CENTRE[1], "k1": 0, "p2": 0.0, "ply_file_path": "points.ply", "frames": frames},
    }
    write_images(folder, [f"images/{index:03}.png" for index in range(10)])
    write_points(folder / "points.ply")
    (folder / "transforms.json").write_text(json.dumps(meta))
    return folder


@pytest.fixture
def changed(nerfstudio_scene: Path) -> Callable[..., Path]:
    """The scene with another transforms.json: `change` gets its content."""

    def write(change: Callable[[dict[str, Any]], object]) -> Path:
        path = nerfstudio_scene / "transforms.json"
        meta = json.loads(path.read_text())
        change(meta)
        path.write_text(json.dumps(meta))
        return nerfstudio_scene

    return write


@pytest.fixture(params=[".txt", ".bin"])
def colmap_scene(request: pytest.FixtureRequest, tmp_path: Path, viewmats: np.ndarray) -> Path:
    """Written as COLMAP's documentation describes its output, with observations that a reader passes over."""
    folder, model = tmp_path / "scene", tmp_path / "scene" / "sparse" / "0"
    model.mkdir(parents=True)
    write_images(folder / "images", [f"{index:03}.png" for index in range(10)])
    write = _write_text if request.param == ".txt" else _write_binary
    write(model, viewmats)
    return folder


def _quats(viewmats: np.ndarray) -> np.ndarray:
    return np.roll(Rotation.from_matrix(viewmats[:, :3, :3]).as_quat(), 1, axis=1)


def _write_text(model: Path, viewmats: np.ndarray) -> None:
    parameters = " ".join(map(str, (*FOCAL, *CENTRE)))
    (model / "cameras.txt").write_text(f"# CAMERA_ID, MODEL, …\n7 PINHOLE {SIZE[0]} {SIZE[1]} {parameters}\n")
    lines = ["# two lines an image"]
    for index, (quat, viewmat) in reversed(list(enumerate(zip(_quats(viewmats), viewmats, strict=True)))):
        pose = " ".join(f"{number:.17g}" for number in (*quat, *viewmat[:3, 3]))
        observations = "" if index % 2 else "1.5 2.5 1 3.5 4.5 -1"
        lines += [f"{index + 1} {pose} 7 {index:03}.png", observations]
    (model / "images.txt").write_text("\n".join(lines) + "\n")
    rows = [(i + 1, *p, *c, 0.5, 1, 0) for i, (p, c) in enumerate(zip(POINTS, COLORS, strict=True))]
    (model / "points3D.txt").write_text("# points\n" + "\n".join(" ".join(map(str, row)) for row in rows) + "\n")


def _write_binary(model: Path, viewmats: np.ndarray) -> None:
    (model / "cameras.bin").write_bytes(struct.pack("<QiiQQ4d", 1, 7, 1, *SIZE, *FOCAL, *CENTRE))
    images = struct.pack("<Q", len(viewmats))
    for index, (quat, viewmat) in reversed(list(enumerate(zip(_quats(viewmats), viewmats, strict=True)))):
        images += struct.pack("<i7di", index + 1, *quat, *viewmat[:3, 3], 7) + f"{index:03}.png".encode() + b"\0"
        images += struct.pack("<Q", index % 3) + struct.pack("<ddq", 1.5, 2.5, -1) * (index % 3)
    (model / "images.bin").write_bytes(images)
    points = struct.pack("<Q", len(POINTS))
    for index, (point, color) in enumerate(zip(POINTS, COLORS, strict=True)):
        points += struct.pack("<Q3d3Bd", index + 1, *point, *color, 0.5)
        points += struct.pack("<Q", index) + struct.pack("<ii", 1, 0) * index
    (model / "points3D.bin").write_bytes(points)
