"""The ocean service, as the routes see it: points and options in, arrays and scores out, errors of our tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_client.ocean_wire import AnswerReader, Reconstruction, requests
from tellurion_core.client import Channels
from tellurion_core.errors import (
    Cancelled,
    Conflict,
    DataCorrupted,
    DeadlineExceeded,
    Internal,
    InvalidInput,
    NotFound,
    ResourceExhausted,
    TellurionError,
    Unavailable,
)
from tellurion_core.progress import Progress
from tellurion_core.status import rpc_errors
from tellurion_geo import Points

SERVICE = ocean_pb2.DESCRIPTOR.services_by_name["OceanService"]
HEALTH_SECONDS = 2.0
"""How long a health check may take."""

log = structlog.get_logger()


class Ocean:
    """Calls the ocean service. Cancelling the awaiting task cancels the call, and the work behind it."""

    def __init__(self, channels: Channels, address: str) -> None:
        self._channels = channels
        self._address = address

    async def check(self) -> None:
        """Returns when the service says that it serves.

        Raises:
            Unavailable: it says otherwise, or nothing.
        """
        health = health_pb2_grpc.HealthStub(self._channel)
        request = health_pb2.HealthCheckRequest(service=SERVICE.full_name)
        try:
            response = await health.Check(request, timeout=HEALTH_SECONDS)
        except grpc.RpcError:
            raise Unavailable("the ocean service does not answer") from None
        if response.status != health_pb2.HealthCheckResponse.SERVING:
            raise Unavailable("the ocean service is not serving")

    async def methods(self) -> ocean_pb2.ListMethodsResponse:
        """The methods and their grid."""
        with _errors():
            return await self._stub.ListMethods(ocean_pb2.ListMethodsRequest())

    async def reconstruct(
        self, spec: ocean_pb2.ReconstructSpec, points: Points, *, progress: Progress
    ) -> Reconstruction:
        """One month of temperature on the service's grid."""
        reader = AnswerReader()
        with _errors():
            call = self._stub.Reconstruct(requests(spec, points))
            try:
                async for response in call:
                    if (step := reader.feed(response)) is not None:
                        progress(step.fraction, step.message)
            finally:
                call.cancel()
            return reader.result()

    async def evaluate(self, request: ocean_pb2.EvaluateRequest, *, progress: Progress) -> list[ocean_pb2.MethodScores]:
        """The scores of the methods, in the order asked."""
        scores: list[ocean_pb2.MethodScores] | None = None
        with _errors():
            call = self._stub.Evaluate(request)
            try:
                async for response in call:
                    if response.WhichOneof("response") == "progress":
                        progress(response.progress.fraction, response.progress.message)
                    elif response.WhichOneof("response") == "report":
                        scores = list(response.report.scores)
            finally:
                call.cancel()
        if scores is None:
            raise Unavailable("the ocean service's answer ended before its report; try again")
        return scores

    @property
    def _channel(self) -> grpc.aio.Channel:
        return self._channels.to(self._address)

    @property
    def _stub(self) -> ocean_pb2_grpc.OceanServiceAsyncStub:
        return ocean_pb2_grpc.OceanServiceStub(self._channel)


@contextmanager
def _errors() -> Iterator[None]:
    """Lets the caller's own errors through; what happens between gateway and service is told without its details.

    gRPC's own messages name addresses, and a credential that is refused here is the gateway's, not the caller's.
    """
    try:
        with rpc_errors():
            yield
    except (InvalidInput, NotFound, Conflict, ResourceExhausted, DeadlineExceeded):
        raise
    except (Unavailable, DataCorrupted, Cancelled) as error:
        log.warning("ocean service failed", reason=error.reason, error=error.message)
        raise Unavailable("the ocean service cannot be reached or stopped answering; try again") from error
    except TellurionError as error:
        raise Internal("the ocean service failed") from error
