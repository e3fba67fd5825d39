"""The ocean service, as a client sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_client.answers import reported
from tellurion_client.observations import Observations, of_one_month, points_of
from tellurion_client.ocean_operation import SERVICE, ReconstructionOperation
from tellurion_client.ocean_wire import AnswerReader, Reconstruction, requests, submission_requests
from tellurion_client.operations import cancelled_if_left
from tellurion_client.options import (
    DEFAULT_METHOD,
    METHODS,
    check_evaluation_month,
    check_learned,
    check_members,
    check_method,
    check_methods,
    check_month,
    check_priority,
    check_request_id,
    check_sampling,
    check_seed,
    check_timeout,
    countdown,
)
from tellurion_client.scores import Method, MethodScores
from tellurion_core.call import call_metadata, new_request_id
from tellurion_geo import Points

if TYPE_CHECKING:
    from tellurion_client.client import Client

Progress = Callable[[float, str], None]
"""Told the part of the work that is done, 0 to 1, and what is being done now."""


class OceanClient:
    """Reconstructs the ocean's temperature from sparse observations. Got from `Client.ocean`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, Method] | None = None

    def reconstruct(
        self,
        observations: Observations,
        *,
        method: str = DEFAULT_METHOD,
        month: int | None = None,
        members: int = 8,
        seed: int = 0,
        steps: int = 0,
        weights: str = "",
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Reconstruction:
        """One month of temperature on the service's grid, with its uncertainty.

        The month is that of the observations' time. With `month`, only the observations of that month are used, of
        any year, and those without a time. The same observations and options give the same answer. Ctrl-C cancels the
        work in the service.

        What may take longer than ten seconds is an operation, where the services last longer than this client: it is
        done by a worker, and goes on should the ocean service be started again meanwhile.

        A learned method takes `steps`, how many its sampler does, its own number where 0; and `weights`, the name or
        SHA-256 of weights that are registered with the service (`tellurion models add`), those shipped where empty.

        Raises:
            InvalidInput: an option or an observation that cannot be used; observations of several months, or without
                time, and no `month`.
            NotFound: the service has no such weights.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
            DataCorrupted: the answer arrived damaged.
        """
        left = countdown(timeout)
        spec, points = _asked(observations, method, month, members, seed, steps, weights)
        if self.takes_long(method, members, steps, timeout=timeout):
            return self._awaited(spec, points, progress, left)
        answer = AnswerReader()
        with self._call("Reconstruct", requests(spec, points), timeout) as responses:
            for response in responses:
                step = answer.feed(response)
                if step is not None and progress is not None:
                    progress(step.fraction, step.message)
        return answer.result()

    def submit(
        self,
        observations: Observations,
        *,
        method: str = DEFAULT_METHOD,
        month: int | None = None,
        members: int = 8,
        seed: int = 0,
        steps: int = 0,
        weights: str = "",
        priority: int = 0,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> ReconstructionOperation:
        """Has the service do what `reconstruct` does, as long work: it goes on when the client is gone.

        `priority` is −1 for later than the tenant's other work, 1 for sooner. Submitting again under the same
        `request_id` answers the same operation; without one, each submission is a new one. `timeout` is how many
        seconds the submission may take.

        Raises:
            InvalidInput: an option or an observation that cannot be used, as for `reconstruct`.
            NotFound: the service has no such weights.
            Conflict: the `request_id` is that of another reconstruction.
            DeadlineExceeded: not submitted within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        check_timeout(timeout)
        check_priority(priority)
        if request_id is not None:
            check_request_id(request_id)
        spec, points = _asked(observations, method, month, members, seed, steps, weights)
        return self._submitted(spec, points, timeout, request_id=request_id, priority=priority)

    def takes_long(self, method: str, members: int, steps: int = 0, *, timeout: float | None = None) -> bool:
        """Whether `reconstruct` makes an operation of this: it may take long, and the services last.

        Raises:
            DeadlineExceeded, Unavailable: as for `methods`, which are asked for once.
        """
        if not self._client.lasting:
            return False
        if self._known is None:
            self._known = {known.name: known for known in self.methods(timeout=timeout)}
        return method in self._known and self._known[method].long(members, steps)

    def _awaited(
        self,
        spec: ocean_pb2.ReconstructSpec,
        points: Points,
        progress: Progress | None,
        left: Callable[[], float | None],
    ) -> Reconstruction:
        """What comes of an operation that nobody wants once the waiting has ended."""
        operation = self._submitted(spec, points, left())
        with cancelled_if_left(operation.cancel):
            return operation.result(progress=progress, timeout=left())

    def _submitted(
        self,
        spec: ocean_pb2.ReconstructSpec,
        points: Points,
        timeout: float | None,
        *,
        request_id: str | None = None,
        priority: int = 0,
    ) -> ReconstructionOperation:
        submission = ocean_pb2.ReconstructionSubmission(
            request_id=request_id or new_request_id(), spec=spec, priority=priority
        )
        self._client.keep_working(SERVICE)  # embedded: what does the work starts while the service does
        with self._client.calling(SERVICE):
            stub = ocean_pb2_grpc.OceanServiceStub(self._client.channel(SERVICE))
            call = stub.CreateReconstruction(
                submission_requests(submission, points), timeout=timeout, metadata=call_metadata()
            )
        return self.operation(call.operation)

    def operation(self, name: str) -> ReconstructionOperation:
        """The reconstruction that was submitted under this name; nothing is asked yet.

        Raises:
            InvalidInput: none can have the name.
        """
        return ReconstructionOperation(self._client, name)

    def evaluate(
        self,
        *,
        month: int,
        observed: float | None = None,
        profiles: int | None = None,
        methods: Iterable[str] = (),
        members: int = 8,
        seed: int = 0,
        steps: int = 0,
        weights: str = "",
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> dict[str, MethodScores]:
        """Scores by method on a month of the World Ocean Atlas that no method was fitted to.

        What the methods see is drawn from the atlas with `seed`: either the part `observed` of the wet cells of each
        level, or so many full `profiles`. All but `reconmost` where `methods` is empty. Those that are learned take
        `steps` and `weights` as in `reconstruct`.

        Raises:
            InvalidInput: an option that cannot be used.
            NotFound: the service has no such weights.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        chosen = tuple(methods)
        check_evaluation_month(month)
        check_sampling(observed, profiles)
        check_methods(chosen)
        check_members(members, least=2)
        check_seed(seed)
        check_learned(chosen or METHODS, steps=steps, weights=weights)
        check_timeout(timeout)
        request = ocean_pb2.EvaluateRequest(
            month=month, seed=seed, methods=chosen, members=members, steps=steps, weights=weights
        )
        if observed is not None:
            request.observed = observed
        if profiles is not None:
            request.profiles = profiles
        with self._call("Evaluate", request, timeout) as responses:
            report: ocean_pb2.EvaluateReport = reported(responses, progress)
        return {scores.method: MethodScores.of(scores) for scores in report.scores}

    def methods(self, *, timeout: float | None = None) -> tuple[Method, ...]:
        """The methods that the service has, best first.

        Raises:
            DeadlineExceeded: no answer within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        check_timeout(timeout)
        with self._client.calling(SERVICE):
            stub = ocean_pb2_grpc.OceanServiceStub(self._client.channel(SERVICE))
            answer = stub.ListMethods(ocean_pb2.ListMethodsRequest(), timeout=timeout, metadata=call_metadata())
        return tuple(map(Method.of, answer.methods))

    @contextmanager
    def _call(self, method: str, request: Any, timeout: float | None) -> Iterator[Any]:
        """A streaming call, cancelled in the service when the block is left before the answer has ended."""
        stub = ocean_pb2_grpc.OceanServiceStub(self._client.channel(SERVICE))
        with self._client.calling(SERVICE):
            call = getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())
            try:
                yield call
            finally:
                call.cancel()


def _asked(
    observations: Observations, method: str, month: int | None, members: int, seed: int, steps: int, weights: str
) -> tuple[ocean_pb2.ReconstructSpec, Points]:
    """What is to be computed, and the points of its month."""
    check_method(method)
    check_members(members, least=1)
    check_seed(seed)
    check_learned([method], steps=steps, weights=weights)
    if month is not None:
        check_month(month)
    month, points = of_one_month(points_of(observations), month)
    spec = ocean_pb2.ReconstructSpec(
        method=method, month=month, members=members, seed=seed, steps=steps, weights=weights
    )
    return spec, points
