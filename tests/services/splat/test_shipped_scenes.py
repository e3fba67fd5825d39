"""The shipped scenes are what their geometry, Fresnel's equations and each other's views say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ray_casting import evenly, first_hit, linear, reflected, texture
from scipy import ndimage

import tellurion_splat
from tellurion_splat.initialisation import extent
from tellurion_splat.training.scenes.cloud import projected
from tellurion_splat.training.scenes.faces import surface_points
from tellurion_splat.training.scenes.rooms import SCENES
from tellurion_splat.training.scenes.studio import pane_reflectance, sight
from tellurion_splatting.files.bounds import parsed_json
from tellurion_splatting.scenes import read_scene

DATA = Path(tellurion_splat.__file__).parent / "data"
VIEWS = [2, 13, 21]


class Shot:
    """One view of a shipped scene, with what the rays through its pixels meet."""

    def __init__(self, name: str, row: int) -> None:
        scene, self.room = read_scene(DATA / name), SCENES[name]()
        view = scene.cameras.names[row]
        self.camera = scene.cameras[[row]]
        self.image = scene.image(row)
        self.transmitted = scene.color(scene.folder("transmitted")[view])
        self.inverse_depth = scene.inverse_depth(scene.folder("depth")[view])
        self.origin, self.rays = sight(self.camera)
        self.depth, self.face = first_hit(self.room.faces, self.origin, self.rays)
        to_surface, met = first_hit([self.room.surface], self.origin, self.rays)
        self.on_surface = (met == 0) & (to_surface < self.depth * (1 + 1e-9))
        self.places = self.origin + to_surface[..., None] * self.rays
        """[H, W, 3] where rays meet the surface's plane within the surface; elsewhere infinite."""

    @property
    def inside(self):
        """[H, W] well within one face and well on the surface or off it: no edge in a neighbouring pixel."""
        key = 2 * self.face + self.on_surface
        inner = np.zeros(key.shape, bool)
        centre = key[1:-1, 1:-1]
        alike = [
            key[1 + i : key.shape[0] - 1 + i, 1 + j : key.shape[1] - 1 + j] == centre
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        inner[1:-1, 1:-1] = np.all(alike, axis=0)
        return inner


@pytest.fixture(
    scope="module", params=[(name, row) for name in SCENES for row in VIEWS], ids=lambda it: f"{it[0]}-{it[1]}"
)
def shot(request):
    return Shot(*request.param)


def test_they_are_small():
    assert sum(path.stat().st_size for path in DATA.rglob("*")) < 5e6


@pytest.mark.parametrize("name", SCENES)
def test_each_is_a_scene_of_24_views_with_its_truth_and_little_noise(name):
    scene = read_scene(DATA / name)
    assert len(scene.images) == 24
    assert scene.size == (100, 75)
    assert len(scene.folder("transmitted")) == len(scene.folder("depth")) == 24
    about = parsed_json((DATA / name / "scene.json").read_bytes(), "scene.json")
    assert about["noise_floor_db"] > 40
    assert about["noise_floor_db"] == pytest.approx(-10 * np.log10(np.mean(list(about["noise"].values()))), abs=0.01)


@pytest.mark.parametrize("name", SCENES)
def test_the_sparse_points_lie_about_the_faces_and_have_the_colours_of_what_is_seen(name):
    scene, room = read_scene(DATA / name), SCENES[name]()
    assert len(scene.points) == 3000
    # the normal component of an isotropic error has the error's standard deviation
    distance = np.min([_distance(face, scene.points) for face in room.faces], axis=0)
    error = 0.01 * extent(scene.cameras[~scene.held_out])
    assert np.sqrt(np.mean(distance**2)) < error
    assert np.quantile(distance, 0.999) < 4 * error
    assert 0.02 < scene.point_colors.mean() < 0.8


def test_depth_is_where_rays_meet_the_geometry(shot):
    # steps of 16 bits are 1 / (65535 · 0.5) 1/m
    np.testing.assert_allclose(shot.inverse_depth[shot.inside], 1 / shot.depth[shot.inside], atol=2e-5)


def test_points_of_the_geometry_that_a_camera_sees_are_at_the_depth(shot):
    points = surface_points(shot.room.faces, 20_000, np.random.default_rng(0))
    distance, face = first_hit(shot.room.faces, shot.origin, points - shot.origin)
    pixels, z = projected(shot.camera, points)
    seen = (z > 0) & ((pixels >= 0) & (pixels < (100, 75))).all(axis=1) & (distance > 1 - 1e-6)
    column, row = pixels[seen].astype(int).T
    apart = shot.inside[row, column] & (shot.face[row, column] == face[seen])
    # 1/z of a plane is linear in the pixels
    inverse_depth = ndimage.map_coordinates(shot.inverse_depth, pixels[seen][apart].T[::-1] - 0.5, order=1)
    assert len(inverse_depth) > 200
    np.testing.assert_allclose(inverse_depth, 1 / z[seen][apart], rtol=1e-3)


def test_off_the_surface_the_transmitted_image_is_the_image(shot):
    off = ~ndimage.binary_dilation(shot.on_surface, np.ones((3, 3)))
    apart = (shot.image - shot.transmitted)[off]
    assert np.abs(apart.mean(axis=0)).max() < 0.2 / 255
    assert np.sqrt(np.square(apart).mean()) < 10 ** (-40 / 20)
    assert np.abs((shot.image - shot.transmitted)[off & shot.inside]).max() <= 2.5 / 255


def test_on_the_surface_the_image_is_brighter(shot):
    gain = (shot.image - shot.transmitted)[shot.inside & shot.on_surface]
    assert gain.min() >= -2.5 / 255
    assert gain.mean() > 2 / 255
    assert np.quantile(gain, 0.99) > 20 / 255


@pytest.mark.parametrize("row", VIEWS)
@pytest.mark.parametrize("name", ["pane", "picture"])
def test_glass_reflects_the_windows_as_fresnel_says(name, row):
    shot = Shot(name, row)
    at = shot.inside & shot.on_surface
    rays, places = shot.rays[at], shot.places[at]
    normal = shot.room.surface.normal
    away = reflected(rays, normal)
    distance, which = first_hit(shot.room.faces, places, away)
    reflection = linear(shot.image[at]) - linear(shot.transmitted[at])
    cosine = np.abs(rays @ normal) / np.linalg.norm(rays, axis=1)
    ratios = []
    for number, face in enumerate(shot.room.faces):
        if face.luminous and face.corner[1] < -4:
            hits = (which == number) & (shot.image[at].max(axis=1) < 1)
            spots = places[hits] + distance[hits, None] * away[hits]
            expected = pane_reflectance(cosine[hits])[:, None] * texture(face, spots)
            bright = evenly(face, spots, 0.05) & expected.all(axis=1)  # and no bar of the window
            ratios.append(reflection[hits][bright] / expected[bright])
    ratios = np.concatenate(ratios)
    assert len(ratios) > 50
    np.testing.assert_allclose(np.median(ratios, axis=0), 1, atol=0.02)


def test_the_mirror_shows_what_other_views_see():
    """Matte things look the same from everywhere, so that another view tells what must stand in the mirror."""
    shots = [Shot("mirror", row) for row in range(0, 24, 3)]
    ratios = []
    for shot in shots:
        at = shot.inside & shot.on_surface
        away = reflected(shot.rays[at], shot.room.surface.normal)
        distance, which = first_hit(shot.room.faces, shot.places[at], away)
        spots = shot.places[at] + distance[:, None] * away
        reflection = linear(shot.image[at]) - linear(shot.transmitted[at])
        for other in shots:
            pixels, z = projected(other.camera, spots)
            column, row = np.floor(pixels).astype(int).T
            good = (z > 0) & (column >= 0) & (column < 100) & (row >= 0) & (row < 75)
            good[good] &= (other.inside & ~other.on_surface)[row[good], column[good]]
            good[good] &= other.face[row[good], column[good]] == which[good]
            good[good] &= np.abs(other.depth[row[good], column[good]] / z[good] - 1) < 0.01
            seen = linear(other.image[row[good], column[good]])
            even = np.zeros(len(seen), bool)
            for number in np.unique(which[good]):
                of_face = which[good] == number
                even[of_face] = evenly(shot.room.faces[number], spots[good][of_face], 0.03)
            ratios.append((reflection[good] / seen)[even])
    ratios = np.concatenate(ratios)
    assert len(ratios) > 50
    np.testing.assert_allclose(np.median(ratios, axis=0), 0.85, atol=0.02)


def test_a_pane_reflects_a_thirteenth_of_light_from_ahead_and_all_of_grazing_light():
    # r = ((n − 1)/(n + 1))² = 1/25 of each side, 2r/(1 + r) of both
    assert pane_reflectance(np.array(1.0)) == pytest.approx(1 / 13)
    assert pane_reflectance(np.array(0.0)) == pytest.approx(1)
    # at Brewster's angle only one polarisation is reflected, r = ((n² − 1)/(n² + 1))² of it
    r = (1.25 / 3.25) ** 2
    assert pane_reflectance(np.array(1 / np.sqrt(1 + 1.5**2))) == pytest.approx(r / (1 + r))


def _distance(face, points):
    """[P] from the parallelogram, which its nearest point in affine coordinates bounds from above."""
    edges = np.stack([face.across, face.up])
    along = np.clip((points - face.corner) @ np.linalg.solve(edges @ edges.T, edges).T, 0, 1)
    return np.linalg.norm(points - face.corner - along @ edges, axis=1)
