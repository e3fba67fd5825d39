"""The Open Inference Protocol on our gRPC harness: checks requests against the models' specs, and asks for answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core import inference_protocol
from tellurion_core.errors import InvalidInput
from tellurion_core.model_discovery import ModelSource
from tellurion_core.predictor import model_of
from tellurion_core.progress import Progress, Step, followed
from tellurion_core.ray_serving.metrics import ModelMetrics
from tellurion_core.shared_tensors import SharedTensors, identity, to_its_end
from tellurion_core.tensors import Array

Context = Any


class Inference(Protocol):
    """What answers requests."""

    async def infer(
        self, model: str, inputs: Mapping[str, Array], *, progress: Progress | None = None
    ) -> Mapping[str, Array]:
        """The model's outputs for these inputs, which fit its specs."""


class InferenceServicer(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc] # untyped stubs
    """Answers inference.GRPCInferenceService."""

    def __init__(
        self,
        inference: Inference,
        models: Mapping[str, ModelSource],
        ready: Callable[[], Mapping[str, int]],
        metrics: ModelMetrics,
        shared: Path | None = None,
    ) -> None:
        """`ready` says which models can be asked now; it may block. `shared` is a folder of tensors."""
        self._inference = inference
        self._models = models
        self._ready = ready
        self._metrics = metrics
        self._folder = shared
        self._shared = "" if shared is None else identity(shared)

    async def ServerLive(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Whether this process answers."""
        return service_pb2.ServerLiveResponse(live=True)

    async def ServerReady(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Whether every model can be asked."""
        ready = await asyncio.to_thread(self._ready)
        return service_pb2.ServerReadyResponse(ready=all(name in ready for name in self._models))

    async def ModelReady(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Whether a model can be asked."""
        name = self._model(request).name
        return service_pb2.ModelReadyResponse(ready=name in await asyncio.to_thread(self._ready))

    async def ServerMetadata(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Who answers."""
        return service_pb2.ServerMetadataResponse(name="tellurion", version=version("tellurion-core"))

    async def ModelMetadata(self, request: Any, context: Context) -> Any:  # noqa: N802
        """What a model takes and answers."""
        return inference_protocol.metadata(self._model(request))

    async def ModelConfig(self, request: Any, context: Context) -> Any:  # noqa: N802
        """The same, as Triton's clients ask for it."""
        metadata = inference_protocol.metadata(model := self._model(request))
        response = service_pb2.ModelConfigResponse()
        response.config.name, response.config.backend = model.name, "ray"
        response.config.parameters[inference_protocol.PROGRESS].string_value = "true"
        if self._shared:
            response.config.parameters[inference_protocol.ARTIFACTS].string_value = self._shared
        for tensors, of in ((metadata.inputs, response.config.input), (metadata.outputs, response.config.output)):
            for tensor in tensors:
                of.add(name=tensor.name, dims=tensor.shape, data_type=f"TYPE_{tensor.datatype}")
        return response

    async def ModelInfer(self, request: Any, context: Context) -> Any:  # noqa: N802
        """The model's answer."""
        model, inputs, shared = await self._asked(request)
        outputs = await self._inference.infer(model.name, inputs)
        return await _response(model, outputs, request.id, shared)

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:  # noqa: N802
        """For each request in turn: progress, then the model's answer. A request that fails ends the stream."""
        async for request in requests:
            model, inputs, shared = await self._asked(request)

            async def work(report: Progress, name: str = model.name, inputs: Any = inputs) -> Mapping[str, Array]:
                return await self._inference.infer(name, inputs, progress=report)

            async with aclosing(followed(work)) as events:
                async for event in events:
                    if isinstance(event, Step):
                        response = inference_protocol.progress_response(model, event, request.id)
                    else:
                        response = await _response(model, event, request.id, shared)
                    yield service_pb2.ModelStreamInferResponse(infer_response=response)

    async def ModelStatistics(self, request: Any, context: Context) -> Any:  # noqa: N802
        """What was asked of a model, or of all, through this front."""
        models = [self._model(request)] if request.name else self._models.values()
        response = service_pb2.ModelStatisticsResponse()
        for model in models:
            told = self._metrics.statistics[model.name]
            of = response.model_stats.add(
                name=model.name, inference_count=told.inferences, execution_count=told.runs
            ).inference_stats
            of.success.count, of.success.ns = told.answered, int(1e9 * told.seconds)
            of.compute_infer.count, of.compute_infer.ns = told.runs, int(1e9 * told.run_seconds)
        return response

    def _model(self, request: Any) -> ModelSource:
        name = request.model_name if hasattr(request, "model_name") else request.name
        asked = request.model_version if hasattr(request, "model_version") else request.version
        model = model_of(self._models, name)
        if asked not in ("", "1"):
            raise InvalidInput.of("model_version", received=asked, accepted="1, or nothing")
        return model

    async def _asked(self, request: Any) -> tuple[ModelSource, dict[str, Array], SharedTensors | None]:
        model, shared = self._model(request), None
        if self._folder is not None and inference_protocol.ARTIFACTS in request.parameters:
            call = request.parameters[inference_protocol.ARTIFACTS].string_param
            shared = SharedTensors(self._folder, call)
        read = partial(inference_protocol.arrays, request, model.inputs, shared)
        return model, await asyncio.to_thread(read) if inference_protocol.shares(request) else read(), shared


async def _response(
    model: ModelSource, outputs: Mapping[str, Array], request_id: str, shared: SharedTensors | None
) -> Any:
    write = partial(inference_protocol.infer_response, model, outputs, request_id, shared)
    if shared is None or not inference_protocol.too_large(outputs):
        return write()
    try:
        return await to_its_end(write)
    except asyncio.CancelledError:  # the caller has closed them, and may have done so before they were written
        await asyncio.to_thread(shared.close)
        raise
