"""ScanNet and SUN RGB-D in their published layouts: small files of exactly that layout, and what is read of them."""

import json

import numpy as np
import pytest
from PIL import Image
from plyfile import PlyData, PlyElement
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.rooms import CLASSES, Rooms
from tellurion_pointcloud.rooms.scannet import read_labels, read_scannet
from tellurion_pointcloud.rooms.sun_rgbd import read_sun_rgbd
from tellurion_pointcloud.training import scans

ALIGN = np.eye(4)
ALIGN[:2, :2], ALIGN[:3, 3] = [[0.8, -0.6], [0.6, 0.8]], [1, -2, 0.5]
COLOURS = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)
CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 2) for z in (0, 0.5)], float)
TABLE = "id\traw_category\tcategory\tnyu40class\n1\toffice chair\tchair\tchair\n2\tnightstand\ttable\tnight stand\n"
TABLE += "3\tpotted plant\tplant\totherprop\n4\tplant\tplant\totherprop\n"


def text(path, table):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(" ".join(f"{value:.6f}" for value in row) for row in table) + "\n")


def image(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def scannet(tmp_path_factory):
    """A chair of eight vertices, a bin of eight and a floor of eight, 8 × 6 pixels of depth and 16 × 12 of colour."""
    folder = tmp_path_factory.mktemp("scannet") / "scans" / "scene0000_00"
    folder.mkdir(parents=True)
    (folder.parent.parent / "labels.tsv").write_text(TABLE)
    points = np.concatenate([CORNERS, CORNERS + np.array([5, 0, 0]), CORNERS * [9, 9, 0]])
    vertices = np.zeros(
        24, [*((axis, "f4") for axis in "xyz"), *((c, "u1") for c in ("red", "green", "blue", "alpha"))]
    )
    for axis, values in zip("xyz", points.T, strict=True):
        vertices[axis] = values
    for name, values in zip(("red", "green", "blue"), COLOURS.repeat(8, 0).T, strict=True):
        vertices[name] = values
    PlyData([PlyElement.describe(vertices, "vertex")]).write(folder / "scene0000_00_vh_clean_2.ply")
    segments = np.repeat([7, 3, 11, 4], [4, 4, 8, 8]).tolist()
    (folder / "scene0000_00_vh_clean_2.0.010000.segs.json").write_text(json.dumps({"segIndices": segments}))
    groups = [
        {"id": 0, "objectId": 0, "segments": [3, 7], "label": "office chair"},
        {"id": 1, "objectId": 1, "segments": [11], "label": "trash can"},
    ]
    (folder / "scene0000_00.aggregation.json").write_text(json.dumps({"segGroups": groups}))
    numbers = " ".join(f"{value:.6f}" for value in ALIGN.ravel())
    (folder / "scene0000_00.txt").write_text(f"axisAlignment = {numbers} \ncolorHeight = 12\n")
    text(folder / "intrinsic" / "intrinsic_depth.txt", intrinsics(10, 3.5, 2.5))
    text(folder / "intrinsic" / "intrinsic_color.txt", intrinsics(20, 7.5, 5.5))
    for view in range(12):
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = Rotation.from_euler("xyz", [view, 0.3, 0]).as_matrix(), [view, 1, 2]
        text(folder / "pose" / f"{view}.txt", np.full((4, 4), -np.inf) if view == 11 else pose)
        image(folder / "depth" / f"{view}.png", np.full((6, 8), 1000 + view, np.uint16))
        image(folder / "color" / f"{view}.jpg", np.full((12, 16, 3), 20 * view, np.uint8))
    return folder


def intrinsics(focal, x, y):
    return [[focal, 0, x, 0], [0, focal, y, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.fixture
def chair(scannet):
    return read_scannet(scannet, read_labels(scannet.parent.parent / "labels.tsv"), np.random.default_rng(0))


def test_scannet_labels_are_merged_by_their_nyu40_class_or_by_name(scannet):
    labels = read_labels(scannet.parent.parent / "labels.tsv")
    named = {name: CLASSES[kind] if kind >= 0 else None for name, kind in labels.items()}
    assert named == {
        "office chair": "chair", "nightstand": "cabinet", "potted plant": None, "plant": "plant or lamp"
    }  # fmt: skip


def test_a_scannet_object_is_bounded_by_the_aligned_vertices_of_its_segments(chair):
    aligned = CORNERS @ ALIGN[:3, :3].T + ALIGN[:3, 3]
    assert [CLASSES[kind] for kind in chair.kinds] == ["chair"]
    np.testing.assert_allclose(chair.bounds.sizes[0], np.ptp(aligned, axis=0), atol=1e-5)
    np.testing.assert_allclose(chair.bounds.centres[0], (aligned.min(0) + aligned.max(0)) / 2, atol=1e-5)


def test_a_scannet_cloud_has_the_aligned_vertices_and_their_colours(chair):
    red = chair.points[(chair.colours == COLOURS[0]).all(1)]
    expected = CORNERS @ ALIGN[:3, :3].T + ALIGN[:3, 3]
    assert len(red) > 1000
    np.testing.assert_allclose(np.unique(red.round(3), axis=0), np.unique(expected.round(3), axis=0), atol=2e-3)


def test_scannet_views_are_spread_over_those_with_a_pose(chair):
    assert [frame.depth[0, 0] for frame in chair.frames] == pytest.approx([1.0, 1.005, 1.010])
    assert [int(frame.colour[0, 0, 0]) for frame in chair.frames] == pytest.approx([0, 100, 200], abs=3)


def test_a_scannet_view_looks_from_the_aligned_pose(chair):
    eyes = [np.linalg.inv(frame.world_to_camera)[:3, 3] for frame in chair.frames]
    np.testing.assert_allclose(eyes, [ALIGN[:3, :3] @ [view, 1, 2] + ALIGN[:3, 3] for view in (0, 5, 10)], atol=1e-5)


def test_pixels_of_a_scannet_view_keep_their_direction(chair):
    # the ray through the middle of the picture, 8 × 6 pixels whose centres are whole numbers, is the axis
    frame = chair.frames[0]
    height, width = frame.depth.shape
    np.testing.assert_allclose(frame.K[:2, 2], [width / 2, height / 2])
    assert frame.K[0, 0] / width == pytest.approx(10 / 8)


@pytest.mark.parametrize(
    ("file", "content", "field"),
    [
        ("scene0000_00.txt", "colorHeight = 12\n", "scene0000_00.txt"),
        ("scene0000_00.aggregation.json", '{"segGroups": [{}]}', "scene0000_00.aggregation.json"),
        ("scene0000_00.aggregation.json", "[" * 100_000, "scene0000_00.aggregation.json"),
        ("scene0000_00_vh_clean_2.0.010000.segs.json", '{"segIndices": [1]}', "segIndices"),
        ("scene0000_00_vh_clean_2.ply", "ply\nformat ascii 1.0\n", "scene0000_00_vh_clean_2.ply"),
        ("intrinsic/intrinsic_depth.txt", "1 2 3\n", "intrinsic_depth.txt"),
        ("pose/0.txt", "none", "0.txt"),
    ],
)
def test_a_scan_that_is_broken_is_refused(scannet, tmp_path, file, content, field):
    broken = tmp_path / "scene0000_00"
    for path in scannet.rglob("*.*"):
        copy = broken / path.relative_to(scannet)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (broken / file).write_text(content)
    with pytest.raises(InvalidInput) as refused:
        read_scannet(broken, {"office chair": 1}, np.random.default_rng(0))
    assert refused.value.violations[0].field == field


TILT = Rotation.from_euler("x", 20, degrees=True).as_matrix()
TURN = 0.4
SIDES = np.array([[0.5, 0.3], [-0.5, 0.3], [-0.5, -0.3], [0.5, -0.3]])


@pytest.fixture(scope="module")
def sun_rgbd(tmp_path_factory):
    """A camera that looks 20° down at a plane 2 m ahead; a chair, a wall, and something without a name."""
    folder = tmp_path_factory.mktemp("sun") / "SUNRGBD" / "kv1" / "NYUdata" / "NYU0001"
    image(folder / "image" / "NYU0001.jpg", np.full((12, 16, 3), 90, np.uint8))
    millimetres = np.full((12, 16), 2000, np.uint16)
    millimetres[0, 0], millimetres[0, 1] = 0, 9000
    image(folder / "depth" / "NYU0001.png", (millimetres << 3) | (millimetres >> 13))
    text(folder / "intrinsics.txt", [[10, 0, 8.5], [0, 10, 6.5], [0, 0, 1]])
    text(folder / "extrinsics" / "20150118235401.txt", np.c_[TILT, np.zeros(3)])
    turn = np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])
    x, z = (SIDES @ turn.T + [1, 3]).T.tolist()
    chair = {"polygon": [{"X": x, "Z": z, "Ymin": -0.2, "Ymax": 0.7, "rectangle": True}]}
    objects = [{"name": "chair:occluded", **chair}, None, {"name": "wall", **chair}, {"name": "desk", "polygon": []}]
    (folder / "annotation3Dfinal").mkdir()
    (folder / "annotation3Dfinal" / "index.json").write_text(json.dumps({"objects": objects}))
    return folder


def test_a_sun_rgbd_object_is_a_box_turned_about_the_vertical(sun_rgbd):
    room = read_sun_rgbd(sun_rgbd, np.random.default_rng(0))
    assert [CLASSES[kind] for kind in room.kinds] == ["chair"]
    np.testing.assert_allclose(room.boxes.centres, [[1, 3, -0.25]], atol=1e-9)
    np.testing.assert_allclose(room.boxes.sizes, [[1.0, 0.6, 0.9]], atol=1e-9)
    expected = Boxes([[1, 3, -0.25]], [[1.0, 0.6, 0.9]], [TURN])
    np.testing.assert_allclose(room.bounds.sizes, expected.around().sizes, atol=1e-9)
    np.testing.assert_allclose(np.cos(2 * (room.boxes.yaw - TURN)), 1, atol=1e-9)


def test_a_sun_rgbd_cloud_is_levelled_by_the_camera_s_tilt(sun_rgbd):
    room = read_sun_rgbd(sun_rgbd, np.random.default_rng(0))
    # pixel (column c, row r), counted from 1: 2 m times ((c − 8.5) / 10, (r − 6.5) / 10, 1), levelled, y down to z up
    column, row = np.meshgrid(np.arange(1, 17), np.arange(1, 13))
    seen = 2 * np.stack([(column - 8.5) / 10, (row - 6.5) / 10, np.ones((12, 16))], -1).reshape(-1, 3)
    x, down, ahead = TILT @ seen[2:].T  # the first two pixels are not 2 m away
    levelled = np.stack([x, ahead, -down], 1)
    near = cKDTree(levelled).query(room.points)[0]
    assert (near < 1e-5).mean() > 0.98


def test_sun_rgbd_depths_end_at_eight_metres(sun_rgbd):
    frame = read_sun_rgbd(sun_rgbd, np.random.default_rng(0)).frames[0]
    assert frame.depth[0, 0] == 0
    assert frame.depth.max() == 8


def test_a_sun_rgbd_annotation_that_is_none_is_refused(sun_rgbd, tmp_path):
    broken = tmp_path / "NYU0001"
    for name in ("image", "depth", "extrinsics", "intrinsics.txt"):
        broken.mkdir(exist_ok=True)
        (broken / name).symlink_to(sun_rgbd / name)
    (broken / "annotation3Dfinal").mkdir()
    (broken / "annotation3Dfinal" / "index.json").write_text('{"objects": [{"name": "chair", "polygon": [{"X": 1}]}]}')
    with pytest.raises(InvalidInput, match=r"index\.json"):
        read_sun_rgbd(broken, np.random.default_rng(0))


def test_both_become_folders_of_rooms(scannet, sun_rgbd, tmp_path):
    labels = scannet.parent.parent / "labels.tsv"
    scans.main([str(tmp_path / "scannet"), "--scannet", str(scannet.parent), "--labels", str(labels)])
    scans.main([str(tmp_path / "sun"), "--sun-rgbd", str(sun_rgbd.parents[2])])
    for name, views in (("scannet", 3), ("sun", 1)):
        rooms = Rooms.open(tmp_path / name)
        assert len(rooms) == 1
        assert len(rooms.frames(0)) == views
        assert len(rooms.aligned(0)) == 1


def test_a_folder_without_scans_is_refused(tmp_path):
    with pytest.raises(SystemExit) as ended:
        scans.main([str(tmp_path / "rooms"), "--sun-rgbd", str(tmp_path)])
    assert ended.value.code == 2
