"""What RGB-D cameras see of an arranged room, and the cloud of the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes
from tellurion_pointcloud.gaussian2scene.frames import Frame
from tellurion_pointcloud.rooms.arrangement import Arrangement
from tellurion_pointcloud.views import looking, normals, rasterise, shaded

WIDTH, HEIGHT = 128, 96
"""Pixels of a view."""
FOCAL = WIDTH / 2 / np.tan(np.deg2rad(80) / 2)
"""Pixels: 80° from left to right."""
VIEWS = 3
POINTS = 20_000
EYES = (1.5, 2.0)
"""Metres above the floor, of cameras."""
TRIES = 1000
"""Places that a camera is tried at."""
CLEAR = 0.3
"""Metres between a camera and walls and furniture."""
LIGHT = np.array([0.3, 0.5, 1.0])
"""Direction to the light."""
TILE = 0.6
"""Metres, of floors and walls."""
FEWEST_POINTS = 30
"""Points of the cloud on an object; what fewer see is not said to be there."""
ABOVE = 0.02
"""Metres from an object's lowest point that do not count: it stands on something."""

Mesh = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]
"""Vertices [V, 3], faces [F, 3] and their colours [F, 3]."""


@dataclass(frozen=True, eq=False)
class Room:
    """A room as it is seen."""

    points: NDArray[np.float32]
    """[POINTS, 3] metres, z up."""
    colours: NDArray[np.uint8]
    """[POINTS, 3]."""
    frames: Sequence[Frame]
    """VIEWS of them."""
    boxes: Boxes
    """Of the objects that are seen, along their own axes."""
    bounds: Boxes
    """Of the same along the room's, exact to the meshes."""
    kinds: NDArray[np.int64]
    """[M] of CLASSES."""
    groups: Sequence[str]
    """[M] of near-duplicates."""


def room(arrangement: Arrangement, random: np.random.Generator) -> Room:
    """The room from VIEWS corners, painted at random."""
    vertices, faces, colours = _joined([*_shell(arrangement.size, random), *_painted(arrangement, random)])
    lit = shaded(colours, normals(vertices, faces), LIGHT)
    K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
    frames = []
    for pose in _poses(arrangement, random):
        colour, depth = rasterise(vertices, faces, lit, K, pose, WIDTH, HEIGHT, background=0)
        frames.append(Frame(colour, depth, K, pose))
    places, painted = (np.concatenate(each) for each in zip(*(frame.points() for frame in frames), strict=True))
    chosen = random.choice(len(places), POINTS, replace=len(places) < POINTS)
    places, painted = places[chosen].astype(np.float32), painted[chosen]
    bounds = arrangement.bounds()
    seen = [index for index, count in enumerate(_points_in(places, bounds)) if count >= FEWEST_POINTS]
    return Room(
        places,
        painted,
        frames,
        arrangement.boxes()[seen],
        bounds[seen],
        np.array([arrangement.placed[index].piece.kind for index in seen], np.int64),
        [arrangement.placed[index].piece.group for index in seen],
    )


def _painted(arrangement: Arrangement, random: np.random.Generator) -> list[Mesh]:
    """The furniture, each piece lighter or darker and of another tint than its model."""
    meshes = []
    for placed in arrangement.placed:
        tint = random.uniform(0.6, 1.1) * random.uniform(0.85, 1.15, 3)
        colours = np.clip(placed.piece.face_colours * tint, 0, 255).astype(np.uint8)
        meshes.append((placed.vertices(), placed.piece.faces, colours))
    return meshes


def _shell(size: NDArray[np.float64], random: np.random.Generator) -> list[Mesh]:
    """Floor and walls, tiled; rooms have no ceiling, as scans mostly have none."""
    width, depth, height = size
    x, y, z = np.eye(3)
    corner = np.array([-width / 2, -depth / 2, 0])
    wall = random.uniform(120, 250, 3)
    return [
        _tiled(corner, width * x, depth * y, random.uniform(60, 220, 3), random),
        _tiled(corner, width * x, height * z, wall, random),
        _tiled(corner + depth * y, width * x, height * z, wall, random),
        _tiled(corner, depth * y, height * z, wall, random),
        _tiled(corner + width * x, depth * y, height * z, wall, random),
    ]


def _tiled(
    corner: NDArray[np.float64],
    along: NDArray[np.float64],
    up: NDArray[np.float64],
    colour: NDArray[np.float64],
    random: np.random.Generator,
) -> Mesh:
    """A rectangle of tiles about TILE wide, each a little lighter or darker than `colour`."""
    columns, rows = (int(np.ceil(np.linalg.norm(side) / TILE)) for side in (along, up))
    v, u = np.mgrid[0 : rows + 1, 0 : columns + 1]
    vertices = corner + u[..., None] / columns * along + v[..., None] / rows * up
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    below, above = np.stack([first, first + 1], 1), np.stack([first + columns + 1, first + columns + 2], 1)
    faces = np.concatenate([np.c_[below, above[:, 1]], np.c_[below[:, 0], above[:, ::-1]]])
    shade = np.tile(random.uniform(0.92, 1.08, len(first)), 2)
    colours = np.clip(colour * shade[:, None], 0, 255).astype(np.uint8)
    return vertices.reshape(-1, 3), faces, colours


def _poses(arrangement: Arrangement, random: np.random.Generator) -> list[NDArray[np.float64]]:
    """World to camera [4, 4] of cameras near VIEWS of the corners, each free of walls and furniture."""
    half = arrangement.size[:2] / 2 - CLEAR
    around = arrangement.bounds()
    poses: list[NDArray[np.float64]] = []
    for corner in random.permutation([(-1, -1), (1, -1), (1, 1), (-1, 1)])[:VIEWS]:
        for attempt in range(TRIES):
            reach = min(1.0, 0.3 + 0.02 * attempt)
            eye = np.append(corner * half * random.uniform(1 - reach, 1, 2), random.uniform(*EYES))
            if not (np.abs(eye - around.centres) < around.sizes / 2 + CLEAR).all(1).any():
                break
        else:
            raise InvalidInput.of("arrangement", received="no place for a camera", accepted="some free space under 2 m")
        at = np.append(random.uniform(-0.2, 0.2, 2) * half, random.uniform(0.3, 0.7))
        poses.append(looking(eye, at))
    return poses


def _points_in(points: NDArray[np.float32], boxes: Boxes) -> list[int]:
    """How many points are on each object."""
    lowest, highest = boxes.centres - boxes.sizes / 2 + [0, 0, ABOVE], boxes.centres + boxes.sizes / 2
    slack = 1e-3
    return [
        int(np.count_nonzero(((points >= low - [slack, slack, 0]) & (points <= high + slack)).all(1)))
        for low, high in zip(lowest, highest, strict=True)
    ]


def _joined(meshes: Sequence[Mesh]) -> Mesh:
    first = np.cumsum([0, *(len(vertices) for vertices, _, _ in meshes)])
    return (
        np.concatenate([vertices for vertices, _, _ in meshes]),
        np.concatenate([faces + start for (_, faces, _), start in zip(meshes, first[:-1], strict=True)]),
        np.concatenate([colours for _, _, colours in meshes]),
    )
