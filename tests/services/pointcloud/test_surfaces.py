"""Points spread over triangles."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.surfaces import spread

SQUARE_AND_SLIVER = np.array([[0, 0, 0], [3, 0, 0], [3, 3, 0], [0, 3, 0], [0, 0, 1], [1, 0, 1], [0, 2, 1]], float)
FACES = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6]])


def test_each_face_gets_its_share_of_the_area():
    _, faces = spread(SQUARE_AND_SLIVER, FACES, 1000, np.random.default_rng(0))
    assert np.bincount(faces).tolist() == [450, 450, 100]


def test_points_lie_on_their_faces_and_have_the_mean_and_spread_of_a_uniform_square():
    places, faces = spread(SQUARE_AND_SLIVER, FACES, 20_000, np.random.default_rng(1))
    np.testing.assert_array_equal(places[:, 2], faces == 2)
    square = places[faces < 2, :2]
    assert square.min() >= 0
    assert square.max() <= 3
    np.testing.assert_allclose(square.mean(0), 1.5, atol=0.02)
    np.testing.assert_allclose(square.var(0), 9 / 12, atol=0.02)


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        (np.zeros((3, 3)), np.array([[0, 1, 2]])),
        (SQUARE_AND_SLIVER, np.empty((0, 3), int)),
        (SQUARE_AND_SLIVER * np.nan, FACES),
    ],
    ids=["no area", "no faces", "no numbers"],
)
def test_what_has_no_surface_is_refused(vertices, faces):
    with pytest.raises(InvalidInput, match="finite surface"):
        spread(vertices, faces, 10, np.random.default_rng(0))
