"""The first Gaussians: where the points are, as large as their neighbours are far, and somewhere without points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from painted_scene import viewmats

from tellurion_core.errors import InvalidInput
from tellurion_splat.initialisation import (
    BLOT,
    FURTHEST,
    extent,
    first_splats,
    random_points,
    spacing,
    splats_at,
    virtual_images,
)
from tellurion_splat.spec import FitSpec
from tellurion_splat.variants import FIXED, RELEASED, VIRTUAL
from tellurion_splat.views import Views
from tellurion_splatting.scenes import Scene, read_scene
from tellurion_splatting.scenes.cameras import Cameras


@pytest.fixture
def cloud() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((40, 3)), rng.random((40, 3))


@pytest.fixture
def cameras() -> Cameras:
    """On an arc three units before the origin, which all of them look at."""
    return Cameras.pinhole([str(i) for i in range(9)], viewmats(9), (40, 40), (40, 30))


@pytest.fixture(scope="session")
def scene(scene_folder: Path) -> Scene:
    return read_scene(scene_folder)


def test_the_variance_is_the_mean_square_distance_to_three_neighbours(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    points, colors = cloud
    squares = ((points[:, None] - points) ** 2).sum(-1)
    expected = np.sort(squares, axis=1)[:, 1:4].mean(axis=1)
    of = splats_at(points, colors, spacing(points), degree=3, reflected_degree=None, variant=FIXED)
    np.testing.assert_allclose(of.scales.numpy() ** 2, np.tile(expected[:, None], 3), rtol=1e-5)
    assert of.opacities.tolist() == pytest.approx([0.1] * 40)
    assert of.sh().shape == (40, 16, 3)
    assert not of.reflective


def test_both_branches_have_the_points_colours_from_everywhere(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    points, colors = cloud
    of = splats_at(points, colors, spacing(points), degree=1, reflected_degree=2, variant=FIXED)
    for sh in (of.sh(), of.reflected_sh()):
        np.testing.assert_allclose(0.5 + sh[:, 0].numpy() / (2 * np.sqrt(np.pi)), colors, atol=1e-6)  # Y₀₀ = 1/(2√π)
        assert not sh[:, 1:].any()
    assert of.reflected_opacities.tolist() == pytest.approx([0.1] * 40)


def test_half_of_each_is_reflection_or_all_of_it_as_released(cloud: tuple[np.ndarray, np.ndarray]) -> None:
    fixed, released = (
        splats_at(*cloud, spacing(cloud[0]), degree=0, reflected_degree=0, variant=variant)
        for variant in (FIXED, RELEASED)
    )
    assert set(fixed.weights.tolist()) == {0.5}
    assert set(released.weights.tolist()) == {1.0}


def test_points_at_one_place_have_a_size() -> None:
    assert np.isfinite(np.log(spacing(np.zeros((5, 3))))).all()


def test_the_extent_is_a_tenth_more_than_the_farthest_camera_from_the_mean() -> None:
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, :3, 3] = [[0, 0, 0], [-3, 0, 0], [-6, 0, 0]]  # cameras at x = 0, 3, 6
    assert extent(Cameras.pinhole(["a", "b", "c"], poses, (1, 1), (2, 2))) == pytest.approx(3.3)


def test_without_points_they_are_drawn_around_what_the_cameras_look_at(cameras: Cameras) -> None:
    points, colors = random_points(cameras, np.random.default_rng(0))
    radius = np.linalg.norm(cameras.positions, axis=1).max()  # all axes meet in the origin
    assert np.linalg.norm(points, axis=1).max() <= radius * (1 + 1e-6)
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=5 * radius / 5**0.5 / len(points) ** 0.5)
    assert (np.linalg.norm(points, axis=1) < radius / 2).mean() == pytest.approx(1 / 8, abs=0.02)
    assert set(colors.ravel()) == {0.5}


def test_too_many_points_are_thinned_by_the_seed(scene: Scene) -> None:
    specs = [FitSpec(max_gaussians=50, seed=seed) for seed in (0, 0, 1)]
    firsts = [first_splats(scene, Views(scene, spec), spec, FIXED) for spec in specs]
    assert [len(of) for of in firsts] == [50, 50, 50]
    assert torch.equal(firsts[0].means, firsts[1].means)
    assert not torch.equal(firsts[0].means, firsts[2].means)
    assert (scene.points[:, None].astype(np.float32) == firsts[0].means.numpy()).all(-1).any(0).all()


def test_virtual_images_stand_behind_the_reflections_that_views_show(scene: Scene) -> None:
    """The clean images take light away in the upper left corner alone."""
    views = Views(scene, FitSpec())
    height, width = views[0].photograph.shape[:2]
    corner = torch.zeros(height, width, 1)
    corner[: height // 2, : width // 2] = 0.5
    photograph = torch.full((height, width, 3), 0.5)
    shown = [replace(views[n], photograph=photograph, clean=photograph - corner) for n in range(len(views))]
    places, colors, sizes = virtual_images(shown, scene.points, 300, np.random.default_rng(0))
    assert places.shape == colors.shape == (300, 3)
    assert set(colors.ravel()) == {0.5}
    seen = np.zeros(300, bool)
    for view in shown:
        viewmat, K = view.viewmat.numpy(), view.K.numpy()
        x, y, z = ((places @ viewmat[:3, :3].T + viewmat[:3, 3]) @ K.T).T
        median = np.median((scene.points @ viewmat[:3, :3].T + viewmat[:3, 3])[:, 2])
        inside = (x / z > 0) & (x / z < width // 2) & (y / z > 0) & (y / z < height // 2)
        seen |= inside & (z > 0.999 * median) & (z < FURTHEST * 1.001 * median) & np.isclose(sizes, BLOT * z, rtol=1e-4)
    assert seen.all()


def test_a_camera_with_no_point_before_it_has_virtual_images_as_far_as_the_scene_is_large(scene: Scene) -> None:
    views = Views(scene, FitSpec())
    behind = views.cameras.positions - 100 * views.cameras.viewmats[:, 2, :3]
    places, _, sizes = virtual_images(views, behind, 50, np.random.default_rng(0))
    assert np.isfinite(places).all()
    assert (sizes >= 0.999 * BLOT * extent(views.cameras)).all()


@pytest.mark.parametrize("most", [4, 5])
def test_of_the_fewest_gaussians_there_are_two_in_each_branch(scene: Scene, most: int) -> None:
    spec = FitSpec(max_gaussians=most)
    assert len(first_splats(scene, Views(scene, spec), spec, VIRTUAL)) == 4
    for few, options in ((3, {}), (1, {"mode": "3dgs"})):
        with pytest.raises(InvalidInput, match="max_gaussians"):
            FitSpec(max_gaussians=few, **options)


def test_with_virtual_images_no_gaussian_is_in_both_branches(scene: Scene) -> None:
    for most, behind in ((100_000, len(scene.points)), (50, 25)):
        spec = FitSpec(max_gaussians=most)
        of = first_splats(scene, Views(scene, spec), spec, VIRTUAL)
        assert of.apart
        assert ((of.opacities > 0) ^ (of.reflected_opacities > 0)).all()
        assert int((of.reflected_opacities > 0).sum()) == int((of.opacities > 0).sum()) == behind
        assert not first_splats(scene, Views(scene, spec), spec, FIXED).apart
