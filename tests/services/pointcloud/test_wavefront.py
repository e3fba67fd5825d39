"""OBJ files and their materials."""

import numpy as np
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.wavefront import PLAIN, materials, parsed

PYRAMID = b"""mtllib pyramid.mtl
v 0 0 0
v 1 0 0 0.5 0.5 0.5
v 1 1 0
v 0 1 0
v .5 .5 1e0
vt 0 0
vn 0 0 -1
usemtl base
f 1/1/1 2/1/1 3/1/1 4/1/1
usemtl sides
f 1//1 2//1 5//1
f 2 3 5
f 3/1 4/1 5/1\r
f 4 1 5
l 1 2
"""


def test_polygons_become_fans_of_triangles():
    mesh = parsed(PYRAMID, {})
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]
    np.testing.assert_array_equal(mesh.vertices[[1, 4]], [[1, 0, 0], [0.5, 0.5, 1]])


def test_a_pentagon_keeps_its_area():
    angle = 2 * np.pi * np.arange(5) / 5
    places = "".join(f"v {np.cos(a)} {np.sin(a)} 0\n" for a in angle)
    mesh = parsed(f"{places}f 1 2 3 4 5\n".encode(), {})
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2 == pytest.approx(2.5 * np.sin(2 * np.pi / 5))


def test_faces_have_the_colour_of_their_material():
    colours = materials(b"newmtl base\nKd 1 0 0\n\nnewmtl sides\n\tKd 0 0.2 1.0\nnewmtl none\n", lambda _: PLAIN)
    mesh = parsed(PYRAMID, colours)
    assert mesh.face_colours.tolist() == [[255, 0, 0]] * 2 + [[0, 51, 255]] * 4
    assert colours[b"none"] == PLAIN


def test_a_texture_has_the_last_word():
    asked = []

    def mean_colour(name):
        asked.append(name)
        return (0, 1, 0)

    assert materials(b"newmtl a\nKd 1 1 1\nmap_Kd -s 2 2 1 oak.jpg\n", mean_colour) == {b"a": (0, 1, 0)}
    assert asked == ["oak.jpg"]


@pytest.mark.parametrize("face", [b"f 1 2 6", b"f 0 1 2", b"f -1 -2 -3"])
def test_a_face_of_a_vertex_that_is_not_there_is_refused(face):
    with pytest.raises(InvalidInput, match="vertices 1…5"):
        parsed(PYRAMID + face, {})
