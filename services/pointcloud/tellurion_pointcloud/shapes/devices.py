"""Assemblies of turned, cased and barred parts: lamps, vessels, machines, railings. Metres; fronts towards −y."""

from __future__ import annotations

import numpy as np

from tellurion_pointcloud.shapes.boards import chance
from tellurion_pointcloud.shapes.palette import colour
from tellurion_pointcloud.shapes.parts import (
    Part,
    beside,
    box,
    frustum,
    lathe,
    superquadric,
    torus,
    tube,
)
from tellurion_pointcloud.shapes.solids import profile

Random = np.random.Generator


def lamp(random: Random) -> list[Part]:
    """A light: shade or bulb on a foot, on a pole, on an arm, hanging, or many on a chandelier."""
    metal, paint = colour(random, "metal", "black", "wood", "white"), colour(random, "white", "cloth", "metal")
    wide = random.uniform(0.08, 0.3)

    def shade() -> Part:
        style = random.choice(["cone", "ball", "bell", "drum"])
        if style == "ball":
            return superquadric([2 * wide] * 3, (0, 0, wide), paint, (1, 1))
        if style == "bell":
            return lathe(profile(random)[1:] * [wide * 2, wide * 2], (0, 0, 0), paint)
        narrow = wide * (random.uniform(0.1, 0.7) if style == "cone" else 1)
        return lathe([(wide, 0), (narrow, wide * random.uniform(0.6, 2))], (0, 0, 0), paint, 20)

    head = shade()
    high, thin = random.uniform(0.15, 1.8), random.uniform(0.006, 0.025)
    style = random.choice(["foot", "foot", "pole", "arm", "hanging", "chandelier", "post"])
    if style == "chandelier":
        arms = int(random.integers(3, 9))
        parts = [tube([(0, 0, 0), (0, 0, high)], thin, metal), superquadric((0.1, 0.1, 0.2), (0, 0, 0), metal)]
        bend = np.array([(0, 0, 0), (0.2, 0, -0.12), (0.4, 0, -0.05), (0.42, 0, 0.05)])
        for angle in 2 * np.pi * np.arange(arms) / arms:
            small = head.scaled([0.3] * 3).moved(bend[-1])
            parts += [tube(bend, thin, metal).turned(2, angle), small.turned(2, angle)]
        return parts
    if style == "hanging":
        drop = [tube([(0, 0, 0), (0, 0, high)], thin / 2, metal), frustum(0.06, 0.04, 0.03, (0, 0, high), metal)]
        return [*drop, head.moved((0, 0, -np.ptp(head.vertices[:, 2])))]
    if style == "arm":
        elbow, end = (random.uniform(-0.2, 0.1), 0, 0.3), (random.uniform(0.1, 0.4), 0, random.uniform(0.3, 0.6))
        tilted = head.turned(1, np.pi + random.uniform(-0.8, 0.2)) if chance(random, 0.7) else head
        base = frustum(random.uniform(0.06, 0.14), 0.05, 0.03, (0, 0, 0), metal)
        return [
            base,
            tube([(0, 0, 0), elbow], thin, metal),
            tube([elbow, end], thin, metal),
            tilted.scaled([0.5] * 3).moved(end),
        ]
    if style == "foot":
        body = lathe(profile(random) * [random.uniform(0.08, 0.3), min(high, 0.5)], (0, 0, 0), metal)
        return [body, head.moved((0, 0, min(high, 0.5)))]
    base = [frustum(wide * random.uniform(0.5, 1.2), wide * 0.3, 0.04, (0, 0, 0), metal)]
    if style == "post":
        head, high = head.scaled([0.6] * 3), high + 1
    return [*base, tube([(0, 0, 0), (0, 0, high)], thin * 1.5, metal), head.moved((0, 0, high))]


