"""Where furniture stands in a room: along the walls or free, nothing in anything else, small things on tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tellurion_core.errors import InvalidInput
from tellurion_pointcloud.boxes import Boxes, overlap
from tellurion_pointcloud.rooms.pieces import CLASSES, Piece

FEWEST, MOST = 4, 9
"""Pieces of a room, those on tables among them."""
SIDES, HEIGHTS = (3.5, 6.0), (2.4, 3.0)
"""Metres, of rooms."""
OFTEN = {"cabinet": 0.15, "chair": 0.3, "plant or lamp": 0.15, "sofa or bed": 0.2, "table": 0.2}
"""Share of a class among what is put into a room."""
STRETCH = 0.1
"""Greatest change of a piece's length along each of its axes, relative."""
AT_WALL = 0.6
"""Share of pieces whose back is to a wall."""
GAP = 0.03
"""Metres around each piece that stay free, on each side."""
SUPPORTS, HIGHEST_SUPPORT, SMALL = ("cabinet", "table"), 1.2, 0.7
"""What carries plants and lamps up to SMALL, and how high it may be, in metres."""
TRIES = 2000
"""Draws of a piece and its place before a room is given up."""


@dataclass(frozen=True, eq=False)
class Placed:
    """A piece in a room."""

    piece: Piece
    stretch: NDArray[np.float64]
    """[3] factors along its own axes."""
    place: NDArray[np.float64]
    """[3] of the middle of its lowest side, metres."""
    yaw: float
    """Radians, counter-clockwise seen from above."""

    @property
    def size(self) -> NDArray[np.float64]:
        """[3] along its own axes, metres."""
        return self.piece.size * self.stretch

    def vertices(self) -> NDArray[np.float64]:
        """[V, 3] metres, in the room."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        return (self.piece.vertices * self.stretch) @ turn + self.place


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A furnished room, the middle of its floor at the origin."""

    size: NDArray[np.float64]
    """[3] metres."""
    placed: Sequence[Placed]

    def boxes(self) -> Boxes:
        """The box of each piece, along its own axes."""
        return _boxes(self.placed)

    def bounds(self) -> Boxes:
        """The box of each piece along the room's axes, exact to its vertices."""
        corners = [(vertices.min(0), vertices.max(0)) for vertices in (each.vertices() for each in self.placed)]
        lowest, highest = np.array(corners).transpose(1, 0, 2)
        return Boxes.between(lowest, highest)


def arranged(pieces: Sequence[Piece], random: np.random.Generator) -> Arrangement:
    """A room of FEWEST to MOST pieces: classes by OFTEN, then a group of near-duplicates, then one of the group.

    Raises InvalidInput where there are no pieces of some class, or none that fit into a room.
    """
    groups: list[dict[str, list[Piece]]] = [{} for _ in CLASSES]
    for piece in pieces:
        groups[piece.kind].setdefault(piece.group, []).append(piece)
    if lacking := [name for name, of_class in zip(CLASSES, groups, strict=True) if not of_class]:
        raise InvalidInput.of("pieces", received=f"no {lacking[0]}", accepted=f"some of each of {', '.join(CLASSES)}")
    size = np.array([random.uniform(*SIDES), random.uniform(*SIDES), random.uniform(*HEIGHTS)])
    wanted = int(random.integers(FEWEST, MOST + 1))
    placed: list[Placed] = []
    for _ in range(TRIES):
        of_class = groups[random.choice(len(CLASSES), p=[OFTEN[name] for name in CLASSES])]
        of_group = of_class[list(of_class)[random.integers(len(of_class))]]
        piece = of_group[random.integers(len(of_group))]
        stretch = random.uniform(1 - STRETCH, 1 + STRETCH, 3)
        if (found := _carried(piece, stretch, placed, random) or _standing(piece, stretch, size, random)) is None:
            continue
        if found.place[2] > 0 or not _collides(found, size, placed):
            placed.append(found)
        if len(placed) == wanted:
            return Arrangement(size, placed)
    raise InvalidInput.of("pieces", received="none that fit", accepted=f"some that fit into a room of {SIDES[0]} m")


def _carried(
    piece: Piece, stretch: NDArray[np.float64], placed: Sequence[Placed], random: np.random.Generator
) -> Placed | None:
    """The piece on something that carries nothing yet, if it is small and there is such a thing."""
    size = piece.size * stretch
    if CLASSES[piece.kind] != "plant or lamp" or size[2] > SMALL:
        return None
    taken = {tuple(each.place[:2]) for each in placed if each.place[2] > 0}
    for support in placed:
        top = support.size
        carries = CLASSES[support.piece.kind] in SUPPORTS and top[2] <= HIGHEST_SUPPORT
        if carries and tuple(support.place[:2]) not in taken and np.hypot(*size[:2]) <= top[:2].min():
            return Placed(piece, stretch, support.place + np.array([0, 0, top[2]]), random.uniform(0, 2 * np.pi))
    return None


def _standing(
    piece: Piece, stretch: NDArray[np.float64], room: NDArray[np.float64], random: np.random.Generator
) -> Placed | None:
    """The piece on the floor, at a wall or anywhere; None where it does not fit between the walls."""
    quarter = int(random.integers(4))
    yaw = quarter * np.pi / 2
    width, depth = (piece.size * stretch)[:2]
    along, across = room[:2] if quarter % 2 == 0 else room[1::-1]
    free = np.array([along - width, across - depth]) / 2 - GAP
    if (free < 0).any():
        return None
    place = random.uniform(-free, free)
    if random.random() < AT_WALL:
        place[1] = free[1]
    elif random.random() < 0.5:
        yaw += random.uniform(-np.pi / 4, np.pi / 4)
    cos, sin = np.cos(quarter * np.pi / 2), np.sin(quarter * np.pi / 2)
    return Placed(piece, stretch, np.array([cos * place[0] - sin * place[1], sin * place[0] + cos * place[1], 0]), yaw)


def _collides(found: Placed, room: NDArray[np.float64], placed: Sequence[Placed]) -> bool:
    """Whether it stands in a wall, or in something else, seen from above."""
    corners = _boxes([found]).footprints()
    if (np.abs(corners) > room[:2] / 2).any():
        return True
    columns = _boxes([found, *(each for each in placed if each.place[2] == 0)])
    sizes = np.column_stack([columns.sizes[:, :2] + 2 * GAP, np.ones(len(columns))])
    flat = Boxes(columns.centres * [1, 1, 0], sizes, columns.yaw)
    return bool((overlap(flat[:1], flat[1:]) > 0).any())


def _boxes(placed: Sequence[Placed]) -> Boxes:
    sizes = np.array([each.size for each in placed])
    places = np.array([each.place for each in placed])
    return Boxes(places + sizes * np.array([0, 0, 0.5]), sizes, np.array([each.yaw for each in placed]))
