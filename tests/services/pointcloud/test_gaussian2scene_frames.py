"""RGB-D views: what is refused of them, and where their pixels are in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.gaussian2scene import Frame

HEIGHT, WIDTH = 6, 8


def parts(**changed: Any) -> dict[str, Any]:
    good = {
        "colour": np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        "depth": np.ones((HEIGHT, WIDTH), np.float32),
        "K": np.array([[10.0, 0, 4], [0, 10, 3], [0, 0, 1]]),
        "world_to_camera": np.eye(4),
    }
    return good | changed


def changed(array: np.ndarray, place: tuple[int, int], value: float) -> np.ndarray:
    array = array.copy()
    array[place] = value
    return array


K, POSE, DEPTH = parts()["K"], parts()["world_to_camera"], parts()["depth"]
SHEARED = changed(POSE, (0, 1), 0.1)
MIRRORED = np.diag([-1.0, 1, 1, 1])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("colour", np.zeros((HEIGHT, WIDTH), np.uint8)),
        ("colour", np.zeros((HEIGHT, WIDTH, 3), np.float32)),
        ("colour", np.zeros((0, 0, 3), np.uint8)),
        ("depth", np.ones((HEIGHT, WIDTH + 1))),
        ("depth", changed(DEPTH, (2, 3), np.nan)),
        ("depth", changed(DEPTH, (2, 3), np.inf)),
        ("depth", changed(DEPTH, (2, 3), -0.1)),
        ("K", np.eye(4)),
        ("K", changed(K, (0, 0), 0)),
        ("K", changed(K, (1, 1), -10)),
        ("K", changed(K, (0, 2), WIDTH + 1)),
        ("K", changed(K, (1, 2), -1)),
        ("K", changed(K, (0, 0), np.nan)),
        ("world_to_camera", np.eye(3)),
        ("world_to_camera", changed(POSE, (0, 3), np.nan)),
        ("world_to_camera", SHEARED),
        ("world_to_camera", MIRRORED),
        ("world_to_camera", 2 * POSE),
    ],
)
def test_a_camera_or_image_that_does_not_fit_is_named(field: str, value: np.ndarray) -> None:
    with pytest.raises(InvalidInput) as refused:
        Frame(**parts(**{field: value}))
    assert [each.field for each in refused.value.violations] == [field]


def test_a_pixel_is_back_projected_along_its_ray_from_where_the_camera_stands() -> None:
    # The camera stands at (1, 2, 3) and looks along the world's x; its right is the world's −y, its down −z.
    rotation = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, -rotation @ [1, 2, 3]
    depth = np.zeros((HEIGHT, WIDTH))
    depth[2, 6] = 5  # its middle is 2.5 pixels right of the principal point, and 0.5 above it
    colour = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colour[2, 6] = 10, 20, 30
    points, colours = Frame(**parts(depth=depth, colour=colour, world_to_camera=pose)).points()
    np.testing.assert_allclose(points, [[1 + 5, 2 - 5 * 0.25, 3 + 5 * 0.05]])
    np.testing.assert_array_equal(colours, [[10, 20, 30]])
