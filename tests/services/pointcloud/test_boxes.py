"""Upright boxes and their overlap, against closed forms and shapely's polygons."""

import numpy as np
import pytest
from shapely.geometry import Polygon

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes, overlap

UNIT = Boxes([[0, 0, 0]], [[1, 1, 1]], [0])


def random_boxes(seed, count):
    random = np.random.default_rng(seed)
    return Boxes(random.uniform(-1, 1, (count, 3)), random.uniform(0.1, 2, (count, 3)), random.uniform(-7, 7, count))


def test_a_box_overlaps_itself_wholly_however_it_is_turned():
    boxes = random_boxes(0, 20)
    np.testing.assert_allclose(np.diag(overlap(boxes, boxes)), 1, atol=1e-12)


@pytest.mark.parametrize(
    ("centre", "size", "expected"),
    [
        ([0.5, 0, 0], [1, 1, 1], 1 / 3),
        ([0.5, 0.5, 0.5], [1, 1, 1], (1 / 8) / (2 - 1 / 8)),
        ([0, 0, 0], [0.5, 0.5, 0.5], 1 / 8),
        ([1, 0, 0], [1, 1, 1], 0),
        ([0, 0, 1.5], [1, 1, 1], 0),
        ([0, 0, 0], [0, 1, 1], 0),
    ],
)
def test_aligned_boxes_overlap_by_the_product_of_shared_sides(centre, size, expected):
    assert overlap(UNIT, Boxes([centre], [size], [0]))[0, 0] == pytest.approx(expected, abs=1e-15)


def test_a_square_turned_by_an_eighth_shares_a_regular_octagon():
    octagon = 2 * (np.sqrt(2) - 1)  # its area, for an inscribed circle of radius 1/2
    turned = Boxes([[0, 0, 0]], [[1, 1, 1]], [np.pi / 4])
    assert overlap(UNIT, turned)[0, 0] == pytest.approx(octagon / (2 - octagon), abs=1e-14)


def test_a_quarter_turn_swaps_the_sides():
    turned = Boxes([[0, 0, 0]], [[1, 2, 3]], [np.pi / 2])
    assert overlap(turned, Boxes.aligned(np.zeros((1, 3)), np.array([[2.0, 1, 3]])))[0, 0] == pytest.approx(1)


def test_two_empty_boxes_do_not_overlap():
    empty = Boxes([[0, 0, 0]], [[0, 0, 0]], [0])
    assert overlap(empty, empty)[0, 0] == 0


def test_overlap_agrees_with_shapely():
    a, b = random_boxes(1, 30), random_boxes(2, 40)
    expected = np.empty((30, 40))
    for i, one in enumerate(a.footprints()):
        for j, other in enumerate(b.footprints()):
            top = min(a.centres[i, 2] + a.sizes[i, 2] / 2, b.centres[j, 2] + b.sizes[j, 2] / 2)
            bottom = max(a.centres[i, 2] - a.sizes[i, 2] / 2, b.centres[j, 2] - b.sizes[j, 2] / 2)
            shared = Polygon(one).intersection(Polygon(other)).area * max(top - bottom, 0)
            expected[i, j] = shared / (a.sizes[i].prod() + b.sizes[j].prod() - shared)
    np.testing.assert_allclose(overlap(a, b), expected, atol=1e-12)
    assert (expected > 0.3).any()


def test_overlap_far_from_the_origin_keeps_its_digits():
    a, b = random_boxes(3, 10), random_boxes(4, 10)
    far = np.array([5e5, -3e5, 10.0])
    moved = overlap(Boxes(a.centres + far, a.sizes, a.yaw), Boxes(b.centres + far, b.sizes, b.yaw))
    np.testing.assert_allclose(moved, overlap(a, b), atol=1e-8)


def test_the_aligned_box_around_a_turned_one_touches_its_corners():
    around = Boxes([[1, 2, 3]], [[2, 1, 4]], [np.pi / 6]).around()
    np.testing.assert_allclose(around.centres, [[1, 2, 3]])
    np.testing.assert_allclose(around.sizes, [[np.sqrt(3) + 0.5, 1 + np.sqrt(3) / 2, 4]])


def test_corners_go_counter_clockwise():
    assert all(Polygon(corners).exterior.is_ccw for corners in random_boxes(5, 10).footprints())


@pytest.mark.parametrize(
    ("centres", "sizes", "yaw", "field"),
    [
        ([[0, 0]], [[1, 1, 1]], [0], "boxes.centres"),
        ([[0, 0, 0]], [[1, 1, 1]], [0, 0], "boxes.yaw"),
        ([[0, 0, np.nan]], [[1, 1, 1]], [0], "boxes.centres"),
        ([[1e30, 0, 0]], [[1, 1, 1]], [0], "boxes.centres"),
        ([[0, 0, 0]], [[1, -1, 1]], [0], "boxes.sizes"),
    ],
)
def test_a_box_that_is_none_is_refused(centres, sizes, yaw, field):
    with pytest.raises(InvalidInput) as refused:
        Boxes(centres, sizes, yaw)
    assert refused.value.violations[0].field == field
