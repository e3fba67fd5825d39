"""Pictures of triangles: a z-buffer rasteriser on the CPU, and views of a model from all around.

Cameras look along +z with x to the right and y down; a pixel's centre is at half numbers.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_core.kernels import compiled

DISTANCE = 4.0
"""Of the camera of `views` from the centre of the unit ball, which fills the picture."""
ELEVATIONS = (10.0, 25.0, 45.0)
"""Degrees above the horizon, of one view after another."""
OVERSAMPLED = 2
"""Rows and columns of samples in a pixel of `views`."""
LIGHT = np.array([-0.5, -0.7, -1.0])
"""Direction to the light of `views`, in the camera's axes: over its left shoulder."""
AMBIENT = 0.35
"""Share of the light that comes from everywhere."""
NEAR = 1e-2
"""Depth below which triangles are cut off."""
LARGEST = 8192
"""Pixels of a picture's side."""


def rasterise(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    face_colours: NDArray[np.uint8],
    camera: NDArray[np.floating],
    world_to_camera: NDArray[np.floating],
    width: int,
    height: int,
    *,
    background: int = 255,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Colours [height, width, 3] and depths [height, width] of triangles, seen by a pinhole camera.

    `vertices` [V, 3], `faces` [F, 3], `face_colours` [F, 3]; `camera` [3, 3] holds the focal lengths and the centre in
    pixels, `world_to_camera` [4, 4] turns and moves. The depth is along the optical axis, 0 where nothing is seen.
    Raises InvalidInput for a picture of no or of too many pixels, or a face of a vertex that is not there.
    """
    for name, pixels in (("width", width), ("height", height)):
        if not 1 <= pixels <= LARGEST:
            raise InvalidInput.of(name, received=pixels, accepted=f"1…{LARGEST} pixels")
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise InvalidInput.of("faces", received=f"vertex {faces.max()}", accepted=f"0…{len(vertices) - 1}")
    colours = np.full((height, width, 3), background, np.uint8)
    inverse_depths = np.zeros((height, width))
    seen = vertices @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    intrinsics = np.array([camera[0, 0], camera[1, 1], camera[0, 2], camera[1, 2]], np.float64)
    _draw(
        np.ascontiguousarray(seen, np.float64),
        np.ascontiguousarray(faces, np.int64),
        np.ascontiguousarray(face_colours, np.uint8),
        intrinsics,
        colours,
        inverse_depths,
    )
    depths = np.divide(1, inverse_depths, out=np.zeros_like(inverse_depths), where=inverse_depths > 0)
    return colours, depths.astype(np.float32)


def normals(vertices: NDArray[np.floating], faces: NDArray[np.integer]) -> NDArray[np.float64]:
    """Unit normals [F, 3] of triangles; 0 where one has no area."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    across = np.cross(b - a, c - a)
    lengths = np.linalg.norm(across, axis=1, keepdims=True)
    return across / np.where(lengths > 0, lengths, 1)


def shaded(
    face_colours: NDArray[np.uint8], normals: NDArray[np.floating], towards_light: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Face colours [F, 3] under a light from a direction [3], the same on both sides of a triangle."""
    cosines = np.abs(normals @ (towards_light / np.linalg.norm(towards_light)))
    return np.round(face_colours * (AMBIENT + (1 - AMBIENT) * cosines)[:, None]).astype(np.uint8)


def looking(eye: NDArray[np.floating], at: NDArray[np.floating]) -> NDArray[np.float64]:
    """World to camera [4, 4] of a camera at `eye` [3] that looks at a point [3], z being up in the world."""
    forward = (at - eye) / np.linalg.norm(at - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(forward, right), forward])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, -turn @ eye
    return matrix


def directions(count: int) -> NDArray[np.float64]:
    """Unit vectors [count, 3] from which `views` looks: evenly around, now lower, now higher."""
    azimuths = 2 * np.pi * (np.arange(count) + 0.25) / count
    elevations = np.radians([ELEVATIONS[view % len(ELEVATIONS)] for view in range(count)])
    flat = np.cos(elevations)
    return np.stack([flat * np.cos(azimuths), flat * np.sin(azimuths), np.sin(elevations)], 1)


def views(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    face_colours: NDArray[np.uint8],
    count: int,
    size: int,
) -> NDArray[np.uint8]:
    """Pictures [count, size, size, 3] on white of a mesh in the unit ball, lit from over the camera's left shoulder.

    `vertices` [V, 3], z up, `faces` [F, 3], `face_colours` [F, 3].
    """
    pictures = np.empty((count, size, size, 3), np.uint8)
    for picture, direction in zip(pictures, directions(count), strict=True):
        picture[:] = view(vertices, faces, face_colours, direction, size)
    return pictures


def view(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    face_colours: NDArray[np.uint8],
    direction: NDArray[np.floating],
    size: int,
) -> NDArray[np.uint8]:
    """One picture [size, size, 3] of `views`, from a direction [3] of length 1."""
    pose, pixels = ball_pose(direction), size * OVERSAMPLED
    lit = shaded(face_colours, normals(vertices, faces), pose[:3, :3].T @ LIGHT)
    drawn, _ = rasterise(vertices, faces, lit, ball_camera(pixels), pose, pixels, pixels)
    samples = drawn.reshape(size, OVERSAMPLED, size, OVERSAMPLED, 3)
    return np.round(samples.mean((1, 3))).astype(np.uint8)


def ball_pose(direction: NDArray[np.floating]) -> NDArray[np.float64]:
    """World to camera [4, 4] of a camera that looks at the unit ball from a direction [3] of length 1."""
    return looking(DISTANCE * direction, np.zeros(3))


def ball_camera(size: int) -> NDArray[np.float64]:
    """[3, 3] pixels, of a picture of this side that the unit ball fills."""
    focal = size / 2 * math.sqrt(DISTANCE**2 - 1)
    return np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1]])


def specks(
    points: NDArray[np.floating], colours: NDArray[np.uint8], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]:
    """Vertices, faces and face colours of an octahedron around each point [N, 3], so that a cloud can be pictured."""
    vertices = (points[:, None] + radius * np.concatenate([np.eye(3), -np.eye(3)])).reshape(-1, 3)
    octahedron = np.array([(x, y, z) for x in (0, 3) for y in (1, 4) for z in (2, 5)])
    faces = (6 * np.arange(len(points))[:, None, None] + octahedron).reshape(-1, 3)
    return vertices, faces, np.repeat(colours, len(octahedron), axis=0)


@compiled()
def _draw(seen, faces, face_colours, intrinsics, colours, inverse_depths):  # type: ignore[no-untyped-def]
    """Triangles cut at the near plane and projected, into `colours` [H, W, 3] and `inverse_depths` [H, W]."""
    corners = np.empty((4, 3))
    for face in range(len(faces)):
        count = 0  # of the corners that are left of the triangle before the near plane: 0, 3 or 4
        for k in range(3):
            here, there = seen[faces[face, k]], seen[faces[face, (k + 1) % 3]]
            if here[2] >= NEAR:
                corners[count] = here
                count += 1
            if (here[2] >= NEAR) != (there[2] >= NEAR):
                share = (NEAR - here[2]) / (there[2] - here[2])
                corners[count] = here + share * (there - here)
                count += 1
        for k in range(count):
            inverse = 1.0 / corners[k, 2]
            corners[k, 0] = intrinsics[0] * corners[k, 0] * inverse + intrinsics[2]
            corners[k, 1] = intrinsics[1] * corners[k, 1] * inverse + intrinsics[3]
            corners[k, 2] = inverse
        for k in range(count - 2):
            _fill(corners[0], corners[k + 1], corners[k + 2], face_colours[face], colours, inverse_depths)


@compiled()
def _fill(a, b, c, colour, colours, inverse_depths):  # type: ignore[no-untyped-def]
    """One triangle of corners (column, row, inverse depth), where nothing nearer is."""
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if not abs(area) > 0.0:  # nor where a corner is not a number
        return
    height, width = inverse_depths.shape
    # clipped before they become integers: corners may be anywhere
    first = math.ceil(min(width, max(0.0, min(a[0], b[0], c[0]) - 0.5)))
    last = math.floor(max(-1.0, min(width - 1.0, max(a[0], b[0], c[0]) - 0.5)))
    top = math.ceil(min(height, max(0.0, min(a[1], b[1], c[1]) - 0.5)))
    bottom = math.floor(max(-1.0, min(height - 1.0, max(a[1], b[1], c[1]) - 0.5)))
    for row in range(top, bottom + 1):
        y = row + 0.5
        for column in range(first, last + 1):
            x = column + 0.5
            u = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) / area
            v = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) / area
            w = ((a[0] - x) * (b[1] - y) - (a[1] - y) * (b[0] - x)) / area
            if u < 0.0 or v < 0.0 or w < 0.0:
                continue
            inverse = u * a[2] + v * b[2] + w * c[2]  # linear in the picture
            if inverse > inverse_depths[row, column]:
                inverse_depths[row, column] = inverse
                colours[row, column, 0] = colour[0]
                colours[row, column, 1] = colour[1]
                colours[row, column, 2] = colour[2]
