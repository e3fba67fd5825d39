"""A comparison that is submitted is an operation, whose figures come through as they were found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import any_pb2

from tellurion.assimilation.v1 import assimilation_pb2, assimilation_pb2_grpc
from tellurion_assimilation.catalogue import COMPARABLE, COMPARED, OFFERS
from tellurion_assimilation.paired import FIGURES, Compared, Figure
from tellurion_assimilation.systems.winds import FEWEST_MONTHS, TEST_MONTHS
from tellurion_assimilation.wire import compare_report
from tellurion_client import ComparisonReport, assimilation_options
from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Cancelled, Conflict, DataCorrupted, InvalidInput
from tellurion_core.jobs.running import RunningJob, job_function
from tellurion_core.status import rpc_errors

KIND = "assimilation.comparison"


def spec(**changes: Any) -> assimilation_pb2.CompareSpec:
    return assimilation_pb2.CompareSpec(**{"system": "atmosphere", "observed": 0.01, "cases": 12, "seed": 1, **changes})


def submit(served: Any, asked: assimilation_pb2.CompareSpec, request_id: str = "r") -> str:
    stub = assimilation_pb2_grpc.AssimilationServiceStub(served.channel)
    with rpc_errors():
        return stub.Compare(assimilation_pb2.CompareRequest(request_id=request_id, spec=asked), timeout=60).operation


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Runs the job of a body, as a worker would."""

    def done(body: any_pb2.Any, *, cancelled: bool = False) -> assimilation_pb2.CompareReport:
        job = RunningJob(
            id="0" * 32,
            tenant="local",
            subject="local",
            request_id="r",
            attempt=1,
            folder=tmp_path,
            artifacts=ArtifactStore(tmp_path / "artifacts"),
            cancelled=lambda: cancelled,
            progress=lambda fraction, message: None,
        )
        return job_function(KIND)(body, job)

    return done


def packed(message: Any) -> any_pb2.Any:
    body = any_pb2.Any()
    body.Pack(message)
    return body


def test_figures_and_paired_differences_come_through() -> None:
    ours, theirs = Figure(0.5, 0.4, 0.6), Figure(0.25, 0.2, 0.3)
    compared = {
        "3dvar": Compared({"crps": ours}, {}),
        "letkf": Compared({"crps": theirs}, {"crps": Figure(-0.25, -0.3, -0.2)}),
    }
    asked = spec(methods=compared)
    wire = compare_report(asked, compared, {"3dvar": 1.5, "letkf": 0.5}, 60.0)
    report = ComparisonReport.of(assimilation_pb2.CompareReport.FromString(wire.SerializeToString()))
    assert (report.reference, report.seconds, report.spec) == ("3dvar", 60, asked)
    assert list(report.methods) == ["3dvar", "letkf"]
    first, second = report.methods.values()
    assert (first.figures["crps"].value, first.differences, first.seconds) == (0.5, {}, 1.5)
    difference = second.differences["crps"]
    assert (difference.value, difference.low, difference.high) == (-0.25, -0.3, -0.2)


def test_a_request_that_comes_again_is_the_same_operation(served: Any) -> None:
    name = submit(served, spec(), "comparison")
    assert submit(served, spec(), "comparison") == name
    with pytest.raises(Conflict, match="'comparison'"):
        submit(served, spec(cases=13), "comparison")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"system": "lorenz96"}, "system"),
        ({"methods": ["3dvar", "kriging"]}, "method"),
        ({"methods": ["extended_kf"]}, "method"),
        ({"methods": ["3dvar", "3dvar"]}, "methods"),
        ({"system": "winds", "methods": ["letkf"]}, "method"),
        ({"system": "winds", "methods": ["oi", "oi"]}, "methods"),
        ({"system": "winds", "cases": 33}, "cases"),
        ({"system": "winds", "cases": 4}, "cases"),
        ({"cases": 1}, "spec.cases"),
        ({"observed": 0}, "spec.observed"),
        ({"observed": 0.11}, "spec.observed"),
        ({"observed": 1e-4}, "observed"),  # not half a cell
    ],
)
def test_bad_input_is_refused_with_its_field(served: Any, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        submit(served, spec(**changes), "bad")
    assert caught.value.violations[0].field == field


def test_another_body_is_refused(run: Any) -> None:
    with pytest.raises(DataCorrupted, match=r"tellurion\.assimilation\.v1\.CycleSpec"):
        run(packed(assimilation_pb2.CycleSpec()))


def test_all_that_is_compared_by_default_analyses() -> None:
    assert set(COMPARED) <= {offer.name for offer in OFFERS.values() if offer.analyses}
    assert set(assimilation_options.LEARNED) < set(COMPARED)


@pytest.mark.slow
def test_winds_have_figures_of_their_own(run: Any) -> None:
    report = run(packed(spec(system="winds", cases=5, methods=["dps", "oi", "persistence"])))
    assert report.reference == "oi"
    found = {each.method: each.figures for each in report.methods}
    assert set(found["oi"]) == set(FIGURES) - {"rmse_forecast", "physics"}
    assert found["dps"]["mse_analysis"].value < found["persistence"]["mse_analysis"].value


def test_the_client_knows_what_is_compared() -> None:
    assert set(assimilation_options.COMPARABLE) == set(COMPARABLE)
    assert tuple(assimilation_options.COMPARABLE["winds"]) == COMPARABLE["winds"]
    assert assimilation_options.CASES["winds"] == (FEWEST_MONTHS, TEST_MONTHS, TEST_MONTHS)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_comparison_has_every_figure_with_an_interval(run: Any) -> None:
    report = run(packed(spec(methods=["3dvar", "letkf", "obsfree"])))
    assert [each.method for each in report.methods] == ["3dvar", "letkf", "obsfree"]
    assert report.reference == "3dvar"
    for method in report.methods:
        assert set(method.figures) == set(FIGURES) - {"rmse_eastward", "rmse_northward"}
        assert all(figure.low <= figure.value <= figure.high for figure in method.figures.values())
        assert all(figure.HasField("difference") == (method.method != "3dvar") for figure in method.figures.values())


@pytest.mark.slow
def test_a_comparison_is_cancelled(run: Any) -> None:
    with pytest.raises(Cancelled):
        run(packed(spec(methods=["3dvar"])), cancelled=True)
