"""Frames are files that other programs read as the numbers that were rendered."""

from __future__ import annotations

import io

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from tellurion_splat.frames import CHANNELS, COMPONENTS, ENCODERS, exr, npy, png

RNG = np.random.default_rng(5)
COLOUR = RNG.uniform(-0.5, 1.5, (7, 11, 3)).astype(np.float32)
"""Also beyond what an 8-bit image holds."""
PLANE = RNG.uniform(0.5, 9, (7, 11)).astype(np.float32)


def read_png(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize("component", ["all", "transmitted", "reflected"])
def test_light_is_rounded_to_the_nearest_of_256_levels(component: str) -> None:
    levels = read_png(png(COLOUR, component))
    assert levels.shape == COLOUR.shape
    assert np.abs(levels / 255 - np.clip(COLOUR, 0, 1)).max() <= 0.5 / 255 + 1e-7


def test_a_weight_is_grey() -> None:
    assert read_png(png(np.array([[0, 0.2, 1]], np.float32), "weight")).tolist() == [[0, 51, 255]]


def test_depth_is_white_near_and_black_where_nothing_is() -> None:
    """Linear in the inverse: 2 m are white, 4 m half as bright, 10 m a fifth."""
    assert read_png(png(np.array([[2, 4, 10, 0]], np.float32), "depth")).tolist() == [[255, 128, 51, 0]]


def test_a_view_of_nothing_has_a_depth() -> None:
    assert not read_png(png(np.zeros((2, 3), np.float32), "depth")).any()


def test_normals_are_colours() -> None:
    facing = np.array([[[0, 0, -1], [1, 0, 0], [0, 0, 0]]], np.float32)
    assert read_png(png(facing, "normal")).tolist() == [[[128, 128, 0], [255, 128, 128], [128, 128, 128]]]


@pytest.mark.parametrize("component", COMPONENTS)
def test_exr_holds_the_floats_under_the_names_that_programs_look_for(component: str) -> None:
    frame = PLANE if component in ("depth", "weight") else COLOUR
    with OpenEXR.File(io.BytesIO(exr(frame, component)), separate_channels=True) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    names = CHANNELS[component]
    expected = {names: frame} if isinstance(names, str) else {name: frame[..., i] for i, name in enumerate(names)}
    assert channels.keys() == expected.keys()
    for name, plane in expected.items():
        assert channels[name].dtype == np.float32
        np.testing.assert_array_equal(channels[name], plane)


def test_npy_holds_the_array() -> None:
    for frame in (COLOUR, PLANE):
        np.testing.assert_array_equal(np.load(io.BytesIO(npy(frame[::-1], "all")), allow_pickle=False), frame[::-1])


@pytest.mark.parametrize("suffix", ENCODERS)
def test_the_same_frame_is_the_same_bytes(suffix: str) -> None:
    assert ENCODERS[suffix](COLOUR, "all") == ENCODERS[suffix](COLOUR.copy(), "all")
