"""The point-cloud service on gRPC: prepares clouds as they come, asks the predictor in batches, answers in order."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tellurion.pointcloud.v1 import pointcloud_pb2, pointcloud_pb2_grpc
from tellurion_core.errors import Cancelled, InvalidInput
from tellurion_core.predictor import Predictor
from tellurion_core.progress import Progress, Step, followed
from tellurion_core.server import Service
from tellurion_core.serving import predictor_of
from tellurion_core.settings import ServerSettings, ServingSettings, load
from tellurion_core.tensors import Array, encode
from tellurion_pointcloud import wire
from tellurion_pointcloud.batching import Batching, in_order
from tellurion_pointcloud.classes import Classes
from tellurion_pointcloud.evaluate import Scores
from tellurion_pointcloud.models import (
    COLOURED,
    COMPLETE,
    DETECT,
    ENCODED,
    ENCODERS,
    UNMASK,
    Weights,
    encode_model,
    models,
    weights_files,
)
from tellurion_pointcloud.preparation import Prepared, is_heavy, prepared
from tellurion_pointcloud.received import CloudStream, Received
from tellurion_pointcloud.rooms.likeness import unlike_rooms
from tellurion_pointcloud.scoring import evaluated
from tellurion_pointcloud.settings import PointCloudSettings

Context = Any
MOST_EXAMPLES = 4096
"""Of all classes together."""


class PointCloudServicer(pointcloud_pb2_grpc.PointCloudServiceServicer):
    """Answers tellurion.pointcloud.v1.PointCloudService."""

    def __init__(self, predictor: Predictor, weights: Weights, *, data: Path, max_request_bytes: int) -> None:
        self._predictor = predictor
        self._batching = Batching(predictor, models(weights))
        self._weights = weights
        self._data = data
        self._max_request_bytes = max_request_bytes
        self._evaluations = ThreadPoolExecutor(1, thread_name_prefix="evaluate")
        self._heavy = ThreadPoolExecutor(1, thread_name_prefix="heavy")

    async def ListModels(  # noqa: N802
        self, request: pointcloud_pb2.ListModelsRequest, context: Context
    ) -> pointcloud_pb2.ListModelsResponse:
        """The models and their cards."""
        return await asyncio.to_thread(wire.models, self._weights)

    async def Encode(  # noqa: N802
        self, requests: AsyncIterator[pointcloud_pb2.EncodeRequest], context: Context
    ) -> AsyncIterator[pointcloud_pb2.EncodeResponse]:
        """Of each cloud a report, then its encoding."""
        stream = self._stream(requests)
        spec = await stream.spec()
        async with aclosing(self._encodings(stream, spec)) as answers:
            async for cloud, outputs in answers:  # which looks at the model's name first
                source = wire.source(spec.model, self._weights)
                report = pointcloud_pb2.EncodeReport(points=cloud.received, source=source)
                yield pointcloud_pb2.EncodeResponse(report=report)
                for name in ENCODED:
                    for part in encode(name, cloud.placed(outputs[name]) if name == "centers" else outputs[name]):
                        yield pointcloud_pb2.EncodeResponse(tensor=part)

    async def Reconstruct(  # noqa: N802
        self, requests: AsyncIterator[pointcloud_pb2.ReconstructRequest], context: Context
    ) -> AsyncIterator[pointcloud_pb2.ReconstructResponse]:
        """A report, then the points."""
        stream = self._stream(requests)
        spec = await stream.spec()
        unmasks = spec.task == pointcloud_pb2.TASK_UNMASK
        if not unmasks and spec.task != pointcloud_pb2.TASK_COMPLETE:
            raise InvalidInput.of("task", received=spec.task, accepted="TASK_COMPLETE or TASK_UNMASK")
        name = "mmpt" if unmasks else "completion"
        cloud = await self._prepared(await stream.only(), name)
        inputs = {**cloud.inputs, **({"seed": np.array(spec.seed, np.uint64)} if unmasks else {})}
        outputs = await self._batching.infer(UNMASK if unmasks else COMPLETE, inputs)
        report = pointcloud_pb2.ReconstructReport(points=cloud.received, source=wire.source(name, self._weights))
        yield pointcloud_pb2.ReconstructResponse(report=report)
        for output, points in outputs.items():
            for part in encode(output, cloud.placed(points)):
                yield pointcloud_pb2.ReconstructResponse(tensor=part)

    async def Classify(  # noqa: N802
        self, requests: AsyncIterator[pointcloud_pb2.ClassifyRequest], context: Context
    ) -> AsyncIterator[pointcloud_pb2.ClassifyResponse]:
        """The classes of each cloud without a label."""
        stream = self._stream(requests)
        spec = await stream.spec()
        labels: list[str] = []
        examples: list[Array] = []
        classes: Classes | None = None
        async with aclosing(self._encodings(stream, spec)) as answers:
            async for cloud, outputs in answers:
                if not cloud.label:
                    classes = classes or await self._classes(np.array(examples), labels)
                    yield wire.classified(classes.probabilities(outputs["embedding"]))
                    continue
                if classes is not None or len(labels) == MOST_EXAMPLES:
                    accepted = f"at most {MOST_EXAMPLES} examples, before all clouds without a label"
                    raise InvalidInput.of("cloud.label", received=cloud.label, accepted=accepted)
                labels.append(cloud.label)
                examples.append(outputs["embedding"])
        if classes is None:
            raise InvalidInput.of("request", received="no cloud without a label", accepted="examples, then such clouds")

    async def Detect(  # noqa: N802
        self, requests: AsyncIterator[pointcloud_pb2.DetectRequest], context: Context
    ) -> pointcloud_pb2.DetectResponse:
        """The boxes."""
        stream = self._stream(requests)
        spec = await stream.spec()
        received = await stream.only()
        notes = await asyncio.to_thread(unlike_rooms, received)
        scene = await self._prepared(received, "detector", metres=True)
        outputs = await self._predictor.infer(DETECT, scene.inputs)
        classes = self._weights["detector"].network().spec.classes
        boxes = wire.detected(outputs, scene, classes, spec.min_score)
        source = wire.source("detector", self._weights)
        return pointcloud_pb2.DetectResponse(boxes=boxes, points=scene.received, source=source, notes=notes)

    async def Evaluate(  # noqa: N802
        self, request: pointcloud_pb2.EvaluateRequest, context: Context
    ) -> AsyncIterator[pointcloud_pb2.EvaluateResponse]:
        """Progress, then the scores."""
        started = time.monotonic()
        async with aclosing(followed(lambda report: self._evaluated(request, report))) as events:
            async for event in events:
                if isinstance(event, Step):
                    yield pointcloud_pb2.EvaluateResponse(progress=event.wire())
                    continue
                report = wire.evaluate_report(request, event, time.monotonic() - started)
                yield pointcloud_pb2.EvaluateResponse(report=report)

    async def close(self) -> None:
        """Ends what runs."""
        await self._batching.close()
        for threads in (self._heavy, self._evaluations):
            await asyncio.to_thread(threads.shutdown, wait=True, cancel_futures=True)

    def _stream(self, requests: AsyncIterator[Any]) -> CloudStream:
        return CloudStream(requests, self._max_request_bytes)

    async def _encodings(
        self, stream: CloudStream, spec: pointcloud_pb2.EncodeSpec | pointcloud_pb2.ClassifySpec
    ) -> AsyncGenerator[tuple[Prepared, dict[str, Array]], None]:
        """Every cloud of a stream with its encoding."""
        if spec.model not in ENCODERS:
            raise InvalidInput.of("model", received=spec.model, accepted=" or ".join(ENCODERS))

        async def clouds() -> AsyncIterator[Prepared]:
            async for received in stream.clouds():
                cloud = await self._prepared(received, spec.model, spec.points)
                del received  # before the next one comes
                yield cloud

        async def work(cloud: Prepared) -> tuple[Prepared, dict[str, Array]]:
            return cloud, await self._batching.infer(encode_model(spec.model), cloud.inputs)

        async with aclosing(in_order(clouds(), work)) as answers:
            async for answer in answers:
                yield answer

    async def _prepared(self, received: Received, name: str, points: int = 0, *, metres: bool = False) -> Prepared:
        """A cloud for the network of a weights file, of so many points or its own number; heavy ones take turns."""
        shape = self._weights[name].shape
        shape.check(points := points or shape.points)
        threads = self._heavy if is_heavy(len(received.points), points) else None
        ready = partial(prepared, received, points, coloured=name in COLOURED, metres=metres)
        return await asyncio.get_running_loop().run_in_executor(threads, ready)

    async def _classes(self, examples: Array, labels: list[str]) -> Classes:
        """What examples [S, D] tell, learned after whatever else is heavy, until nobody waits for it any more."""
        left = threading.Event()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._heavy, Classes, examples, labels, left.is_set)
        finally:
            left.set()

    async def _evaluated(self, request: pointcloud_pb2.EvaluateRequest, report: Progress) -> Scores:
        """The scores, computed in a thread of their own, one evaluation after the other."""
        loop, left = asyncio.get_running_loop(), threading.Event()

        def told(fraction: float, message: str) -> None:
            if left.is_set():
                raise Cancelled("cancelled while models were scored")
            loop.call_soon_threadsafe(report, fraction, message)

        try:
            return await loop.run_in_executor(
                self._evaluations, evaluated, request.protocol, self._data, self._weights, request.seed, told
            )
        finally:
            left.set()


def services(settings: ServerSettings) -> list[Service]:
    """All of the process."""
    own = load(PointCloudSettings)
    weights = weights_files(own.pointcloud_weights)
    predictor = predictor_of(models(weights), load(ServingSettings))
    servicer = PointCloudServicer(predictor, weights, data=own.data, max_request_bytes=settings.max_request_bytes)
    return [
        Service(
            "tellurion.pointcloud.v1.PointCloudService",
            pointcloud_pb2_grpc.add_PointCloudServiceServicer_to_server,
            servicer,
            start=predictor.load,
            stop=servicer.close,
        )
    ]
