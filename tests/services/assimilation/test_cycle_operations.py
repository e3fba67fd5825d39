"""A twin experiment that is submitted is an operation, and its job answers what the library would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2
from sqlalchemy import Engine

from tellurion.assimilation.v1 import assimilation_pb2, assimilation_pb2_grpc
from tellurion_assimilation.catalogue import MEMBERS, RADIUS
from tellurion_assimilation.systems import system
from tellurion_assimilation.twin import Setting, twin
from tellurion_assimilation.wire import resolved
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Cancelled, Conflict, DataCorrupted, InvalidInput
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.running import RunningJob, job_function
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.settings import StateSettings
from tellurion_core.status import rpc_errors

KIND = "assimilation.cycle"
CYCLES = 450
"""400 of them are the burn-in of Lorenz-96."""


def spec(**changes: Any) -> assimilation_pb2.CycleSpec:
    usual = {"system": "lorenz96", "method": "etkf", "members": 24, "inflation": 1.013, "cycles": CYCLES, "seed": 3}
    return assimilation_pb2.CycleSpec(**usual | changes)


class Assimilation:
    """The service, and what a worker on its state folder has in hand."""

    def __init__(self, served: Any, engine: Engine) -> None:
        self.jobs, self.claims = JobStore(engine), Claims(engine, JobSettings(), "worker")
        self.artifacts = ArtifactStore(served.state / "artifacts")
        self._stub = assimilation_pb2_grpc.AssimilationServiceStub(served.channel)
        self._operations = operations_pb2_grpc.OperationsStub(served.channel)

    def submit(self, asked: assimilation_pb2.CycleSpec | None, request_id: str = "r", priority: int = 0) -> str:
        request = assimilation_pb2.CycleRequest(request_id=request_id, spec=asked, priority=priority)
        with rpc_errors():
            return self._stub.Cycle(request, timeout=60).operation

    def get(self, name: str) -> operations_pb2.Operation:
        with rpc_errors():
            return self._operations.GetOperation(operations_pb2.GetOperationRequest(name=name), timeout=30)

    def claim(self, name: str) -> Claim:
        """The job of an operation that was submitted just now, as its worker has it."""
        while (claim := self.claims.claim([KIND])) is not None:
            if name.endswith(claim.job.id):
                return claim
            self.claims.cancelled(claim)  # an earlier test left it
        raise AssertionError(f"{name} does not wait")


@pytest.fixture(scope="module")
def assimilation(served: Any) -> Iterator[Assimilation]:
    engine = open_engine(JobSettings().database_url(StateSettings(state=served.state)))
    yield Assimilation(served, engine)
    engine.dispose()


@pytest.fixture
def run(assimilation: Assimilation, tmp_path: Path) -> Callable[..., assimilation_pb2.CycleReport]:
    """Runs the job that was claimed, as its worker would."""

    def done(claim: Claim, *, cancelled: Callable[[], bool] = lambda: False) -> assimilation_pb2.CycleReport:
        told: list[float] = []
        job = RunningJob(
            id=claim.job.id,
            tenant=claim.job.tenant,
            subject=claim.job.subject,
            request_id=claim.job.request_id,
            attempt=claim.job.attempt,
            folder=tmp_path,
            artifacts=assimilation.artifacts,
            cancelled=cancelled,
            progress=lambda fraction, message: told.append(fraction),
        )
        report = job_function(claim.job.kind)(any_pb2.Any.FromString(claim.job.body), job)
        assert told == sorted(told)
        assert told[0] == 0
        return report

    return done


def test_the_operation_answers_what_the_library_computes(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    name = assimilation.submit(spec(), "computes")
    claim = assimilation.claim(name)
    packed = any_pb2.Any()
    packed.Pack(run(claim))
    assimilation.claims.succeed(claim, packed.SerializeToString())
    operation, report = assimilation.get(name), assimilation_pb2.CycleReport()
    assert operation.done
    assert operation.response.Unpack(report)
    same = twin(system("lorenz96"), "etkf", {"inflation": 1.013}, members=24, cycles=CYCLES, seed=3)
    for figure in ("rmse_analysis", "rmse_forecast", "spread", "crps"):
        assert getattr(report, figure) == getattr(same, figure)
    assert list(report.rank_histogram) == list(same.ranks)
    assert sum(report.rank_histogram) == 40 * (CYCLES - 400)
    assert report.spread_skill == same.spread_skill
    assert not any(report.HasField(name) for name in ("diverged", "physics", "geostrophic_departure"))
    assert (report.spec.interval, report.spec.observed, report.spec.variance) == (1, 1, 1)


def test_observations_are_as_they_are_asked_for(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    asked = spec(observed=0.5, interval=2, variance=0.25)
    report = run(assimilation.claim(assimilation.submit(asked, "observed")))
    setting = Setting(interval=2, observed=0.5, variance=0.25)
    same = twin(system("lorenz96"), "etkf", {"inflation": 1.013}, members=24, setting=setting, cycles=CYCLES, seed=3)
    assert report.rmse_analysis == same.rmse_analysis
    assert (report.spec.interval, report.spec.observed, report.spec.variance) == (2, 0.5, 0.25)


def test_a_method_without_members_has_no_ranks(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    asked = assimilation_pb2.CycleSpec(system="lorenz63", method="3dvar", amplitude=0.1, cycles=100, seed=1)
    report = run(assimilation.claim(assimilation.submit(asked, "3dvar")))
    assert not report.rank_histogram
    assert report.rmse_analysis < 3  # the climate's is 7.6


def test_what_is_left_to_the_atmosphere_is_its_own() -> None:
    asked = assimilation_pb2.CycleSpec(system="atmosphere", method="dps", cycles=20)
    known = resolved(asked)
    assert (known.interval, known.observed, known.members, known.localization) == (48, 0.01, MEMBERS, 0)
    asked.method, asked.members, asked.interval = "letkf", 20, 24
    known = resolved(asked)
    assert (known.interval, known.members, known.localization, known.variance) == (24, 20, RADIUS, 0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_atmosphere_is_cycled_and_its_balance_told(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    asked = assimilation_pb2.CycleSpec(**ATMOSPHERE | {"cycles": 14, "seed": 1})
    report = run(assimilation.claim(assimilation.submit(asked, "atmosphere")))
    assert report.rmse_analysis < report.rmse_forecast < 0.5
    assert 0.5 < report.spread_skill < 2
    assert 0.5 < report.physics < 1
    assert sum(report.rank_histogram) == 4 * 16 * 48 * 96
    assert (report.spec.members, len(report.rank_histogram)) == (MEMBERS, MEMBERS + 1)


def test_a_filter_that_diverges_says_when(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    asked = spec(members=5, inflation=1.0, cycles=900)  # fewer members than directions that grow, no localisation
    report = run(assimilation.claim(assimilation.submit(asked, "diverges")))
    assert 400 <= report.diverged < 900
    assert not report.rmse_analysis < 3


def test_a_job_stops_where_it_is_cancelled(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    claim = assimilation.claim(assimilation.submit(spec(cycles=100_000), "cancelled"))
    asked = iter([False, False])
    with pytest.raises(Cancelled):
        run(claim, cancelled=lambda: next(asked, True))


def test_a_request_that_comes_again_is_the_same_operation(assimilation: Assimilation) -> None:
    name = assimilation.submit(spec(), "again")
    assert assimilation.submit(spec(), "again", priority=1) == name
    assert assimilation.submit(spec(), "another") != name
    with pytest.raises(Conflict, match="'again'"):
        assimilation.submit(spec(seed=4), "again")


ATMOSPHERE = {"system": "atmosphere", "method": "3dvar", "members": 0, "inflation": 0, "cycles": 20}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown system": ({"system": "lorenz05"}, "system"),
    "unknown method": ({"method": "kriging"}, "method"),
    "a method that only analyses": ({"method": "dps"}, "method"),
    "no members": ({"members": 0}, "members"),
    "one member": ({"members": 1}, "members"),
    "more members than memory allows": ({"members": 100_000}, "members"),
    "members of a method without any": ({"method": "oi", "inflation": 0}, "members"),
    "no localization": ({"method": "letkf"}, "localization"),
    "an option that the method does not take": ({"amplitude": 0.5}, "amplitude"),
    "inflation of a method that takes none": ({"method": "oi", "members": 0}, "inflation"),
    "negative inflation": ({"inflation": -1}, "spec.inflation"),
    "no cycles": ({"cycles": 0}, "spec.cycles"),
    "cycles that end in the burn-in": ({"cycles": 400}, "cycles"),
    "time going backwards": ({"interval": -1}, "spec.interval"),
    "negative variance": ({"variance": -1}, "spec.variance"),
    "more than all observed": ({"observed": 1.5}, "spec.observed"),
    "a method that does not analyse": (ATMOSPHERE | {"method": "extended_kf"}, "method"),
    "an atmosphere without members for a filter": (ATMOSPHERE | {"method": "letkf"}, "members"),
    "an atmosphere with one member": (ATMOSPHERE | {"members": 1}, "members"),
    "an atmosphere with more members than memory allows": (ATMOSPHERE | {"members": 100_000}, "members"),
    "an atmosphere of which less than a cell is observed": (ATMOSPHERE | {"observed": 1e-5}, "observed"),
    "an atmosphere observed once in two years": (ATMOSPHERE | {"interval": 17_520}, "interval"),
    "an atmosphere observed with other errors": (ATMOSPHERE | {"variance": 2}, "variance"),
    "an atmosphere whose cycles end in the burn-in": (ATMOSPHERE | {"cycles": 10}, "cycles"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_field_and_nothing_is_submitted(assimilation: Assimilation, case: str) -> None:
    changes, field = BAD[case]

    def waiting() -> list[str]:
        return [job.id for job in assimilation.jobs.list("local", kinds=[KIND], page_size=1000)[0]]

    before = waiting()
    with pytest.raises(InvalidInput) as caught:
        assimilation.submit(spec(**changes), "bad")
    assert caught.value.violations[0].field == field
    assert waiting() == before


@pytest.mark.parametrize(
    ("asked", "request_id", "field"), [(None, "r", "spec"), (spec(), "", "request_id"), (spec(), "a b", "request_id")]
)
def test_a_request_is_whole(assimilation: Assimilation, asked: Any, request_id: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        assimilation.submit(asked, request_id)
    assert caught.value.violations[0].field == field


def test_another_body_is_refused(assimilation: Assimilation, run: Callable[..., Any]) -> None:
    claim = assimilation.claim(assimilation.submit(spec(), "body"))
    body = any_pb2.Any()
    body.Pack(assimilation_pb2.CycleRequest())
    forged = Claim(type(claim.job)(**(vars(claim.job) | {"body": body.SerializeToString()})), claim.token)
    with pytest.raises(DataCorrupted, match=r"tellurion\.assimilation\.v1\.CycleRequest"):
        run(forged)
