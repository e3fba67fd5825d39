"""The oracle itself, where the image is known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from all_pairs import ALPHA_MIN, RULES, all_pairs, boxes, covariance, project, sh_basis
from drawn import Arguments, draw, on_axis, rows
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

MIDDLE = (0, 8, 8)
"""The pixel at whose centre the scenes of `on_axis` are seen."""


def test_one_gaussian_gives_its_centre_its_colour_times_its_opacity() -> None:
    image = all_pairs(**on_axis(0.7) | {"colors": torch.tensor([[0.2, 0.4, 0.6]], dtype=torch.float64)})
    assert image.colors[MIDDLE].tolist() == pytest.approx([0.14, 0.28, 0.42], rel=1e-14)
    assert image.alphas[MIDDLE].item() == pytest.approx(0.7, rel=1e-14)


def test_the_nearer_of_two_lets_through_what_it_does_not_cover_whatever_their_order() -> None:
    scene = on_axis(0.7, 0.4)
    for order in ([0, 1], [1, 0]):
        image = all_pairs(**rows(scene, torch.tensor(order)))
        assert image.colors[MIDDLE].tolist() == pytest.approx([0.7, 0.3 * 0.4])
        assert image.alphas[MIDDLE].item() == pytest.approx(1 - 0.3 * 0.6)


def test_no_gaussians_are_the_background() -> None:
    scene = rows(draw(0, count=1, cameras=2), torch.zeros(0, dtype=torch.long))
    image = all_pairs(**scene)
    torch.testing.assert_close(image.colors, scene["backgrounds"][:, None, None].expand(2, 20, 24, 3))
    assert not image.alphas.any()


def test_a_sphere_on_the_axis_falls_off_as_a_gaussian_of_its_projected_width() -> None:
    image = all_pairs(**on_axis(0.8, size=0.3))
    variance = (20 * 0.3 / 2) ** 2 + 0.3
    for distance in range(8):
        expected = 0.8 * math.exp(-(distance**2) / (2 * variance))
        assert image.alphas[0, 8, 8 + distance].item() == pytest.approx(expected, rel=1e-12)
        assert image.alphas[0, 8 - distance, 8].item() == pytest.approx(expected, rel=1e-12)


@pytest.fixture
def slanted() -> Arguments:
    """An ellipse aslant, some 16 by 6 pixels wide, well inside a larger image."""
    scene = on_axis(0.9, width=121, height=101)
    shape = {"scales": [[1.6, 0.4, 0.7]], "quats": [[0.9, 0.2, -0.1, 0.35]]}
    return scene | {name: torch.tensor(value, dtype=torch.float64) for name, value in shape.items()}


def test_the_sum_of_alpha_is_the_integral_of_the_gaussian_above_the_cut_off(slanted: Arguments) -> None:
    # ∫ α where α > a is 2π √|B| (o − a): the area within σ is 2π √|B| σ.
    seen = project(
        slanted["means"],
        covariance(slanted["quats"], slanted["scales"]),
        slanted["viewmats"][0],
        slanted["Ks"][0],
        slanted["width"],
        slanted["height"],
    )
    root = torch.linalg.det(seen.covariances[0]).sqrt().item()
    total = all_pairs(**slanted).alphas.sum().item()
    assert total == pytest.approx(2 * math.pi * root * (0.9 - ALPHA_MIN), rel=1e-3)


def test_the_box_holds_every_pixel_that_is_drawn_and_little_more(slanted: Arguments) -> None:
    drawn = all_pairs(**slanted).alphas[0, ..., 0] > 0
    rows_, columns = (torch.nonzero(drawn.any(axis))[:, 0] for axis in (1, 0))
    seen = project(
        slanted["means"],
        covariance(slanted["quats"], slanted["scales"]),
        slanted["viewmats"][0],
        slanted["Ks"][0],
        slanted["width"],
        slanted["height"],
    )
    radii = boxes(seen, slanted["opacities"], slanted["width"], slanted["height"], RULES["gsplat"])[0]
    half = torch.stack([columns.max() - columns.min(), rows_.max() - rows_.min()]) / 2
    assert ((half <= radii) & (radii <= half + 2)).all()


def test_a_pixel_ends_without_the_gaussian_that_would_make_it_opaque() -> None:
    image = all_pairs(**on_axis(0.95, 0.95, 0.95, 0.95))
    assert image.colors[MIDDLE].tolist() == pytest.approx([0.95, 0.05 * 0.95, 0.05**2 * 0.95, 0.0])
    assert image.alphas[MIDDLE].item() == pytest.approx(1 - 0.05**3)


def test_depth_is_the_sum_of_weighted_depths_and_expected_depth_their_mean() -> None:
    scene = on_axis(0.7, 0.4)
    weights, depths = [0.7, 0.3 * 0.4], [2.0, 2.5]
    total = sum(w * z for w, z in zip(weights, depths, strict=True))
    assert all_pairs(**scene, render_mode="D").colors[MIDDLE].item() == pytest.approx(total)
    assert all_pairs(**scene, render_mode="RGB+ED").colors[MIDDLE][2].item() == pytest.approx(total / sum(weights))


def test_the_covariance_is_that_of_the_rotated_axes() -> None:
    scene = draw(3)
    turned = Rotation.from_quat(scene["quats"].numpy(), scalar_first=True).as_matrix()
    axes = turned * scene["scales"].numpy()[:, None, :]
    np.testing.assert_allclose(covariance(scene["quats"], scene["scales"]), axes @ axes.swapaxes(1, 2), atol=1e-14)


def test_a_linear_camera_projects_a_gaussian_as_its_samples_are() -> None:
    # Far away and small, the projection is linear: the samples' own mean and covariance are those of the footprint.
    scene = draw(5, count=1)
    scene["viewmats"][:, 2, 3] += 400
    scene["Ks"][:, :2, :2] *= 100
    shape = covariance(scene["quats"], scene["scales"])
    seen = project(scene["means"], shape, scene["viewmats"][0], scene["Ks"][0], 24, 20, eps2d=0.0)
    corners = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    signs = torch.cat([corners, -corners]) * math.sqrt(3)  # of these the covariance is the identity
    points = scene["means"] + signs @ torch.linalg.cholesky(shape[0]).T
    inside = points @ scene["viewmats"][0, :3, :3].T + scene["viewmats"][0, :3, 3]
    pixels = inside @ scene["Ks"][0].T
    pixels = pixels[:, :2] / pixels[:, 2:]
    torch.testing.assert_close(torch.cov(pixels.T, correction=0), seen.covariances[0], rtol=0.02, atol=0.02)


def test_the_harmonics_are_scipys_and_orthonormal() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(8)  # exact for the products of two of degree 5
    angles = 2 * np.pi * np.arange(16) / 16
    z, phi = (grid.ravel() for grid in np.meshgrid(nodes, angles, indexing="ij"))
    radius = np.sqrt(1 - z**2)
    directions = np.stack([radius * np.cos(phi), radius * np.sin(phi), z], axis=1)
    basis = sh_basis(5, torch.from_numpy(directions)).numpy()
    gram = (basis * np.repeat(weights * 2 * np.pi / 16, 16)[:, None]).T @ basis
    np.testing.assert_allclose(gram, np.eye(36), atol=1e-13)
    for band in range(6):
        for m in range(-band, band + 1):
            wave = sph_harm_y(band, abs(m), np.arccos(z), phi)
            real = wave.real if m == 0 else math.sqrt(2) * (wave.imag if m < 0 else wave.real)
            np.testing.assert_allclose(basis[:, band * band + band + m], real, atol=1e-13)


def test_the_margin_is_the_distance_of_the_nearest_decision() -> None:
    over = all_pairs(**on_axis(1.01 * ALPHA_MIN)).margin[MIDDLE].item()
    under = all_pairs(**on_axis(0.9, 0.9, 0.9, 0.899)).margin[MIDDLE].item()
    assert over == pytest.approx(0.01)
    assert under == pytest.approx(0.01)  # T would be 1.01e-4
