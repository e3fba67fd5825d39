"""What both readers of scenes return: photographs with their cameras, sorted, and sparse points."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_splatting.scenes.cameras import Cameras


@dataclass(frozen=True)
class Photograph:
    """One photograph and its camera."""

    path: str
    """Path of the image, relative to the scene's folder."""
    viewmat: NDArray[np.float64]
    """[4, 4] from world to camera, OpenCV's axes."""
    intrinsic: NDArray[np.float64]
    """[3, 3] in pixels."""
    width: int
    height: int


def cameras_of(views: list[Photograph]) -> tuple[Cameras, tuple[str, ...]]:
    """The cameras of some views and the paths of their images, sorted by path; a view is named for its file's stem.

    Raises InvalidInput where the views are of several sizes, two have the same name, or `Cameras` cannot be made of
    them.
    """
    views = sorted(views, key=lambda view: view.path)
    sizes = sorted({(view.width, view.height) for view in views})
    if len(sizes) > 1:
        received = " and ".join(f"{width}×{height}" for width, height in sizes[:2])
        raise InvalidInput.of("cameras.size", received=received, accepted="one image size in a scene")
    names = tuple(Path(view.path).stem for view in views)
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        paths = " and ".join(view.path for view, own in zip(views, names, strict=True) if own == name)
        accepted = "names that differ without their folder and suffix"
        raise InvalidInput.of("cameras.names", received=f"{name} twice: {paths}", accepted=accepted)
    cameras = Cameras(
        names,
        np.array([view.viewmat for view in views]).reshape(-1, 4, 4),
        np.array([view.intrinsic for view in views]).reshape(-1, 3, 3),
        *(sizes[0] if sizes else (1, 1)),
    )
    return cameras, tuple(view.path for view in views)


def check_undistorted(coefficients: dict[str, float], field: str) -> None:
    """Raises InvalidInput where a lens distorts: the rasteriser projects through pinholes."""
    for name, value in coefficients.items():
        if value != 0:
            accepted = "0: images undistorted beforehand, as by `colmap image_undistorter`"
            raise InvalidInput.of(f"{field}.{name}", received=value, accepted=accepted)
