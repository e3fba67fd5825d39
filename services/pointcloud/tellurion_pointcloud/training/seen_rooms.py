"""What Gaussian2Scene is shown: rooms, each as a cloud and two of its views, turned, mirrored, stretched and lit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_pointcloud.gaussian2scene import Frame, Spec
from tellurion_pointcloud.gaussian2scene.model import FAR, GREY, Seen, Views
from tellurion_pointcloud.rooms import Rooms
from tellurion_pointcloud.scene_encoder import scene_patches
from tellurion_pointcloud.training import room_changes

GREYED = 0.2
"""Share of the scenes whose points come without colours."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A batch."""

    seen: Seen
    others: Views
    """Further views of the same rooms."""
    fitted: Tensor | None
    """[B, M, 3] places of fitted Gaussians, in the frame of the patches."""

    def on(self, device: str) -> Self:
        """The same there."""

        def views(each: Views) -> Views:
            return Views(each.images.to(device), each.world_to_camera.to(device), each.K.to(device))

        seen = Seen(self.seen.patches.to(device), self.seen.centres.to(device), views(self.seen.views))
        return Drawn(seen, views(self.others), None if self.fitted is None else self.fitted.to(device))


def draw(
    rooms: Rooms, spec: Spec, size: int, random: np.random.Generator, means: NDArray[np.float32] | None = None
) -> Drawn:
    """`size` rooms, each with two of its views, turned, mirrored, stretched and lit at random."""
    points, colours, turns, lights, seen, others, places = [], [], [], [], [], [], []
    for index in random.integers(len(rooms), size=size):
        chosen = room_changes.some_points(rooms, index, spec.points, random)
        turn, light = room_changes.turn(random), room_changes.light(random)
        colour = room_changes.lit(rooms.colours[index][chosen], light)
        points.append(rooms.points[index][chosen] @ turn)
        colours.append(np.full_like(colour, GREY) if random.random() < GREYED else colour)
        turns.append(turn)
        lights.append(light)
        frames = rooms.frames(index)
        for views, view in zip((seen, others), _two(len(frames), random), strict=True):
            views.append(frames[view])
        if means is not None:
            places.append(torch.from_numpy((means[index] @ turn).astype(np.float32)))
    cut = scene_patches(np.stack(points), np.stack(colours), spec.encoder)
    changes = np.stack(turns), np.array(lights), cut.origin.numpy()
    shown, further = (_views(views, *changes, spec) for views in (seen, others))
    fitted = None if means is None else torch.stack(places) - cut.origin[:, None]
    return Drawn(Seen(cut.patches, cut.centres, shown), further, fitted)


def _two(frames: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Two different ones, where there are as many."""
    return random.choice(frames, 2, replace=frames < 2)


def _views(
    frames: Sequence[Frame],
    turns: NDArray[np.float64],  # [B, 3, 3]
    lights: NDArray[np.float64],  # [B]
    origins: NDArray[np.float32],  # [B, 3]
    spec: Spec,
) -> Views:
    """The frames of worlds whose points p became p·turn − origin; lengths in the cameras' frames change alike."""
    poses, K, colours = (
        np.stack([getattr(frame, name) for frame in frames]) for name in ("world_to_camera", "K", "colour")
    )
    stretch = np.cbrt(np.abs(np.linalg.det(turns)))[:, None, None]
    rotations = stretch * poses[:, :3, :3] @ np.linalg.inv(turns).transpose(0, 2, 1)
    translations = stretch * poses[:, :3, 3:] + rotations @ origins[..., None]
    poses = np.concatenate([np.concatenate([rotations, translations], -1), poses[:, 3:]], 1)
    channels = (colours * (lights[:, None, None, None] / 255)).clip(0, 1)
    if spec.channels > channels.shape[-1]:
        depths = np.stack([frame.depth for frame in frames]) * stretch / FAR
        channels = np.concatenate([channels, depths[..., None]], -1)
    images = np.ascontiguousarray(channels.transpose(0, 3, 1, 2) - 0.5)
    return Views(*(torch.from_numpy(each.astype(np.float32)) for each in (images, poses, K)))
