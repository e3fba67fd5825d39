"""Procedural colours of faces; every texture is a function of the position in metres."""

from __future__ import annotations

import numpy as np

from tellurion_splat.training.scenes.faces import Array, Texture

Colour = tuple[float, float, float]


def mottled(colour: Colour, seed: int, depth: float = 0.25) -> Texture:
    """One colour, unevenly: 12 waves of 15 cm to 1 m, so that there is something to see at every scale of a view."""
    rng = np.random.default_rng(seed)
    number = 2 * np.pi / np.geomspace(0.15, 1.0, 12)
    angle, phase = rng.uniform(0, 2 * np.pi, (2, 12))

    def texture(x: Array, y: Array) -> Array:
        waves = np.cos(number * (np.cos(angle) * x[..., None] + np.sin(angle) * y[..., None]) + phase)
        return np.asarray(colour) * (1 + depth * waves.mean(axis=-1, keepdims=True) * 2)

    return texture


def planks(colour: Colour, width: float, length: float, seed: int, joint: float = 0.008) -> Texture:
    """Boards, bricks or tiles in staggered rows, each of its own lightness, with dark joints (metres)."""
    lightness = np.random.default_rng(seed).uniform(0.65, 1.25, (64, 64))

    def texture(x: Array, y: Array) -> Array:
        row = np.floor(y / width).astype(int)
        along = x / length + 0.37 * row
        shade = lightness[row % 64, np.floor(along).astype(int) % 64]
        edge = (y % width < joint) | (along % 1 * length < joint)
        return np.asarray(colour) * np.where(edge, 0.35, shade)[..., None]

    return texture


def stripes(colours: list[Colour], width: float, slope: float = 0.0) -> Texture:
    """Stripes up the face, one colour after the other; `slope` tilts them."""
    palette = np.asarray(colours)
    return lambda x, y: palette[np.floor((x + slope * y) / width).astype(int) % len(palette)]


def chequers(one: Colour, other: Colour, size: float) -> Texture:
    """A board of squares."""
    palette = np.asarray([one, other])
    return lambda x, y: palette[(np.floor(x / size) + np.floor(y / size)).astype(int) % 2]


def rings(colours: list[Colour], centre: tuple[float, float], width: float) -> Texture:
    """Concentric rings round a point of the face."""
    palette = np.asarray(colours)
    return lambda x, y: palette[(np.hypot(x - centre[0], y - centre[1]) / width).astype(int) % len(palette)]


def landscape(width: float, height: float) -> Texture:
    """A painting: a sun in an evening sky, two ranges of hills, fields and a house."""

    def texture(x: Array, y: Array) -> Array:
        x, y = x / width, y / height
        sky = (1 - y)[..., None] * np.array([0.75, 0.5, 0.28]) + y[..., None] * np.array([0.16, 0.3, 0.55])
        painting = np.where((np.hypot((x - 0.7) * width / height, y - 0.72) < 0.1)[..., None], [0.85, 0.75, 0.4], sky)
        far = 0.5 + 0.09 * np.sin(9 * x + 1) + 0.03 * np.sin(31 * x)
        painting = np.where((y < far)[..., None], [0.22, 0.26, 0.4], painting)
        near = 0.36 + 0.07 * np.sin(6 * x - 1)
        rows = np.sin(60 * (y + 0.3 * x)) > 0
        fields = np.where(rows[..., None], [0.2, 0.42, 0.14], [0.42, 0.45, 0.12])
        painting = np.where((y < near)[..., None], fields, painting)
        wall = (abs(x - 0.27) < 0.08) & (y > 0.2) & (y < 0.38)
        roof = (abs(x - 0.27) < 0.1 * (0.5 - y) / 0.12) & (y >= 0.38) & (y < 0.5)
        door = (abs(x - 0.29) < 0.018) & (y > 0.2) & (y < 0.3)
        painting = np.where(wall[..., None], [0.75, 0.7, 0.6], painting)
        painting = np.where(roof[..., None], [0.5, 0.12, 0.08], painting)
        return np.where(door[..., None], [0.12, 0.08, 0.06], painting)

    return texture


def window(width: float, height: float, radiance: float, panes: tuple[int, int] = (2, 3), bar: float = 0.05) -> Texture:
    """Radiance of a window on a bright day: sky above ground, between dark bars."""

    def texture(x: Array, y: Array) -> Array:
        columns, rows = panes
        across, up = x % (width / columns), y % (height / rows)
        glass = (np.minimum(across, width / columns - across) > bar / 2) & (
            np.minimum(up, height / rows - up) > bar / 2
        )
        level = (y / height)[..., None]
        outside = np.where(level > 0.35, [0.75, 0.9, 1.15] + 0.3 * level, [0.35, 0.5, 0.25])
        return radiance * glass[..., None] * outside

    return texture


def lamp(radiance: float) -> Texture:
    """An even, slightly warm radiance."""
    return lambda x, y: np.broadcast_to(radiance * np.array([1.0, 0.95, 0.85]), (*np.shape(x), 3))
