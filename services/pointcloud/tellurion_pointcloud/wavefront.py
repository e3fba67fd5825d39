"""Triangles and diffuse colours of Wavefront OBJ files and their materials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput

Colour = tuple[float, float, float]
"""Red, green, blue in 0…1."""
PLAIN: Colour = (0.8, 0.8, 0.8)
"""Of faces whose material says no colour."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles, each of one colour."""

    vertices: NDArray[np.float64]
    """[V, 3]."""
    faces: NDArray[np.int64]
    """[F, 3] of vertices."""
    face_colours: NDArray[np.uint8]
    """[F, 3]."""


def materials(text: bytes, mean_colour: Callable[[str], Colour]) -> dict[bytes, Colour]:
    """The diffuse colour of each material of an .mtl file; `mean_colour` tells that of a texture by its name."""
    colours: dict[bytes, Colour] = {}
    name = b""
    for line in text.splitlines():
        key, _, value = line.strip().partition(b" ")
        if key == b"newmtl":
            name = value.strip()
            colours[name] = PLAIN
        elif key == b"Kd":
            red, green, blue = map(float, value.split()[:3])
            colours[name] = (red, green, blue)
        elif key == b"map_Kd":
            colours[name] = mean_colour(value.split()[-1].decode())
    return colours


def parsed(text: bytes, colours: Mapping[bytes, Colour]) -> Mesh:
    """The faces of an .obj file, polygons as fans of triangles, with the colours of their materials.

    Raises InvalidInput where a face names a vertex that is not there.
    """
    places: list[bytes] = []
    corners: list[bytes] = []
    counts: list[int] = []
    painted: list[int] = []
    palette: dict[bytes, int] = {b"": 0}
    material = 0
    for line in text.splitlines():
        start = line[:2]
        if start == b"v ":
            places.append(b" ".join(line.split(None, 4)[1:4]))
        elif start == b"f ":
            tokens = line.split()
            corners.extend(tokens[1:])
            counts.append(len(tokens) - 1)
            painted.append(material)
        elif start == b"us" and line.startswith(b"usemtl"):
            material = palette.setdefault(line[6:].strip(), len(palette))
    vertices = np.fromstring(b" ".join(places).decode("ascii"), sep=" ").reshape(-1, 3)
    indices = np.fromstring(re.sub(rb"/\S*", b"", b" ".join(corners)).decode("ascii"), dtype=np.int64, sep=" ")
    faces, polygons = _fans(indices - 1, np.array(counts, np.int64))
    if len(faces) and not 0 <= faces.min() <= faces.max() < len(vertices):
        raise InvalidInput.of(
            "mesh", received=f"a face of vertex {faces.max() + 1}", accepted=f"vertices 1…{len(vertices)}"
        )
    paint = np.array([colours.get(name, PLAIN) for name in palette])
    shades = np.round(255 * paint.clip(0, 1)).astype(np.uint8)
    return Mesh(vertices, faces, shades[np.array(painted, np.int64)[polygons]])


def _fans(indices: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Triangles [F, 3] of polygons of `counts` corners each, one after another in `indices`; the polygon of each."""
    triangles = np.maximum(counts - 2, 0)
    polygons = np.repeat(np.arange(len(counts)), triangles)
    first = (np.cumsum(counts) - counts)[polygons]
    place = np.arange(len(polygons)) - (np.cumsum(triangles) - triangles)[polygons]
    return indices[np.stack([first, first + place + 1, first + place + 2], 1)], polygons
