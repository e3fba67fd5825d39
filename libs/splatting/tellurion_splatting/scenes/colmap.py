"""COLMAP's sparse model, text or binary: world to camera, OpenCV's axes, pixel centres at ½.

Source: COLMAP's documentation of its output format. `cameras`, `images` and `points3D` stand in one folder, all with
the suffix .bin or all with .txt.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tellurion_core.errors import InvalidInput
from tellurion_splatting.files.bounds import file_bytes, inside
from tellurion_splatting.scenes.cameras import Cameras, intrinsic
from tellurion_splatting.scenes.posed import Photograph, cameras_of, check_undistorted

FOLDERS = ("sparse/0", "sparse", "colmap/sparse/0", "0", ".")
"""Where a model is looked for in a scene's folder."""

MODELS = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
}
"""Parameters of the camera models that are pinholes once their distortion is zero."""
_NUMBERS = dict(zip((0, 1, 2, 3, 4, 6), MODELS, strict=True))


class Model(NamedTuple):
    """What a sparse model says."""

    cameras: Cameras
    """Sorted by the image's name."""
    images: tuple[str, ...]
    """[C] names relative to COLMAP's folder of images."""
    points: NDArray[np.float64]
    """[P, 3]."""
    colors: NDArray[np.float32]
    """[P, 3] in [0, 1]."""


class _Lens(NamedTuple):
    number: int
    width: int
    height: int
    matrix: NDArray[np.float64]


class _Pose(NamedTuple):
    name: str
    quat: Sequence[float]
    translation: Sequence[float]
    lens: int


def model_folder(root: Path) -> str | None:
    """The folder of the sparse model, within a scene's folder, if there is one."""
    return next((name for name in FOLDERS if _suffix(root / name) is not None), None)


def read_model(root: Path, folder: str = ".") -> Model:
    """The cameras and points of a sparse model, whose files lie in a folder within the root.

    Raises InvalidInput: a file that is missing, lies outside or cannot be followed, a camera model that is no pinhole,
    a distortion; a file that ends before its content does.
    """
    suffix = _suffix(root / folder)
    if suffix is None:
        raise InvalidInput.of("colmap", received="no cameras", accepted="cameras, images and points3D, .bin or .txt")
    names = [f"{name}{suffix}" for name in ("cameras", "images", "points3D")]
    files = [file_bytes(inside(root, f"{folder}/{name}", name), name) for name in names]
    readers = (_binary_lenses, _binary_poses, _binary_points) if suffix == ".bin" else (_lenses, _poses, _points)
    lenses, poses, points = (list(read(file, name)) for read, file, name in zip(readers, files, names, strict=True))
    table = np.array(points, np.float64).reshape(-1, 6)
    if not np.isfinite(table).all():
        raise InvalidInput.of(names[2], received="a point that is not finite", accepted="finite coordinates")
    by_number = {lens.number: lens for lens in lenses}
    views = [_view(pose, by_number, names[1]) for pose in poses]
    return Model(*cameras_of(views), table[:, :3], np.clip(table[:, 3:] / 255, 0, 1).astype(np.float32))


def _suffix(folder: Path) -> str | None:
    return next((suffix for suffix in (".bin", ".txt") if (folder / f"cameras{suffix}").is_file()), None)


def _view(pose: _Pose, lenses: dict[int, _Lens], field: str) -> Photograph:
    if (lens := lenses.get(pose.lens)) is None:
        raise InvalidInput.of(f"{field}.{pose.name}", received=f"camera {pose.lens}", accepted="a camera of the model")
    quat, viewmat = np.array(pose.quat), np.eye(4)
    norm = np.linalg.norm(quat)
    if not (np.isfinite(norm) and norm > 0):
        raise InvalidInput.of(f"{field}.{pose.name}", received=pose.quat, accepted="a rotation, wxyz")
    viewmat[:3, :3] = Rotation.from_quat(np.roll(quat, -1)).as_matrix()
    viewmat[:3, 3] = pose.translation
    return Photograph(pose.name, viewmat, lens.matrix, lens.width, lens.height)


