"""A scene as it lies in a folder: photographs, their cameras, sparse points, and optional folders beside them.

transforms.json         nerfstudio's cameras; or COLMAP's model in sparse/0/, with its photographs in images/
images/NNN.png          the photographs
points.ply              sparse points, named by `ply_file_path`
transmitted/NNN.png     any further folder, one image a photograph, by the same stem
depth/NNN.png           inverse depth in 16 bits: 65535 · near / z
scene.json              `near` in metres, for the depth
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import MAX_JSON_BYTES, file_bytes, inside, parsed_json
from tellurion_splatting.files.vertices import read_vertices
from tellurion_splatting.scenes import colmap, nerfstudio
from tellurion_splatting.scenes.cameras import Cameras
from tellurion_splatting.scenes.images import SUFFIXES, image_size, read_gray, read_image

HELD_OUT_EVERY = 8
"""Every 8th photograph is kept from the fit, the first among them, as the field does since Mip-NeRF 360."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Photographs of a scene with their cameras; images are read when they are asked for."""

    root: Path
    """The folder."""
    cameras: Cameras
    """Sorted by the path of the photograph, named for its stem."""
    images: tuple[Path, ...]
    """[C] the photographs."""
    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    """[P, 3] sparse points in the world, perhaps none."""
    point_colors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    """[P, 3] their colours in [0, 1]; ½ where the file has none."""
    near: float = 1.0
    """Depth in metres that a depth image's 65535 stands for; 1 where the scene does not say."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of every image in pixels."""
        return self.cameras.width, self.cameras.height

    @property
    def held_out(self) -> NDArray[np.bool_]:
        """[C] whether a view is kept from the fit."""
        return np.arange(len(self.cameras)) % HELD_OUT_EVERY == 0

    def image(self, index: int) -> NDArray[np.float32]:
        """[H, W, 3] one photograph in [0, 1]."""
        return read_image(self.images[index], self.size)

    def folder(self, name: str) -> dict[str, Path]:
        """The images of a further folder by the name of their view; some views may have none.

        Raises InvalidInput where there is no such folder within the scene, nothing in it belongs to a view, or an image
        is a link that leads out of the scene.
        """
        path = inside(self.root, name, "scene.folder")
        entries = sorted(path.iterdir()) if path.is_dir() else []
        views = set(self.cameras.names)
        entries = [entry for entry in entries if entry.suffix.lower() in SUFFIXES and entry.stem in views]
        found = {entry.stem: inside(self.root, f"{name}/{entry.name}", "scene.folder") for entry in entries}
        if not found:
            received = f"{name}, with no image of a view" if path.is_dir() else f"{name}, which is not there"
            raise InvalidInput.of("scene.folder", received=received, accepted="a folder of images named as the views")
        return found

    def color(self, path: Path) -> NDArray[np.float32]:
        """[H, W, 3] an image of a further folder in [0, 1]."""
        return read_image(path, self.size)

    def inverse_depth(self, path: Path) -> NDArray[np.float32]:
        """[H, W] 1/z in 1/m from a depth image; relative to `near` where that is not known."""
        return read_gray(path, self.size) / np.float32(self.near)


def read_scene(folder: str | Path) -> Scene:
    """The scene in a folder, by nerfstudio's transforms.json or else COLMAP's sparse model.

    Raises InvalidInput: no cameras, or some that cannot be used; fewer than two photographs; a photograph that is
    missing, of another size than its camera's, or outside the folder; a file that ends before its content does.
    """
    root = Path(folder)
    if (root / nerfstudio.FILE).is_file():
        inside(root, nerfstudio.FILE, nerfstudio.FILE)
        transforms = nerfstudio.read_transforms(root / nerfstudio.FILE)
        cameras, names, points, colors = transforms.cameras, transforms.images, np.zeros((0, 3)), None
        if transforms.points is not None:
            points, colors = _points(inside(root, transforms.points, "transforms.json.ply_file_path"))
    elif (model := colmap.model_folder(root)) is not None:
        cameras, names, points, colors = colmap.read_model(root, model)
        names = tuple(f"images/{name}" for name in names)
    else:
        accepted = f"{nerfstudio.FILE}, or COLMAP's cameras, images and points3D in sparse/0"
        raise InvalidInput.of("scene", received=f"no cameras in {root.name}", accepted=accepted)
    images = tuple(inside(root, name, "scene.images") for name in names)
    _check_images(images, cameras)
    if colors is None:
        colors = np.full(points.shape, 0.5, np.float32)
    return Scene(root, cameras, images, points, colors, _near(inside(root, "scene.json", "scene.json")))


def read_cameras(path: str | Path) -> Cameras:
    """Cameras alone: from a transforms.json, a folder with one, or a folder with COLMAP's sparse model.

    Raises InvalidInput: no cameras, or some that cannot be used; a file that ends before its content does.
    """
    path = Path(path)
    if path.is_dir() and not (path / nerfstudio.FILE).is_file() and (model := colmap.model_folder(path)) is not None:
        return colmap.read_model(path, model).cameras
    if path.is_dir():
        inside(path, nerfstudio.FILE, nerfstudio.FILE)
        path /= nerfstudio.FILE
    return nerfstudio.read_transforms(path).cameras


def _check_images(images: tuple[Path, ...], cameras: Cameras) -> None:
    if len(images) < 2:
        raise InvalidInput.of("scene.images", received="one image", accepted="at least two")
    for path in images:
        if (size := image_size(path)) != (cameras.width, cameras.height):
            accepted = f"{cameras.width}×{cameras.height}, as the cameras say"
            raise InvalidInput.of(f"scene.images.{path.name}", received="{}×{}".format(*size), accepted=accepted)


def _points(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float32] | None]:
    name = path.name
    vertices = read_vertices(file_bytes(path, name), name)
    points = vertices.matrix(["x", "y", "z"], name)
    if not np.isfinite(points).all():
        raise InvalidInput.of(name, received="a point that is not finite", accepted="finite coordinates")
    channels = ["red", "green", "blue"]
    if not set(channels) <= vertices.columns.keys():
        return points, None
    whole = vertices.columns["red"].dtype.kind in "ui" or vertices.matrix(channels, name).max(initial=0) > 1
    colors = vertices.matrix(channels, name) / (255 if whole else 1)
    return points, np.clip(np.nan_to_num(colors), 0, 1).astype(np.float32)


def _near(path: Path) -> float:
    if not path.is_file():
        return 1.0
    near = parsed_json(file_bytes(path, path.name, MAX_JSON_BYTES), path.name).get("near", 1.0)
    if isinstance(near, bool) or not isinstance(near, (int, float)) or not 0 < near < 1e9:
        raise InvalidInput.of("scene.json.near", received=near, accepted="a depth in metres above zero")
    return float(near)
