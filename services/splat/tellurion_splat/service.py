"""The splat service on gRPC: submits fits as jobs, streams frames, scores, converts and describes."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch

from tellurion.splat.v1 import splat_pb2, splat_pb2_grpc
from tellurion_core.artifact_service import service as artifact_service
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.call import answering
from tellurion_core.errors import InvalidInput
from tellurion_core.jobs.opening import job_store
from tellurion_core.jobs.operations import services as operation_services
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.predictor import CancelCheck
from tellurion_core.progress import Progress, Step, followed
from tellurion_core.server import Service
from tellurion_core.settings import ServerSettings, StateSettings, load
from tellurion_splat import wire
from tellurion_splat.edit import edited
from tellurion_splat.evaluation import Evaluation, evaluate
from tellurion_splat.frames import ENCODERS
from tellurion_splat.rendering import Models, check_pixels, seen, shown, streamed
from tellurion_splat.splats import Splats
from tellurion_splat.stored import Stored, masks_of
from tellurion_splat.submission import KIND, SERVICE, Submissions
from tellurion_splatting.files import encoded_gaussians, read_gaussians
from tellurion_splatting.scenes import Cameras, read_scene
from tellurion_splatting.scenes.images import read_gray

READ_AT_ONCE = 2
"""Scenes that are unpacked and models that are converted, of all callers together: more wait."""
FORGOTTEN_SECONDS = 24 * 3600.0
"""Age of what no call that goes on can have unpacked."""

Context = Any
T = TypeVar("T")


class SplatServicer(splat_pb2_grpc.SplatServiceServicer):
    """Answers tellurion.splat.v1.SplatService."""

    def __init__(
        self, artifacts: ArtifactStore, submissions: Submissions, *, keep: timedelta, scratch: Path | None = None
    ) -> None:
        """`scratch` is where files are unpacked for the time of a call; where the system has such where None."""
        self._artifacts = artifacts
        self._scratch = scratch
        self._submissions = submissions
        self._keep = keep
        self._models = Models()
        # One frame at a time, which takes all cores; those of several callers take turns.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="render")
        self._readers = ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="read")

    async def Fit(self, request: splat_pb2.FitRequest, context: Context) -> splat_pb2.FitResponse:  # noqa: N802
        """Submits a fit."""
        name = await asyncio.to_thread(self._submissions.fit, answering().identity, request)
        return splat_pb2.FitResponse(operation=name)

    async def Render(  # noqa: N802
        self, request: splat_pb2.RenderRequest, context: Context
    ) -> AsyncIterator[splat_pb2.RenderResponse]:
        """A component from each camera."""
        stored, background = self._stored(), wire.check_colour("background", list(request.background))
        component = wire.name_of(splat_pb2.Component, request.component, "component")
        encode = ENCODERS[wire.name_of(splat_pb2.FrameFormat, request.format, "format")]
        cameras = await asyncio.to_thread(_cameras, stored, request.cameras)
        splats = await asyncio.to_thread(self._models.load, stored, request.model)

        def frame(index: int) -> bytes:
            components = seen(splats, cameras, index, background, normals=component == "normal")
            return encode(shown(components, component), component)

        async with aclosing(streamed(self._thread, frame, cameras.names)) as parts:
            async for part in parts:
                yield splat_pb2.RenderResponse(part=part)

    async def Edit(  # noqa: N802
        self, request: splat_pb2.EditRequest, context: Context
    ) -> AsyncIterator[splat_pb2.EditResponse]:
        """The edited image from each camera."""
        stored, background = self._stored(), wire.check_colour("background", list(request.background))
        tint = torch.tensor(wire.check_colour("tint", list(request.tint)) or [1.0, 1.0, 1.0])
        encode = ENCODERS[wire.name_of(splat_pb2.FrameFormat, request.format, "format")]
        cameras = await asyncio.to_thread(_cameras, stored, request.cameras)
        splats = await asyncio.to_thread(self._models.load, stored, request.model)
        if not splats.reflective:
            accepted = "one that a fit in mode ref-unlock made"
            raise InvalidInput.of("model", received="a model without a reflection", accepted=accepted)
        with ExitStack() as stack:
            mask = await asyncio.to_thread(_masks, stack, stored, request.masks, cameras)

            def frame(index: int) -> bytes:
                components = seen(splats, cameras, index, background)
                image = edited(components, mask(index), request.reflection, tint)
                return encode(image.cpu().numpy(), "all")

            async with aclosing(streamed(self._thread, frame, cameras.names)) as parts:
                async for part in parts:
                    yield splat_pb2.EditResponse(part=part)

    async def Evaluate(  # noqa: N802
        self, request: splat_pb2.EvaluateRequest, context: Context
    ) -> AsyncIterator[splat_pb2.EvaluateResponse]:
        """Progress, then the scores."""
        stored = self._stored()
        splats = await asyncio.to_thread(self._models.load, stored, request.model)

        async def scores(report: Progress) -> Evaluation:
            loop = asyncio.get_running_loop()

            def told(fraction: float, message: str) -> None:
                loop.call_soon_threadsafe(report, fraction, message)

            return await self._read(lambda left: _evaluated(stored, request.scene, splats, left, told))

        async with aclosing(followed(scores)) as events:
            async for event in events:
                if isinstance(event, Step):
                    yield splat_pb2.EvaluateResponse(progress=event.wire())
                else:
                    yield splat_pb2.EvaluateResponse(report=wire.evaluate_report(event))

    async def Convert(  # noqa: N802
        self, request: splat_pb2.ConvertRequest, context: Context
    ) -> splat_pb2.ConvertResponse:
        """Stores the model in another format."""
        stored = self._stored()
        return await self._read(lambda left: self._converted(stored, request))

    async def Describe(  # noqa: N802
        self, request: splat_pb2.DescribeRequest, context: Context
    ) -> splat_pb2.DescribeResponse:
        """What a model or a scene is."""
        stored = self._stored()
        return await self._read(lambda left: _described(stored, request, left))

    async def close(self) -> None:
        """Ends the rendering."""
        for threads in (self._thread, self._readers):
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)

    async def _read(self, do: Callable[[CancelCheck], T]) -> T:
        """Does what takes a file whole, when there is a place for it; it is told whether the caller has left."""
        left = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, do, left.is_set)
        finally:
            left.set()

    def _stored(self) -> Stored:
        return Stored(self._artifacts, answering().identity.tenant, self._scratch)

    def _converted(self, stored: Stored, request: splat_pb2.ConvertRequest) -> splat_pb2.ConvertResponse:
        suffix = wire.SUFFIXES.get(request.format)
        if suffix is None:
            accepted = ", ".join(splat_pb2.ModelFormat.keys()[1:])
            raise InvalidInput.of("format", received=request.format, accepted=accepted)
        gaussians = stored.gaussians(request.model)
        content = encoded_gaussians(gaussians.transmitted() if request.transmitted else gaussians, suffix)
        artifact = self._artifacts.put(
            stored.tenant, [content], media_type="application/octet-stream", name=f"scene{suffix}", keep=self._keep
        )
        written = read_gaussians(content, suffix)  # what the format has no place for is not there
        return splat_pb2.ConvertResponse(
            model=artifact.id, total_bytes=artifact.size, gaussians=len(written), sh_degree=written.degree
        )


def services(settings: ServerSettings) -> list[Service]:
    """All of the process: the service, its operations, and the files that go in and out."""
    state, keep = load(StateSettings), timedelta(days=load(JobSettings).retention_days)
    artifacts, jobs = state.artifacts(), job_store()
    scratch = _tidied(state.state / "scratch" / SERVICE)
    servicer = SplatServicer(artifacts, Submissions(jobs, artifacts), keep=keep, scratch=scratch)
    return [
        Service(
            "tellurion.splat.v1.SplatService",
            splat_pb2_grpc.add_SplatServiceServicer_to_server,
            servicer,
            stop=servicer.close,
        ),
        *operation_services(SERVICE, jobs, [KIND]),
        artifact_service(artifacts, keep=keep),
    ]


def _tidied(folder: Path) -> Path:
    """A folder that is there, without what processes that were killed have left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # a call's, which has ended meanwhile
            if path.stat().st_mtime < time.time() - FORGOTTEN_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
    return folder


