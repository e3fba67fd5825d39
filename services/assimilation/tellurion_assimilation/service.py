"""The assimilation service on gRPC: asks the predictor for analyses, submits experiments as jobs, answers scores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import numpy as np

from tellurion.assimilation.v1 import assimilation_pb2, assimilation_pb2_grpc
from tellurion_assimilation import wire
from tellurion_assimilation.models import COORDINATES, FIELDS, SENT, grid_of, model_name, models
from tellurion_assimilation.scoring import score
from tellurion_assimilation.submission import COMPARISON, CYCLE, SERVICE, Submissions
from tellurion_core.artifact_service import service as artifact_service
from tellurion_core.call import answering
from tellurion_core.errors import InvalidInput
from tellurion_core.jobs.opening import job_store
from tellurion_core.jobs.operations import services as operation_services
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.predictor import Predictor
from tellurion_core.progress import Progress, Step, followed
from tellurion_core.server import Service
from tellurion_core.serving import predictor_of
from tellurion_core.settings import ServerSettings, ServingSettings, StateSettings, load
from tellurion_core.tensors import Array, TensorReader, TensorSpec, encode
from tellurion_core.weights import WeightsStore

Context = Any
SCORED: Mapping[str, TensorSpec] = {
    **COORDINATES,
    "truth": TensorSpec("float32", ("C", "Y", "X")),
    "analysis": TensorSpec("float32", ("C", "Y", "X"), optional=True),
    "ensemble": TensorSpec("float32", ("N", "C", "Y", "X"), optional=True),
    "scale": TensorSpec("float64", ("C",), optional=True),
}
"""What is sent to be scored."""


class AssimilationServicer(assimilation_pb2_grpc.AssimilationServiceServicer):
    """Answers tellurion.assimilation.v1.AssimilationService."""

    def __init__(
        self, predictor: Predictor, weights: WeightsStore, submissions: Submissions, *, max_request_bytes: int
    ) -> None:
        self._predictor = predictor
        self._weights = weights
        self._submissions = submissions
        self._max_request_bytes = max_request_bytes

    async def ListMethods(  # noqa: N802
        self, request: assimilation_pb2.ListMethodsRequest, context: Context
    ) -> assimilation_pb2.ListMethodsResponse:
        """The methods and the systems."""
        return wire.methods()

    async def Analyse(  # noqa: N802
        self, requests: AsyncIterator[assimilation_pb2.AnalyseRequest], context: Context
    ) -> AsyncIterator[assimilation_pb2.AnalyseResponse]:
        """Progress, then the report, then the analysis."""
        spec, sent = await self._received(requests, SENT)
        wire.resolve(spec)
        spec.weights = await self._sha256(spec.weights)
        inputs = wire.model_inputs(spec, sent)
        started = time.monotonic()

        async def infer(report: Progress) -> dict[str, Array]:
            return await self._predictor.infer(model_name(spec.method), inputs, progress=report)

        async with aclosing(followed(infer)) as events:
            async for event in events:
                if isinstance(event, Step):
                    yield assimilation_pb2.AnalyseResponse(progress=event.wire())
                    continue
                report = await asyncio.to_thread(wire.analyse_report, spec, sent, event, time.monotonic() - started)
                yield assimilation_pb2.AnalyseResponse(report=report)
                fields = {name: sent[name] for name in COORDINATES} | {name: event[name] for name in FIELDS}
                for name, array in fields.items():
                    for part in encode(name, array):
                        yield assimilation_pb2.AnalyseResponse(tensor=part)

    async def Cycle(  # noqa: N802
        self, request: assimilation_pb2.CycleRequest, context: Context
    ) -> assimilation_pb2.CycleResponse:
        """Submits a twin experiment."""
        name = await asyncio.to_thread(self._submissions.cycle, answering().identity, request)
        return assimilation_pb2.CycleResponse(operation=name)

    async def Compare(  # noqa: N802
        self, request: assimilation_pb2.CompareRequest, context: Context
    ) -> assimilation_pb2.CompareResponse:
        """Submits a comparison."""
        name = await asyncio.to_thread(self._submissions.compare, answering().identity, request)
        return assimilation_pb2.CompareResponse(operation=name)

    async def Score(  # noqa: N802
        self, requests: AsyncIterator[assimilation_pb2.ScoreRequest], context: Context
    ) -> assimilation_pb2.ScoreResponse:
        """The scores of what was sent."""
        _, sent = await self._received(requests, SCORED)
        return await asyncio.to_thread(_scored, sent)

    async def _received(
        self, requests: AsyncIterator[Any], specs: Mapping[str, TensorSpec]
    ) -> tuple[Any, dict[str, Array]]:
        """The specification that a stream begins with, and the tensors."""
        spec: Any = None
        reader = TensorReader(self._max_request_bytes, specs)
        async for request in requests:
            kind = request.WhichOneof("request")
            if (spec is None) != (kind == "spec"):
                accepted = "the spec first and once, then tensors"
                raise InvalidInput.of("request", received=kind or "nothing", accepted=accepted)
            if kind == "spec":
                spec = request.spec
            else:
                reader.feed(request.tensor)
        if spec is None:
            raise InvalidInput.of("request", received="nothing", accepted="the spec, then tensors")
        return spec, reader.finish()

    async def _sha256(self, weights: str) -> str:
        """The SHA-256 of registered weights; empty where none are named. Raises NotFound."""
        return (await asyncio.to_thread(self._weights.get, SERVICE, weights)).sha256 if weights else ""


def services(settings: ServerSettings) -> list[Service]:
    """All of the process: the service with its models, its operations, and the files that belong to them."""
    state, keep = load(StateSettings), timedelta(days=load(JobSettings).retention_days)
    weights, artifacts, jobs = WeightsStore(state.models_folder), state.artifacts(), job_store()
    predictor = predictor_of(models(weights), load(ServingSettings))
    servicer = AssimilationServicer(predictor, weights, Submissions(jobs), max_request_bytes=settings.max_request_bytes)
    return [
        Service(
            "tellurion.assimilation.v1.AssimilationService",
            assimilation_pb2_grpc.add_AssimilationServiceServicer_to_server,
            servicer,
            start=predictor.load,
            stop=predictor.close,
        ),
        *operation_services(SERVICE, jobs, [CYCLE, COMPARISON]),
        artifact_service(artifacts, keep=keep),
    ]


def _scored(sent: Mapping[str, Array]) -> assimilation_pb2.ScoreResponse:
    if ("analysis" in sent) == ("ensemble" in sent):
        received = "both" if "analysis" in sent else "neither"
        raise InvalidInput.of("analysis", received=received, accepted="either an analysis or an ensemble")
    states = sent["analysis"][np.newaxis] if "analysis" in sent else sent["ensemble"]
    if not len(states):
        raise InvalidInput.of("ensemble", received="no member", accepted="at least 1")
    return wire.score_response(score(grid_of(sent), states, sent["truth"], sent.get("scale")))
