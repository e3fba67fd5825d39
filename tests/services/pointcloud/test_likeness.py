"""What a scene is told to differ by from the rooms that the detector was taught by."""

import numpy as np
import pytest

from tellurion_pointcloud.received import Received
from tellurion_pointcloud.rooms.likeness import unlike_rooms

ROOM = np.random.default_rng(0).random((2000, 3)) * [5, 4, 2.6]
COLOURS = np.zeros((2000, 3), np.uint8)


def test_a_room_with_colours_is_one() -> None:
    assert unlike_rooms(Received(0, ROOM + np.array([500_000, 5_400_000, 120]), COLOURS, "")) == []


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (ROOM * 1000, "spans 5e+03 x 4e+03 x 2.6e+03, which is no room in metres"),
        (ROOM / 1000, "which is no room in metres"),
        (ROOM[:, [0, 2, 1]] * 3, "spans 15 x 7.79 x 12, which is no room in metres with z up"),
        (ROOM[:10], "10 points are few"),
    ],
)
def test_a_scene_of_another_kind_is_told(points: np.ndarray, said: str) -> None:
    (note,) = unlike_rooms(Received(0, points, COLOURS[: len(points)], ""))
    assert said in note


def test_a_scene_without_colours_is_told() -> None:
    (note,) = unlike_rooms(Received(0, ROOM, None, ""))
    assert "no colours" in note
