"""The four scenes: a room, 6 m wide, 4.5 m deep and 2.8 m high, each time with another surface that reflects.

x runs to the right along the front wall, y into it (the wall is y = 0, the room y < 0), z upwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tellurion_splat.training.scenes.faces import Array, Face, Texture, Vector, box, face, frame, hexagon
from tellurion_splat.training.scenes.textures import (
    chequers,
    lamp,
    landscape,
    mottled,
    planks,
    rings,
    stripes,
    window,
)
from tellurion_splatting.scenes import Cameras

FOCAL = 1.0
"""Focal length in widths of the image: 53° from side to side."""

WHITE, RED, BLUE, GREEN = (0.75, 0.72, 0.68), (0.6, 0.1, 0.08), (0.1, 0.2, 0.55), (0.12, 0.42, 0.16)
YELLOW, DARK, WOOD, TEAL = (0.75, 0.55, 0.1), (0.08, 0.08, 0.1), (0.42, 0.25, 0.12), (0.08, 0.4, 0.42)


@dataclass(frozen=True)
class Arc:
    """Where the cameras stand: on an arc round a target, looking at it."""

    target: Vector
    radius: float
    """Metres, on the ground, between target and cameras."""
    height: float
    """Metres above the ground, on average."""
    swing: float = 34.0
    """Degrees to either side."""
    bob: float = 0.25
    """Metres by which the height varies, in three waves."""

    def cameras(self, names: Sequence[str], size: tuple[int, int]) -> Cameras:
        """One for each name, from left to right, of images of `size` (width, height)."""
        along = np.linspace(-1, 1, len(names))
        angle, target = np.radians(self.swing * along), np.asarray(self.target)
        places = target + self.radius * np.column_stack([np.sin(angle), -np.cos(angle), np.zeros_like(angle)])
        places[:, 2] = self.height + self.bob * np.sin(3 * np.pi * along)
        viewmats = np.tile(np.eye(4), (len(names), 1, 1))
        viewmats[:, :3, :3] = [_looking(target - place) for place in places]
        viewmats[:, :3, 3] = -np.einsum("cij,cj->ci", viewmats[:, :3, :3], places)
        return Cameras.pinhole(names, viewmats, (FOCAL * size[0],) * 2, size)


def _looking(forward: Array) -> Array:
    """[3, 3] from the world to a level camera that looks that way: its x, y and z axes, OpenCV's."""
    right = np.cross(forward, [0.0, 0.0, 1.0])
    axes = np.stack([right, np.cross(forward, right), forward])
    return axes / np.linalg.norm(axes, axis=1, keepdims=True)


@dataclass(frozen=True)
class Room:
    """A scene: what is matte or luminous in it, the surface that reflects, and where it is seen from."""

    faces: tuple[Face, ...]
    """All that is there but a pane of glass."""
    surface: Face
    """The reflecting face; a pane is extra, any other is also among `faces`: its base."""
    finish: str
    """``glass``, ``mirror`` or ``gloss``."""
    arc: Arc


def pane() -> Room:
    """A shop window: a lit niche with two shelves behind thin glass, in which the bright windows opposite show."""
    width, low, high, depth = 2.0, 0.75, 1.85, 0.6
    left, size = -width / 2, (width, high - low)
    inside = mottled((0.55, 0.5, 0.45), 1)
    niche = [
        face((left, depth, low), (width, 0, 0), (0, 0, size[1]), planks((0.55, 0.45, 0.4), 0.09, 0.28, 2)),
        face((left, 0, low), (0, depth, 0), (0, 0, size[1]), inside),
        face((-left, depth, low), (0, -depth, 0), (0, 0, size[1]), inside),
        face((left, 0, low), (width, 0, 0), (0, depth, 0), planks(WOOD, 0.12, 0.7, 3)),
        face((left, depth, high), (width, 0, 0), (0, -depth, 0), inside),
        face((-0.8, 0.16, high - 0.01), (1.6, 0, 0), (0, -0.08, 0), lamp(14.0), luminous=True),
    ]
    goods = box((0.0, 0.4, 1.27), (width, 0.36, 0.025), planks(WOOD, 0.1, 0.5, 4))
    goods += hexagon((-0.72, 0.25, low), 0.13, 0.34, stripes([RED, WHITE], 0.05, 0.4))
    goods += box((-0.3, 0.3, low), (0.32, 0.24, 0.27), chequers(BLUE, YELLOW, 0.06), turn=25)
    goods += hexagon((0.18, 0.22, low), 0.1, 0.2, rings([GREEN, YELLOW], (0.05, 0.1), 0.03), turn=10)
    goods += box((0.62, 0.34, low), (0.42, 0.2, 0.36), stripes([TEAL, WHITE, DARK], 0.04, 1.0), turn=-18)
    goods += [side for i in range(7) for side in _book(-0.85 + 0.055 * i, 1.295, i)]
    goods += box((-0.1, 0.4, 1.295), (0.3, 0.22, 0.24), rings([RED, WHITE, BLUE], (0.15, 0.12), 0.035), turn=12)
    goods += hexagon((0.32, 0.42, 1.295), 0.12, 0.36, stripes([GREEN, WHITE, RED], 0.04), turn=20)
    goods += box((0.7, 0.4, 1.295), (0.26, 0.26, 0.3), planks(RED, 0.05, 0.12, 5), turn=40)
    border = frame((left, 0.0, low), *size, 0.06, 0.05, mottled(DARK, 6))
    hall = _hall(_wall_round(left, low, *size), opposite=_windows(-4.47, 6.0), light=1.6)
    glass = face((left, 0.02, low), (width, 0, 0), (0, 0, size[1]), _none)
    return Room((*hall, *niche, *goods, *border), glass, "glass", Arc((0.0, 0.15, 1.3), 2.3, 1.4))


