"""A stand-in for the sparse points of structure from motion, the same for every method that is compared on a scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tellurion_splat.initialisation import extent
from tellurion_splat.training.scenes.faces import Array, Face, surface_points
from tellurion_splatting.scenes import Cameras, Scene

POINTS = 3000
NOISE = 0.01
"""Standard deviation of a coordinate, in extents of the scene."""
SEEN = 0.01
"""How much deeper than the depth map a point may lie, relative, and still count as seen."""
LEAST_VIEWS = 2


def cloud(scene: Scene, faces: Sequence[Face], rng: np.random.Generator) -> tuple[Array, Array]:
    """Points [POINTS, 3] of the faces, displaced, and their colours [POINTS, 3], 0 to 1.

    Two views or more show each of them, and its colour is the mean over these; views that are held out give nothing.
    """
    training = np.flatnonzero(~scene.held_out)
    depth = scene.folder("depth")
    points, colours = np.empty((0, 3)), np.empty((0, 3))
    while len(points) < POINTS:
        drawn = surface_points(faces, 4 * POINTS, rng)
        views, total = np.zeros(len(drawn)), np.zeros((len(drawn), 3))
        for row in training:
            pixels, z = projected(scene.cameras[[row]], drawn)
            inverse_depth = scene.inverse_depth(depth[scene.cameras.names[row]])
            inside = np.flatnonzero(((pixels >= 0) & (pixels < scene.size)).all(axis=1) & (z > 0))
            column, line = pixels[inside].astype(int).T
            seen = np.abs(z[inside] * inverse_depth[line, column] - 1) < SEEN
            views[inside[seen]] += 1
            total[inside[seen]] += scene.image(row)[line[seen], column[seen]]
        enough = views >= LEAST_VIEWS
        points = np.concatenate([points, drawn[enough]])
        colours = np.concatenate([colours, total[enough] / views[enough, None]])
    points, colours = points[:POINTS], colours[:POINTS]
    return points + NOISE * extent(scene.cameras[training]) * rng.standard_normal(points.shape), colours


def projected(camera: Cameras, points: Array) -> tuple[Array, Array]:
    """Pixels [P, 2] and depths [P] at which the first of these cameras sees points [P, 3]; of no meaning behind it."""
    at = points @ camera.viewmats[0, :3, :3].T + camera.viewmats[0, :3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (at @ camera.intrinsics[0].T)[:, :2] / at[:, 2:], at[:, 2]
