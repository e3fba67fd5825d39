"""A room of 200 000 Gaussians, and what a browser does while a reader turns it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

from tellurion_splatting.files import write_gaussians
from tellurion_splatting.gaussians import SH_C0, Gaussians, Reflection

GAUSSIANS = 200_000
SIZE = 0.009
"""Median standard deviation along a surface, where the room is 4 wide: as small as in fits of that many."""

WATCH = """() => {
    const watched = window.watched = { gaps: [], tasks: [], pictures: 0 };
    let last = performance.now();
    const frame = () => {
        const now = performance.now();
        watched.gaps.push(now - last);
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => watched.tasks.push(...list.getEntries().map((entry) => entry.duration)))
        .observe({ type: 'longtask' });
    // Gaussians are drawn as elements; what is drawn otherwise is a picture that is put together and shown.
    const { drawArrays } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.drawArrays = function (...given) {
        watched.pictures += 1;
        return drawArrays.apply(this, given);
    };
}"""
FORGET = "() => Object.assign(window.watched, { gaps: [], tasks: [], pictures: 0 })"
PIXELS = """() => {
    const small = new OffscreenCanvas(64, 36).getContext('2d');
    small.drawImage(document.querySelector('canvas'), 0, 0, 64, 36);
    return Array.from(small.getImageData(0, 0, 64, 36).data);
}"""


@dataclass(frozen=True)
class Turned:
    """What was seen of a page while its scene was turned; times in ms."""

    longest_gap: float
    """Between two animation frames."""
    longest_task: float
    """Of the main thread; 0 where none took 50 ms."""
    pictures_per_second: float
    seen: list[np.ndarray]
    """The canvas, [36, 64, 3] from 0 to 255, at some moments of the turn."""


def watch(page: Page) -> None:
    """Has the page count its frames, long tasks and pictures from now on."""
    page.evaluate(WATCH)


def first_picture(page: Page, seconds: float) -> np.ndarray:
    """The canvas when something is drawn on it; fails after that time."""
    end = time.monotonic() + seconds
    while (
        page.evaluate("window.watched.pictures") == 0
    ):  # the policy of the page lets Playwright wait for no expression
        assert time.monotonic() < end, "nothing was drawn"
        page.wait_for_timeout(50)
    return canvas(page)


def canvas(page: Page) -> np.ndarray:
    """The canvas as [36, 64, 3] from 0 to 255."""
    return np.array(page.evaluate(PIXELS)).reshape(36, 64, 4)[:, :, :3]


def turn(page: Page, seconds: float) -> Turned:
    """Drags to and fro on the canvas of a page that is watched."""
    box = page.get_by_role("application").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen = []
    page.evaluate(FORGET)
    page.mouse.move(x, y)
    page.mouse.down()
    began, looked = time.monotonic(), 0.0
    while (passed := time.monotonic() - began) < seconds:
        page.mouse.move(x + 200 * math.sin(passed), y + 40 * math.sin(1.7 * passed))
        if passed - looked > 1:
            seen.append(canvas(page))
            looked = passed
        page.wait_for_timeout(15)
    watched = page.evaluate("window.watched")
    page.mouse.up()
    return Turned(
        longest_gap=max(watched["gaps"]),
        longest_task=max(watched["tasks"], default=0),
        pictures_per_second=watched["pictures"] / (time.monotonic() - began),
        seen=seen,
    )


def write_room(path: Path, count: int = GAUSSIANS) -> None:
    """Writes a floor, two walls and five balls, with harmonics of degree 3 and a reflection."""
    chance = np.random.default_rng(1)
    across, along = chance.uniform(-2, 2, (2, count))
    sphere = chance.normal(size=(count, 3))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    ball = chance.integers(0, 5, count)
    middles, radii = chance.uniform((-1.3, 0.2, -1), (1.3, 0.8, 1.3), (5, 3)), chance.uniform(0.25, 0.45, 5)
    level, far, near = np.zeros(count), np.full(count, 2.0), np.full(count, 1.2)
    surfaces = [  # x right, y down, z forward: places, and the directions away from them
        (np.c_[across, near, along], np.c_[level, level - 1, level]),
        (np.c_[across, 0.6 * along, far], np.c_[level, level, level - 1]),
        (np.c_[-far, 0.6 * along, across], np.c_[level + 1, level, level]),
        (middles[ball] + radii[ball, None] * sphere, sphere),
    ]
    kind = chance.choice(4, count, p=[0.3, 0.25, 0.15, 0.3])
    means, normals = (np.choose(kind[:, None], [surface[i] for surface in surfaces]) for i in (0, 1))
    scales = SIZE * np.exp(chance.normal(0, 0.5, (count, 3))) * (1, 1, 0.15)
    opacities = 1 / (1 + np.exp(-chance.normal(1.5, 2, count)))
    colours = 0.5 + 0.4 * np.sin(np.c_[3 * means[:, 0], 5 * means[:, 1] + kind, 4 * means[:, 2]])
    sh, mirrored = chance.normal(0, 0.03, (2, count, 16, 3))
    sh[:, 0], mirrored[:, 0] = (colours - 0.5) / SH_C0, (colours[::-1] - 0.5) / SH_C0
    reflection = Reflection(
        mirrored, np.where(chance.random(count) < 0.3, opacities, 0), np.where(kind == 1, 0.3, 0.02)
    )
    write_gaussians(path, Gaussians(means, _turning_z_to(normals), scales, opacities, sh, reflection))


def _turning_z_to(normals: np.ndarray) -> np.ndarray:
    """Quaternions wxyz [N, 4] that turn z to these unit vectors [N, 3]."""
    quats = np.c_[1 + normals[:, 2], -normals[:, 1], normals[:, 0], np.zeros(len(normals))]
    quats[quats[:, 0] < 1e-6] = (0, 1, 0, 0)
    return quats
