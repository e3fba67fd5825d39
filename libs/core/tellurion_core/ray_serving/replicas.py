"""Models on Ray by name, as a front calls them: failures of Ray become errors of our tree."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
import structlog
from ray import serve
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle
from ray.serve.schema import ApplicationStatus

from tellurion_core.errors import ResourceExhausted, TellurionError, Unavailable
from tellurion_core.predictor import model_of
from tellurion_core.progress import Progress, Step
from tellurion_core.ray_serving.hop import Answer, Hop
from tellurion_core.ray_serving.metrics import ModelMetrics
from tellurion_core.tensors import Array

REPLICA = "Replica"
"""Name of each model's deployment; its application has the name of the model."""
SMALL = 2 << 20
"""Bytes of inputs up to which they are sooner at a replica by a message than by Ray's store of objects."""
STATUS_SECONDS = 1.0
"""How old the state of the replicas may be when somebody asks for it: the controller answers slowly."""

log = structlog.get_logger()


class Replicas:
    """Sends requests to the deployments of models, and knows which are there."""

    def __init__(self, models: Mapping[str, Any], metrics: ModelMetrics) -> None:
        # A model may come later than a front, where others deploy both.
        handles = {name: serve.get_deployment_handle(REPLICA, app_name=name, _check_exists=False) for name in models}
        self._routes = {name: _Routes(handle) for name, handle in handles.items()}
        self._metrics = metrics
        self._states: dict[str, int] = {}
        self._read = -STATUS_SECONDS

    async def infer(
        self, model: str, inputs: Mapping[str, Array], *, progress: Progress | None = None
    ) -> Mapping[str, Array]:
        """The model's outputs; cancelling the awaiting task cancels the work.

        Raises:
            NotFound: there is no such model.
            ResourceExhausted: too much waits for a replica.
            Unavailable: no replica, or it died.
        """
        routes = model_of(self._routes, model)
        with self._metrics.request(model), _ray_errors(model):
            answer = await routes.answer(Hop.onward(), inputs, progress)
            self._metrics.ran(answer.batches)
            return answer.result()

    def ready(self) -> dict[str, int]:
        """Replicas that run, of each model that can be asked; blocks."""
        if time.monotonic() - self._read >= STATUS_SECONDS:
            applications = serve.status().applications
            self._states = {
                # Serve answers the states of replicas as strings, whatever its annotation says.
                name: applications[name].deployments[REPLICA].replica_states.get("RUNNING", 0)  # type: ignore[call-overload]
                for name in self._routes
                if name in applications and applications[name].status == ApplicationStatus.RUNNING
            }
            self._read = time.monotonic()
        return self._states


class _Routes:
    """The ways to the replicas of a model."""

    def __init__(self, handle: DeploymentHandle[Any]) -> None:
        messages = handle.options(_by_reference=False, request_serialization="pickle", response_serialization="pickle")
        self._by_message, self._by_store = messages.infer, handle.infer
        self._followed = handle.options(stream=True).followed

    async def answer(self, hop: Hop, inputs: Mapping[str, Array], progress: Progress | None) -> Answer:
        """A replica's answer; cancelling the awaiting task cancels the work."""
        if progress is not None:
            return await _followed(self._followed.remote(hop, inputs), progress)
        small = sum(array.nbytes for array in inputs.values()) <= SMALL
        response: Any = (self._by_message if small else self._by_store).remote(hop, inputs)
        with _cancelled_with(response):
            answer: Answer = await response
        return answer


async def _followed(response: Any, progress: Progress) -> Answer:
    answer: Answer | None = None
    with _cancelled_with(response):
        async for event in response:
            if isinstance(event, Step):
                progress(event.fraction, event.message)
            else:
                answer = event
    if answer is None:
        raise Unavailable("a replica ended before it had answered")
    return answer


@contextmanager
def _cancelled_with(response: Any) -> Iterator[None]:
    try:
        yield
    except asyncio.CancelledError:
        response.cancel()
        raise


@contextmanager
def _ray_errors(model: str) -> Iterator[None]:
    try:
        yield
    except TellurionError:
        raise
    except BackPressureError:
        raise ResourceExhausted(f"{model}: too many requests are waiting; try again later") from None
    except RayTaskError:
        raise  # our own fault, in a replica: the harness logs it
    except grpc.aio.AioRpcError as error:
        log.warning("no message from a replica", model=model, code=error.code().name, error=error.details())
        raise Unavailable(f"{model}: its replica broke off") from None
    except (RayError, RayServeException) as error:
        log.warning("replica lost", model=model, error=str(error))
        raise Unavailable(f"{model}: its replica cannot be reached or died; try again") from None
