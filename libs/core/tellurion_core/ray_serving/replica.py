"""A replica: one model, loaded once, whose predictions run in a thread, those that agree in batches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

import numpy as np
import structlog

from tellurion_core.batching_predictor import Batch, BatchingPredictor
from tellurion_core.errors import Internal, TellurionError
from tellurion_core.model_discovery import ModelSource
from tellurion_core.predictor import LocalPredictor
from tellurion_core.progress import Progress, Step, followed
from tellurion_core.ray_serving.hop import Answer, Hop
from tellurion_core.ray_serving.settings import Scaling
from tellurion_core.settings import TelemetrySettings
from tellurion_core.telemetry import Tracing, configure_logs, tracer_provider
from tellurion_core.tensors import Array

log = structlog.get_logger()


class Replica:
    """The body of a model's deployment."""

    async def __init__(self, source: ModelSource, scaling: Scaling, telemetry: TelemetrySettings) -> None:  # type: ignore[misc] # awaited by Serve
        """Loads the model."""
        configure_logs(telemetry.log_level, f"ray-{source.name}")
        self._tracing = Tracing(tracer_provider(telemetry, f"ray-{source.name}"))
        self._batches: list[Batch] = []
        model = source.make()
        local = LocalPredictor([model], waiting=scaling.max_ongoing_requests)
        await local.load()
        self._model = model.name
        self._predictor = BatchingPredictor(
            local, [model], most=scaling.batch_items, wait=scaling.batch_wait_s, ran=self._batches.append
        )

    async def infer(self, hop: Hop, inputs: Mapping[str, Array]) -> Answer:
        """The model's answer. Cancelling the request cancels the work."""
        return await self._answer(hop, inputs, None)

    async def followed(self, hop: Hop, inputs: Mapping[str, Array]) -> AsyncIterator[Step | Answer]:
        """Progress, then the model's answer."""
        async with aclosing(followed(lambda report: self._answer(hop, inputs, report))) as events:
            async for event in events:
                yield event

    async def _answer(self, hop: Hop, inputs: Mapping[str, Array], progress: Progress | None) -> Answer:
        call = hop.enter()
        span = self._tracing.begin(f"{self._model}/predict", dict(hop.trace))
        code = "CANCELLED"
        try:
            # Arrays in Ray's store are read-only and pinned there; models get their own, as they do elsewhere.
            owned = {name: np.require(array, requirements="W") for name, array in inputs.items()}
            outputs = await self._predictor.infer(self._model, owned, deadline=call.deadline, progress=progress)
            code = "OK"
            return Answer(outputs, b"", self._ran())
        except TellurionError as error:
            code = error.grpc_status.name
            return Answer.failed(error, hop.request_id, self._ran())
        except Exception:
            code = "INTERNAL"
            log.exception("prediction failed", model=self._model)
            fault = Internal(f"internal error; the log has it under request id {hop.request_id}")
            return Answer.failed(fault, hop.request_id, self._ran())
        finally:
            self._tracing.end(span, code)

    def _ran(self) -> list[Batch]:
        ran = self._batches.copy()
        self._batches.clear()
        return ran
