"""Assemblies on wheels. Metres; fronts towards −y."""

from __future__ import annotations

import numpy as np

from tellurion_pointcloud.shapes.boards import chance
from tellurion_pointcloud.shapes.palette import colour
from tellurion_pointcloud.shapes.parts import (
    Part,
    beside,
    box,
    frustum,
    slab,
    superquadric,
    torus,
    tube,
    turn,
)

Random = np.random.Generator


def wheeled(random: Random) -> list[Part]:
    """A car, van, bus, truck, cart or trolley: a body on wheels; the front towards −y."""
    long, wide, clear = random.uniform(1.2, 5), random.uniform(0.7, 1.9), random.uniform(0.15, 0.5)
    body, glass, tyre = (
        colour(random, "cloth", "white", "metal", "black"),
        colour(random, "black", "metal"),
        colour(random, "black"),
    )
    style = random.choice(["car", "car", "bus", "truck", "cart"])
    low = clear * 0.8
    if style == "car":
        hood, roof, high = random.uniform(0.4, 0.7), random.uniform(0.9, 1.3), random.uniform(-0.05, 0.2)
        front, back = random.uniform(-0.3, -0.1), random.uniform(0.15, 0.48)
        side = [
            (-0.5, 0.2),
            (-0.5, hood * 0.8),
            (front, hood),
            (front + 0.12, roof),
            (back - 0.08, roof),
            (back, hood + high),
            (0.5, hood),
            (0.5, 0.2),
        ]
        line = np.array(side) * [long, 1] + [0, low - 0.2]
        shell = slab(line, wide, (0, 0, -wide / 2), body).turned(0, np.pi / 2).turned(2, np.pi / 2)
        cabin = np.array(
            [
                (front + 0.03, hood + 0.05),
                (front + 0.13, roof - 0.05),
                (back - 0.09, roof - 0.05),
                (back - 0.03, hood + 0.05),
            ]
        )
        pane = slab(cabin * [long, 1] + [0, low - 0.2], wide * 1.02, (0, 0, -wide * 0.51), glass)
        parts = [shell, pane.turned(0, np.pi / 2).turned(2, np.pi / 2)]
    elif style == "bus":
        high = random.uniform(1.2, 2.8)
        parts = [superquadric((wide, long, high), (0, 0, low + high / 2), body, (0.1, 0.1))]
        parts += [
            box((wide * 1.01, long * 0.85 / 5, high * 0.3), (0, y * long, low + high * 0.65), glass)
            for y in np.linspace(-0.38, 0.38, 5)
        ]
    elif style == "truck":
        high, cab = random.uniform(1, 2.6), long * random.uniform(0.2, 0.35)
        parts = [box((wide, cab, high * random.uniform(0.6, 1)), (0, (cab - long) / 2, low + high * 0.4), body)]
        parts.append(box((wide * 0.9, 0.05, high * 0.3), (0, -long / 2 - 0.02, low + high * 0.5), glass))
        load = random.uniform(0.1, 1) * high
        parts.append(box((wide, long - cab - 0.1, load), (0, cab / 2, low + load / 2 + 0.1), colour(random)))
    else:
        parts = [box((wide, long * 0.5, random.uniform(0.05, 0.6)), (0, 0, low + 0.3), body)]
        handle = [
            (-wide / 2, long / 4, low + 0.3),
            (-wide / 2, long / 2, low + 1),
            (wide / 2, long / 2, low + 1),
            (wide / 2, long / 4, low + 0.3),
        ]
        parts.append(tube(handle, 0.03, tyre))
        long *= 0.6
    axles = np.linspace(-0.33, 0.33, int(random.choice([2, 2, 3]))) * long
    for y in axles:
        for x in (-wide / 2, wide / 2):
            wheel = frustum(clear, clear, 0.2 * wide, (0, 0, -0.1 * wide), tyre, 20).turned(1, np.pi / 2)
            parts.append(wheel.moved((x, y, clear)))
    return parts


def cycle(random: Random) -> list[Part]:
    """Two or three wheels in line with a frame, a saddle and a handlebar: bicycles, scooters, motorcycles."""
    base, radius = random.uniform(0.7, 1.4), random.uniform(0.12, 0.4)
    paint, dark, heavy = colour(random, "cloth", "metal", "black"), colour(random, "black"), chance(random, 0.4)
    tyre, bar = radius * random.uniform(0.05, 0.3), random.uniform(0.012, 0.03)
    rise = random.uniform(0.3, 0.7)
    back, front = np.array([0, base / 2, radius]), np.array([0, -base / 2, radius])
    middle, saddle, head = (
        np.array([0, 0.05, radius]),
        np.array([0, base * 0.2, radius + rise]),
        beside(front, [0, 0.15, rise]),
    )
    places = [front, back]
    if chance(random, 0.25):
        places = [front, beside(back, [0.3, 0, 0]), back - [0.3, 0, 0]]
    parts = []
    for at in places:
        rim = torus(radius - tyre, tyre, (0, 0, 0), dark).turned(1, np.pi / 2).moved(at)
        hub = frustum(radius * 0.8, radius * 0.8, 0.01, (0, 0, 0), paint).turned(1, np.pi / 2).moved(at)
        parts += (
            [rim, hub]
            if heavy
            else [
                rim,
                *(
                    tube([at, at + turn(0, a) @ [0, 0, radius - tyre]], 0.006, paint, 4)
                    for a in np.linspace(0, 6.28, 9)
                ),
            ]
        )
    for a, b in ((back, middle), (middle, saddle), (middle, head), (saddle, head), (back, saddle), (front, head)):
        parts.append(tube([a, b], bar, paint))
    parts.append(superquadric((0.2, 0.35, 0.1), beside(saddle, [0, 0, 0.08]), dark, (0.6, 0.6)))
    wide = random.uniform(0.2, 0.4)
    parts.append(
        tube([beside(head, [-wide, 0.1, 0.15]), beside(head, [0, 0, 0.1]), beside(head, [wide, 0.1, 0.15])], bar, dark)
    )
    if heavy:
        parts.append(superquadric((0.3, base * 0.6, rise * 0.8), (0, 0, radius + rise * 0.4), paint, (0.6, 0.8)))
    return parts
