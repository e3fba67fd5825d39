"""Degraded inputs: wrong by as much as is said, for the views that are fitted and for no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import tellurion_splat
from tellurion_core.errors import InvalidInput
from tellurion_splat.degradation import degrade, degraded_image, degraded_inverse_depth
from tellurion_splatting.scenes import read_scene

DATA = Path(tellurion_splat.__file__).parent / "data"
INNER = slice(8, -8)


def test_three_tenths_of_the_reflection_stay():
    behind, image = np.full((24, 32, 3), 0.2, np.float32), np.full((24, 32, 3), 0.7, np.float32)
    left = degraded_image(behind, image, np.random.default_rng(0))
    np.testing.assert_allclose(left, 0.2 + 0.3 * 0.5, atol=1e-6)


def test_an_image_is_displaced_by_less_than_a_pixel_another_way_each_time():
    y, x = np.mgrid[:40, :50].astype(np.float32)
    ramps = np.stack([x / 50, y / 50, np.zeros_like(x)], axis=-1)
    displaced = [degraded_image(ramps, ramps, np.random.default_rng(seed)) - ramps for seed in range(20)]
    shifts = 50 * np.array([each[INNER, INNER, :2].mean(axis=(0, 1)) for each in displaced])
    for each, shift in zip(displaced, shifts, strict=True):
        np.testing.assert_allclose(50 * each[INNER, INNER, :2], np.broadcast_to(shift, (24, 34, 2)), atol=1e-3)
    assert np.abs(shifts).max() <= 0.75
    assert shifts.std() == pytest.approx(0.75 / np.sqrt(3), rel=0.25)  # of a uniform distribution


def test_a_point_is_spread_over_a_pixel():
    point = np.zeros((41, 41, 3), np.float32)
    point[20, 20] = 1
    spread = degraded_image(point, point, np.random.default_rng(1))[..., 0].astype(float)
    spread /= spread.sum()
    y, x = np.mgrid[:41, :41]
    for axis in (x, y):
        mean = (spread * axis).sum()
        assert abs(mean - 20) <= 0.75
        assert (spread * (axis - mean) ** 2).sum() == pytest.approx(1, rel=0.05)


def test_the_depth_of_a_view_is_known_but_for_scale_and_offset_and_an_error_of_five_per_cent():
    rng = np.random.default_rng(2)
    truth = (0.3 + 0.2 * rng.random((60, 80))).astype(np.float32)
    scales = []
    for seed in range(40):
        prior = degraded_inverse_depth(truth, np.random.default_rng(seed))
        (scale, offset), *_ = np.linalg.lstsq(np.stack([truth.ravel(), np.ones(truth.size)], axis=1), prior.ravel())
        error = (prior - offset) / scale / truth - 1
        assert error.std() == pytest.approx(np.hypot(0.05, 0.02), rel=0.15)
        scales.append(np.median(prior) / np.median(truth))
    assert 0.5 - 0.1 <= min(scales) < 0.7
    assert 1.6 < max(scales) <= 2 + 0.1


def test_the_smooth_part_of_its_error_is_smooth_and_the_rest_is_not():
    flat = np.ones((120, 160), np.float32)
    prior = degraded_inverse_depth(flat, np.random.default_rng(3))
    error = prior / prior.mean() - 1
    # neighbours share the smooth part, 0.05² of 0.05² + 0.02², smoothed over 8 pixels: exp(−1/(4·8²)) of it
    alike = np.corrcoef(error[:, 1:].ravel(), error[:, :-1].ravel())[0, 1]
    assert alike == pytest.approx(0.05**2 / (0.05**2 + 0.02**2) * np.exp(-1 / 256), abs=0.03)


def test_only_training_views_get_inputs_and_the_same_seed_gives_the_same(tmp_path):
    folder = tmp_path / "mirror"
    shutil.copytree(DATA / "mirror", folder)
    scene = read_scene(folder)
    folders = degrade(scene, seed=4)
    training = [name for name, kept in zip(scene.cameras.names, scene.held_out, strict=True) if not kept]
    first = {path.relative_to(folder): path.read_bytes() for path in folder.glob("degraded*/*")}
    assert {path.parts[0] for path in first} == set(folders)
    for name in folders:
        assert sorted(scene.folder(name)) == training
    degrade(scene, seed=4)
    assert first == {path.relative_to(folder): path.read_bytes() for path in folder.glob("degraded*/*")}
    others = degrade(scene, seed=5)
    for name, other in zip(folders, others, strict=True):
        assert all((folder / other / path.name).read_bytes() != path.read_bytes() for path in (folder / name).iterdir())


def test_what_is_written_is_nearer_the_truth_than_the_image_and_loses_no_depth(tmp_path):
    folder = tmp_path / "mirror"
    shutil.copytree(DATA / "mirror", folder)
    scene = read_scene(folder)
    clean_folder, depth_folder = degrade(scene)
    for name in scene.folder(clean_folder):
        row = scene.cameras.names.index(name)
        truth = scene.color(scene.folder("transmitted")[name])
        clean = scene.color(scene.folder(clean_folder)[name])
        assert np.square(clean - truth).mean() < np.square(scene.image(row) - truth).mean()
        prior = scene.inverse_depth(scene.folder(depth_folder)[name])
        assert prior.min() > 0
        assert prior.max() * scene.near < 1


def test_a_scene_without_its_truth_cannot_be_degraded(tmp_path):
    folder = tmp_path / "mirror"
    shutil.copytree(DATA / "mirror", folder)
    shutil.rmtree(folder / "transmitted")
    with pytest.raises(InvalidInput, match="transmitted"):
        degrade(read_scene(folder))
