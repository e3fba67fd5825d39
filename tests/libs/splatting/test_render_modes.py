"""What each render mode returns, and in which channels."""

from __future__ import annotations

import pytest
import torch
from drawn import draw

from tellurion_splatting import rasterization

CHANNELS = {"RGB": 3, "D": 1, "ED": 1, "RGB+D": 4, "RGB+ED": 4}
SCENE = draw(21, count=40)


@pytest.mark.parametrize("mode", CHANNELS)
def test_the_colours_come_first_and_the_depth_last(mode: str) -> None:
    colors, alphas, _ = rasterization(**SCENE, render_mode=mode)
    assert colors.shape == (1, 20, 24, CHANNELS[mode])
    plain, plain_alphas, _ = rasterization(**SCENE)
    assert torch.equal(alphas, plain_alphas)
    if "RGB" in mode:
        assert torch.equal(colors[..., :3], plain)
    if "D" in mode:
        depth, _, _ = rasterization(**SCENE, render_mode="ED" if "ED" in mode else "D")
        assert torch.equal(colors[..., -1:], depth)


def test_depth_is_what_the_camera_depth_of_each_gaussian_composites_to() -> None:
    viewmat = SCENE["viewmats"][0]
    z = SCENE["means"] @ viewmat[2, :3] + viewmat[2, 3]
    as_color, alphas, _ = rasterization(**SCENE | {"colors": z[:, None], "backgrounds": None})
    depth, _, _ = rasterization(**SCENE, render_mode="D")
    torch.testing.assert_close(depth, as_color, rtol=1e-13, atol=1e-13)
    mean, _, _ = rasterization(**SCENE, render_mode="ED")
    torch.testing.assert_close(mean, as_color / alphas.clamp(min=1e-10), rtol=1e-13, atol=1e-13)


def test_behind_everything_is_the_background_in_colours_and_zero_in_depth() -> None:
    colors, alphas, _ = rasterization(**SCENE, render_mode="RGB+ED")
    empty = alphas[..., 0] == 0
    assert empty.any()
    assert (colors[empty] == torch.cat([SCENE["backgrounds"][0], torch.zeros(1)])).all()


def test_the_background_shows_by_what_is_not_covered() -> None:
    colors, alphas, _ = rasterization(**SCENE)
    black, _, _ = rasterization(**SCENE | {"backgrounds": None})
    torch.testing.assert_close(colors, black + (1 - alphas) * SCENE["backgrounds"][0], rtol=1e-13, atol=1e-13)


def test_expected_depth_of_a_plane_is_its_depth() -> None:
    scene = draw(22, count=40)
    scene["viewmats"] = torch.eye(4, dtype=torch.float64)[None]
    scene["means"][:, 2] = 3.0
    depth, alphas, _ = rasterization(**scene, render_mode="ED")
    torch.testing.assert_close(depth[alphas > 0], torch.full_like(depth[alphas > 0], 3.0), rtol=1e-12, atol=0)


def test_how_many_channels_are_taken_at_once_changes_nothing() -> None:
    scene = draw(23, channels=40)
    one, other = (rasterization(**scene, channel_chunk=chunk)[0] for chunk in (32, 7))
    assert torch.equal(one, other)


def test_a_pixels_numbers_keep_the_precision_of_the_gaussians() -> None:
    for dtype in (torch.float32, torch.float64):
        scene = {name: value.to(dtype) if torch.is_tensor(value) else value for name, value in SCENE.items()}
        assert {image.dtype for image in rasterization(**scene)[:2]} == {dtype}