def picture() -> Room:
    """A painting in a frame, under glass, in which the bright windows opposite show, above a narrow shelf."""
    width, height, low, left = 1.5, 1.05, 1.0, -0.75
    painting = face((left, -0.02, low), (width, 0, 0), (0, 0, height), landscape(width, height))
    border = frame((left, 0.0, low), width, height, 0.08, 0.07, planks((0.5, 0.36, 0.12), 0.03, 0.3, 7, 0.006))
    poster = [face((1.15, -0.01, 1.1), (0.5, 0, 0), (0, 0, 0.7), rings([RED, WHITE, DARK], (0.25, 0.35), 0.06))]
    poster += [face((-1.6, -0.01, 1.2), (0.45, 0, 0), (0, 0, 0.6), chequers(TEAL, WHITE, 0.09))]
    shelf = box((0.0, -0.12, 0.68), (1.9, 0.24, 0.03), planks(WOOD, 0.08, 0.5, 8))
    shelf += hexagon((-0.7, -0.13, 0.71), 0.07, 0.17, stripes([BLUE, WHITE], 0.03))
    shelf += box((0.05, -0.12, 0.71), (0.24, 0.12, 0.12), stripes([YELLOW, RED], 0.04, 1.0), turn=15)
    shelf += hexagon((0.65, -0.12, 0.71), 0.08, 0.13, chequers(GREEN, WHITE, 0.04), turn=25)
    hall = _hall([_front_wall()], opposite=_windows(-4.47, 6.0), light=3.0)
    glass = face((left, -0.035, low), (width, 0, 0), (0, 0, height), _none)
    return Room((*hall, painting, *border, *poster, *shelf), glass, "glass", Arc((0.0, 0.0, 1.4), 2.1, 1.45))


def mirror() -> Room:
    """A framed mirror with a dim, spotted base over a console, whose things stand before it and in it."""
    width, height, low, left = 1.5, 1.15, 0.95, -0.75
    spots = rings([(0.1, 0.09, 0.07), (0.14, 0.14, 0.13)], (0.6, 0.5), 0.11)
    silver = face((left, -0.02, low), (width, 0, 0), (0, 0, height), spots)
    border = frame((left, 0.0, low), width, height, 0.07, 0.06, planks((0.12, 0.08, 0.06), 0.04, 0.4, 9, 0.006))
    console = box((0.0, -0.28, 0.78), (2.1, 0.5, 0.04), planks(WOOD, 0.12, 0.6, 10))
    console += [side for x in (-0.95, 0.95) for side in box((x, -0.28, 0.0), (0.08, 0.45, 0.78), mottled(WOOD, 11))]
    console += hexagon((-0.5, -0.26, 0.82), 0.1, 0.36, stripes([RED, WHITE], 0.04, 0.5))
    console += box((0.02, -0.3, 0.82), (0.3, 0.2, 0.16), chequers(BLUE, YELLOW, 0.05), turn=30)
    console += hexagon((0.52, -0.27, 0.82), 0.09, 0.26, rings([GREEN, WHITE], (0.05, 0.13), 0.03), turn=15)
    hung = (rings([YELLOW, RED, WHITE, BLUE], (0.7, 0.7), 0.12), landscape(1.4, 1.4), chequers(GREEN, WHITE, 0.2))
    right = zip((2.6, 0.7, -1.2), hung, strict=True)
    opposite = [face((x, -4.48, 0.85), (-1.4, 0, 0), (0, 0, 1.4), texture) for x, texture in right]
    hall = _hall([_front_wall()], opposite=opposite, light=5.5)
    return Room((*hall, silver, *border, *console), silver, "mirror", Arc((0.0, -0.1, 1.4), 2.1, 1.5))


