"""Each profile's constants: a pixel just on either side of every one of them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from drawn import Arguments, on_axis
from torch import Tensor

from tellurion_splatting import rasterization

PROFILES = ("gsplat", "gsplat16", "inria")
MIDDLE = (0, 8, 8, 0)
"""The pixel at whose centre the scenes of `on_axis` are seen."""


def alphas(scene: Arguments, **options: Any) -> Tensor:
    return rasterization(**scene | options)[1]


@pytest.mark.parametrize("profile", PROFILES)
def test_below_one_part_in_255_nothing_is_drawn(profile: str) -> None:
    assert alphas(on_axis(0.999 / 255), profile=profile)[MIDDLE] == 0
    assert alphas(on_axis(1.001 / 255), profile=profile)[MIDDLE].item() == pytest.approx(1.001 / 255)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("pixels", [1, 3])
def test_nor_away_from_the_centre(profile: str, pixels: int) -> None:
    variance = (20 * 0.5 / 2) ** 2 + 0.3
    at_limit = math.exp(pixels**2 / (2 * variance)) / 255
    for factor, expected in ((0.999, 0.0), (1.001, 1.001 / 255)):
        image = alphas(on_axis(factor * at_limit), profile=profile)[0, ..., 0]
        for y, x in ((8, 8 + pixels), (8, 8 - pixels), (8 + pixels, 8), (8 - pixels, 8)):
            assert image[y, x].item() == pytest.approx(expected)


@pytest.mark.parametrize(("profile", "cap"), [("gsplat", 0.999), ("gsplat16", 0.99), ("inria", 0.99)])
def test_alpha_is_capped(profile: str, cap: float) -> None:
    assert alphas(on_axis(1.0), profile=profile)[MIDDLE].item() == pytest.approx(cap, rel=1e-12)
    assert alphas(on_axis(cap - 1e-4), profile=profile)[MIDDLE].item() == pytest.approx(cap - 1e-4, rel=1e-12)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_pixel_ends_before_less_than_a_ten_thousandth_is_left(profile: str) -> None:
    for factor, last in ((1.001, True), (0.999, False)):
        fourth = 1 - 0.1 * factor  # after three of 0.9
        colors, _, _ = rasterization(**on_axis(0.9, 0.9, 0.9, fourth, 0.5), profile=profile)
        *_, drawn, behind = colors[MIDDLE[:3]].tolist()
        assert drawn == pytest.approx(1e-3 * fourth if last else 0.0)
        assert behind == 0


@pytest.mark.parametrize(("profile", "ends"), [("gsplat", True), ("gsplat16", True), ("inria", False)])
def test_at_a_ten_thousandth_exactly_gsplat_ends_and_inria_does_not(profile: str, ends: bool) -> None:
    # Exact in binary: 2⁻¹³ is left by thirteen halves, and 8192 · 1e-4 has as many digits as 1 − o can have.
    image = alphas(on_axis(*[0.5] * 13, 1 - 8192 * 1e-4, step=0.01), profile=profile)
    assert image[MIDDLE].item() == (1 - 2.0**-13 if ends else 1 - 1e-4)


def test_inria_draws_within_a_square_of_three_sigma_by_whole_tiles_and_gsplat_all_that_counts() -> None:
    # σ = 10.3 pixels about x = 16: the square ends at 47, a tile at 48, and at 48.5 α is still 1.8/255.
    scene = on_axis(1.0, size=1.03, width=64, height=16)
    scene["Ks"][0, 0, 2] = 16.0
    at_48 = {profile: alphas(scene, profile=profile)[0, 8, 48, 0].item() for profile in PROFILES}
    expected = math.exp(-(32.5**2 + 0.5**2) / (2 * (10.3**2 + 0.3)))
    assert at_48 == {"gsplat": pytest.approx(expected), "gsplat16": pytest.approx(expected), "inria": 0.0}
    within = [alphas(scene, profile=profile)[0, 8, 47, 0].item() for profile in PROFILES]
    assert within == pytest.approx([math.exp(-(31.5**2 + 0.5**2) / (2 * (10.3**2 + 0.3)))] * 3)


@pytest.mark.parametrize(("profile", "drawn"), [("gsplat", True), ("gsplat16", True), ("inria", False)])
def test_inria_draws_nothing_within_a_fifth_of_a_metre(profile: str, drawn: bool) -> None:
    for z, visible in ((0.199, drawn), (0.2, drawn), (0.201, True)):
        scene = on_axis(0.5)
        scene["means"][0, 2] = z
        assert (alphas(scene, profile=profile)[MIDDLE].item() > 0) is visible


@pytest.mark.parametrize("profile", PROFILES)
def test_between_the_planes_is_drawn_and_on_them(profile: str) -> None:
    planes = {"near_plane": 1.0, "far_plane": 3.0}
    for z, visible in ((0.999, False), (1.0, True), (3.0, True), (3.001, False)):
        scene = on_axis(0.5)
        scene["means"][0, 2] = z
        assert (alphas(scene, profile=profile, **planes)[MIDDLE].item() > 0) is visible


@pytest.mark.parametrize(("profile", "least"), [("gsplat", 0.0), ("gsplat16", 0.005), ("inria", 0.005)])
def test_antialiasing_dims_a_point_to_nothing_or_to_a_floor(profile: str, least: float) -> None:
    image = alphas(on_axis(0.9, size=1e-6), profile=profile, rasterize_mode="antialiased")
    assert image[MIDDLE].item() == pytest.approx(0.9 * least)
    # S is σ² 1, so √(|S| / |S + 0.3|) = σ² / (σ² + 0.3).
    image = alphas(on_axis(0.9, size=0.1), profile=profile, rasterize_mode="antialiased")
    assert image[MIDDLE].item() == pytest.approx(0.9 / 1.3)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_blur_widens_every_gaussian_by_its_variance(profile: str) -> None:
    # Of a point the footprint is the blur alone.
    for eps2d in (0.3, 2.0):
        image = alphas(on_axis(0.8, size=1e-6), profile=profile, eps2d=eps2d)
        assert image[0, 8, 9, 0].item() == pytest.approx(0.8 * math.exp(-1 / (2 * eps2d)), rel=1e-6)


def test_a_box_no_wider_than_the_clip_is_left_out() -> None:
    scene = on_axis(0.5)
    reach = math.sqrt(2 * math.log(255 * 0.5))
    radius = math.ceil(reach * math.sqrt((20 * 0.5 / 2) ** 2 + 0.3))
    assert alphas(scene, radius_clip=radius)[MIDDLE] == 0
    assert alphas(scene, radius_clip=radius - 0.001)[MIDDLE] > 0
