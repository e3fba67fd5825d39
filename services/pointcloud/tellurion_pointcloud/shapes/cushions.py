"""Assemblies to sit and lie on: chairs, sofas, beds. Metres; fronts towards −y."""

from __future__ import annotations

import numpy as np

from tellurion_pointcloud.shapes.boards import chance, legs, top
from tellurion_pointcloud.shapes.palette import colour
from tellurion_pointcloud.shapes.parts import (
    Colour,
    Part,
    beside,
    box,
    frustum,
    leaf,
    superquadric,
    tube,
)

Random = np.random.Generator


def seat(random: Random) -> list[Part]:
    """A chair or stool: a seat on legs, with a back and arms of some style or without."""
    width, height = random.uniform(0.35, 0.65), random.uniform(0.3, 0.85)
    depth, thick = width * random.uniform(0.8, 1.15), random.uniform(0.02, 0.12)
    paint, frame = colour(random), colour(random)
    parts = legs(random, width, depth, height, frame)
    if chance(random, 0.5):
        parts.append(top(random, width, depth, thick, height, paint))
    else:
        parts.append(
            superquadric((width, depth, thick), (0, 0, height + thick / 2), paint, (0.3, random.uniform(0.2, 1)))
        )
    if chance(random, 0.85):
        high, lean = random.uniform(0.25, 0.75), random.uniform(-0.05, 0.4)
        back = [
            part.turned(0, -lean).moved((0, depth / 2, height)) for part in backrest(random, width, high, paint, frame)
        ]
        parts += back
        if chance(random, 0.4):
            level, reach = random.uniform(0.15, 0.28), depth * random.uniform(0.6, 1)
            for side in (-width / 2, width / 2):
                path = [(side, depth / 2, level), (side, depth / 2 - reach, level), (side, depth / 2 - reach, 0)]
                parts.append(tube(beside(path, [0, 0, height]), random.uniform(0.01, 0.035), frame))
    return parts


def backrest(random: Random, width: float, high: float, paint: Colour, frame: Colour) -> list[Part]:
    """A board, cushion, shell, bars or rungs upright on the x axis."""
    style = random.choice(["board", "cushion", "shell", "bars", "rungs"])
    thick = random.uniform(0.015, 0.06)
    if style == "board":
        return [box((width, thick, high * random.uniform(0.4, 1)), (0, 0, high * 0.6), paint)]
    if style == "cushion":
        return [superquadric((width, 2 * thick, high), (0, 0, high / 2), paint, (0.4, 0.4))]
    if style == "shell":
        angle = np.linspace(-1, 1, 13) * random.uniform(0.6, 2.2)
        x, y = np.sin(angle) / max(np.sin(angle).max(), 0.1) * width / 2, -(1 - np.cos(angle)) * width / 2
        rim = high * (1 - random.uniform(0, 0.6) * np.abs(np.linspace(-1, 1, 13)) ** 2)
        return [_curtain(np.stack([x, y + shift], 1), rim, paint) for shift in (0, thick)]
    posts = [tube([(s, 0, 0), (s, 0, high)], thick / 2, frame) for s in (-width / 2, width / 2)]
    count = int(random.integers(2, 7))
    if style == "bars":
        bars = [tube([(x, 0, 0), (x, 0, high)], thick / 3, frame) for x in np.linspace(-0.4, 0.4, count) * width]
        return [*posts, *bars, box((width, thick, thick * 2), (0, 0, high), frame)]
    size = high / count * random.uniform(0.2, 0.8)
    return [*posts, *(box((width, thick / 2, size), (0, 0, z), paint) for z in np.linspace(0.3, 0.95, count) * high)]


def _curtain(line: np.ndarray, heights: np.ndarray, paint: Colour) -> Part:
    low = np.column_stack([line, np.zeros(len(line))])
    part = leaf(low, 0, paint)  # its faces join two lines
    return Part(np.stack([low, np.column_stack([line, heights])], 1).reshape(-1, 3), part.faces, paint)


