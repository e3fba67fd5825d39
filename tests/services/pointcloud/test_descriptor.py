"""The shape descriptor made by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tellurion_pointcloud.downstream.descriptor import ANGLES, DISTANCES, FARTHEST, LENGTH, descriptors

RANDOM = np.random.default_rng(0)
BOX = RANDOM.uniform(-1, 1, (1, 600, 3)) * (3, 1, 2)
AFTER = DISTANCES + ANGLES + 32
"""Where extents and eigenvalues begin."""


def histogram(cloud: NDArray[np.float64], first: int, bins: int) -> NDArray[np.float64]:
    """Shares of one of a descriptor's histograms."""
    return descriptors(cloud)[0, first : first + bins] ** 2


def test_each_histogram_holds_shares() -> None:
    found = descriptors(BOX)[0]
    assert found.shape == (LENGTH,)
    for first, last in ((0, 32), (32, 56), (56, 72), (72, 88)):
        assert np.square(found[first:last]).sum() == pytest.approx(1)


@pytest.mark.parametrize("degrees", [30.0, 90.0, 200.0])
def test_turning_about_the_vertical_moving_and_scaling_change_nothing(degrees: float) -> None:
    turn = Rotation.from_euler("z", degrees, degrees=True)
    moved = 2.5 * turn.apply(BOX[0]) + (7, -3, 11)
    np.testing.assert_allclose(descriptors(moved[None]), descriptors(BOX), atol=0.01)


def test_the_order_of_points_matters_to_no_more_than_the_angles_drawn() -> None:
    found, shuffled = descriptors(BOX)[0], descriptors(RANDOM.permutation(BOX[0])[None])[0]
    angles = slice(DISTANCES, DISTANCES + ANGLES)
    np.testing.assert_allclose(np.delete(shuffled, np.r_[angles]), np.delete(found, np.r_[angles]), atol=1e-9)
    np.testing.assert_allclose(shuffled[angles], found[angles], atol=0.05)


def test_distances_on_a_sphere_grow_linearly_to_the_diameter() -> None:
    points = RANDOM.normal(size=(2000, 3))
    shares = histogram((points / np.linalg.norm(points, axis=1, keepdims=True))[None], 0, DISTANCES)
    mean = 4 / 3  # of a unit sphere; density of a distance d is d / 2 up to 2
    edges = np.minimum(np.linspace(0, FARTHEST * mean, DISTANCES + 1), 2)
    np.testing.assert_allclose(shares, np.diff(edges**2) / 4, atol=0.01)


def test_angles_of_points_on_a_line_are_straight_or_none() -> None:
    line = np.outer(RANDOM.uniform(size=500), [1.0, 2.0, 0.5])[None]
    shares = histogram(line, DISTANCES, ANGLES)
    assert shares[0] == pytest.approx(2 / 3, abs=0.01)
    assert shares[-1] == pytest.approx(1 / 3, abs=0.01)


def test_extents_of_a_box_are_its_sides_along_the_principal_axes() -> None:
    corners = np.stack(np.meshgrid([-3, 3], [-1, 1], [-2, 2]), -1).reshape(1, -1, 3).astype(float)
    extents = descriptors(corners)[0, AFTER : AFTER + 3]
    np.testing.assert_allclose(extents, np.array([6, 2, 4]) / np.sqrt(56), atol=1e-12)


def test_a_plane_is_planar_and_a_line_linear() -> None:
    plane = np.column_stack([RANDOM.uniform(-1, 1, (4000, 2)), np.zeros(4000)])[None, ::4]
    line = np.outer(np.linspace(-1, 1, 100), [0, 0, 1.0])[None]
    assert descriptors(plane)[0, -2] == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(descriptors(line)[0, -3:], [1, 0, 0], atol=1e-12)


def test_points_that_are_all_equal_have_a_finite_descriptor() -> None:
    assert np.isfinite(descriptors(np.ones((1, 10, 3)))).all()
