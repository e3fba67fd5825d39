"""Pinhole cameras of one image size: where they stand, what they see, and the checks that make them usable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.pinhole import MAX_PIXELS, PINHOLE, is_pinhole

Matrices = NDArray[np.float64]

MAX_EXTENT = 8192
RIGID = 1e-3
"""How far RᵀR may be from the identity: files carry rotations with few digits."""

OPENGL_AXES = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenCV's camera axes (x right, y down, z forward) to OpenGL's (x right, y up, z back), and back again."""


@dataclass(frozen=True, eq=False)
class Cameras:
    """C cameras in OpenCV's axes; pixel (row i, column j) has its centre at (j + ½, i + ½).

    Raises InvalidInput naming the first camera whose matrix is not rigid or whose intrinsics are singular, skewed or
    not finite, and where there is no camera, a name stands twice, or the image is empty or too large.
    """

    names: tuple[str, ...]
    """[C] file names of the images, or whatever tells the views apart."""
    viewmats: Matrices
    """[C, 4, 4] from world to camera."""
    intrinsics: Matrices
    """[C, 3, 3] focal lengths and principal point in pixels, without skew."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""

    def __post_init__(self) -> None:
        viewmats, intrinsics = np.asarray(self.viewmats, np.float64), np.asarray(self.intrinsics, np.float64)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "viewmats", viewmats)
        object.__setattr__(self, "intrinsics", intrinsics)
        check_size(self.width, self.height)
        if not self.names:
            raise InvalidInput.of("cameras", received="no camera", accepted="at least one")
        for field, matrices, side in (("viewmats", viewmats, 4), ("intrinsics", intrinsics, 3)):
            if matrices.shape != (accepted := (len(self), side, side)):
                raise InvalidInput.of(f"cameras.{field}", received=list(matrices.shape), accepted=f"{list(accepted)}")
        twice, times = Counter(self.names).most_common(1)[0]
        if times > 1:
            raise InvalidInput.of("cameras.names", received=f"{twice} twice", accepted="names that differ")
        for index, (viewmat, intrinsic) in enumerate(zip(viewmats, intrinsics, strict=True)):
            _check_rigid(viewmat, f"cameras.viewmats[{index}]")
            if not is_pinhole(intrinsic):
                received = np.round(intrinsic, 4).tolist()
                raise InvalidInput.of(f"cameras.intrinsics[{index}]", received=received, accepted=PINHOLE)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, rows: ArrayLike) -> Cameras:
        """Some of the cameras: rows are a slice, a mask [C] or indices."""
        names = np.array(self.names, object)[rows]  # type: ignore[index]
        return Cameras(tuple(names), self.viewmats[rows], self.intrinsics[rows], self.width, self.height)  # type: ignore[index]

    @property
    def positions(self) -> Matrices:
        """[C, 3] camera centres in the world: −Rᵀt."""
        return -np.einsum("cji,cj->ci", self.viewmats[:, :3, :3], self.viewmats[:, :3, 3])

    @classmethod
    def pinhole(
        cls, names: Sequence[str], viewmats: ArrayLike, focal: tuple[float, float], size: tuple[int, int]
    ) -> Cameras:
        """Cameras that share focal lengths (fx, fy), with the principal point at the centre of (width, height)."""
        intrinsics = np.tile(intrinsic(*focal, size[0] / 2, size[1] / 2), (len(names), 1, 1))
        return cls(tuple(names), np.asarray(viewmats, np.float64), intrinsics, *size)


def intrinsic(fx: float, fy: float, cx: float, cy: float) -> Matrices:
    """[3, 3] matrix of a pinhole, all in pixels."""
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def check_size(width: int, height: int) -> None:
    """Raises InvalidInput where an image is empty or too large to be rendered."""
    if not (0 < width <= MAX_EXTENT and 0 < height <= MAX_EXTENT and width * height <= MAX_PIXELS):
        accepted = f"1…{MAX_EXTENT} pixels a side and at most {MAX_PIXELS} in all"
        raise InvalidInput.of("cameras.size", received=f"{width}×{height}", accepted=accepted)


def _check_rigid(viewmat: Matrices, field: str) -> None:
    if not np.isfinite(viewmat).all():
        raise InvalidInput.of(field, received="a value that is not finite", accepted="finite numbers")
    R = viewmat[:3, :3]
    if np.abs(R.T @ R - np.eye(3)).max() > RIGID or np.linalg.det(R) < 0 or (viewmat[3] != [0, 0, 0, 1]).any():
        accepted = "a rotation without scale or mirror, a translation, and a last row of 0, 0, 0, 1"
        raise InvalidInput.of(field, received=np.round(viewmat, 4).tolist(), accepted=accepted)
