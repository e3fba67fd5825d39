"""The rasteriser against rays cast at every triangle, and views of a model."""

import numpy as np
import pytest
import trimesh

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.views import directions, looking, normals, rasterise, shaded, specks, views

CAMERA = np.array([[40.0, 0, 24], [0, 40, 16], [0, 0, 1]])
WIDTH, HEIGHT = 48, 32


def cast(triangles):
    """Depth and number of the first triangle [T, 3, 3] hit by the ray through each pixel's centre (Möller–Trumbore)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    rays = np.stack([(x - 24) / 40, (y - 16) / 40, np.ones_like(x)], -1)[:, :, None]
    a, b, c = triangles.transpose(1, 0, 2)
    across = np.cross(rays, c - a)
    determinant = (across * (b - a)).sum(-1)
    u = (across * -a).sum(-1) / determinant
    other = np.cross(-a, b - a)
    v = (rays * other).sum(-1) / determinant
    depth = ((c - a) * other).sum(-1) / determinant
    depth = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (depth > 0.01), depth, np.inf)
    return depth.min(-1), depth.argmin(-1)


def soup(seed, count, nearest):
    random = np.random.default_rng(seed)
    centres = random.uniform((-2, -1.5, nearest), (2, 1.5, 6), (count, 3))
    return centres[:, None] + random.normal(0, 0.5, (count, 3, 3))


@pytest.mark.parametrize("nearest", [3, -1], ids=["in front", "around and behind the camera"])
def test_the_nearest_triangle_is_seen_at_its_depth(nearest):
    triangles = soup(0, 60, nearest)
    colours = np.random.default_rng(1).integers(0, 255, (60, 3)).astype(np.uint8)
    faces = np.arange(180).reshape(60, 3)
    picture, depth = rasterise(triangles.reshape(-1, 3), faces, colours, CAMERA, np.eye(4), WIDTH, HEIGHT)
    expected, hit = cast(triangles)
    seen = np.isfinite(expected)
    assert 0.2 < seen.mean() < 1 or nearest < 0
    np.testing.assert_array_equal(depth > 0, seen)
    np.testing.assert_allclose(depth[seen], expected[seen], rtol=1e-5)
    np.testing.assert_array_equal(picture[seen], colours[hit[seen]])
    assert (picture[~seen] == 255).all()


def test_triangles_that_share_an_edge_leave_no_gap():
    random = np.random.default_rng(2)
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 13), np.linspace(-3, 3, 13), [4.0]), -1).reshape(-1, 3)
    grid[:, 2] += random.uniform(-0.5, 0.5, len(grid))
    corner = (13 * np.arange(12)[:, None] + np.arange(12)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + 13], 1), np.stack([corner + 1, corner + 14, corner + 13], 1)]
    )
    _, depth = rasterise(grid, faces, np.zeros((len(faces), 3), np.uint8), CAMERA, np.eye(4), WIDTH, HEIGHT)
    assert (depth > 0).all()


def test_the_pose_moves_the_world():
    triangles = soup(3, 20, 3).reshape(-1, 3)
    faces, colours = np.arange(60).reshape(20, 3), np.zeros((20, 3), np.uint8)
    pose = looking(np.array([1.0, 2, 3]), np.array([0.5, -1, 0]))
    world = (triangles - pose[:3, 3]) @ pose[:3, :3]
    _, still = rasterise(triangles, faces, colours, CAMERA, np.eye(4), WIDTH, HEIGHT)
    _, moved = rasterise(world, faces, colours, CAMERA, pose, WIDTH, HEIGHT)
    assert (np.abs(still - moved) < 1e-5).mean() > 0.99  # but for pixels on an edge


def test_a_camera_looks_along_z_with_what_is_above_up_in_the_picture():
    pose = looking(np.array([4.0, 0, 0]), np.zeros(3))
    np.testing.assert_allclose(pose @ [0, 0, 0, 1], [0, 0, 4, 1], atol=1e-12)
    np.testing.assert_allclose(pose @ [0, 0, 1, 1], [0, -1, 4, 1], atol=1e-12)
    np.testing.assert_allclose(pose @ [0, 1, 0, 1], [1, 0, 4, 1], atol=1e-12)


def test_light_falls_by_the_cosine_on_both_sides():
    colours = np.full((2, 3), 200, np.uint8)
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float)
    both = normals(vertices, np.array([[0, 1, 2], [0, 2, 1]]))
    np.testing.assert_allclose(both, [[0, 0, 1], [0, 0, -1]])
    assert shaded(colours, both, np.array([0, 0, 7.0])).tolist() == [[200] * 3] * 2
    assert shaded(colours, both, np.array([5.0, 0, 0])).tolist() == [[70] * 3] * 2
    assert shaded(colours, both, np.array([np.sqrt(3), 0, 1])).tolist() == [[200 * (0.35 + 0.65 / 2)] * 3] * 2


def test_the_unit_ball_fills_every_view():
    ball = trimesh.creation.icosphere(4)
    pictures = views(ball.vertices, ball.faces, np.zeros_like(ball.faces, np.uint8), 5, 32)
    covered = 1 - pictures[..., 0] / 255
    assert covered[:, [0, -1]].any((1, 2)).all()
    assert covered[:, :, [0, -1]].any((1, 2)).all()
    np.testing.assert_allclose(covered.sum((1, 2)), np.pi * 16**2, rtol=0.01)


def test_points_are_pictured_as_octahedra_of_their_colour():
    vertices, faces, colours = specks(np.array([[0, 0, 0], [5, 5, 5]]), np.array([[1, 2, 3], [4, 5, 6]], np.uint8), 0.5)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    assert mesh.area == pytest.approx(2 * 2 * np.sqrt(3) * 0.5)
    np.testing.assert_array_equal(mesh.bounds, [[-0.5] * 3, [5.5] * 3])
    assert colours.tolist() == [[1, 2, 3]] * 8 + [[4, 5, 6]] * 8


def test_triangles_without_a_place_are_not_drawn():
    vertices = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2], [np.nan, 0, 2], [0, np.inf, 2], [0, 0, np.nan]])
    faces = np.array([[0, 1, 3], [0, 1, 4], [0, 1, 5], [3, 4, 5]])
    picture, depths = rasterise(vertices, faces, np.zeros((4, 3), np.uint8), CAMERA, np.eye(4), 8, 8)
    assert (picture == 255).all()
    assert (depths == 0).all()


def test_views_go_all_around_above_the_horizon():
    seen = directions(12)
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1)
    assert (seen[:, 2] > 0).all()
    turned = np.sort(np.arctan2(seen[:, 1], seen[:, 0]))
    np.testing.assert_allclose(np.diff(turned), np.pi / 6)


def test_bad_pictures_and_faces_are_refused():
    vertices, colours = np.eye(3), np.zeros((1, 3), np.uint8)
    with pytest.raises(InvalidInput, match="width: received 0"):
        rasterise(vertices, np.array([[0, 1, 2]]), colours, CAMERA, np.eye(4), 0, 5)
    with pytest.raises(InvalidInput, match="height: received 1000000000"):
        rasterise(vertices, np.array([[0, 1, 2]]), colours, CAMERA, np.eye(4), 5, 10**9)
    with pytest.raises(InvalidInput, match="faces: received vertex 3"):
        rasterise(vertices, np.array([[0, 1, 3]]), colours, CAMERA, np.eye(4), 5, 5)
