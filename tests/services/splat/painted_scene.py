"""A painted pane before which cameras stand, and in which another picture is reflected; every pixel is known exactly.

The pane is the plane z = 0, the virtual image of the other picture the plane z = 2 behind it: rays meet both in closed
form. What is seen is T · pane + (1 − T) · picture, what is transmitted T · pane, and the depth is that of the pane.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TRANSMITTANCE = 0.7
PICTURE_Z = 2.0
NEAR = 1.0
SIZE = (40, 30)
FOCAL = 40.0
Floats = NDArray[np.float64]


def viewmats(count: int) -> Floats:
    """[C, 4, 4] cameras on an arc three units before the pane, looking at its middle; x right, y down, z forward."""
    mats = np.tile(np.eye(4), (count, 1, 1))
    for mat, angle in zip(mats, np.linspace(-0.5, 0.5, count), strict=True):
        place = 3 * np.array([np.sin(angle), 0.2 * np.cos(5 * angle), -np.cos(angle)])
        forward = -place / np.linalg.norm(place)
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        mat[:3, :3] = right, np.cross(forward, right), forward
        mat[:3, 3] = -mat[:3, :3] @ place
    return mats


def intrinsics(count: int) -> Floats:
    """[C, 3, 3]."""
    return np.tile([[FOCAL, 0, SIZE[0] / 2], [0, FOCAL, SIZE[1] / 2], [0, 0, 1]], (count, 1, 1))


def pane(x: Floats, y: Floats) -> Floats:
    """[..., 3] colours of the pane."""
    return 0.5 + 0.4 * np.stack([np.sin(2 * x), np.cos(3 * y), np.sin(2 * x + 2 * y)], axis=-1)


def picture(x: Floats, y: Floats) -> Floats:
    """[..., 3] colours of what is reflected."""
    return 0.5 + 0.5 * np.stack([np.cos(4 * x), np.sin(4 * y), np.ones_like(x)], axis=-1)


def view(viewmat: Floats) -> tuple[Floats, Floats, Floats]:
    """What one camera sees [H, W, 3], what of it is transmitted [H, W, 3], and the depth of the pane [H, W]."""
    width, height = SIZE
    i, j = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    in_camera = np.stack([(j - width / 2) / FOCAL, (i - height / 2) / FOCAL, np.ones_like(i)], axis=-1)
    place, rays = -viewmat[:3, :3].T @ viewmat[:3, 3], in_camera @ viewmat[:3, :3]
    depth, behind = (-place[2] / rays[..., 2], (PICTURE_Z - place[2]) / rays[..., 2])
    transmitted = TRANSMITTANCE * pane(*(place + depth[..., None] * rays)[..., :2].transpose(2, 0, 1))
    reflected = (1 - TRANSMITTANCE) * picture(*(place + behind[..., None] * rays)[..., :2].transpose(2, 0, 1))
    return transmitted + reflected, transmitted, depth


def write_scene(folder: Path, count: int = 10, points: int = 300) -> Path:
    """Writes it as nerfstudio has scenes, with the transmitted images and the depths beside."""
    for name in ("images", "transmitted", "depth"):
        (folder / name).mkdir(parents=True)
    mats, frames = viewmats(count), []
    for index, mat in enumerate(mats):
        image, transmitted, depth = view(mat)
        name = f"{index:03d}.png"
        _picture(image).save(folder / "images" / name)
        _picture(transmitted).save(folder / "transmitted" / name)
        Image.fromarray(np.rint(65535 * NEAR / depth).astype(np.uint16)).save(folder / "depth" / name)
        frames.append({"file_path": f"images/{name}", "transform_matrix": _opengl(mat)})
    lens = {"fl_x": FOCAL, "fl_y": FOCAL, "cx": SIZE[0] / 2, "cy": SIZE[1] / 2, "w": SIZE[0], "h": SIZE[1]}
    transforms = {"camera_model": "PINHOLE", **lens, "ply_file_path": "points.ply", "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(transforms))
    (folder / "scene.json").write_text(json.dumps({"near": NEAR}))
    _write_points(folder / "points.ply", points)
    return folder


def write_masks(folder: Path, count: int = 10, *, left: int = 255, right: int = 0) -> Path:
    """Writes a mask for each camera: its left half, and its right."""
    folder.mkdir()
    mask = np.full(SIZE[::-1], right, np.uint8)
    mask[:, : SIZE[0] // 2] = left
    for index in range(count):
        Image.fromarray(mask).save(folder / f"{index:03d}.png")
    return folder


def _picture(image: Floats) -> Image.Image:
    return Image.fromarray(np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8))


def _opengl(viewmat: Floats) -> list[list[float]]:
    """Camera to world, with OpenGL's axes of the camera."""
    pose: list[list[float]] = (np.linalg.inv(viewmat) @ np.diag([1, -1, -1, 1])).tolist()
    return pose


def _write_points(path: Path, count: int) -> None:
    """Points of the pane with their colours."""
    x, y = np.random.default_rng(1).uniform(-1.2, 1.2, (2, count))
    levels = np.rint(255 * TRANSMITTANCE * pane(x, y)).astype(int)
    properties = [*(f"float {axis}" for axis in "xyz"), *(f"uchar {name}" for name in ("red", "green", "blue"))]
    header = ["ply", "format ascii 1.0", f"element vertex {count}", *(f"property {each}" for each in properties)]
    rows = [f"{a} {b} 0 {r} {g} {bl}" for a, b, (r, g, bl) in zip(x, y, levels, strict=True)]
    path.write_text("\n".join([*header, "end_header", *rows, ""]))
