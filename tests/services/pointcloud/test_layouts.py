"""Published collections, as small ones of exactly their layout that are written here."""

import numpy as np
import pytest
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.layouts import folder, modelnet40, shapenet55, things
from tellurion_pointcloud.training.collection import main

SIZES = {"points": 32, "count": 2, "side": 16}
AIRPLANE = "02691156-1a04e3eab45ca15dd86060f189eb133.npy"
CHAIR = "03001627-1a6f615e8b1b5ae4dbbc9440457e303e.npy"
# as some of ModelNet40 have it, without a new line after OFF
TETRAHEDRON = "OFF4 4 6\n0 0 0\n1 0 0\n0 2 0\n0 0 8\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"


def tall(count, axis):
    """A cloud eight times as long along an axis."""
    points = np.random.default_rng(0).uniform(-1, 1, (count, 3))
    points[:, axis] *= 8
    return points.astype(np.float32)


def lies_along_z(cloud):
    return np.ptp(cloud, axis=0).argmax() == 2


def test_shapenet55(tmp_path):
    (tmp_path / "shapenet_pc").mkdir()
    (tmp_path / "ShapeNet-55").mkdir()
    for name in (AIRPLANE, CHAIR):
        np.save(tmp_path / "shapenet_pc" / name, tall(100, axis=1))
    (tmp_path / "ShapeNet-55" / "train.txt").write_text(f"{AIRPLANE}\n")
    (tmp_path / "ShapeNet-55" / "test.txt").write_text(f"{CHAIR}\n")
    listed = shapenet55(tmp_path)
    assert [(each.kind, each.fold) for each in listed] == [("02691156", -1), ("03001627", 0)]
    for thing in things(listed, **SIZES):
        assert thing.cloud.shape == (32, 3)
        assert lies_along_z(thing.cloud)
        assert thing.pictures.shape == (2, 16, 16, 3)
        assert (thing.pictures < 255).any((1, 2, 3)).all()


def test_modelnet40_resampled(tmp_path):
    for name in ("night_stand_0001", "night_stand_0002"):
        (tmp_path / "night_stand").mkdir(exist_ok=True)
        rows = np.concatenate([tall(50, axis=1), np.zeros((50, 3))], 1)
        np.savetxt(tmp_path / "night_stand" / f"{name}.txt", rows, "%.6f", delimiter=",")
    (tmp_path / "modelnet40_train.txt").write_text("night_stand_0001\n")
    (tmp_path / "modelnet40_test.txt").write_text("night_stand_0002\n")
    first, second = things(modelnet40(tmp_path), **SIZES)
    assert (first.kind, first.fold, second.fold) == ("night_stand", -1, 0)
    assert lies_along_z(first.cloud)


def test_modelnet40_meshes(tmp_path):
    for subset, number in (("train", 1), ("test", 2)):
        (tmp_path / "bathtub" / subset).mkdir(parents=True)
        (tmp_path / "bathtub" / subset / f"bathtub_000{number}.off").write_text(TETRAHEDRON)
    first, second = things(modelnet40(tmp_path), **SIZES)
    assert (first.name, first.kind, first.fold, second.fold) == ("bathtub_0001", "bathtub", -1, 0)
    assert lies_along_z(first.cloud)


def test_a_folder_of_meshes_and_clouds_with_pictures(tmp_path):
    np.save(tmp_path / "scan.npy", tall(10, axis=2))
    (tmp_path / "tile.off").write_text(TETRAHEDRON)
    (tmp_path / "tile2.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n0 0 0 255 0 0\n1 0 0 255 0 0\n"
    )
    Image.new("RGB", (8, 8), (0, 0, 255)).save(tmp_path / "tile_1.png")
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "tile2-back.png")
    scan, tile, second = things(folder(tmp_path), **SIZES)
    assert [thing.name for thing in (scan, tile, second)] == ["scan.npy", "tile.off", "tile2.ply"]
    assert (scan.pictures < 255).any()
    assert (tile.pictures == [0, 0, 255]).all()
    assert (second.pictures == 255).all()  # transparent, on white
    assert (second.colours == [255, 0, 0]).all()
    assert len(np.unique(second.cloud, axis=0)) == 2


def test_the_command_makes_a_corpus_and_turns_what_is_up(tmp_path, capsys):
    (tmp_path / "scans").mkdir()
    np.save(tmp_path / "scans" / "scan.npy", tall(100, axis=1))
    sizes = ["--points", "32", "--pictures", "1", "--side", "16"]
    main(["folder", str(tmp_path / "scans"), str(tmp_path / "corpus"), "--up", "y", *sizes])
    corpus = Corpus.open(tmp_path / "corpus")
    assert lies_along_z(corpus.clouds[0])
    assert corpus.source == "folder: scans"
    assert capsys.readouterr().out == "1 things\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("nan.xyz", b"0 0 nan\n1 1 1\n"),
        ("words.txt", b"these are words\n"),
        ("empty.obj", b""),
        ("half.ply", b"ply\nformat ascii 1.0\nelement vertex 1000000000\n"),
        ("flat.npy", b"\x93NUMPY nothing"),
        ("beyond.off", b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 9\n"),
        ("one.xyz", b"1 1 1\n1 1 1\n"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput):
        list(things(folder(tmp_path), **SIZES))


def test_a_damaged_picture_is_refused_by_name(tmp_path):
    np.save(tmp_path / "scan.npy", tall(10, axis=2))
    (tmp_path / "scan.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(InvalidInput, match=r"scan\.png"):
        list(things(folder(tmp_path), **SIZES))


def test_lists_that_are_not_there_or_lead_elsewhere_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"no train\.txt"):
        shapenet55(tmp_path)
    with pytest.raises(InvalidInput, match=r"no modelnet40_train\.txt"):
        modelnet40(tmp_path)
    (tmp_path / "ShapeNet-55").mkdir()
    (tmp_path / "ShapeNet-55" / "train.txt").write_text("../../secret.npy\n")
    with pytest.raises(InvalidInput, match="names of files"):
        shapenet55(tmp_path)
    with pytest.raises(InvalidInput, match="nothing in"):
        folder(tmp_path / "ShapeNet-55" / "none")
