"""Archives of furniture, as small ones that are written here, and the corpus that is made of them."""

from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.furniture import PLACE, catalogue, models
from tellurion_pointcloud.training.furniture import main

CATALOGUE = """id=Test
license=CC0

id#1=Test#chair1
name#1=Chair
category#1=Living room
model#1=/test/wedge/wedge.obj
width#1=50.0
depth#1=100
height#1=200
creator#1=Somebody

id#2=Test#turned
name#2=Toaster
category#2=Kitchen
model#2=/test/wedge/wedge.obj
modelRotation#2=1 0 0 0 0 1 0 -1 0
width#2=100
depth#2=100
height#2=100
elevation#2=90
"""
# y is up and z is to the front: low at the front (red), high at the back, where x is 2 (textured, else plain)
WEDGE = """mtllib wedge.mtl
mtllib missing.mtl
v 0 0 4
v 2 0 4
v 2 0 0
v 2 8 0
usemtl front
f 1 2 4
usemtl back
f 2 3 4
usemtl lost
f 1 2 3
"""
MATERIALS = "newmtl front\nKd 1 0 0\nnewmtl back\nmap_Kd two.png\nnewmtl lost\nmap_Kd missing.png\n"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as TELLURION_DATA names it."""
    root = tmp_path_factory.mktemp("furniture")
    (root / PLACE).mkdir(parents=True)
    texture = BytesIO()
    Image.fromarray(np.array([[[0, 0, 200], [0, 100, 0]]], np.uint8)).save(texture, "PNG")
    with ZipFile(root / PLACE / "test.sh3f", "w") as file:
        file.writestr("PluginFurnitureCatalog.properties", CATALOGUE)
        file.writestr("test/wedge/wedge.obj", WEDGE)
        file.writestr("test/wedge/wedge.mtl", MATERIALS)
        file.writestr("test/wedge/two.png", texture.getvalue())
    return root


def test_the_catalogue_says_name_size_and_licence(data):
    first, second = catalogue(data / PLACE)
    assert (first.name, first.title, first.category) == ("Test#chair1", "Chair", "Living room")
    assert (first.creator, first.license) == ("Somebody", "CC0")
    assert first.size == (0.5, 1.0, 2.0)
    assert (first.elevation, second.elevation) == (0, 0.9)


def test_a_model_stands_on_the_floor_in_metres_its_front_towards_minus_y(data):
    model = next(models(data / PLACE))
    np.testing.assert_allclose(
        model.vertices, [[-0.25, -0.5, 0], [0.25, -0.5, 0], [0.25, 0.5, 0], [0.25, 0.5, 2]], atol=1e-12
    )


def test_a_model_is_turned_before_it_is_scaled(data):
    """The rotation takes y to −z, what was high then is far behind; and z to y, what was in front is high."""
    turned = list(models(data / PLACE))[1].vertices
    np.testing.assert_allclose(turned[3], [0.5, 0.5, 0], atol=1e-12)
    np.testing.assert_allclose(turned[0], [-0.5, -0.5, 1], atol=1e-12)


def test_colours_are_those_of_materials_and_the_mean_of_textures(data):
    model = next(models(data / PLACE))
    assert model.face_colours.tolist() == [[255, 0, 0], [0, 50, 100], [204, 204, 204]]


def test_the_command_writes_labelled_things_once(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TELLURION_DATA", str(data))
    sizes = ["--points", "64", "--pictures", "2", "--side", "16"]
    main([str(tmp_path / "corpus"), *sizes])
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.names == ["Test#chair1", "Test#turned"]
    assert corpus.groups == ["chair", "turned"]
    assert corpus.clouds.shape == (2, 64, 3)
    assert corpus.pictures.shape == (2, 2, 16, 16, 3)
    np.testing.assert_array_equal(corpus.sizes, [[0.5, 1, 2], [1, 1, 1]])
    # a stranger of a labelled group has no label, and is held out with the group all the same
    assert corpus.classes == ["", ""]
    assert corpus.folds[0] >= 0
    assert corpus.folds[1] == -1
    written = (tmp_path / "corpus" / "clouds.npy").stat().st_mtime_ns
    main([str(tmp_path / "corpus"), *sizes])
    assert (tmp_path / "corpus" / "clouds.npy").stat().st_mtime_ns == written
    assert capsys.readouterr().out == "2 models\n" * 2


def test_a_folder_without_archives_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="sweethome3d-furniture"):
        catalogue(tmp_path)


def test_an_archive_that_is_none_is_refused_by_name(tmp_path):
    (tmp_path / "broken.sh3f").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(InvalidInput, match=r"broken\.sh3f"):
        catalogue(tmp_path)
    with ZipFile(tmp_path / "broken.sh3f", "w") as file:
        file.writestr("PluginFurnitureCatalog.properties", CATALOGUE)
    with pytest.raises(InvalidInput, match=r"broken\.sh3f"):
        list(models(tmp_path))
