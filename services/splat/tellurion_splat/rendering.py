"""Views of stored models, and frames as they are streamed: one is rendered while the one before it is being sent."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor

import crc32c
import torch
from torch import Tensor

from tellurion.splat.v1 import splat_pb2
from tellurion_core.errors import InvalidInput
from tellurion_core.tensors import CHUNK_BYTES
from tellurion_splat.components import Components, render
from tellurion_splat.frames import Frame
from tellurion_splat.splats import Splats
from tellurion_splat.stored import Stored
from tellurion_splatting.scenes import Cameras

KEPT_MODELS = 2
"""Loaded models that are kept for the next call."""
MAX_PIXELS = 1 << 24
"""Of a frame, about 100 bytes each while it is rendered."""


class Models:
    """The models that were used last; for several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Splats] = OrderedDict()
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def load(self, stored: Stored, artifact_id: str) -> Splats:
        """A model of the tenant's. Raises as `Stored.gaussians`.

        One is loaded at a time, after there is room for it; those that are kept do not wait for that.
        """
        stored.artifacts.get(stored.tenant, artifact_id)  # another tenant's is none, whoever used it last
        if (splats := self._found(artifact_id)) is not None:
            return splats
        with self._loading:
            if (splats := self._found(artifact_id)) is None:
                with self._lock:
                    while len(self._kept) >= KEPT_MODELS:
                        self._kept.popitem(last=False)
                splats = Splats.of(stored.gaussians(artifact_id), device())
                with self._lock:
                    self._kept[artifact_id] = splats
        return splats

    def _found(self, artifact_id: str) -> Splats | None:
        with self._lock:
            if artifact_id in self._kept:
                self._kept.move_to_end(artifact_id)
            return self._kept.get(artifact_id)


def device() -> str:
    """Where models are rendered: a GPU where there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def check_pixels(cameras: Cameras) -> None:
    """Raises InvalidInput where one frame would take more memory than a service has for it."""
    if cameras.width * cameras.height > MAX_PIXELS:
        received, accepted = f"{cameras.width}×{cameras.height}", f"at most {MAX_PIXELS} pixels"
        raise InvalidInput.of("cameras.size", received=received, accepted=accepted, reason="TOO_LARGE")


@torch.no_grad()
def seen(
    splats: Splats, cameras: Cameras, index: int, background: Sequence[float] = (), *, normals: bool = False
) -> Components:
    """What one of the cameras sees; `background` is red, green and blue, black where empty."""
    viewmat, K = (torch.from_numpy(m[index]).to(splats.means) for m in (cameras.viewmats, cameras.intrinsics))
    behind = splats.means.new_tensor(background) if background else None
    return render(splats, viewmat, K, (cameras.width, cameras.height), background=behind, normals=normals)


def shown(components: Components, name: str) -> Frame:
    """A component [H, W, 3], of depth and weight [H, W], by its name in `frames.COMPONENTS`."""
    tensor: Tensor = getattr(components, {"all": "image"}.get(name, name))
    return tensor.detach().cpu().numpy()


async def streamed(
    thread: Executor, frame: Callable[[int], bytes], names: Sequence[str]
) -> AsyncGenerator[splat_pb2.FramePart, None]:
    """The parts of the frames with these names, in order; memory holds two. Closing it early renders no more.

    `frame` makes the file of the frame with a number; `thread` is where it does.
    """
    loop = asyncio.get_running_loop()
    ahead = loop.run_in_executor(thread, frame, 0)
    try:
        for index, name in enumerate(names):
            data = await ahead
            if index + 1 < len(names):
                ahead = loop.run_in_executor(thread, frame, index + 1)
            header = splat_pb2.FrameHeader(
                index=index, count=len(names), name=name, total_bytes=len(data), crc32c=crc32c.crc32c(data)
            )
            yield splat_pb2.FramePart(header=header)
            for start in range(0, len(data), CHUNK_BYTES):
                yield splat_pb2.FramePart(chunk=data[start : start + CHUNK_BYTES])
    finally:
        ahead.cancel()
