"""Assemblies of tops, boards and frames, as tables, shelves, doors and windows are. Metres; fronts towards −y."""

from __future__ import annotations

import numpy as np

from tellurion_pointcloud.shapes.palette import colour
from tellurion_pointcloud.shapes.parts import (
    Colour,
    Part,
    box,
    frustum,
    slab,
    superquadric,
    torus,
    tube,
)
from tellurion_pointcloud.shapes.solids import outline

Random = np.random.Generator


def chance(random: Random, share: float) -> bool:
    """True in so many cases."""
    return bool(random.random() < share)


def legs(random: Random, width: float, depth: float, height: float, paint: Colour) -> list[Part]:
    """What carries a top of a width, depth and height: legs of a style, sledges, boards or a column."""
    style = random.choice(["straight", "straight", "splayed", "sledge", "boards", "column", "star"])
    thick = random.uniform(0.01, 0.045) * (1 + height)
    x, y = width / 2 - thick, depth / 2 - thick
    if style in ("straight", "splayed"):
        spread = random.uniform(1.0, 1.35) if style == "splayed" else 1.0
        inset, taper = random.uniform(0.7, 1), random.uniform(0.4, 1.2)
        feet = [(sx * x, sy * y) for sx in (-1, 1) for sy in (-1, 1)]
        sides = int(random.choice([4, 10]))
        parts = [
            tube([(inset * a, inset * b, height), (spread * a, spread * b, 0)], [thick, thick * taper], paint, sides)
            for a, b in feet
        ]
        if chance(random, 0.3):
            level, size = random.uniform(0.1, 0.8) * height, thick * 0.8
            parts += [box((2 * x * inset, size, size), (0, side * y * inset, level), paint) for side in (-1, 1)]
            parts += [box((size, 2 * y * inset, size), (side * x * inset, 0, level), paint) for side in (-1, 1)]
        return parts
    if style == "sledge":
        loops = [[(s, -y, height), (s, -y, 0), (s, y, 0), (s, y, height)] for s in (-x, x)]
        return [tube(loop, thick * 0.7, paint) for loop in loops]
    if style == "boards":
        parts = [box((thick, depth * random.uniform(0.6, 1), height), (s, 0, height / 2), paint) for s in (-x, x)]
        return [
            *parts,
            box((2 * x, thick, height * random.uniform(0.2, 1)), (0, y * random.uniform(0, 1), height / 2), paint),
        ]
    foot = min(width, depth) * random.uniform(0.25, 0.55)
    column = tube([(0, 0, 0), (0, 0, height)], thick * random.uniform(0.8, 2.5), paint, 12)
    if style == "column":
        return [column, frustum(foot, foot * random.uniform(0.2, 1), random.uniform(0.01, 0.08), (0, 0, 0), paint)]
    arms = int(random.integers(3, 6))
    wheel = random.uniform(0.01, 0.03)
    parts = [column]
    for angle in 2 * np.pi * np.arange(arms) / arms:
        end = foot * np.array([np.cos(angle), np.sin(angle), 0]) + [0, 0, 2 * wheel]
        parts.append(tube([(0, 0, height * random.uniform(0.1, 0.2)), end], thick, paint))
        parts.append(superquadric([2 * wheel] * 3, end - [0, 0, wheel], paint))
    return parts


def top(random: Random, width: float, depth: float, thick: float, level: float, paint: Colour) -> Part:
    """A plate of a style on a level: rectangle, round, cut corners, or any other outline."""
    style = random.choice(["box", "box", "box", "round", "cut", "free"])
    if style == "box":
        return box((width, depth, thick), (0, 0, level + thick / 2), paint)
    sides = {"round": 24, "cut": 8, "free": 12}[str(style)]
    flat = outline(random, sides, 0.25 if style == "free" else 0)
    return slab(flat * [width / 2, depth / 2], thick, (0, 0, level), paint)


def table(random: Random) -> list[Part]:
    """A top on legs, perhaps with drawers, an apron, a shelf below or a screen behind."""
    width, height = random.uniform(0.4, 2.2), random.uniform(0.3, 1.1)
    depth, thick = width * random.uniform(0.35, 1), random.uniform(0.015, 0.08)
    paint, frame = colour(random), colour(random)
    parts = [top(random, width, depth, thick, height, paint), *legs(random, width, depth, height, frame)]
    if chance(random, 0.25):
        side = random.choice([-1, 1])
        size = (width * random.uniform(0.2, 0.35), depth * 0.9, height * random.uniform(0.3, 0.95))
        for each in (side, -side) if chance(random, 0.3) else (side,):
            at = np.array([each * (width - size[0]) / 2 * 0.95, 0, height - size[2] / 2])
            parts += [box(size, at, frame), *drawers(random, size, at, paint)]
    if chance(random, 0.3):
        parts.append(box((width * 0.9, depth * 0.9, height * random.uniform(0.05, 0.2)), (0, 0, height * 0.93), frame))
    if chance(random, 0.2):
        parts.append(box((width * 0.85, depth * 0.85, thick), (0, 0, height * random.uniform(0.15, 0.5)), paint))
    if chance(random, 0.12):
        high = random.uniform(0.2, 0.6)
        parts.append(box((width, 0.03, high), (0, depth / 2, height + high / 2), frame))
    return parts