def upholstered(random: Random) -> list[Part]:
    """An armchair, sofa or corner of cushions, with arms, back, feet and pillows."""
    places, place, depth = int(random.integers(1, 5)), random.uniform(0.5, 0.8), random.uniform(0.7, 1.05)
    base, arm, high = random.uniform(0.2, 0.45), random.uniform(0.08, 0.3), random.uniform(0.3, 0.65)
    paint, other = colour(random, "cloth", "black", "white", "wood"), colour(random, "cloth", "white")
    soft = float(random.uniform(0.1, 0.5))
    width, foot = places * place, random.choice([0, random.uniform(0.03, 0.15)])
    parts = [box((width, depth, base), (0, 0, foot + base / 2), paint)]
    for x in (np.arange(places) - (places - 1) / 2) * place:
        parts.append(
            superquadric((place, depth * 0.85, 0.18), (x, -depth * 0.07, foot + base + 0.05), paint, (soft, soft))
        )
        if chance(random, 0.8):
            at = (x, depth * 0.35, foot + base + high / 2)
            parts.append(superquadric((place, depth * 0.3, high), at, paint, (soft, soft)))
        if chance(random, 0.3):
            pillow = superquadric((0.4, 0.12, 0.4), (0, 0, 0), other, (1, 0.6)).turned(0, -0.4)
            parts.append(pillow.moved((x, depth * 0.1, foot + base + 0.3)))
    parts.append(box((width, depth * 0.15, high), (0, depth * 0.45, foot + base + high / 2), paint))
    if chance(random, 0.85):
        rise, round_ = base + random.uniform(0.05, 0.35), chance(random, 0.5)
        for side in (-1, 1):
            x = side * (width + arm) / 2
            parts.append(box((arm, depth, rise), (x, 0, foot + rise / 2), paint))
            if round_:
                roll = frustum(arm * 0.6, arm * 0.6, depth, (0, 0, 0), paint).turned(0, np.pi / 2)
                parts.append(roll.moved((x, depth / 2, foot + rise)))
    if places > 1 and chance(random, 0.25):
        long, side = random.uniform(0.6, 1.8), random.choice([-1, 1])
        at = (side * (width - place) / 2, -(depth + long) / 2, foot + (base + 0.1) / 2)
        parts.append(box((place, long, base + 0.1), at, paint))
    if foot:
        parts += [
            box((0.06, 0.06, foot), (x, y, foot / 2), other)
            for x in (-0.45 * width, 0.45 * width)
            for y in (-0.4 * depth, 0.4 * depth)
        ]
    return parts


def bed(random: Random) -> list[Part]:
    """A frame with mattress, ends and pillows; perhaps two above each other, with rails, or a canopy."""
    width, long, base = random.uniform(0.6, 1.9), random.uniform(1.2, 2.2), random.uniform(0.1, 0.6)
    frame, sheet, cover = colour(random), colour(random, "white", "cloth"), colour(random, "cloth", "white")
    soft, thick, post = random.uniform(0.12, 0.35), random.uniform(0.08, 0.3), random.uniform(0.02, 0.05)
    floors = [base, base + random.uniform(0.8, 1.1)] if width < 1.2 and chance(random, 0.35) else [base]
    parts = []
    for level in floors:
        parts.append(box((width, long, 0.12), (0, 0, level), frame))
        parts.append(
            superquadric((width * 0.97, long * 0.97, 2 * thick), (0, 0, level + thick * 0.7), sheet, (soft, soft))
        )
        parts.append(
            box((width * 1.02, long * random.uniform(0.4, 0.75), thick), (0, -long * 0.15, level + thick), cover)
        )
        count = 2 if width > 1.2 else 1
        pillow = superquadric(
            (width / count * 0.75, 0.35, 0.16), (0, long * 0.38, level + 1.7 * thick), sheet, (0.8, 0.5)
        )
        parts += [pillow.moved((x, 0, 0)) for x in (np.arange(count) - (count - 1) / 2) * width / 2]
    height = floors[-1] + random.uniform(0.15, 0.9)
    for y, share in ((long / 2, 1.0), (-long / 2, random.uniform(0.3, 1) * (len(floors) == 1) or 1.0)):
        end = backrest(random, width, height * share - base / 2, frame, frame)
        parts += [part.moved((0, y, base / 2)) for part in end]
        parts += [tube([(x, y, 0), (x, y, height * share)], post, frame) for x in (-width / 2, width / 2)]
    if chance(random, 0.2):
        parts += [box((post, long, post * 4), (x, 0, floors[-1] + 0.35), frame) for x in (-width / 2, width / 2)]
    return parts
