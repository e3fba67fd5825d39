"""The ocean service, as the routes see it: points and options in, arrays and scores out, errors of our tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_client.ocean_wire import AnswerReader, Reconstruction, requests
from tellurion_core.errors import DataCorrupted, Unavailable
from tellurion_core.progress import Progress
from tellurion_gateway.upstreams import Upstreams, failures_of
from tellurion_geo import Points


class Ocean:
    """Calls the ocean service. Cancelling the awaiting task cancels the call, and the work behind it."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    def permit(self, method: str) -> tuple[tuple[str, str], ...]:
        """The metadata of a call that the caller may ask for; known before its request is read.

        Raises:
            NotFound: there is no ocean service here.
            PermissionDenied: the caller's key is not for it, or its role not for this method.
        """
        self._upstreams.permit("ocean", f"tellurion.ocean.v1.OceanService/{method}")
        return self._upstreams.credential()

    async def methods(self) -> ocean_pb2.ListMethodsResponse:
        """The methods and their grid."""
        with _errors():
            return await self._stub.ListMethods(ocean_pb2.ListMethodsRequest(), metadata=self.permit("ListMethods"))

    async def reconstruct(
        self, spec: ocean_pb2.ReconstructSpec, points: Points, *, progress: Progress
    ) -> Reconstruction:
        """One month of temperature on the service's grid."""
        reader = AnswerReader()
        with _errors():
            call = self._stub.Reconstruct(requests(spec, points), metadata=self.permit("Reconstruct"))
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
            call = self._stub.Evaluate(request, metadata=self.permit("Evaluate"))
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
    def _stub(self) -> ocean_pb2_grpc.OceanServiceAsyncStub:
        return ocean_pb2_grpc.OceanServiceStub(self._upstreams.channel("ocean"))


@contextmanager
def _errors() -> Iterator[None]:
    """Failures as `failures_of` tells them; an answer that arrives damaged is none of the caller's doing."""
    try:
        with failures_of("ocean"):
            yield
    except DataCorrupted as error:
        raise Unavailable("the ocean service's answer arrived damaged; try again") from error