def _cameras(stored: Stored, given: splat_pb2.Cameras) -> Cameras:
    match given.WhichOneof("cameras"):
        case "transforms":
            cameras = stored.cameras(given.transforms)
        case "arrays":
            cameras = wire.cameras_of(given.arrays)
        case _:
            raise InvalidInput.of("cameras", received="nothing", accepted="transforms or arrays")
    check_pixels(cameras)
    return cameras


def _masks(stack: ExitStack, stored: Stored, masks: str, cameras: Cameras) -> Callable[[int], torch.Tensor]:
    """The mask [H, W] of a camera by its number; they are unpacked until the stack is closed."""
    size = cameras.width, cameras.height
    if not masks:
        return lambda index: torch.ones(size[::-1])
    paths = masks_of(stack.enter_context(stored.unpacked(masks, "masks")), cameras)
    return lambda index: torch.from_numpy(read_gray(paths[index], size))


def _evaluated(stored: Stored, scene: str, splats: Splats, cancelled: CancelCheck, progress: Progress) -> Evaluation:
    with stored.unpacked(scene, "scene", cancelled) as folder:
        read = read_scene(folder)
        check_pixels(read.cameras)
        return evaluate(splats, read, cancelled=cancelled, progress=progress)


def _described(
    stored: Stored, request: splat_pb2.DescribeRequest, cancelled: CancelCheck
) -> splat_pb2.DescribeResponse:
    match request.WhichOneof("subject"):
        case "model":
            return splat_pb2.DescribeResponse(model=wire.model_description(stored.gaussians(request.model)))
        case "scene":
            with stored.unpacked(request.scene, "scene", cancelled) as folder:
                return splat_pb2.DescribeResponse(scene=wire.scene_description(read_scene(folder)))
    raise InvalidInput.of("subject", received="nothing", accepted="model or scene")
