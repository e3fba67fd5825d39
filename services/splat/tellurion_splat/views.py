"""The views that a fit learns from: photographs with their cameras, and what else is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tellurion_core.errors import InvalidInput
from tellurion_splat.depth import LEAST_POINTS, aligned, seen_points
from tellurion_splat.spec import FitSpec
from tellurion_splatting.scenes.cameras import Cameras
from tellurion_splatting.scenes.folder import Scene

KEPT_BYTES = 2 << 30
"""Of views that are not read again."""


@dataclass(frozen=True, eq=False)
class View:
    """One photograph, on the device of the fit."""

    name: str
    viewmat: Tensor
    """[4, 4] world to camera."""
    K: Tensor
    """[3, 3]."""
    photograph: Tensor
    """[H, W, 3] in 0 … 1."""
    clean: Tensor | None
    """[H, W, 3] the same without its reflection."""
    depth_prior: Tensor | None
    """[H, W] inverse depth: in the scene's units where it is aligned, or else up to scale and shift."""
    aligned: bool


class Views:
    """A fit's views by number, read when they are asked for.

    Raises InvalidInput for fewer than two, for cameras that all stand at one place, and where a folder that the fit is
    to use is not there or lacks one of them.
    """

    def __init__(self, scene: Scene, spec: FitSpec, device: torch.device | str = "cpu") -> None:
        self._scene, self._device = scene, torch.device(device)
        self.held_out = scene.held_out if spec.hold_out else np.zeros(len(scene.cameras), bool)
        """[C] which of the scene's views are not among these."""
        self._rows = np.flatnonzero(~self.held_out)
        if len(self) < 2 or not np.ptp(self.cameras.positions, axis=0).any():
            received = f"{len(self)} to fit" if len(self) < 2 else "all from one place"
            raise InvalidInput.of("scene.images", received=received, accepted="two or more, from different places")
        self._clean = self._folder("clean_folder", spec.clean_folder)
        self._depth = self._folder("depth_folder", spec.depth_folder)
        width, height = scene.size
        of_view = 4 * width * height * (3 + 3 * bool(self._clean) + bool(self._depth))
        self._kept = lru_cache(max(2, KEPT_BYTES // of_view))(self._read)

    @property
    def cameras(self) -> Cameras:
        """Of these views."""
        return self._scene.cameras[self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, number: int) -> View:
        return self._kept(number)

    def _read(self, number: int) -> View:
        row, scene = self._rows[number], self._scene
        name, viewmat, K = scene.cameras.names[row], scene.cameras.viewmats[row], scene.cameras.intrinsics[row]
        prior, is_aligned = None, False
        if self._depth:
            prior = torch.from_numpy(scene.inverse_depth(self._depth[name]))
            if prior.min() == prior.max():
                accepted = "inverse depths that differ"
                raise InvalidInput.of(f"depth_folder.{name}", received="one value everywhere", accepted=accepted)
            pixels, inverse_depths = seen_points(scene.points, viewmat, K, scene.size)
            places = torch.from_numpy(pixels), torch.from_numpy(inverse_depths).float()
            if len(pixels) >= LEAST_POINTS and (found := aligned(prior, *places)) is not None:
                prior, is_aligned = found, True
        return View(
            name,
            self._tensor(viewmat),
            self._tensor(K),
            self._tensor(scene.image(row)),
            self._tensor(scene.color(self._clean[name])) if self._clean else None,
            None if prior is None else prior.to(self._device),
            is_aligned,
        )

    def _tensor(self, array: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(np.asarray(array, np.float32)).to(self._device)

    def _folder(self, field: str, name: str) -> Mapping[str, Path]:
        if not name:
            return {}
        found = self._scene.folder(name)
        for view in self.cameras.names:
            if view not in found:
                raise InvalidInput.of(field, received=f"no image of {view} in {name}", accepted="one of every view")
        return found
