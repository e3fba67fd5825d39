"""The ocean service on gRPC: takes observations, asks the predictor or submits a job, answers fields and scores."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import numpy as np

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
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
from tellurion_core.tensors import Array, TensorReader, encode
from tellurion_core.weights import WeightsStore
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.atlas import EVALUATION_MONTHS, training_atlas
from tellurion_ocean.evaluate import Experiment, experiment, score
from tellurion_ocean.methods import COMPARED, DEFAULT_STEPS, LEARNED, METHODS, TYPICAL_SECONDS, check_evaluations
from tellurion_ocean.models import FIELDS, OBSERVATIONS, model_name, models
from tellurion_ocean.submission import KIND, SERVICE, Submissions
from tellurion_ocean.wire import model_inputs, report_of

Context = Any


class OceanServicer(ocean_pb2_grpc.OceanServiceServicer):
    """Answers tellurion.ocean.v1.OceanService."""

    def __init__(
        self, predictor: Predictor, weights: WeightsStore, submissions: Submissions, *, max_request_bytes: int
    ) -> None:
        self._predictor = predictor
        self._weights = weights
        self._submissions = submissions
        self._max_request_bytes = max_request_bytes

    async def ListMethods(  # noqa: N802
        self, request: ocean_pb2.ListMethodsRequest, context: Context
    ) -> ocean_pb2.ListMethodsResponse:
        """The methods, best first, and their grid."""
        grid = (await asyncio.to_thread(training_atlas)).grid
        methods = [
            ocean_pb2.Method(
                name=name,
                description=_description(method),
                ensemble=True,
                learned=name in LEARNED,
                typical_seconds=TYPICAL_SECONDS[name],
            )
            for name, method in reversed(METHODS.items())
        ]
        return ocean_pb2.ListMethodsResponse(methods=methods, depth=grid.depth, lat=grid.lat, lon=grid.lon)

    async def Reconstruct(  # noqa: N802
        self, requests: AsyncIterator[ocean_pb2.ReconstructRequest], context: Context
    ) -> AsyncIterator[ocean_pb2.ReconstructResponse]:
        """Progress, then the report, then the analysis."""
        spec, observations = await self._received(requests, "spec")
        started = time.monotonic()
        async with aclosing(followed(lambda report: self._infer(spec, observations, report))) as events:
            async for event in events:
                if isinstance(event, Step):
                    yield ocean_pb2.ReconstructResponse(progress=event.wire())
                    continue
                report = await asyncio.to_thread(report_of, spec, observations, event, time.monotonic() - started)
                yield ocean_pb2.ReconstructResponse(report=report)
                for name in FIELDS:
                    for part in encode(name, event[name]):
                        yield ocean_pb2.ReconstructResponse(tensor=part)

    async def CreateReconstruction(  # noqa: N802
        self, requests: AsyncIterator[ocean_pb2.CreateReconstructionRequest], context: Context
    ) -> ocean_pb2.CreateReconstructionResponse:
        """Submits what Reconstruct would do now."""
        submission, observations = await self._received(requests, "submission")
        name = await asyncio.to_thread(self._submissions.submit, answering().identity, submission, observations)
        return ocean_pb2.CreateReconstructionResponse(operation=name)

    async def Evaluate(  # noqa: N802
        self, request: ocean_pb2.EvaluateRequest, context: Context
    ) -> AsyncIterator[ocean_pb2.EvaluateResponse]:
        """Progress, then the scores of the models as they are served."""
        methods = list(request.methods or COMPARED)
        for index, method in enumerate(methods):
            _check_method(method, f"methods[{index}]")
        _check_learned(methods, request)
        if request.month not in EVALUATION_MONTHS:
            accepted = f"{' or '.join(map(str, EVALUATION_MONTHS))}, which no method was fitted to"
            raise InvalidInput.of("month", received=request.month, accepted=accepted)
        sampling = request.WhichOneof("sampling")
        if sampling is None:
            raise InvalidInput.of("sampling", received="nothing", accepted="observed or profiles")
        request.weights = await self._sha256(request.weights)
        drawn = {sampling: getattr(request, sampling)}
        trial = await asyncio.to_thread(experiment, request.month, seed=request.seed, **drawn)
        scores = []
        for index, method in enumerate(methods):

            def work(report: Progress, method: str = method) -> Any:
                return self._score(method, trial, request, report)

            async with aclosing(followed(work)) as events:
                async for event in events:
                    if isinstance(event, Step):
                        step = Step((index + event.fraction) / len(methods), f"{method}: {event.message}")
                        yield ocean_pb2.EvaluateResponse(progress=step.wire())
                    else:
                        scores.append(event)
        yield ocean_pb2.EvaluateResponse(report=ocean_pb2.EvaluateReport(scores=scores))

    async def _received(self, requests: AsyncIterator[Any], first: str) -> tuple[Any, dict[str, Array]]:
        """What a stream begins with, which is or has a specification, weights by SHA-256; and the observations."""
        opening: Any = None
        reader = TensorReader(self._max_request_bytes, OBSERVATIONS)
        async for request in requests:
            kind = request.WhichOneof("request")
            if (opening is None) != (kind == first):
                accepted = f"the {first} first and once, then tensors"
                raise InvalidInput.of("request", received=kind or "nothing", accepted=accepted)
            if kind == first:
                opening = getattr(request, first)
                spec = opening if first == "spec" else opening.spec
                _check_method(spec.method, "method")
                _check_learned([spec.method], spec)
                spec.weights = await self._sha256(spec.weights)
            else:
                reader.feed(request.tensor)
        if opening is None:
            raise InvalidInput.of("request", received="nothing", accepted=f"the {first}, then tensors")
        observations = reader.finish()
        if not observations["temperature"].size:
            raise InvalidInput.of("observations", received="zero observations", accepted="at least 1")
        return opening, observations

    async def _sha256(self, weights: str) -> str:
        """The SHA-256 of registered weights; empty where none are named. Raises NotFound."""
        return (await asyncio.to_thread(self._weights.get, SERVICE, weights)).sha256 if weights else ""

    async def _infer(
        self, spec: ocean_pb2.ReconstructSpec, observations: Mapping[str, Array], report: Progress
    ) -> dict[str, Array]:
        return await self._predictor.infer(model_name(spec.method), model_inputs(spec, observations), progress=report)

    async def _score(
        self, method: str, trial: Experiment, request: ocean_pb2.EvaluateRequest, report: Progress
    ) -> ocean_pb2.MethodScores:
        spec = ocean_pb2.ReconstructSpec(method=method, month=trial.month, members=request.members, seed=request.seed)
        if method in LEARNED:
            spec.steps, spec.weights = request.steps, request.weights
        observations = {name: getattr(trial.observations, name) for name in OBSERVATIONS}
        started = time.monotonic()
        outputs = await self._infer(spec, observations, report)
        seconds = time.monotonic() - started
        analysis = Analysis(outputs["mean"].astype(np.float64), outputs["std"].astype(np.float64), outputs["members"])
        table: dict[str, Any] = await asyncio.to_thread(score, trial, analysis, seed=request.seed)
        return ocean_pb2.MethodScores(
            method=method,
            masked=ocean_pb2.SquaredError(**table["masked"]),
            all_cells=ocean_pb2.SquaredError(**table["all_cells"]),
            area_weighted=table["area_weighted"],
            level_normalised=table["level_normalised"],
            spread_skill=table["spread_skill"],
            crps=table["crps"],
            seconds=seconds,
        )


def services(settings: ServerSettings) -> list[Service]:
    """All of the process: the service with its models, its operations, and the files that go in and out of them."""
    state, keep = load(StateSettings), timedelta(days=load(JobSettings).retention_days)
    weights, artifacts, jobs = WeightsStore(state.models_folder), state.artifacts(), job_store()
    predictor = predictor_of(models(weights), load(ServingSettings))
    submissions = Submissions(jobs, artifacts, keep)
    return [
        Service(
            "tellurion.ocean.v1.OceanService",
            ocean_pb2_grpc.add_OceanServiceServicer_to_server,
            OceanServicer(predictor, weights, submissions, max_request_bytes=settings.max_request_bytes),
            start=predictor.load,
            stop=predictor.close,
        ),
        *operation_services(SERVICE, jobs, [KIND]),
        artifact_service(artifacts, keep=keep),
    ]


def _check_method(method: str, field: str) -> None:
    if method not in METHODS:
        raise InvalidInput.of(field, received=method, accepted=", ".join(reversed(METHODS)))


def _check_learned(methods: Collection[str], asked: ocean_pb2.ReconstructSpec | ocean_pb2.EvaluateRequest) -> None:
    """Refuses what only a learned method takes where none of the methods is one, and what takes one too long."""
    for method in LEARNED.intersection(methods):
        check_evaluations(method, asked.members, asked.steps or DEFAULT_STEPS[method])
    if not LEARNED.isdisjoint(methods):
        return
    for field in ("steps", "weights"):
        if value := getattr(asked, field):
            raise InvalidInput.of(field, received=value, accepted=f"none, except with {' or '.join(sorted(LEARNED))}")


def _description(method: Any) -> str:
    """The first line of the module that a method's mathematics stands in."""
    module = inspect.getmodule(method)
    return (inspect.getdoc(module) or "").splitlines()[0]
