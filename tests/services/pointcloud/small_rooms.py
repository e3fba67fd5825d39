"""Furniture of a few triangles, and rooms of it."""

import numpy as np

from tellurion_pointcloud.rooms import CLASSES, Piece

SIZES = {
    "cabinet": (0.8, 0.4, 1.0),
    "chair": (0.5, 0.5, 0.9),
    "plant or lamp": (0.3, 0.3, 0.5),
    "sofa or bed": (1.8, 0.9, 0.7),
    "table": (1.2, 0.7, 0.75),
}
CUBE = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
FACES = np.array([face for a, b, c, d in SIDES for face in ((a, b, c), (a, c, d))])


def cuboid(kind, group, *, scale=1.0):
    colour = np.random.default_rng(len(group)).integers(256, size=3)
    colours = np.tile(colour, (len(FACES), 1)).astype(np.uint8)
    return Piece(CLASSES.index(kind), group, CUBE * SIZES[kind] * scale, FACES, colours)


def furniture(prefix):
    """Two groups of each class, all cuboids."""
    return [
        cuboid(kind, f"{prefix} {kind} {number}", scale=1 - 0.2 * number) for kind in CLASSES for number in range(2)
    ]
