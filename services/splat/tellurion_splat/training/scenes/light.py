"""How much light falls on each face, found once by path tracing.

Matte faces look the same from everywhere, so that their radiance, albedo · irradiance / π, is all that a view needs.
Only matte reflections carry light here: what a mirror throws on a wall is left out, and the scene without the specular
lobe is then exactly what stands beside and behind it in the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tellurion_splat.training.scenes.faces import Array, Face
from tellurion_splat.training.scenes.renderer import film, load, paths, renderer, shape

Map = NDArray[np.float32]
"""[rows, columns, 3] of a face, the corner's texel first."""
PER_METRE, LEAST = 10.0, 4
"""Texels of irradiance along a metre, and along the shortest edge."""
BOUNCES = 8
ABOVE = 1e-3
"""Metres between a face and the orthographic camera that photographs it."""


class Lighting:
    """The light between some faces, each of the mean colour of its texture as the patches of radiosity are."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self._faces = faces
        self._colours = [face.colours(face.texels(20.0, 8)).mean(axis=(0, 1)) for face in faces]
        shapes = (_uniform(face, colour) for face, colour in zip(faces, self._colours, strict=True))
        self._scene = paths(BOUNCES, {f"face{i}": each for i, each in enumerate(shapes)})

    def irradiance(self, number: int, samples: int) -> Map:
        """W/m² on one of the faces; zero on a luminous one."""
        face, albedo = self._faces[number], self._colours[number].astype(np.float32)
        rows, columns = face.texels(PER_METRE, LEAST)
        if face.luminous:
            return np.zeros((rows, columns, 3), np.float32)
        picture = renderer().render(self._scene, sensor=_above(face, rows, columns), spp=samples, seed=number)
        return np.pi * np.asarray(picture)[::-1] / albedo


def _uniform(face: Face, colour: Array) -> dict[str, object]:
    value = {"type": "rgb", "value": colour.tolist()}
    if face.luminous:
        return shape(face, {"type": "diffuse", "reflectance": 0.0}, value)
    return shape(face, {"type": "diffuse", "reflectance": value})


def _above(face: Face, rows: int, columns: int) -> object:
    """A camera that sees the face and nothing else, one pixel a texel."""
    to_world = face.to_world
    to_world[:3, 3] += ABOVE * face.normal
    facing = np.diag([-1.0, columns / rows, -1.0, 1.0])
    return load(
        {
            "type": "orthographic",
            "near_clip": ABOVE / 10,
            "to_world": renderer().ScalarTransform4f(to_world @ facing),
            "film": film(columns, rows),
            "sampler": {"type": "multijitter"},
        }
    )
