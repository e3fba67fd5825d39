"""Where rays meet the faces of a scene, in float64: what shipped images are checked against, without a renderer."""

from __future__ import annotations

import numpy as np


def first_hit(faces, origins, rays):
    """Multiples [...] of each ray [..., 3] to the nearest face, and which face that is [...], −1 for none."""
    nearest, which = np.full(rays.shape[:-1], np.inf), np.full(rays.shape[:-1], -1)
    for number, face in enumerate(faces):
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = (face.corner - origins) @ face.normal / (rays @ face.normal)
            at = origins + distance[..., None] * rays - face.corner
        edges = np.stack([face.across, face.up])
        along = at @ np.linalg.solve(edges @ edges.T, edges).T
        hit = (distance > 1e-6) & (distance < nearest) & ((along >= 0) & (along <= 1)).all(axis=-1)
        nearest[hit], which[hit] = distance[hit], number
    return nearest, which


def reflected(rays, normal):
    """[..., 3] directions after a mirror."""
    return rays - 2 * (rays @ normal)[..., None] * normal


def texture(face, points):
    """[P, 3] a face's texture at points of it [P, 3]."""
    edges = np.stack([face.across, face.up])
    along = (points - face.corner) @ np.linalg.solve(edges @ edges.T, edges).T
    return face.texture(*(along * np.linalg.norm(edges, axis=1)).T)


def evenly(face, points, reach):
    """[P] whether the texture is the same, within a tenth, that many metres to all sides of points [P, 3]."""
    across, up = (reach * edge / np.linalg.norm(edge) for edge in (face.across, face.up))
    around = np.stack([texture(face, points + i * across + j * up) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    return (np.ptp(around, axis=0) <= 0.1 * around.max(axis=0)).all(axis=1)


def linear(srgb):
    """Inverse of sRGB's transfer function."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