def drawers(random: Random, size: tuple[float, ...], at: np.ndarray, paint: Colour) -> list[Part]:
    """Fronts with handles on the front of a box of a size around a point."""
    rows, columns = int(random.integers(1, 5)), int(random.integers(1, 4) if size[0] > size[2] else 1)
    grip, knob = colour(random, "metal", "black", "wood"), chance(random, 0.5)
    parts = []
    cell = np.array([size[0] / columns, 0.02, size[2] / rows])
    for column in range(columns):
        for row in range(rows):
            middle = (np.array([column + 0.5, 0, row + 0.5]) * cell - np.array(size) / 2) + at
            parts.append(box(cell * [0.93, 1, 0.93], middle, paint))
            long = 0.03 if knob else cell[0] * 0.4
            parts.append(box((long, 0.03, 0.02), middle - [0, 0.02, cell[2] * 0.2], grip))
    return parts


def storage(random: Random) -> list[Part]:
    """A carcass of boards with shelves, doors, drawers or what lies in it; low or high, on feet or on the floor."""
    width, depth, height = random.uniform(0.3, 2.4), random.uniform(0.2, 0.7), random.uniform(0.35, 2.3)
    board, foot = random.uniform(0.015, 0.04), random.choice([0, random.uniform(0.03, 0.25)])
    paint, front = colour(random), colour(random)
    parts = [box((board, depth, height), (x, 0, foot + height / 2), paint) for x in (-width / 2, width / 2)]
    parts += [box((width, depth, board), (0, 0, foot + z), paint) for z in (0, height)]
    if chance(random, 0.8):
        parts.append(box((width, board, height), (0, depth / 2, foot + height / 2), paint))
    columns = max(1, round(width / random.uniform(0.35, 0.9)))
    cell = width / columns
    for column in range(columns):
        x = (column + 0.5) * cell - width / 2
        parts.append(box((board, depth, height), (x + cell / 2, 0, foot + height / 2), paint))
        split = height * random.choice([0, 1, random.uniform(0.2, 0.8)])
        if split:
            size = (cell, depth, split)
            parts += drawers(random, size, np.array([x, 0, foot + split / 2]), front)
        for z in np.arange(split, height, random.uniform(0.22, 0.45))[1:]:
            parts.append(box((cell, depth * 0.95, board), (x, 0, foot + z), paint))
            if chance(random, 0.3):
                full = cell * random.uniform(0.2, 0.9)
                parts.append(
                    box((full, depth * 0.6, 0.18), (x - (cell - full) / 2, 0, foot + z + 0.1), colour(random, "cloth"))
                )
    if chance(random, 0.3):
        parts.append(box((width * 1.05, depth * 1.08, 2 * board), (0, 0, foot + height + board), front))
    if foot:
        parts += [
            box((0.05, 0.05, foot), (x, y, foot / 2), paint)
            for x in (-0.45 * width, 0.45 * width)
            for y in (-0.4 * depth, 0.4 * depth)
        ]
    return parts


def opening(random: Random) -> list[Part]:
    """A door or window: a frame with leaves of panes, panels or louvres, square or arched, and handles."""
    width, height = random.uniform(0.5, 2.6), random.uniform(0.6, 2.4)
    frame, thick = random.uniform(0.03, 0.12), random.uniform(0.03, 0.25)
    paint, pane = (
        colour(random, "white", "wood", "black", "metal", "cloth"),
        colour(random, "white", "metal", "wood", "cloth"),
    )
    parts = [box((frame, thick, height), (x, 0, height / 2), paint) for x in (-width / 2, width / 2)]
    parts += [box((width + frame, thick, frame), (0, 0, z), paint) for z in (0, height)]
    if chance(random, 0.2):
        arch = torus(width / 2, frame / 2, (0, 0, 0), paint, np.pi).turned(0, np.pi / 2)
        parts.append(arch.scaled((1, thick / frame, random.uniform(0.4, 1))).moved((0, 0, height)))
    leaves = int(random.integers(1, 5)) if width > 1 else int(random.integers(1, 3))
    leaf_width, ajar = width / leaves, random.choice([0, 0, random.uniform(0, 1.2)])
    rows, columns = int(random.integers(1, 6)), int(random.integers(1, 4))
    style = random.choice(["glass", "panels", "louvres", "plain"])
    for number in range(leaves):
        middle = (number + 0.5) * leaf_width - width / 2
        bar, deep = frame * 0.5, thick * 0.5
        pieces = [box((bar, deep, height), (x, 0, height / 2), paint) for x in (-leaf_width / 2, leaf_width / 2)]
        if style != "glass" or chance(random, 0.6):
            pieces.append(
                box((leaf_width, deep * (0.8 if style != "glass" else 0.1), height), (0, 0, height / 2), pane)
            )
        if style in ("glass", "panels"):
            pieces += [box((leaf_width, deep, bar), (0, 0, z), paint) for z in np.linspace(0, height, rows + 1)]
            pieces += [
                box((bar, deep, height), (x * leaf_width, 0, height / 2), paint)
                for x in np.linspace(-0.5, 0.5, columns + 1)
            ]
        elif style == "louvres":
            for z in np.arange(0.05, height, 0.1):
                pieces.append(box((leaf_width, deep, 0.015), (0, 0, 0), paint).turned(0, 0.6).moved((0, -deep / 2, z)))
        pieces.append(box((0.03, thick + 0.08, 0.1), (leaf_width * 0.42, 0, height * 0.45), colour(random, "metal")))
        parts += [
            part.moved((leaf_width / 2, 0, 0)).turned(2, ajar).moved((middle - leaf_width / 2, 0, 0)) for part in pieces
        ]
    return parts