def floor() -> Room:
    """Things on dark tiles under a lead glaze, which shows them and the windows above them, a little blurred."""
    things = box((-0.75, -0.7, 0.0), (0.45, 0.4, 0.5), chequers(BLUE, YELLOW, 0.1), turn=20)
    things += hexagon((-0.1, -0.45, 0.0), 0.2, 0.75, stripes([RED, WHITE], 0.08, 0.5), turn=10)
    things += box((0.55, -0.75, 0.0), (0.5, 0.35, 0.3), stripes([TEAL, WHITE, DARK], 0.07, 1.0), turn=-25)
    things += box((0.5, -0.74, 0.3), (0.26, 0.24, 0.22), rings([GREEN, YELLOW], (0.13, 0.11), 0.04), turn=10)
    things += hexagon((-0.2, -1.15, 0.0), 0.14, 0.24, rings([RED, YELLOW], (0.07, 0.12), 0.04))
    things += hexagon((1.15, -0.4, 0.0), 0.16, 0.55, chequers(GREEN, WHITE, 0.08), turn=25)
    day = window(1.1, 1.2, 7.0)
    above = [face((x, -0.02, 1.3), (1.1, 0, 0), (0, 0, 1.2), day, luminous=True) for x in (-1.5, 0.4)]
    tiles = planks((0.1, 0.07, 0.05), 0.3, 0.3, 21, 0.012)
    hall = _hall([_front_wall(), *above], opposite=[], light=3.0, ground=tiles)
    return Room((*hall, *things), hall[0], "gloss", Arc((0.0, -0.75, 0.2), 2.3, 0.95, bob=0.15))


SCENES: Mapping[str, Callable[[], Room]] = MappingProxyType(
    {"pane": pane, "picture": picture, "mirror": mirror, "floor": floor}
)


def _none(x: Array, y: Array) -> Array:
    """Clear glass has no colour of its own."""
    return np.zeros((*np.shape(x), 3))


def _front_wall() -> Face:
    return face((-3, 0, 0), (6, 0, 0), (0, 0, 2.8), _plaster(13))


def _wall_round(left: float, low: float, width: float, height: float) -> list[Face]:
    """The front wall with an opening."""
    right, high = left + width, low + height
    return [
        face((-3, 0, 0), (6, 0, 0), (0, 0, low), _plaster(13)),
        face((-3, 0, high), (6, 0, 0), (0, 0, 2.8 - high), _plaster(14)),
        face((-3, 0, low), (left + 3, 0, 0), (0, 0, height), _plaster(15)),
        face((right, 0, low), (3 - right, 0, 0), (0, 0, height), _plaster(16)),
    ]


def _hall(front: list[Face], opposite: list[Face], light: float, ground: Texture | None = None) -> list[Face]:
    """The room, floor first, with its furniture and a ceiling lamp of that radiance."""
    walls = [
        face((-3, -4.5, 0), (6, 0, 0), (0, 4.5, 0), ground or planks((0.4, 0.27, 0.15), 0.14, 0.9, 17)),
        face((-3, 0, 2.8), (6, 0, 0), (0, -4.5, 0), mottled(WHITE, 18, 0.1)),
        face((3, -4.5, 0), (-6, 0, 0), (0, 0, 2.8), mottled((0.5, 0.3, 0.22), 19)),
        face((-3, -4.5, 0), (0, 4.5, 0), (0, 0, 2.8), stripes([(0.2, 0.35, 0.5), (0.55, 0.55, 0.5)], 0.3)),
        face((3, 0, 0), (0, -4.5, 0), (0, 0, 2.8), planks((0.55, 0.32, 0.24), 0.2, 0.45, 20, 0.02)),
        face((-1.2, -1.4, 2.78), (2.4, 0, 0), (0, -1.6, 0), lamp(light), luminous=True),
    ]
    furniture = box((-2.5, -3.4, 0.0), (0.7, 0.8, 1.9), stripes([RED, (0.4, 0.06, 0.05)], 0.12))
    furniture += hexagon((2.3, -3.5, 0.0), 0.25, 1.7, stripes([YELLOW, DARK], 0.1, 0.3))
    furniture += box((0.0, -3.9, 0.0), (1.1, 0.5, 0.75), chequers(TEAL, WHITE, 0.15))
    return [*walls, *front, *opposite, *furniture]


def _windows(y: float, radiance: float) -> list[Face]:
    """Two windows of the wall opposite."""
    texture = window(1.3, 1.4, radiance)
    return [face((x, y, 0.95), (-1.3, 0, 0), (0, 0, 1.4), texture, luminous=True) for x in (-0.35, 1.65)]


def _book(x: float, z: float, number: int) -> list[Face]:
    colour = (RED, TEAL, YELLOW, BLUE, WHITE, GREEN, WOOD)[number % 7]
    height = 0.24 + 0.06 * np.sin(2.4 * number)
    return box((x, 0.38, z), (0.045, 0.2, height), mottled(colour, 30 + number, 0.1))


def _plaster(seed: int) -> Texture:
    return mottled((0.5, 0.46, 0.4), seed, 0.3)
