"""The gallery: pictures by untrained weights, of things and a room that are made here."""

import json

import numpy as np
import pytest
from numpy.lib.format import open_memmap
from PIL import Image

from tellurion_pointcloud import gallery
from tellurion_pointcloud.corpus import Thing, write
from tellurion_pointcloud.rooms.folder import ARRAYS
from tellurion_pointcloud.viewpoints import Viewpoint

KINDS = ("board", "cube", "rod")
AXES = {"R": 1, "N": 400, "V": 1, "H": 8, "W": 8, "M": 2}


@pytest.fixture
def furniture(tmp_path):
    """Two things of each kind, of no shared group."""
    random = np.random.default_rng(0)
    things = []
    for index, kind in enumerate(KINDS * 2):
        cloud = random.normal(size=(80, 3)).astype(np.float32)
        cloud /= np.linalg.norm(cloud, axis=1).max()
        colours = random.integers(256, size=(80, 3), dtype=np.uint8)
        things.append(Thing(str(index), cloud, colours, np.zeros((1, 1, 1, 3), np.uint8), str(index), kind, 0))
    write(tmp_path / "furniture", things, len(things), "balls")
    return tmp_path / "furniture"


@pytest.fixture
def rooms(tmp_path):
    """A room of two boxes among 400 points."""
    path = tmp_path / "rooms"
    path.mkdir()
    random = np.random.default_rng(0)
    for name, (kind, axes) in ARRAYS.items():
        shape = [AXES.get(axis, axis) for axis in axes]
        array = open_memmap(path / f"{name}.npy", "w+", kind, tuple(shape))
        array[:] = random.uniform(0, 4, shape) if name == "points" else 1
    classes, groups = ["bed", "chair", "table"], ["one", "other"]
    (path / "about.json").write_text(json.dumps({"classes": classes, "groups": groups, "source": "points"}))
    return path


def test_a_picture_of_each_kind_is_written(small_weights, furniture, rooms, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "SIDE", 24)
    monkeypatch.setattr(gallery, "ROOM_SIDE", 32)
    monkeypatch.setattr(gallery, "SURE", 0.0)
    out, named = tmp_path / "out", ["--furniture", str(furniture), "--rooms", str(rooms)]
    assert gallery.main([str(out), *named, "--weights", str(small_weights)]) == 0
    pictures = {path.stem: path for path in out.iterdir()}
    assert set(pictures) == {"reconstructions", "completions", "neighbours", "detections"}
    for path in pictures.values():
        assert path.stat().st_size < 300_000
        with Image.open(path) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 16)) > 4  # not a blank page


def test_what_is_missing_is_named(small_weights, tmp_path, capsys):
    given = ["--furniture", str(tmp_path / "nowhere"), "--only", "completions", "--weights", str(small_weights)]
    assert gallery.main([str(tmp_path / "out"), *given]) != 0
    assert "nowhere" in capsys.readouterr().err


def test_a_speck_is_pictured_where_its_place_is():
    viewpoint, side = Viewpoint(-60.0, 25.0), 64
    for point in np.array([[0.0, 0, 0], [0.6, 0.2, -0.4], [-0.5, 0.7, 0.3]]):
        picture = viewpoint.picture(point[None], np.zeros((1, 3), np.uint8), 0.05, side)
        rows, columns = np.nonzero(picture.sum(-1) < 3 * 255)
        np.testing.assert_allclose([columns.mean(), rows.mean()], viewpoint.places(point, side), atol=0.6)


def test_the_unit_ball_touches_the_pictures_edges():
    sphere = np.random.default_rng(0).normal(size=(20_000, 3))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    places = Viewpoint(30.0, 40.0).places(sphere, 100)
    np.testing.assert_allclose([places.min(), places.max()], [-0.5, 99.5], atol=0.5)
