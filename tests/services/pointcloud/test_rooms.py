"""Rooms composed of furniture: what stands where, what cameras see of it, and the folder they are kept in."""

from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import Polygon
from small_rooms import CUBE, FACES, cuboid, furniture

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.furniture import Entry, Model
from tellurion_pointcloud.labels import Label
from tellurion_pointcloud.rooms import CLASSES, Arrangement, Placed, Rooms, arranged, pieces, room
from tellurion_pointcloud.training.rooms import compose


@pytest.fixture(scope="module")
def arrangements():
    return [arranged(furniture("a"), np.random.default_rng(seed)) for seed in range(20)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("rooms") / "rooms"
    compose(path, (3, 2), (furniture("a"), furniture("b")), 5, "cuboids")
    return path


def model(name, kind, size, elevation=0.0):
    entry = Entry(Path("x.sh3f"), name, name, "Living room", size, elevation, "", "CC0", "x.obj", (1.0,) * 9)
    vertices = np.concatenate([CUBE * size, [[9.0, 9, 9]]])  # the last is of no face
    colours = np.zeros((len(FACES), 3), np.uint8)
    return Model(entry, vertices, FACES, colours), Label(name, "Living room", kind, name, int(name[-1]))


def test_rooms_hold_what_stands_on_the_floor_of_rooms_of_the_folds_asked_for():
    models = [
        model("bed 0", "bed", (1.4, 2.0, 0.9)),
        model("bed 4", "bed", (1.4, 2.0, 0.9)),
        model("tree 0", "plant", (4.0, 4.0, 8.0)),
        model("lamp 1", "lamp", (0.4, 0.4, 0.4), 1.8),
        model("bonsai 0", "plant", (0.1, 0.1, 0.1)),
        model("car 0", "vehicle", (2.0, 1.0, 1.0)),
    ]
    (bed,) = pieces(models, lambda label: label.fold != 4)
    assert (CLASSES[bed.kind], bed.group) == ("sofa or bed", "bed 0")
    np.testing.assert_allclose(bed.size, [1.4, 2.0, 0.9])


def test_a_room_holds_four_to_nine_pieces(arrangements):
    counts = [len(each.placed) for each in arrangements]
    assert min(counts) >= 4
    assert max(counts) <= 9
    assert len(set(counts)) > 3


def test_nothing_stands_in_anything_else_or_in_a_wall(arrangements):
    for arrangement in arrangements:
        standing = [each.place[2] == 0 for each in arrangement.placed]
        walls = Polygon(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * arrangement.size[:2] / 2)
        shapes = [Polygon(corners) for corners in arrangement.boxes()[standing].footprints()]
        assert all(walls.contains(shape) for shape in shapes)
        assert all(a.disjoint(b) for i, a in enumerate(shapes) for b in shapes[:i])


def test_small_plants_and_lamps_stand_on_something(arrangements):
    carried = [(each, of) for of in arrangements for each in of.placed if each.place[2] > 0]
    assert carried
    for plant, arrangement in carried:
        assert CLASSES[plant.piece.kind] == "plant or lamp"
        below = [each for each in arrangement.placed if np.array_equal(each.place[:2], plant.place[:2])]
        assert any(each.size[2] == pytest.approx(plant.place[2]) for each in below)


def test_what_stands_at_a_wall_turns_its_back_to_it(arrangements):
    backs = 0
    for arrangement in arrangements:
        for each in arrangement.placed:
            back = each.place[:2] + each.size[1] / 2 * np.array([-np.sin(each.yaw), np.cos(each.yaw)])
            backs += np.isclose(np.abs(back), arrangement.size[:2] / 2 - 0.03, atol=1e-9).any()
    assert backs > 20


def test_bounds_are_those_of_the_turned_vertices():
    diamond = Placed(cuboid("table", "a"), np.ones(3), np.array([1.0, 2, 0]), np.pi / 2)
    arrangement = Arrangement(np.array([5.0, 5, 2.5]), [diamond])
    np.testing.assert_allclose(arrangement.bounds().centres, [[1, 2, 0.375]])
    np.testing.assert_allclose(arrangement.bounds().sizes, [[0.7, 1.2, 0.75]])
    np.testing.assert_allclose(arrangement.boxes().sizes, [[1.2, 0.7, 0.75]])
    np.testing.assert_allclose(arrangement.boxes().around().sizes, arrangement.bounds().sizes)


def test_pieces_of_every_class_are_needed():
    with pytest.raises(InvalidInput, match="no table"):
        arranged([each for each in furniture("a") if CLASSES[each.kind] != "table"], np.random.default_rng(0))


def test_pieces_that_fit_no_room_are_refused():
    large = [cuboid(kind, kind, scale=20) for kind in CLASSES]
    with pytest.raises(InvalidInput, match="none that fit"):
        arranged(large, np.random.default_rng(0))


def test_the_cloud_is_on_floor_walls_and_furniture(arrangements):
    arrangement = arrangements[0]
    seen = room(arrangement, np.random.default_rng(1))
    points = seen.points.astype(float)
    width, depth, _ = arrangement.size
    on_shell = np.minimum.reduce(
        [np.abs(points[:, 2]), width / 2 - np.abs(points[:, 0]), depth / 2 - np.abs(points[:, 1])]
    )
    on_furniture = np.full(len(points), np.inf)
    for each in arrangement.placed:
        cos, sin = np.cos(each.yaw), np.sin(each.yaw)
        own = (points - each.place) @ np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        outside = np.abs(own - [0, 0, each.size[2] / 2]) - each.size / 2
        distance = np.where((outside > 0).any(1), np.linalg.norm(outside.clip(0), axis=1), -outside.max(1))
        on_furniture = np.minimum(on_furniture, np.abs(distance))
    assert np.minimum(np.abs(on_shell), on_furniture).max() < 1e-4
    assert (on_furniture < 1e-4).mean() > 0.05


def test_the_cloud_is_what_the_frames_show(arrangements):
    seen = room(arrangements[1], np.random.default_rng(2))
    shown = {tuple(place) for frame in seen.frames for place in frame.points()[0].astype(np.float32)}
    assert {tuple(place) for place in seen.points} <= shown


def test_cameras_stand_free_in_the_room(arrangements):
    for seed, arrangement in enumerate(arrangements[:5]):
        for frame in room(arrangement, np.random.default_rng(seed)).frames:
            eye = -frame.world_to_camera[:3, :3].T @ frame.world_to_camera[:3, 3]
            assert (np.abs(eye[:2]) < arrangement.size[:2] / 2 - 0.25).all()
            assert frame.depth[frame.depth > 0].min() > 0.25


def test_an_object_that_no_camera_sees_is_not_said_to_be_there():
    wardrobe = Placed(cuboid("cabinet", "large"), np.array([3.0, 5.0, 2.0]), np.zeros(3), 0.0)
    inside = Placed(cuboid("chair", "hidden"), np.ones(3), np.zeros(3), 0.0)
    seen = room(Arrangement(np.array([6.0, 6, 2.5]), [wardrobe, inside]), np.random.default_rng(0))
    assert list(seen.groups) == ["large"]
    assert len(seen.boxes) == len(seen.bounds) == len(seen.kinds) == 1


def test_a_folder_holds_both_parts_each_of_its_own_models(folder):
    training, held_out = Rooms.open(folder / "training"), Rooms.open(folder / "held-out")
    assert (len(training), len(held_out)) == (3, 2)
    assert training.classes == list(CLASSES)
    assert all(name.startswith("a ") for name in training.group_names)
    assert all(name.startswith("b ") for name in held_out.group_names)


def test_rooms_are_read_as_they_were_seen(folder):
    rooms = Rooms.open(folder / "training")
    random = np.random.default_rng([5, 0, 1])
    expected = room(arranged(furniture("a"), random), random)
    np.testing.assert_array_equal(rooms.points[1], expected.points)
    np.testing.assert_array_equal(rooms.colours[1], expected.colours)
    np.testing.assert_allclose(rooms.aligned(1).sizes, expected.bounds.sizes, atol=1e-12)
    np.testing.assert_array_equal(rooms.boxes[1][rooms.objects(1), 6], expected.boxes.yaw)
    assert [rooms.group_names[group] for group in rooms.groups[1][rooms.objects(1)]] == list(expected.groups)
    for frame, shown in zip(rooms.frames(1), expected.frames, strict=True):
        np.testing.assert_array_equal(frame.depth, shown.depth)
        np.testing.assert_array_equal(frame.world_to_camera, shown.world_to_camera)


def test_a_folder_that_is_there_is_not_written_over(folder):
    with pytest.raises(InvalidInput, match="output"):
        compose(folder, (1, 1), (furniture("a"), furniture("b")), 5, "")


@pytest.mark.parametrize("counts", [(0, 1), (1, 10**9)])
def test_counts_of_rooms_are_checked_before_anything_is_written(tmp_path, counts):
    with pytest.raises(InvalidInput, match="rooms"):
        compose(tmp_path / "rooms", counts, (furniture("a"), furniture("b")), 5, "")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_refused(folder, tmp_path):
    with pytest.raises(InvalidInput, match="rooms"):
        Rooms.open(tmp_path)
    for file in (folder / "held-out").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "kinds.npy").unlink()
    np.save(tmp_path / "kinds.npy", np.zeros((2, 3), np.int64))
    with pytest.raises(InvalidInput, match="kinds"):
        Rooms.open(tmp_path)