def vessel(random: Random) -> list[Part]:
    """A turned body with handles, a spout, a lid, on a foot or a plate."""
    paint, other = colour(random, "white", "cloth", "metal", "wood"), colour(random)
    line = profile(random)
    tall = random.uniform(0.4, 2)
    parts = [lathe(line * [1, tall], (0, 0, 0), paint, 24)]
    middle = line[len(line) // 2, 0]
    for side in (-1, 1)[: random.integers(0, 3)]:
        grip = torus(0.25, 0.04, (0, 0, 0), paint, 3.3).turned(0, np.pi / 2).turned(1, np.pi / 2)
        parts.append(grip.scaled((side, 1, tall)).moved((side * middle, 0, tall / 2)))
    if chance(random, 0.3):
        parts.append(
            tube(
                [(0, -middle, tall * 0.4), (0, -middle - 0.3, tall * 0.6), (0, -middle - 0.4, tall)],
                [0.1, 0.07, 0.05],
                paint,
            )
        )
    if chance(random, 0.4):
        rim = line[-1, 0]
        parts.append(frustum(rim, rim * random.uniform(0, 0.9), random.uniform(0.03, 0.4), (0, 0, tall), other))
    if chance(random, 0.2):
        parts.append(frustum(middle * 1.5, middle * 1.8, 0.06, (0, 0, -0.06), other))
    return parts


def device(random: Random) -> list[Part]:
    """A case with screens, doors, knobs, grilles and feet: stoves, cupboards of machines, boxes, sets."""
    size = random.uniform((0.2, 0.05, 0.1), (1.2, 0.8, 1.8))
    paint, dark = colour(random, "white", "metal", "black", "cloth"), colour(random, "black", "metal")
    square = float(random.uniform(0.05, 0.3))
    parts = [
        box(size, (0, 0, size[2] / 2), paint)
        if chance(random, 0.5)
        else superquadric(size, (0, 0, size[2] / 2), paint, (square, square))
    ]
    front = -size[1] / 2
    for _ in range(random.integers(1, 4)):
        panel = random.uniform(0.2, 0.9, 2) * size[[0, 2]]
        at = random.uniform(-0.5, 0.5, 2) * (size[[0, 2]] - panel) + [0, size[2] / 2]
        parts.append(box((panel[0], 0.04, panel[1]), (at[0], front, at[1]), colour(random)))
    for x in np.linspace(-0.4, 0.4, random.integers(1, 6)) * size[0]:
        if chance(random, 0.6):
            knob = frustum(0.04, 0.03, 0.06, (0, 0, 0), dark).turned(0, np.pi / 2)
            parts.append(knob.moved((x, front, size[2] * 0.9)))
    if chance(random, 0.3):
        grip = [
            (-0.3 * size[0], front, 0),
            (-0.3 * size[0], front - 0.06, 0),
            (0.3 * size[0], front - 0.06, 0),
            (0.3 * size[0], front, 0),
        ]
        parts.append(tube(beside(grip, [0, 0, size[2] * random.uniform(0.3, 0.8)]), 0.015, dark))
    if chance(random, 0.25):
        stand = random.uniform(0.05, 0.4)
        parts += [
            tube([(0, 0, 0), (0, 0, -stand)], 0.04, dark),
            frustum(size[0] * 0.3, size[0] * 0.3, 0.02, (0, 0, -stand), dark),
        ]
    return parts


def railing(random: Random) -> list[Part]:
    """Posts, rails and bars in rows: fences, grilles, radiators, racks, ladders, steps."""
    width, height = random.uniform(0.5, 3), random.uniform(0.4, 2.5)
    paint, thick, count = colour(random), random.uniform(0.015, 0.06), int(random.integers(4, 16))
    style = random.choice(["bars", "planks", "ladder", "steps"])
    if style == "steps":
        rise, run = height / count, width / count
        solid = chance(random, 0.4)
        parts = []
        for k in range(count):
            high = rise * (k + 1) if solid else thick
            parts.append(box((0.8, run * 1.1, high), (0, run * k, rise * (k + 1) - high / 2), paint))
        if not solid:
            parts += [tube([(x, 0, 0), (x, width, height)], thick, paint) for x in (-0.4, 0.4)]
        return parts
    ends = [tube([(x, 0, 0), (x, 0, height)], thick, paint, 6) for x in (-width / 2, width / 2)]
    places = np.linspace(0.05, 0.95, count)
    if style == "ladder":
        narrow = random.uniform(0.2, 1)
        return [part.scaled((narrow, 1, 1)) for part in ends] + [
            tube([(-narrow * width / 2, 0, z), (narrow * width / 2, 0, z)], thick * 0.7, paint, 6)
            for z in places * height
        ]
    rails = [box((width, thick, thick * 2), (0, 0, z * height), paint) for z in (0.1, 0.95)]
    deep = thick * random.uniform(0.5, 4)
    wide = width / count * random.uniform(0.4, 0.95) if style == "planks" else thick * 0.7
    return [*ends, *rails, *(box((wide, deep, height), ((x - 0.5) * width, 0, height / 2), paint) for x in places)]
