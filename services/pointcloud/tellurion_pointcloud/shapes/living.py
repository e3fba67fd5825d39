"""Assemblies like plants, people and animals. Metres; fronts towards −y."""

from __future__ import annotations

import numpy as np

from tellurion_pointcloud.shapes.boards import chance
from tellurion_pointcloud.shapes.palette import colour
from tellurion_pointcloud.shapes.parts import (
    Colour,
    Part,
    beside,
    frustum,
    lathe,
    leaf,
    superquadric,
    tube,
)

Random = np.random.Generator


def plant(random: Random) -> list[Part]:
    """Leaves, fans or flowers from a pot, a box, or the ground."""
    green, pot = colour(random, "leaf"), colour(random, "wood", "cloth", "black", "white")
    high, wide = random.uniform(0.1, 0.5), random.uniform(0.08, 0.3)
    parts = []
    if chance(random, 0.75):
        parts.append(
            lathe(
                [(0, 0), (wide * random.uniform(0.5, 1), 0), (wide, high), (wide * 0.85, high * 0.9), (0, high * 0.85)],
                (0, 0, 0),
                pot,
                int(random.choice([4, 20])),
            )
        )
    else:
        high = 0
    style = random.choice(["rosette", "stems", "bush", "flowers"])
    reach, rise, droop = random.uniform(0.2, 0.7), random.uniform(0.1, 0.9), random.uniform(0, 1.2)
    share = np.linspace(0, 1, 6)
    for _ in range(random.integers(8, 45) * (4 if style == "bush" else 1)):
        angle, length = random.uniform(0, 2 * np.pi), random.uniform(0.5, 1)
        out, up = length * reach * share, length * rise * (2 * share - (1 + droop) * share**2)
        path = np.stack([out * np.cos(angle), out * np.sin(angle), high + up], 1)
        if style == "rosette":
            parts.append(leaf(path, random.uniform(0.03, 0.12), green))
        elif style == "bush":
            start = random.normal(0, 1, 3)
            start *= random.uniform(0.5, 1) / np.linalg.norm(start)
            parts.append(_blade(random, start * [reach, reach, rise / 2] + [0, 0, high + rise / 2], 0.15, green))
        else:
            parts.append(tube(path, 0.006, green, 4))
            if style == "flowers":
                parts.append(superquadric([0.08, 0.08, 0.08], path[-1], colour(random, "cloth", "white"), (1, 1)))
            else:
                parts += [_blade(random, path[k], 0.15, green) for k in range(2, 6)]
    return parts


def _blade(random: Random, at: np.ndarray, length: float, paint: Colour) -> Part:
    """A small leaf that starts at a point and goes anywhere."""
    end = random.normal(0, 1, 3)
    end *= length * random.uniform(0.6, 1.2) / np.linalg.norm(end)
    return leaf(at + np.linspace(0, 1, 3)[:, None] * end, length * 0.45, paint)


def tree(random: Random) -> list[Part]:
    """A trunk with a crown of branches and leaves, of blobs, of tiers, or of fronds."""
    bark, green, high = colour(random, "wood"), colour(random, "leaf", "leaf", "white", "cloth"), random.uniform(0.5, 3)
    bend = np.array([(0, 0, 0), (*random.uniform(-0.2, 0.2, 2), 0.5), (*random.uniform(-0.3, 0.3, 2), 1)]) * high
    parts = [tube(bend, [0.09, 0.07, 0.04], bark)]
    style = random.choice(["branches", "branches", "blobs", "tiers", "fronds"])
    if style == "branches":
        tips = [(bend[-1], random.normal((0, 0, 1), 0.3), 0.6)]
        for _ in range(random.integers(8, 24)):
            start, heading, length = tips[random.integers(len(tips))]
            new = heading + random.normal(0, 0.8, 3)
            new *= length * random.uniform(0.6, 1) / np.linalg.norm(new)
            parts.append(tube([start, start + new], 0.02 * length, bark, 5))
            tips.append((start + new, new, length * 0.85))
        for start, _, length in tips:
            parts += [_blade(random, start + random.normal(0, 0.25, 3) * length, 0.22, green) for _ in range(10)]
    elif style == "blobs":
        for _ in range(random.integers(1, 7)):
            at = bend[-1] + random.normal(0, 0.35, 3) * [1, 1, 0.6]
            parts.append(superquadric(random.uniform(0.5, 1.3, 3), at, green, (1, 1)))
    elif style == "tiers":
        count, wide = int(random.integers(1, 7)), random.uniform(0.3, 0.8)
        for k in range(count):
            size = wide * (1 - 0.8 * k / count)
            parts.append(
                frustum(size, size * 0.1, 1.6 * high / count, (*bend[1][:2], high * (0.3 + k / count)), green, 12)
            )
    else:
        share = np.linspace(0, 1, 7)[:, None]
        for angle in np.linspace(0, 2 * np.pi, random.integers(7, 18), endpoint=False):
            out, rise = random.uniform(0.6, 1.2), random.uniform(0.1, 0.7)
            path = share * [out * np.cos(angle), out * np.sin(angle), 2 * rise] - share**2 * [0, 0, 2.6 * rise]
            parts.append(leaf(bend[-1] + path, random.uniform(0.12, 0.3), green))
    return parts


