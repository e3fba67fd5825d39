"""The assimilation service, as a client sees it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

import numpy as np
from numpy.typing import NDArray

from tellurion.assimilation.v1 import assimilation_pb2, assimilation_pb2_grpc
from tellurion_client.assimilation_operation import SERVICE, R, ReportOperation
from tellurion_client.assimilation_options import (
    ENSEMBLE,
    AnalysisOptions,
    TwinOptions,
    check_analysis,
    check_comparison,
    check_twin,
    usual_cycles,
)
from tellurion_client.assimilation_results import (
    AssimilationMethod,
    AssimilationSystem,
    ComparisonReport,
    StateScores,
    TwinReport,
)
from tellurion_client.assimilation_wire import AnswerReader, AtmosphereAnalysis, requests, score_requests
from tellurion_client.operations import cancelled_if_left
from tellurion_client.options import check_priority, check_request_id, check_timeout, countdown
from tellurion_core.call import call_metadata, new_request_id
from tellurion_core.errors import InvalidInput
from tellurion_geo import AtmosphereObservations, AtmosphereStates, read_atmosphere_observations, read_states

if TYPE_CHECKING:
    from tellurion_client.client import Client
    from tellurion_client.ocean import Progress

States: TypeAlias = str | os.PathLike[str] | AtmosphereStates
"""A CF file, or what was read from one."""
AtmosphereObserved: TypeAlias = str | os.PathLike[str] | AtmosphereObservations
"""A CF file of points, or what was read from one."""

LAYERS = "layer_mean"


class AssimilationClient:
    """Brings observations into forecasts. Got from `Client.assimilation`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def analyse(
        self,
        background: States,
        observations: AtmosphereObserved,
        *,
        method: str,
        ensemble: States | None = None,
        progress: Progress | None = None,
        timeout: float | None = None,
        **options: Unpack[AnalysisOptions],
    ) -> AtmosphereAnalysis:
        """The state of the atmosphere, with its uncertainty, from a background and observations of its time.

        An ensemble method (`letkf`, …) moves `ensemble` to the background, or draws members around it where there is
        none; others sample members themselves. Observations count for the background's time; older ones are refused.
        `options` are those of `AnalysisOptions`.

        Without observations the analysis is the background, or the unguided sample of a learned method. The same input
        and options give the same answer. Ctrl-C cancels the work in the service.

        Raises:
            InvalidInput: an option, a background or an observation that cannot be used; an observation older than the
                background.
            NotFound: the service has no such weights.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
            DataCorrupted: the answer arrived damaged.
        """
        check_timeout(timeout)
        check_analysis(method, options)
        if ensemble is not None and method not in ENSEMBLE:
            raise InvalidInput.of("ensemble", received="one", accepted=f"none, except with {', '.join(ENSEMBLE)}")
        state = _states(background, "background")
        around = None if ensemble is None else _states(ensemble, "ensemble", members=True)
        seen = observations
        if not isinstance(seen, AtmosphereObservations):
            seen = read_atmosphere_observations(_path(seen, "observations", AtmosphereObservations))
        _check_together(state, around, seen)
        operator = options.get("operator", "") or (LAYERS if seen.sigma_bounds is not None else "interpolation")
        if operator == LAYERS and seen.sigma_bounds is None:
            raise InvalidInput.of("operator", received=LAYERS, accepted="another, for observations without bounds of σ")
        asked: dict[str, Any] = {**options, "operator": f"OPERATOR_{operator.upper()}"}
        spec = assimilation_pb2.AnalyseSpec(method=method, **asked)
        answer = AnswerReader()
        with self._stream("Analyse", requests(spec, state, around, seen), timeout) as responses:
            for response in responses:
                step = answer.feed(response)
                if step is not None and progress is not None:
                    progress(step.fraction, step.message)
        return answer.result(state.time)

    def twin(
        self,
        system: str,
        method: str,
        *,
        progress: Progress | None = None,
        timeout: float | None = None,
        **options: Unpack[TwinOptions],
    ) -> TwinReport:
        """Cycles a method against a hidden truth of the same system, and scores it. Ctrl-C cancels the work.

        `options` are those of `TwinOptions`. On the atmosphere a cycle takes seconds.

        Raises:
            InvalidInput: an option that cannot be used.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        left = countdown(timeout)
        return _awaited(self.submit_twin(system, method, timeout=timeout, **options), progress, left)

    def submit_twin(
        self,
        system: str,
        method: str,
        *,
        priority: int = 0,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[TwinOptions],
    ) -> ReportOperation[TwinReport]:
        """Has the service do what `twin` does, as long work: it goes on when the client is gone.

        Submitting again under the same `request_id` answers the same operation; without one, each is a new one.

        Raises:
            InvalidInput: an option that cannot be used.
            Conflict: the `request_id` is that of another experiment.
            DeadlineExceeded: not submitted within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        check_twin(system, method, options)
        asked: dict[str, Any] = {**options, "cycles": options.get("cycles") or usual_cycles(system)}
        spec = assimilation_pb2.CycleSpec(system=system, method=method, **asked)
        request_id = _checked(request_id, priority)
        request = assimilation_pb2.CycleRequest(request_id=request_id, spec=spec, priority=priority)
        return self.twin_operation(self._submitted("Cycle", request, timeout))

    def twin_operation(self, name: str) -> ReportOperation[TwinReport]:
        """The twin experiment that was submitted under this name; nothing is asked yet.

        Raises:
            InvalidInput: none can have the name.
        """
        return ReportOperation(self._client, name, assimilation_pb2.CycleReport, TwinReport.of)

    def compare(
        self,
        system: str = "atmosphere",
        *,
        observed: float = 0.01,
        cases: int | None = None,
        seed: int = 0,
        methods: Sequence[str] = (),
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> ComparisonReport:
        """Figures of methods on the same held-out cases, of which the part `observed` of the cells is seen.

        On `atmosphere` 100 cases where no number is given, of all learned methods, `letkf` and `3dvar` where `methods`
        is empty; on `winds` all 32 months and all methods that it has. They take minutes; Ctrl-C cancels them.

        Raises:
            InvalidInput: an option that cannot be used.
            DeadlineExceeded: not done within `timeout` seconds.
            Unavailable: the service cannot be reached or started, or has no model of the atmosphere.
        """
        left = countdown(timeout)
        operation = self.submit_comparison(
            system, observed=observed, cases=cases, seed=seed, methods=methods, timeout=timeout
        )
        return _awaited(operation, progress, left)

    def submit_comparison(
        self,
        system: str = "atmosphere",
        *,
        observed: float = 0.01,
        cases: int | None = None,
        seed: int = 0,
        methods: Sequence[str] = (),
        priority: int = 0,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> ReportOperation[ComparisonReport]:
        """Has the service do what `compare` does, as long work: it goes on when the client is gone.

        Raises:
            InvalidInput, Conflict, DeadlineExceeded, Unavailable: as for `submit_twin`.
        """
        cases = check_comparison(system, methods, observed=observed, cases=cases, seed=seed)
        spec = assimilation_pb2.CompareSpec(system=system, observed=observed, cases=cases, seed=seed, methods=methods)
        request_id = _checked(request_id, priority)
        request = assimilation_pb2.CompareRequest(request_id=request_id, spec=spec, priority=priority)
        return self.comparison_operation(self._submitted("Compare", request, timeout))

    def comparison_operation(self, name: str) -> ReportOperation[ComparisonReport]:
        """The comparison that was submitted under this name; nothing is asked yet.

        Raises:
            InvalidInput: none can have the name.
        """
        return ReportOperation(self._client, name, assimilation_pb2.CompareReport, ComparisonReport.of)

    def score(
        self,
        states: States,
        truth: States,
        *,
        members: bool = False,
        scale: NDArray[np.float64] | None = None,
        timeout: float | None = None,
    ) -> StateScores:
        """Scores of a state, or with `members` of the ensemble in a file, against the truth.

        Over all channels they are in units of `scale` [C], the truth's own standard deviation where None.

        Raises:
            InvalidInput: states that cannot be used, or that are on another grid than the truth.
            DeadlineExceeded, Unavailable: as for `methods`.
        """
        check_timeout(timeout)
        expected = _states(truth, "truth")
        scored = _states(states, "states", members=members)
        _check_grid("states", scored, expected, "the truth")
        return StateScores.of(self._ask("Score", score_requests(scored, expected, scale), timeout))

    def methods(self, *, timeout: float | None = None) -> tuple[AssimilationMethod, ...]:
        """The methods that the service has.

        Raises:
            DeadlineExceeded: no answer within `timeout` seconds.
            Unavailable: the service cannot be reached or started.
        """
        answer = self._ask("ListMethods", assimilation_pb2.ListMethodsRequest(), timeout)
        return tuple(map(AssimilationMethod.of, answer.methods))

    def systems(self, *, timeout: float | None = None) -> tuple[AssimilationSystem, ...]:
        """The systems of twin experiments.

        Raises:
            DeadlineExceeded, Unavailable: as for `methods`.
        """
        answer = self._ask("ListMethods", assimilation_pb2.ListMethodsRequest(), timeout)
        return tuple(map(AssimilationSystem.of, answer.systems))

    def _submitted(self, method: str, request: Any, timeout: float | None) -> str:
        """The name of the operation that comes of a request."""
        check_timeout(timeout)
        self._client.keep_working(SERVICE)  # embedded: what does the work starts while the service does
        name: str = self._ask(method, request, timeout).operation
        return name

    def _ask(self, method: str, request: Any, timeout: float | None) -> Any:
        check_timeout(timeout)
        with self._client.calling(SERVICE):
            stub = assimilation_pb2_grpc.AssimilationServiceStub(self._client.channel(SERVICE))
            return getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())

    @contextmanager
    def _stream(self, method: str, request: Any, timeout: float | None) -> Iterator[Any]:
        """A streaming call, cancelled in the service when the block is left before the answer has ended."""
        stub = assimilation_pb2_grpc.AssimilationServiceStub(self._client.channel(SERVICE))
        with self._client.calling(SERVICE):
            call = getattr(stub, method)(request, timeout=timeout, metadata=call_metadata())
            try:
                yield call
            finally:
                call.cancel()


def _checked(request_id: str | None, priority: int) -> str:
    """The id of a request, a new one where None."""
    check_priority(priority)
    if request_id is None:
        return new_request_id()
    check_request_id(request_id)
    return request_id


def _awaited(operation: ReportOperation[R], progress: Progress | None, left: Callable[[], float | None]) -> R:
    """What comes of an operation that nobody wants once the waiting has ended."""
    with cancelled_if_left(operation.cancel):
        return operation.result(progress=progress, timeout=left())


def _states(given: States, field: str, *, members: bool = False) -> AtmosphereStates:
    if isinstance(given, AtmosphereStates):
        return given
    return read_states(_path(given, field, AtmosphereStates), field, members=members)


def _path(given: object, field: str, otherwise: type) -> str | os.PathLike[str]:
    if isinstance(given, str | os.PathLike):
        return given
    accepted = f"the path of a CF file, or {otherwise.__name__}"
    raise InvalidInput.of(field, received=type(given).__name__, accepted=accepted)


def _check_together(
    background: AtmosphereStates, ensemble: AtmosphereStates | None, observations: AtmosphereObservations
) -> None:
    """Refuses an ensemble on another grid or of another time, and observations that are older than the background."""
    if ensemble is not None:
        _check_grid("ensemble", ensemble, background, "the background")
        _check_time("ensemble.time", ensemble, background)
    if background.time is None or observations.time is None or not len(observations.time):
        return
    moment = background.time.date(0, "background.time")
    begins = observations.time.number(moment, "observations.time")
    if (older := np.flatnonzero(observations.time.values < begins)).size:
        first = int(older[0])
        received = f"{observations.time.date(first, 'observations.time')}: time goes backwards"
        accepted = f"observations from the background's time on, {moment}"
        raise InvalidInput.of(f"observations.time[{first}]", received=received, accepted=accepted)


def _check_grid(field: str, states: AtmosphereStates, others: AtmosphereStates, of: str) -> None:
    if not states.grid.same(others.grid):
        received, accepted = (" × ".join(map(str, each.grid.shape)) for each in (states, others))
        raise InvalidInput.of(f"{field}.grid", received=received, accepted=f"the grid of {of}, {accepted}")


def _check_time(field: str, states: AtmosphereStates, background: AtmosphereStates) -> None:
    if states.time is None or background.time is None:
        return
    moment = background.time.date(0, "background.time")
    if states.time.number(moment, field) != states.time.values[0]:
        received = f"{states.time.date(0, field)}"
        raise InvalidInput.of(field, received=received, accepted=f"the background's time, {moment}")