def _lens(number: int, model: str, width: int, height: int, values: Sequence[float], field: str) -> _Lens:
    names = MODELS.get(model)
    if names is None or len(values) != len(names):
        received = f"{model} with {len(values)} parameters"
        accepted = "a pinhole, as `colmap image_undistorter` leaves: " + ", ".join(MODELS)
        raise InvalidInput.of(f"{field}[{number}]", received=received, accepted=accepted)
    known = dict(zip(names, values, strict=True))
    fx = known.pop("f") if "f" in known else known.pop("fx")
    matrix = intrinsic(fx, known.pop("fy", fx), known.pop("cx"), known.pop("cy"))
    check_undistorted(known, f"{field}[{number}]")
    return _Lens(number, width, height, matrix)


def _lenses(data: bytes, field: str) -> Iterator[_Lens]:
    for line in _lines(data):
        with _parsing(line, field):
            number, model, width, height, *values = line.split()
            lens = int(number), model, int(width), int(height), [float(value) for value in values]
        yield _lens(*lens, field)


def _poses(data: bytes, field: str) -> Iterator[_Pose]:
    lines = iter(data.decode("utf-8", "replace").split("\n"))
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        with _parsing(line, field):
            _, *numbers, lens, name = line.split(None, 9)
            w, x, y, z, *translation = (float(number) for number in numbers)
            _, _, _ = translation
            pose = _Pose(name.strip(), (w, x, y, z), translation, int(lens))
        yield pose
        next(lines, None)  # the image's points, an empty line where it has none


def _points(data: bytes, field: str) -> Iterator[list[float]]:
    for line in _lines(data):
        with _parsing(line, field):
            _, x, y, z, red, green, blue, _, *_ = line.split(None, 8)
            point = [float(number) for number in (x, y, z, red, green, blue)]
        yield point


def _lines(data: bytes) -> Iterator[str]:
    return (line for line in data.decode("utf-8", "replace").split("\n") if line.strip() and not line.startswith("#"))


@contextmanager
def _parsing(line: str, field: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InvalidInput.of(field, received=line, accepted="a line as COLMAP writes it") from error


def _binary_lenses(data: bytes, field: str) -> Iterator[_Lens]:
    file = _Binary(data, field)
    for _ in range(file.count(24)):
        number, model, width, height = file.take("<iiQQ")
        name = _NUMBERS.get(model, f"model {model}")
        values = file.take(f"<{len(MODELS.get(name, ()))}d")
        yield _lens(number, name, width, height, values, field)


def _binary_poses(data: bytes, field: str) -> Iterator[_Pose]:
    file = _Binary(data, field)
    for _ in range(file.count(73)):
        _, *numbers, lens = file.take("<i7di")
        name = file.text()
        file.skip(24 * file.take("<Q")[0])
        yield _Pose(name, numbers[:4], numbers[4:], lens)


def _binary_points(data: bytes, field: str) -> Iterator[tuple[float, ...]]:
    file = _Binary(data, field)
    for _ in range(file.count(51)):
        _, *point, _ = file.take("<Q3d3Bd")
        file.skip(8 * file.take("<Q")[0])
        yield tuple(point)


class _Binary:
    """Numbers from the front of some bytes."""

    def __init__(self, data: bytes, field: str) -> None:
        self._data, self._field, self._at = data, field, 0

    def take(self, layout: str) -> tuple[Any, ...]:
        start = self._at
        self.skip(struct.calcsize(layout))
        return struct.unpack_from(layout, self._data, start)

    def count(self, smallest: int) -> int:
        """How many records follow, each of at least so many bytes."""
        count: int = self.take("<Q")[0]
        if count * smallest > len(self._data) - self._at:
            received = f"{count} records do not fit into {len(self._data)} bytes"
            raise InvalidInput.of(self._field, received=received, accepted="a whole file")
        return count

    def text(self) -> str:
        start, end = self._at, self._data.find(b"\0", self._at)
        if end < 0:
            raise InvalidInput.of(self._field, received="a name has no end", accepted="a whole file")
        self._at = end + 1
        return self._data[start:end].decode("utf-8", "replace")

    def skip(self, size: int) -> None:
        if self._at + size > len(self._data):
            received = f"the file ends after {len(self._data)} bytes, within a record"
            raise InvalidInput.of(self._field, received=received, accepted="a whole file")
        self._at += size