def figure(random: Random) -> list[Part]:
    """A person: standing, walking, sitting or lying, arms anywhere, in trousers or a skirt."""
    skin, shirt, cloth, hair = (
        colour(random, "skin"),
        colour(random, "cloth", "white", "black"),
        colour(random, "cloth", "black"),
        colour(random, "black", "wood"),
    )
    build, child = random.uniform(0.8, 1.3), random.uniform(0.75, 1.1)
    parts = [superquadric((0.4 * build, 0.23 * build, 0.6), (0, 0, 1.2), shirt, (0.7, 0.8))]
    parts.append(superquadric((0.19, 0.22, 0.26), (0, 0, 1.68), skin, (0.9, 0.9)))
    parts.append(superquadric((0.21, 0.24, 0.2), (0, 0.02, 1.74), hair, (0.9, 0.9)))
    parts.append(tube([(0, 0, 1.4), (0, 0, 1.6)], 0.055, skin))
    sitting = chance(random, 0.3)
    for side in (-1, 1):
        forward = random.uniform(1.3, 1.7) if sitting else random.uniform(-0.4, 0.4)
        knee = np.array([side * 0.11, 0, 0.92]) + 0.44 * np.array(
            [side * random.uniform(0, 0.25), -np.sin(forward), -np.cos(forward)]
        )
        bent = random.uniform(-0.3, 0.2) if sitting else forward - random.uniform(0, 0.5)
        ankle = knee + 0.44 * np.array([0, -np.sin(bent), -np.cos(bent)])
        parts.append(tube([(side * 0.1, 0, 0.95), knee, ankle], np.array([0.095, 0.07, 0.045]) * build, cloth))
        parts.append(superquadric((0.1, 0.26, 0.09), beside(ankle, [0, -0.07, -0.02]), hair, (0.6, 0.6)))
        shoulder = np.array([side * 0.22 * build, 0, 1.43])
        lift, swing = random.uniform(0, 1.6) * random.choice([0.2, 1]), random.uniform(-0.5, 1.2)
        elbow = shoulder + 0.28 * np.array(
            [side * np.sin(lift), -np.cos(lift) * np.sin(swing), -np.cos(lift) * np.cos(swing)]
        )
        curl = swing + random.uniform(0, 1.6)
        hand = elbow + 0.27 * np.array([0, -np.sin(curl), -np.cos(curl)])
        parts.append(tube([shoulder, elbow, hand], np.array([0.06, 0.045, 0.035]) * build, shirt))
        parts.append(superquadric((0.07, 0.07, 0.12), hand, skin))
    if not sitting and chance(random, 0.25):
        parts.append(frustum(0.3 * build, 0.15, 0.6, (0, 0, 0.45), cloth))
    if chance(random, 0.15):
        down = random.choice([-1, 1]) * np.pi / 2
        parts = [part.turned(0, down) for part in parts]
    return [part.scaled((1, 1, child)) for part in parts]


def animal(random: Random) -> list[Part]:
    """A four-legged body with neck, head, ears and tail."""
    coat, dark = colour(random, "wood", "black", "white"), colour(random, "black", "wood")
    long, thick, leg = random.uniform(0.5, 1.4), random.uniform(0.15, 0.45), random.uniform(0.1, 0.9)
    parts = [superquadric((thick, long, thick * random.uniform(0.9, 1.3)), (0, 0, leg + thick / 2), coat, (0.9, 0.9))]
    for x in (-thick * 0.3, thick * 0.3):
        for y in (-long * 0.36, long * 0.36):
            foot = (x, y + random.uniform(-0.15, 0.15) * leg, 0)
            parts.append(tube([(x, y, leg + thick * 0.4), foot], [thick * 0.2, thick * 0.1], coat))
    neck = np.array([0, -long * 0.45, leg + thick * 0.7])
    head = neck + np.array([0, -random.uniform(0.05, 0.3), random.uniform(0, 0.5)])
    parts.append(tube([neck, head], [thick * 0.35, thick * 0.22], coat))
    size = thick * random.uniform(0.5, 0.9)
    parts.append(
        superquadric((size * 0.8, size * random.uniform(1, 2), size), head - [0, size * 0.4, 0], coat, (0.9, 0.9))
    )
    parts += [
        leaf(
            [
                beside(head, [s * size * 0.3, 0, size * 0.3]),
                beside(head, [s * size * 0.45, 0.01, size * random.uniform(0.6, 1.4)]),
            ],
            size * 0.5,
            dark,
        )
        for s in (-1, 1)
    ]
    end = (0, long * 0.5 + random.uniform(0, 0.3), leg + thick * random.uniform(0, 2))
    return [*parts, tube([(0, long * 0.45, leg + thick * 0.7), end], [thick * 0.08, thick * 0.04], dark)]
