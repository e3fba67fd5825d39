"""A view of a scene: the photograph, the same without the specular lobe, and how far away things are.

Every matte face is drawn as a lamp with the radiance that the light found on it gives it (`light.py`), and rays only
have to follow the surface that reflects. A pane is not left to chance either: the views through it and in it, as in a
perfect mirror, are rendered apart and mixed by its reflectance. What remains of noise is that of edges and of gloss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tellurion_splat.training.scenes.faces import Array, Face
from tellurion_splat.training.scenes.light import Map
from tellurion_splat.training.scenes.renderer import Description, film, load, paths, renderer, shape
from tellurion_splat.training.scenes.rooms import Room
from tellurion_splatting.scenes import Cameras

Picture = NDArray[np.float32]
"""[H, W, 3]."""
PER_METRE = 100.0
"""Texels of a face's texture; a pixel of a 200 × 150 view covers about a centimetre of the surface."""
LONGEST = 6
"""Edges of a path from the camera."""
BLACK: Description = {"type": "conductor", "specular_reflectance": 0.0}
"""Opaque and dark. A matte black would cost a shadow ray at every hit."""
LOBES: Mapping[str, Description] = MappingProxyType(
    {
        "glass": {"type": "conductor"},
        "mirror": {"type": "conductor", "specular_reflectance": 0.85},
        "gloss": {"type": "roughplastic", "int_ior": 1.8, "alpha": 0.05, "diffuse_reflectance": 0.0},
    }
)
"""The specular lobe of each finish, of glass before its reflectance."""
GLASS = 1.5
"""Refractive index."""


@dataclass(frozen=True, eq=False)
class View:
    """What one camera sees, in sRGB, 0 to 1."""

    image: Picture
    transmitted: Picture
    """The same without the specular lobe of the reflecting surface; a mirror's base, a pane's transmission are kept."""
    depth: Array
    """[H, W] metres along the optical axis through each pixel's centre; panes are looked through."""
    noise: float
    """Mean squared error of the image, from two independent halves."""


class Studio:
    """A scene ready to be photographed."""

    def __init__(self, room: Room, light: Sequence[Map]) -> None:
        """`light` is the irradiance on the room's faces."""
        self._room = room
        painted = {f"face{i}": _painted(face, at) for i, (face, at) in enumerate(zip(room.faces, light, strict=True))}
        solid = {f"face{i}": shape(face, BLACK) for i, face in enumerate(room.faces)}
        self._clear, self._solid = paths(LONGEST, painted), paths(LONGEST, solid)
        self._reflecting, self._dark = (
            paths(LONGEST, painted | self._surface(bsdf, light)) for bsdf in (LOBES[room.finish], BLACK)
        )

    def view(self, camera: Cameras, samples: int, seed: int) -> View:
        """What the first of these cameras sees; the `samples` a pixel are drawn in two halves."""
        sensor = _sensor(camera)
        first, second = (self._pictures(camera, sensor, samples // 2, 2 * seed + half) for half in (0, 1))
        image, transmitted = ((one + other) / 2 for one, other in zip(first, second, strict=True))
        return View(image, transmitted, self.depth(camera), float(((first[0] - second[0]) ** 2).mean() / 4))

    def depth(self, camera: Cameras) -> Array:
        """[H, W] of `View`."""
        mi, (origin, rays) = renderer(), sight(camera)
        length = np.linalg.norm(rays, axis=-1)
        distance = [
            self._solid.ray_intersect_preliminary(mi.Ray3f(origin.tolist(), ray.tolist())).t
            for ray in (rays / length[..., None]).reshape(-1, 3)
        ]
        return np.reshape(distance, length.shape) / length

    def _pictures(self, camera: Cameras, sensor: object, samples: int, seed: int) -> tuple[Picture, Picture]:
        """The image and the transmitted image."""
        image, transmitted = (_rendered(each, sensor, samples, seed) for each in (self._reflecting, self._dark))
        if self._room.finish == "glass":
            through = _rendered(self._clear, sensor, samples, seed)
            _, rays = sight(camera)
            cosine = np.abs(rays @ self._room.surface.normal) / np.linalg.norm(rays, axis=-1)
            R = pane_reflectance(cosine)[..., None].astype(np.float32)
            image, transmitted = ((1 - R) * through + R * each for each in (image, transmitted))
        return encoded(image), encoded(transmitted)

    def _surface(self, bsdf: Description, light: Sequence[Map]) -> Description:
        """The reflecting surface: in place of its matte base, or in addition to all that is there if it has none."""
        if self._room.surface not in self._room.faces:
            return {"surface": shape(self._room.surface, bsdf)}
        number = self._room.faces.index(self._room.surface)
        return {f"face{number}": _painted(self._room.surface, light[number], bsdf)}


def sight(camera: Cameras) -> tuple[Array, Array]:
    """[3] where the first of these cameras stands, and [H, W, 3] from there through pixels' centres to unit depth."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    pixels = np.stack([x, y, np.ones_like(x)], axis=-1)
    to_world = np.linalg.inv(camera.viewmats[0])
    return to_world[:3, 3], pixels @ np.linalg.inv(camera.intrinsics[0]).T @ to_world[:3, :3].T


def pane_reflectance(cosine: Array) -> Array:
    """The share of unpolarised light that a pane reflects, by the cosine of the angle of incidence.

    Fresnel's equations for each polarisation, and what goes back and forth between both sides: 2r / (1 + r).
    """
    inside = np.sqrt(1 - (1 - cosine**2) / GLASS**2)
    amplitudes = (
        (cosine - GLASS * inside) / (cosine + GLASS * inside),
        (GLASS * cosine - inside) / (GLASS * cosine + inside),
    )
    return np.mean([2 * a**2 / (1 + a**2) for a in amplitudes], axis=0)


def encoded(linear: Picture) -> Picture:
    """Linear light by the transfer function of sRGB (IEC 61966-2-1); what is brighter than white is cut off."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def radiance(face: Face, light: Map) -> Map:
    """[rows, columns, 3] what the face sends to the eye, W/m²/sr."""
    texels = face.texels(PER_METRE)
    texture = face.colours(texels).astype(np.float32)
    if face.luminous:
        return texture
    fine = [Image.fromarray(band).resize(texels[::-1], Image.Resampling.BILINEAR) for band in np.moveaxis(light, 2, 0)]
    return texture * np.stack(fine, axis=-1) / np.float32(np.pi)


def _rendered(scene: object, sensor: object, samples: int, seed: int) -> Picture:
    return np.asarray(renderer().render(scene, sensor=sensor, spp=samples, seed=seed))


def _painted(face: Face, light: Map, bsdf: Description = BLACK) -> Description:
    bitmap = renderer().Bitmap(np.ascontiguousarray(radiance(face, light)))
    return shape(face, bsdf, {"type": "bitmap", "bitmap": bitmap, "raw": True, "wrap_mode": "clamp"})


def _sensor(camera: Cameras) -> object:
    """Mitsuba's camera of the first of these, whose own axes are x left, y up, z forward."""
    to_world = np.linalg.inv(camera.viewmats[0]) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    return load(
        {
            "type": "perspective",
            "fov": float(np.degrees(2 * np.arctan(camera.width / 2 / camera.intrinsics[0, 0, 0]))),
            "fov_axis": "x",
            "to_world": renderer().ScalarTransform4f(to_world),
            "film": film(camera.width, camera.height),
            "sampler": {"type": "multijitter"},
        }
    )
