"""Whether a scene is like the rooms that the detector was taught by."""

from __future__ import annotations

import numpy as np

from tellurion_pointcloud.received import Received

FEWEST = 1024
"""Points that show the furniture of a room."""
WIDTHS, TALLEST = (2.0, 15.0), 5.0
"""Of a room: its longer side, and how high it is, in metres."""


def unlike_rooms(scene: Received) -> list[str]:
    """What the scene differs by, a sentence each."""
    notes = []
    if len(scene.points) < FEWEST:
        notes.append(f"{len(scene.points)} points are few: the detector was taught by rooms of thousands")
    if scene.colours is None:
        notes.append("the scene has no colours and is grey to the detector, which was taught by coloured rooms")
    width, depth, height = np.ptp(scene.points, axis=0)
    if not (WIDTHS[0] <= max(width, depth) <= WIDTHS[1] and height <= TALLEST):
        extent = f"{width:.3g} x {depth:.3g} x {height:.3g}"
        notes.append(f"the scene spans {extent}, which is no room in metres with z up")
    return notes
