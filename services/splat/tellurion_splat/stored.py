"""What a tenant has stored, opened: models, cameras, scenes and masks, each bounded before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck
from tellurion_splat.archive import unpack
from tellurion_splatting.files import read_gaussians
from tellurion_splatting.files.bounds import MAX_JSON_BYTES
from tellurion_splatting.gaussians import Gaussians
from tellurion_splatting.scenes import Cameras, read_cameras
from tellurion_splatting.scenes.images import SUFFIXES, image_size
from tellurion_splatting.scenes.nerfstudio import FILE

MAX_MODEL_BYTES = 1 << 30
"""Of a model's file, and of what comes of it in memory: two of them fit beside the service."""
GREY = ("1", "L", "I", "I;16", "I;16B", "I;16L")
"""Pillow's modes of one channel."""


@dataclass(frozen=True)
class Stored:
    """The artifacts of one tenant; all methods raise NotFound for an id that it has none of."""

    artifacts: ArtifactStore
    tenant: str
    scratch: Path | None = None
    """Where files are unpacked for a while; where the system has such where None."""

    def gaussians(self, artifact_id: str) -> Gaussians:
        """A model.

        Raises InvalidInput: too large, in no known format, or Gaussians that cannot be; cut off or damaged.
        """
        self._check_size(artifact_id, MAX_MODEL_BYTES, "model")
        with self.artifacts.open(self.tenant, artifact_id) as file:
            return read_gaussians(file.read(), None, MAX_MODEL_BYTES)

    def cameras(self, artifact_id: str) -> Cameras:
        """Cameras of a transforms.json. Raises InvalidInput where they cannot be used."""
        self._check_size(artifact_id, MAX_JSON_BYTES, FILE)
        with TemporaryDirectory(prefix="cameras-", dir=self.scratch) as folder:
            path = Path(folder) / FILE
            self.artifacts.fetch(self.tenant, artifact_id, path)
            return read_cameras(path)

    @contextmanager
    def unpacked(self, artifact_id: str, field: str, cancelled: CancelCheck = lambda: False) -> Iterator[Path]:
        """The folder that a zip is of, for the time of the block. Raises as `archive.unpack`."""
        with TemporaryDirectory(prefix=f"{field}-", dir=self.scratch) as place:
            folder = Path(place) / field
            self.unpack(artifact_id, folder, field, cancelled)
            yield folder

    def unpack(self, artifact_id: str, folder: Path, field: str, cancelled: CancelCheck = lambda: False) -> None:
        """Unpacks a zip into a folder that is left alone where it is there. Raises as `archive.unpack`."""
        with self.artifacts.open(self.tenant, artifact_id) as file:
            unpack(file, folder, field, cancelled)

    def _check_size(self, artifact_id: str, most: int, field: str) -> None:
        size = self.artifacts.get(self.tenant, artifact_id).size
        if size > most:
            accepted = f"at most {most} bytes"
            raise InvalidInput.of(field, received=f"{size} bytes", accepted=accepted, reason="TOO_LARGE")


def masks_of(folder: Path, cameras: Cameras) -> list[Path]:
    """The mask of each camera, by its name.

    Raises InvalidInput: a camera without a mask, with two, or with one of another size or in colour.
    """
    found: dict[str, Path] = {}
    for path in folder.rglob("*"):
        if path.suffix.lower() in SUFFIXES and found.setdefault(path.stem, path) != path:
            raise InvalidInput.of("masks", received=f"two named {path.stem}", accepted="one image for each camera")
    for name in cameras.names:
        if name not in found:
            raise InvalidInput.of("masks", received=f"none of {name}", accepted="an image for each camera, by its name")
        if (size := image_size(found[name])) != (cameras.width, cameras.height):
            accepted = f"{cameras.width}×{cameras.height}, as the cameras say"
            raise InvalidInput.of(f"masks.{name}", received="{}×{}".format(*size), accepted=accepted)
        with Image.open(found[name]) as image:
            if image.mode not in GREY:
                accepted = "one channel of 8 or 16 bits"
                raise InvalidInput.of(f"masks.{name}", received=f"mode {image.mode}", accepted=accepted)
    return [found[name] for name in cameras.names]
