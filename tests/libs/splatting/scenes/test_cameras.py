"""Cameras that can be rendered with, and those that cannot."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_splatting.scenes import Cameras


def test_the_position_is_what_the_view_matrix_takes_to_the_origin(cameras: Cameras) -> None:
    homogeneous = np.concatenate([cameras.positions, np.ones((10, 1))], axis=1)
    np.testing.assert_allclose(np.einsum("cij,cj->ci", cameras.viewmats, homogeneous)[:, :3], 0, atol=1e-12)


def test_some_of_the_cameras(cameras: Cameras) -> None:
    assert cameras[[3, 1]].names == ("003", "001")
    np.testing.assert_array_equal(cameras[np.arange(10) % 8 == 0].viewmats, cameras.viewmats[[0, 8]])
    assert len(cameras[2:5]) == 3


def test_a_shared_pinhole_looks_through_the_centre(viewmats: np.ndarray) -> None:
    cameras = Cameras.pinhole(["a", "b"], viewmats[:2], (50.0, 60.0), (40, 30))
    np.testing.assert_array_equal(cameras.intrinsics[1], [[50, 0, 20], [0, 60, 15], [0, 0, 1]])


def bent(matrices: np.ndarray, row: int, column: int, value: float) -> np.ndarray:
    matrices = matrices.copy()
    matrices[2, row, column] = value
    return matrices


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [(0, 0, 0.0), (1, 1, -31.0), (0, 0, np.nan), (0, 0, np.inf), (0, 1, 0.5), (2, 2, 2.0), (1, 0, 1.0)],
)
def test_singular_skewed_or_infinite_intrinsics_name_their_camera(
    cameras: Cameras, row: int, column: int, value: float
) -> None:
    with pytest.raises(InvalidInput, match=r"intrinsics\[2\].*no skew"):
        replace(cameras, intrinsics=bent(cameras.intrinsics, row, column, value))


@pytest.mark.parametrize(("row", "column", "value"), [(0, 0, 5.0), (3, 3, 2.0), (1, 3, np.nan), (3, 0, 1.0)])
def test_a_view_that_is_not_rigid_names_its_camera(cameras: Cameras, row: int, column: int, value: float) -> None:
    with pytest.raises(InvalidInput, match=r"viewmats\[2\]"):
        replace(cameras, viewmats=bent(cameras.viewmats, row, column, value))


def test_a_mirrored_view_is_refused(cameras: Cameras) -> None:
    with pytest.raises(InvalidInput, match=r"viewmats\[0\].*mirror"):
        replace(cameras, viewmats=cameras.viewmats * [[[-1], [1], [1], [1]]])


@pytest.mark.parametrize("size", [(0, 10), (10, -1), (8193, 10), (8192, 8193), (8192, 8192 + 1)])
def test_an_empty_or_huge_image_is_refused(cameras: Cameras, size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=f"size.*{size[0]}×{size[1]}"):
        replace(cameras, width=size[0], height=size[1])


def test_no_camera_and_a_name_that_stands_twice(cameras: Cameras) -> None:
    with pytest.raises(InvalidInput, match="no camera"):
        Cameras((), np.zeros((0, 4, 4)), np.zeros((0, 3, 3)), 20, 16)
    with pytest.raises(InvalidInput, match="001 twice"):
        replace(cameras, names=("001", "001", *cameras.names[2:]))


def test_as_many_matrices_as_names(cameras: Cameras) -> None:
    with pytest.raises(InvalidInput, match=r"viewmats.*\[9, 4, 4\].*\[10, 4, 4\]"):
        replace(cameras, viewmats=cameras.viewmats[:9])


def test_a_name_that_stands_twice_is_found_in_a_moment(cameras: Cameras) -> None:
    names = (*map(str, range(40_000)), "39999")
    start = time.process_time()
    with pytest.raises(InvalidInput, match="39999 twice"):
        Cameras(names, np.empty((40_001, 4, 4)), np.empty((40_001, 3, 3)), 20, 16)
    assert time.process_time() - start < 1
