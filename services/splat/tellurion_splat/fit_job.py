"""The job `splat.fit`: a submitted fit, from the zip of its scene to the PLY of its model.

    <job's folder>/scene/           the scene, unpacked; it goes when the attempt ends
    <job's folder>/checkpoint.pt    how far it has come

Killed at any moment and begun again, it goes on from its last checkpoint and stores the same model. A checkpoint is
kept where the job was cancelled, which it also is by a worker that stops and leaves it to the next.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import numpy as np
from google.protobuf import any_pb2
from numpy.typing import NDArray

from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import Cancelled, DataCorrupted, TellurionError, Unavailable
from tellurion_core.jobs.running import RunningJob
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import load
from tellurion_splat.fit import CHECKPOINT, Fit
from tellurion_splat.frames import png
from tellurion_splat.rendering import device
from tellurion_splat.stored import Stored
from tellurion_splat.wire import fit_report, fit_spec, resolved
from tellurion_splatting.files import encoded_gaussians
from tellurion_splatting.scenes import read_scene


def fit(body: any_pb2.Any, job: RunningJob) -> splat_pb2.FitReport:
    """Does the FitSpec in `body`.

    Raises:
        InvalidInput: a scene that cannot be fitted.
        NotFound: the scene is no longer kept.
        DataCorrupted: the checkpoint is damaged.
        ResourceExhausted: the disk is full.
        Cancelled: soon after the job was cancelled.
    """
    spec = splat_pb2.FitSpec()
    if not body.Unpack(spec):
        raise DataCorrupted(f"the job's body is {body.TypeName()}, not {spec.DESCRIPTOR.full_name}")
    folder = job.folder / "scene"
    try:
        return _fitted(resolved(spec), folder, job)
    except TellurionError as error:
        if not isinstance(error, Cancelled | Unavailable):  # after others there is no further attempt
            (job.folder / CHECKPOINT).unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fitted(spec: splat_pb2.FitSpec, folder: Path, job: RunningJob) -> splat_pb2.FitReport:
    """Fits a scene that is unpacked into `folder`."""
    job.progress(0.0, "unpacking the scene")
    Stored(job.artifacts, job.tenant).unpack(spec.scene, folder, "scene", job.cancelled)
    job.progress(0.0, "reading the scene")
    fitting = Fit(read_scene(folder), fit_spec(spec), job.folder, device=device(), truth=False)
    pictures = _Pictures(job)
    fitted = fitting.run(pictures.progress, job.cancelled, pictures.take)
    pictures.progress(1.0, "storing the model")
    model = _stored(job, encoded_gaussians(fitted.gaussians, ".ply"), "application/octet-stream", "scene.ply")
    return fit_report(spec, fitted, model=model, preview=pictures.newest)


class _Pictures:
    """Previews of a fit: each is stored, and the progress from then on names the newest."""

    def __init__(self, job: RunningJob) -> None:
        self._job = job
        self.newest = ""
        """SHA-256 of the latest."""

    def take(self, done: int, picture: NDArray[np.float32]) -> None:
        """Stores one, [H, W, 3] in 0 … 1."""
        self.newest = _stored(self._job, png(picture, "all"), "image/png", f"preview-{done:06d}.png")

    def progress(self, fraction: float, message: str) -> None:
        """Tells how far the fit has come, and what there is to see of it."""
        self._job.progress(fraction, f"{message}, preview {self.newest}" if self.newest else message)


def _stored(job: RunningJob, data: bytes, media_type: str, name: str) -> str:
    """The SHA-256 of bytes, which are kept as long as the job is remembered."""
    keep = timedelta(days=load(JobSettings).retention_days)
    return job.artifacts.put(job.tenant, [data], media_type=media_type, name=name, keep=keep).id
