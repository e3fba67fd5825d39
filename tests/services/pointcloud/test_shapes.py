"""Procedural shapes, and the corpus of them."""

import numpy as np
import pytest
from scipy.special import beta

from tellurion_pointcloud.corpus import Corpus
from tellurion_pointcloud.shapes import KINDS, shape
from tellurion_pointcloud.shapes.parts import box, frustum, lathe, slab, superquadric, torus, tube, turn
from tellurion_pointcloud.training.shapes import main


def area(part):
    a, b, c = part.vertices[part.faces].transpose(1, 0, 2)
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def volume(part):
    """Of what the faces enclose, by the divergence theorem; faces turn the same way where it is right."""
    a, b, c = part.vertices[part.faces].transpose(1, 0, 2)
    return abs((np.cross(a, b) * c).sum() / 6)


BLACK = (0, 0, 0)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (box((1, 2, 3), (4, 5, 6), BLACK), 22),
        (frustum(1, 1, 2, (0, 0, 0), BLACK, 4), 4 + 8 * np.sqrt(2)),
        (frustum(3, 0, 4, (0, 0, 0), BLACK, 400), np.pi * 3 * (3 + 5)),
        (slab([(0, 0), (2, 0), (2, 1), (0, 1)], 5, (0, 0, 0), BLACK), 2 * 2 + 6 * 5),
        (tube([(0, 0, 0), (0, 1, 0), (0, 3, 0)], 1, BLACK, 400), 2 * np.pi * (1 + 3)),
    ],
    ids=["box", "square column", "cone", "slab", "tube"],
)
def test_parts_have_the_area_of_their_solid(part, expected):
    assert area(part) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("part", "expected", "rel"),
    [
        (superquadric((2, 4, 6), (1, 1, 1), BLACK), 4 / 3 * np.pi * 6, 0.05),
        (superquadric((2, 4, 6), (0, 0, 0), BLACK, (0.5, 0.7)), 12 * 0.35 * beta(1.25, 0.5) * beta(0.35, 0.35), 0.05),
        (superquadric((2, 2, 2), (0, 0, 0), BLACK, (2, 2)), 8 / 6, 0.01),
        (torus(3, 1, (0, 0, 0), BLACK), 2 * np.pi**2 * 3, 0.1),
        (lathe([(0, 0), (1, 0), (1, 2), (0, 2)], (0, 0, 0), BLACK, 200), 2 * np.pi, 1e-3),
    ],
    ids=["ellipsoid", "rounded box", "octahedron", "torus", "cylinder"],
)
def test_parts_enclose_the_volume_of_their_solid(part, expected, rel):
    assert volume(part) == pytest.approx(expected, rel=rel)


def test_a_turn_about_z_takes_x_to_y():
    np.testing.assert_allclose(turn(2, np.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(turn(0, np.pi / 2) @ [0, 1, 0], [0, 0, 1], atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_surface_and_no_two_of_it_are_alike(kind):
    made = [KINDS[kind][0](np.random.default_rng(seed)) for seed in range(4)]
    for parts in made:
        for part in parts:
            assert np.isfinite(part.vertices).all()
            assert 0 <= part.faces.min() <= part.faces.max() < len(part.vertices)
        extent = np.ptp(np.concatenate([part.vertices for part in parts]), axis=0)
        assert extent.max() > 0.1
        assert sum(area(part) for part in parts) > 0
    areas = {round(sum(area(part) for part in parts), 6) for parts in made}
    assert len(areas) == len(made)


def test_a_shape_is_a_function_of_seed_and_number():
    first, again, other, elsewhere = shape(1, 5), shape(1, 5), shape(1, 6), shape(2, 5)
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.face_colours, again.face_colours)
    assert first.vertices.shape != other.vertices.shape or (first.vertices != other.vertices).any()
    assert first.vertices.shape != elsewhere.vertices.shape or (first.vertices != elsewhere.vertices).any()


def test_all_kinds_are_drawn():
    assert len(KINDS) >= 16
    assert {shape(22, index).kind for index in range(80)} == set(KINDS)


def test_the_command_writes_the_first_of_more(tmp_path, capsys):
    sizes = ["--points", "32", "--pictures", "2", "--side", "16", "--seed", "4"]
    main([str(tmp_path / "few"), "--count", "3", *sizes])
    main([str(tmp_path / "more"), "--count", "5", *sizes])
    few, more = Corpus.open(tmp_path / "few"), Corpus.open(tmp_path / "more")
    assert few.names == more.names[:3]
    np.testing.assert_array_equal(few.clouds, more.clouds[:3])
    np.testing.assert_array_equal(few.pictures, more.pictures[:3])
    assert (more.folds == -1).all()
    assert few.classes[0] in KINDS
    assert capsys.readouterr().out == "3 shapes\n5 shapes\n"


def test_numbers_out_of_range_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path / "none"), "--count", "0"])
    assert stopped.value.code == 2
    assert "count: received 0; accepted: 1…10000000" in capsys.readouterr().err
