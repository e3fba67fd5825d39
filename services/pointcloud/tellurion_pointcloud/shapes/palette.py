"""Random colours such as things have."""

from __future__ import annotations

import colorsys

import numpy as np

from tellurion_pointcloud.shapes.parts import Colour

MATERIALS = {
    "wood": ((0.04, 0.11), (0.3, 0.75), (0.2, 0.85)),
    "metal": ((0.5, 0.65), (0.0, 0.1), (0.3, 0.85)),
    "white": ((0.0, 1.0), (0.0, 0.06), (0.85, 1.0)),
    "black": ((0.0, 1.0), (0.0, 0.3), (0.03, 0.2)),
    "cloth": ((0.0, 1.0), (0.2, 0.9), (0.25, 0.95)),
    "leaf": ((0.2, 0.42), (0.4, 0.9), (0.2, 0.7)),
    "skin": ((0.04, 0.09), (0.25, 0.6), (0.35, 0.95)),
}
"""Ranges of hue, saturation and value."""
FURNISHED = ("wood", "wood", "metal", "white", "black", "cloth")


def colour(random: np.random.Generator, *materials: str) -> Colour:
    """A colour of one of the materials; of what furniture is made of where none is named."""
    ranges = MATERIALS[str(random.choice(materials or FURNISHED))]
    red, green, blue = colorsys.hsv_to_rgb(*(random.uniform(*each) for each in ranges))
    return round(255 * red), round(255 * green), round(255 * blue)
