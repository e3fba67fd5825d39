"""A submitted reconstruction is an operation, and its job answers what the service would have answered at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import any_pb2
from sqlalchemy import Engine

import tellurion_ocean
from tellurion.jobs.v1 import jobs_pb2
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Cancelled, Conflict, DataCorrupted, InvalidInput, NotFound, TellurionError
from tellurion_core.jobs.claims import Claim, Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.running import RunningJob, job_function
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.settings import StateSettings
from tellurion_core.status import rpc_errors
from tellurion_core.tensors import TensorReader, encode
from tellurion_core.weights import WeightsStore
from tellurion_geo import read_analysis

KIND = "ocean.reconstruction"
Request = ocean_pb2.CreateReconstructionRequest
SOUTH_ATLANTIC = {
    "latitude": [-30.0, -30.0, -20.0],
    "longitude": [-20.0, -20.0, -10.0],
    "depth": [10.0, 200.0, 10.0],
    "temperature": [24.0, 16.5, 25.0],
    "uncertainty": [0.01, np.nan, 0.5],
}
"""Three observations that a February there may well see."""


def spec(**changes: Any) -> ocean_pb2.ReconstructSpec:
    return ocean_pb2.ReconstructSpec(**{"method": "climatology", "month": 2, "members": 1, "seed": 5, **changes})


def submission(request_id: str = "r", priority: int = 0, **changes: Any) -> Request:
    asked = {"request_id": request_id, "spec": spec(**changes), "priority": priority}
    return Request(submission=ocean_pb2.ReconstructionSubmission(**asked))


def parts(**changes: Any) -> Iterator[Any]:
    for name, values in (SOUTH_ATLANTIC | changes).items():
        if values is not None:
            yield from encode(name, np.asarray(values, float))


def tensors(**changes: Any) -> list[Request]:
    return [Request(tensor=part) for part in parts(**changes)]


class Ocean:
    """The service, and what a worker on its state folder has in hand."""

    def __init__(self, served: Any, engine: Engine) -> None:
        self.jobs, self.claims = JobStore(engine), Claims(engine, JobSettings(), "worker")
        self.artifacts = ArtifactStore(served.state / "artifacts")
        self.weights = WeightsStore(served.state / "models")
        self._stub = ocean_pb2_grpc.OceanServiceStub(served.channel)
        self._operations = operations_pb2_grpc.OperationsStub(served.channel)

    def submit(self, requests: Iterable[Request]) -> str:
        with rpc_errors():
            return self._stub.CreateReconstruction(iter(requests), timeout=30).operation

    def ask(self, method: str, name: str) -> Any:
        request = getattr(operations_pb2, f"{method}Request")(name=name)
        with rpc_errors():
            return getattr(self._operations, method)(request, timeout=30)

    def claim(self, name: str) -> Claim:
        """The job of an operation that was submitted just now, as its worker has it."""
        while (claim := self.claims.claim([KIND])) is not None:
            if name.endswith(claim.job.id):
                return claim
            self.claims.cancelled(claim)  # an earlier test left it
        raise AssertionError(f"{name} does not wait")

    def called(
        self, asked: ocean_pb2.ReconstructSpec, **changes: Any
    ) -> tuple[ocean_pb2.ReconstructReport, dict[str, np.ndarray]]:
        """What Reconstruct answers now."""
        requests = [ocean_pb2.ReconstructRequest(spec=asked)]
        requests += [ocean_pb2.ReconstructRequest(tensor=part) for part in parts(**changes)]
        report, reader = ocean_pb2.ReconstructReport(), TensorReader(1 << 30)
        with rpc_errors():
            for response in self._stub.Reconstruct(iter(requests), timeout=60):
                if response.HasField("report"):
                    report = response.report
                elif response.HasField("tensor"):
                    reader.feed(response.tensor)
        return report, reader.finish()


@pytest.fixture(scope="module")
def ocean(served: Any) -> Iterator[Ocean]:
    engine = open_engine(JobSettings().database_url(StateSettings(state=served.state)))
    yield Ocean(served, engine)
    engine.dispose()


@pytest.fixture
def run(
    ocean: Ocean, served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ocean_pb2.ReconstructionResult]:
    """Runs the job that was claimed, as its worker would."""
    monkeypatch.setenv("TELLURION_STATE", str(served.state))

    def done(claim: Claim, *, cancelled: bool = False) -> ocean_pb2.ReconstructionResult:
        told: list[tuple[float, str]] = []
        job = RunningJob(
            id=claim.job.id,
            tenant=claim.job.tenant,
            subject=claim.job.subject,
            request_id=claim.job.request_id,
            attempt=claim.job.attempt,
            folder=tmp_path,
            artifacts=ocean.artifacts,
            cancelled=lambda: cancelled,
            progress=lambda fraction, message: told.append((fraction, message)),
        )
        result = job_function(claim.job.kind)(any_pb2.Any.FromString(claim.job.body), job)
        assert list(tmp_path.iterdir()) == []
        fractions = [fraction for fraction, _ in told]
        assert fractions == sorted(fractions)
        assert (told[0], told[-1]) == ((0.0, "loading the model"), (1.0, "writing the analysis"))
        return result

    return done


def asked(claim: Claim) -> ocean_pb2.ReconstructionJob:
    """What the job is to do."""
    job = ocean_pb2.ReconstructionJob()
    assert any_pb2.Any.FromString(claim.job.body).Unpack(job)
    return job


def fields(ocean: Ocean, result: ocean_pb2.ReconstructionResult, folder: Path) -> dict[str, np.ndarray]:
    """The arrays in the file of an analysis."""
    path = folder / "analysis.nc"
    with ocean.artifacts.open("local", result.analysis) as file:
        path.write_bytes(file.read())
    read = read_analysis(path)
    axes = {name: getattr(read.grid, name) for name in ("depth", "lat", "lon")}
    return axes | {name: getattr(read, name) for name in ("mean", "std", "members")}


@pytest.mark.parametrize(
    "computed",
    [
        spec(method="climatology"),
        spec(method="oi", members=3, seed=2**64 - 1),
        pytest.param(spec(method="posterior", members=1, steps=1), marks=pytest.mark.slow),
    ],
    ids=lambda computed: computed.method,
)
def test_the_job_answers_bit_for_bit_what_the_service_answers(
    ocean: Ocean, run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, computed: Any
) -> None:
    report, answered = ocean.called(computed)
    name = ocean.submit([Request(submission={"request_id": computed.method, "spec": computed}), *tensors()])
    result = run(ocean.claim(name))
    found = fields(ocean, result, tmp_path_factory.mktemp("read"))
    assert {name: (array.dtype, array.tobytes()) for name, array in found.items()} == {
        name: (array.dtype, array.tobytes()) for name, array in answered.items()
    }
    assert result.report.seconds > 0
    result.report.seconds = report.seconds
    assert result.report == report


def test_the_operation_answers_the_result(ocean: Ocean, run: Callable[..., Any]) -> None:
    name = ocean.submit([submission("op"), *tensors()])
    assert not ocean.ask("GetOperation", name).done
    claim = ocean.claim(name)
    packed = any_pb2.Any()
    packed.Pack(run(claim))
    ocean.claims.succeed(claim, packed.SerializeToString())
    operation, answered = ocean.ask("GetOperation", name), ocean_pb2.ReconstructionResult()
    assert operation.done
    assert operation.response.Unpack(answered)
    stored = ocean.artifacts.get("local", answered.analysis)
    assert (stored.media_type, stored.name) == ("application/x-netcdf", "analysis-02.nc")


def test_the_same_input_gives_the_same_file(ocean: Ocean, run: Callable[..., Any]) -> None:
    runs = [
        run(ocean.claim(ocean.submit([submission(f"same-{n}", seed=seed), *tensors()])))
        for n, seed in enumerate((5, 5, 6))
    ]
    first, second, other = (result.analysis for result in runs)
    assert first == second
    assert first != other


def test_the_file_says_what_it_was_made_from(ocean: Ocean, run: Callable[..., Any], tmp_path: Path) -> None:
    wild = tensors(temperature=[24.0, 80.0, 25.0])
    result = run(ocean.claim(ocean.submit([submission("wild", method="oi"), *wild])))
    with ocean.artifacts.open("local", result.analysis) as file:
        memory = file.read()
    with netCDF4.Dataset("analysis", memory=memory) as analysis:
        told = {name: analysis.getncattr(name) for name in analysis.ncattrs()}
    assert (told["method"], told["seed"], told["observations_used"], told["observations_rejected"]) == ("oi", 5, 2, 1)
    assert told["observations_sha256"] == result.report.observations_sha256
    assert "seconds" not in told


def test_a_request_that_comes_again_is_the_same_operation(ocean: Ocean) -> None:
    name = ocean.submit([submission("again"), *tensors()])
    assert ocean.submit([submission("again"), *tensors()]) == name
    assert ocean.submit([submission("again", priority=1), *tensors()]) == name
    assert ocean.submit([submission("another"), *tensors()]) != name
    for other in ([submission("again", seed=6), *tensors()], [submission("again"), *tensors(depth=[10, 200, 11])]):
        with pytest.raises(Conflict, match="'again'"):
            ocean.submit(other)


def test_weights_are_those_that_had_the_name_when_it_was_submitted(ocean: Ocean, run: Callable[..., Any]) -> None:
    (shipped,) = (Path(tellurion_ocean.__path__[0]) / "weights").glob("*.safetensors")
    sha256 = ocean.weights.add(shipped, service="ocean", name="north").sha256
    learned = [submission("north", method="posterior", weights="north"), *tensors()]
    claim = ocean.claim(ocean.submit(learned))
    assert asked(claim).spec.weights == sha256
    ocean.weights.remove("ocean", "north")
    with pytest.raises(NotFound, match=sha256):
        run(claim)
    with pytest.raises(NotFound, match="north"):
        ocean.submit(learned)


BAD: dict[str, tuple[list[Request], str]] = {
    "no request id": ([submission(""), *tensors()], "submission.request_id"),
    "request id of other characters": ([submission("a b"), *tensors()], "submission.request_id"),
    "request id too long": ([submission("a" * 65), *tensors()], "submission.request_id"),
    "no specification": ([Request(submission={"request_id": "r"}), *tensors()], "submission.spec"),
    "priority 2": ([submission(priority=2), *tensors()], "submission.priority"),
    "month 13": ([submission(month=13), *tensors()], "submission.spec.month"),
    "unknown method": ([submission(method="kriging"), *tensors()], "method"),
    "steps of a method that takes none": ([submission(method="oi", steps=5), *tensors()], "steps"),
    "too many steps in all": ([submission(method="reconmost", members=9), *tensors()], "members"),
    "latitude 91": ([submission(), *tensors(latitude=[-30, 91, 0])], "observations.latitude[1]"),
    "infinity": ([submission(), *tensors(temperature=[1, np.inf, 1])], "observations.temperature[1]"),
    "lengths disagree": ([submission(), *tensors(depth=[1, 2])], "depth"),
    "no temperature": ([submission(), *tensors(temperature=None)], "temperature"),
    "zero observations": ([submission(), *tensors(**{name: [] for name in SOUTH_ATLANTIC})], "observations"),
    "unknown tensor": ([submission(), *tensors(salinity=[35, 35, 35])], "salinity"),
    "tensor before submission": ([*tensors(), submission()], "request"),
    "submission missing": ([], "request"),
    "submission twice": ([submission(), submission(), *tensors()], "request"),
    "empty message": ([submission(), Request()], "tensor.part"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_field_and_nothing_is_kept(ocean: Ocean, case: str) -> None:
    requests, field = BAD[case]

    def kept() -> tuple[Any, Any]:
        jobs, _ = ocean.jobs.list("local", kinds=[KIND], page_size=1000)
        return [job.id for job in jobs], [artifact.id for artifact in ocean.artifacts.list("local")]

    before = kept()
    with pytest.raises(InvalidInput) as caught:
        ocean.submit(requests)
    assert caught.value.violations[0].field == field
    assert caught.value.violations[0].accepted
    assert kept() == before


def test_damaged_bytes_are_data_loss(ocean: Ocean) -> None:
    damaged = tensors()
    data = damaged[0].tensor.inline.data
    damaged[0].tensor.inline.data = bytes([data[0] ^ 1]) + data[1:]
    with pytest.raises(DataCorrupted, match="latitude: CRC-32C"):
        ocean.submit([submission(), *damaged])


def test_observations_that_are_all_rejected_fail_the_job_as_they_fail_the_call(
    ocean: Ocean, run: Callable[..., Any]
) -> None:
    sahara = {"latitude": [25.0] * 3, "longitude": [15.0] * 3}
    claim = ocean.claim(ocean.submit([submission("sahara", method="oi"), *tensors(**sahara)]))
    with pytest.raises(InvalidInput) as called:
        ocean.called(spec(method="oi"), **sahara)
    with pytest.raises(InvalidInput) as ran:
        run(claim)
    assert ran.value.violations == called.value.violations


def test_stored_observations_that_are_damaged_or_gone_fail_the_job(
    ocean: Ocean, served: Any, run: Callable[..., Any]
) -> None:
    claim = ocean.claim(ocean.submit([submission("damaged"), *tensors(depth=[10, 200, 12])]))
    observations = asked(claim).observations
    path = served.state / "artifacts" / "local" / observations[:2] / observations
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(DataCorrupted, match=observations):
        run(claim)
    ocean.artifacts.delete("local", observations)
    with pytest.raises(NotFound, match=observations):
        run(claim)


def test_a_job_stops_where_it_is_cancelled(ocean: Ocean, run: Callable[..., Any]) -> None:
    claim = ocean.claim(ocean.submit([submission("cancelled", method="oi", members=64), *tensors()]))
    artifacts = [artifact.id for artifact in ocean.artifacts.list("local")]
    with pytest.raises(Cancelled):
        run(claim, cancelled=True)
    assert [artifact.id for artifact in ocean.artifacts.list("local")] == artifacts


def test_what_waits_is_cancelled_listed_and_deleted(ocean: Ocean) -> None:
    name = ocean.submit([submission("waits"), *tensors()])
    listed = ocean.ask("ListOperations", "ocean").operations[0]
    told = jobs_pb2.JobMetadata()
    assert listed.metadata.Unpack(told)
    assert (listed.name, told.kind, told.state, told.request_id) == (name, KIND, jobs_pb2.STATE_QUEUED, "waits")
    ocean.ask("CancelOperation", name)
    assert ocean.ask("GetOperation", name).error.message == "cancelled"
    ocean.ask("DeleteOperation", name)
    with pytest.raises(NotFound):
        ocean.ask("GetOperation", name)


def test_another_body_is_refused(ocean: Ocean, run: Callable[..., Any]) -> None:
    claim = ocean.claim(ocean.submit([submission("body"), *tensors()]))
    body = any_pb2.Any()
    body.Pack(spec())
    forged = Claim(type(claim.job)(**(vars(claim.job) | {"body": body.SerializeToString()})), claim.token)
    with pytest.raises(TellurionError, match=r"tellurion\.ocean\.v1\.ReconstructSpec"):
        run(forged)


def test_the_science_needs_no_database(tmp_path: Path) -> None:
    modules = "tellurion_ocean.models, tellurion_ocean.evaluate, tellurion_ocean.reconstruction"
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tellurion_ocean.posterior" in loaded
    assert not {"sqlalchemy", "alembic", "celery", "redis"} & set(loaded)
