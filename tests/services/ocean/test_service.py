"""The ocean service as a process of its own, asked over gRPC."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tellurion.common.v1.tensor_pb2 import TensorHeader, TensorPart
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_client.scores import USUAL
from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound, TellurionError
from tellurion_core.status import rpc_errors
from tellurion_core.tensors import TensorReader, encode
from tellurion_ocean.methods import DEFAULT_STEPS

Request = ocean_pb2.ReconstructRequest
SOUTH_ATLANTIC = {
    "latitude": [-30.0, -30.0, -20.0],
    "longitude": [-20.0, -20.0, -10.0],
    "depth": [10.0, 200.0, 10.0],
    "temperature": [24.0, 16.5, 25.0],
    "uncertainty": [0.01, np.nan, 0.5],
}
"""Three observations that a February there may well see."""


@pytest.fixture(scope="module")
def stub(served) -> ocean_pb2_grpc.OceanServiceStub:
    """A stub of the service."""
    return ocean_pb2_grpc.OceanServiceStub(served.channel)


def spec(**changes: Any) -> Request:
    asked = {"method": "climatology", "month": 2, "members": 1, "seed": 5, **changes}
    return Request(spec=ocean_pb2.ReconstructSpec(**asked))


def tensors(**changes: Any) -> list[Request]:
    columns = {**SOUTH_ATLANTIC, **changes}
    arrays = {name: np.asarray(values, float) for name, values in columns.items() if values is not None}
    return [Request(tensor=part) for name, array in arrays.items() for part in encode(name, array)]


@pytest.fixture(scope="module")
def reconstruct(stub) -> Callable[..., tuple[ocean_pb2.ReconstructReport, dict[str, np.ndarray], list[float]]]:
    """The report, the fields and the fractions of progress that answer some requests."""

    def asked(*requests: Request) -> tuple[ocean_pb2.ReconstructReport, dict[str, np.ndarray], list[float]]:
        reports, fractions, reader = [], [], TensorReader(256 << 20)
        with rpc_errors():
            for response in stub.Reconstruct(iter(requests), timeout=60):
                match response.WhichOneof("response"):
                    case "report":
                        reports.append(response.report)
                    case "progress":
                        fractions.append(response.progress.fraction)
                    case "tensor":
                        assert reports, "the report comes before the tensors"
                        reader.feed(response.tensor)
        [report] = reports
        return report, reader.finish(), fractions

    return asked


def test_the_methods_are_listed_best_first_with_their_grid(stub) -> None:
    answer = stub.ListMethods(ocean_pb2.ListMethodsRequest(), timeout=30)
    names = [method.name for method in answer.methods]
    assert names == ["posterior", "hybrid", "gp", "eof_oi", "oi", "dineof", "reconmost", "climatology"]
    assert [method.name for method in answer.methods if method.learned] == ["posterior", "reconmost"]
    assert all(method.description for method in answer.methods)
    long = [method.name for method in answer.methods if method.typical_seconds > 10]
    assert long == ["posterior", "gp", "reconmost"]  # tests/bench/RESULTS.md
    assert {name: steps for name, (_, steps) in USUAL.items()} == DEFAULT_STEPS  # what clients scale these times by
    assert (len(answer.depth), len(answer.lat), len(answer.lon)) == (19, 90, 180)
    assert list(answer.depth) == sorted(answer.depth)


@pytest.mark.parametrize("method", ["climatology", "oi"])
def test_a_reconstruction_answers_fields_on_the_grid(reconstruct, method: str) -> None:
    report, fields, fractions = reconstruct(spec(method=method, members=2), *tensors())
    shape = (19, 90, 180)
    assert {name: array.shape for name, array in fields.items()} == {
        "depth": (19,), "lat": (90,), "lon": (180,), "mean": shape, "std": shape, "members": (2, *shape)
    }  # fmt: skip
    wet = np.isfinite(fields["mean"])
    assert 0.5 < wet.mean() < 0.7
    assert np.all((fields["mean"][wet] > -4) & (fields["mean"][wet] < 40))
    assert np.all(fields["std"][wet] > 0)
    assert all(np.array_equal(np.isfinite(field), wet) for field in (fields["std"], *fields["members"]))
    assert fractions == sorted(fractions)
    assert (report.method, report.month, report.seed) == (method, 2, 5)
    assert (report.observations.received, report.observations.used) == (3, 3)
    assert (len(report.observations_sha256), report.seconds > 0, report.version) == (64, True, "0.1.0")


def test_the_same_seed_and_input_give_the_same_bytes(reconstruct) -> None:
    (_, first, _), (_, second, _), (_, other, _) = (
        reconstruct(spec(method="oi", members=1, seed=seed), *tensors()) for seed in (5, 5, 6)
    )
    assert {name: array.tobytes() for name, array in first.items()} == {
        name: array.tobytes() for name, array in second.items()
    }
    assert first["mean"].tobytes() == other["mean"].tobytes()
    assert first["members"].tobytes() != other["members"].tobytes()


def test_every_seed_of_the_contract_is_one(reconstruct) -> None:
    members = [
        reconstruct(spec(method="oi", members=1, seed=seed), *tensors())[1]["members"] for seed in (2**64 - 1, 0)
    ]
    assert not np.array_equal(*members, equal_nan=True)


def test_an_analysis_follows_its_observations(reconstruct) -> None:
    _, prior, _ = reconstruct(spec(), *tensors())
    level, row, column = (np.abs(prior[name] - at).argmin() for name, at in (("depth", 10), ("lat", -29), ("lon", 341)))
    expected = float(prior["mean"][level, row, column])
    place = {"latitude": [prior["lat"][row]], "longitude": [prior["lon"][column]], "depth": [prior["depth"][level]]}
    _, analysis, _ = reconstruct(spec(method="oi"), *tensors(**place, temperature=[expected + 1], uncertainty=[0.01]))
    assert expected + 0.5 < analysis["mean"][level, row, column] < expected + 1.01
    assert analysis["std"][level, row, column] < 0.5 * prior["std"][level, row, column]


def claim(**changes: Any) -> Request:
    """The header of a tensor of 10⁹ latitudes, of which nothing follows."""
    size = {"shape": [10**9], "total_bytes": 8 * 10**9}
    good = {"name": "latitude", "data_type": 12, "byte_order": 1, "crc32c": 0}
    return Request(tensor=TensorPart(header=TensorHeader(**{**good, **size, **changes})))


BAD: dict[str, tuple[list[Request], str]] = {
    "latitude 91": ([spec(), *tensors(latitude=[-30, 91, 0])], "observations.latitude[1]"),
    "latitude NaN": ([spec(), *tensors(latitude=[-30, 0, np.nan])], "observations.latitude[2]"),
    "longitude 361": ([spec(), *tensors(longitude=[0, 361, 0])], "observations.longitude[1]"),
    "depth -5": ([spec(), *tensors(depth=[-5, 0, 0])], "observations.depth[0]"),
    "depth 1e9": ([spec(), *tensors(depth=[0, 1e9, 0])], "observations.depth[1]"),
    "infinity": ([spec(), *tensors(temperature=[1, np.inf, 1])], "observations.temperature[1]"),
    "only NaN": ([spec(), *tensors(temperature=[np.nan] * 3)], "observations.temperature[0]"),
    "negative uncertainty": ([spec(), *tensors(uncertainty=[0.1, 0.1, -0.1])], "observations.uncertainty[2]"),
    "lengths disagree": ([spec(), *tensors(depth=[1, 2])], "depth"),
    "zero observations": ([spec(), *tensors(**{name: [] for name in SOUTH_ATLANTIC})], "observations"),
    "no temperature": ([spec(), *tensors(temperature=None)], "temperature"),
    "unknown method": ([spec(method="kriging"), *tensors()], "method"),
    "no method": ([spec(method=""), *tensors()], "spec.method"),
    "steps of a method that takes none": ([spec(method="oi", steps=5), *tensors()], "steps"),
    "too many steps": ([spec(method="posterior", steps=1001), *tensors()], "spec.steps"),
    "too many members for the steps": ([spec(method="reconmost", members=9), *tensors()], "members"),
    "too many steps for any members": ([spec(method="posterior", steps=501), *tensors()], "steps"),
    "month 13": ([spec(month=13), *tensors()], "spec.month"),
    "month 0": ([spec(month=0), *tensors()], "spec.month"),
    "no members": ([spec(members=0), *tensors()], "spec.members"),
    "a million members": ([spec(members=10**6), *tensors()], "spec.members"),
    "a header of 10⁹": ([spec(), claim()], "latitude.total_bytes"),
    "a header that disagrees": ([spec(), claim(total_bytes=8)], "latitude.total_bytes"),
    "tensor before spec": ([*tensors(), spec()], "request"),
    "spec missing": ([], "request"),
    "spec twice": ([spec(), spec(), *tensors()], "request"),
    "unknown tensor": ([spec(), *tensors(salinity=[35, 35, 35])], "salinity"),
    "float32": ([spec(), claim(data_type=11, shape=[3], total_bytes=12)], "latitude"),
    "empty message": ([spec(), Request()], "tensor.part"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_field(reconstruct, case: str) -> None:
    requests, field = BAD[case]
    with pytest.raises(InvalidInput) as caught:
        reconstruct(*requests)
    assert caught.value.violations[0].field == field
    assert caught.value.violations[0].accepted
    assert "\n" not in caught.value.message


def test_weights_that_nobody_registered_are_not_found(reconstruct) -> None:
    with pytest.raises(NotFound, match="mine"):
        reconstruct(spec(method="posterior", weights="mine"), *tensors())


def test_damaged_bytes_are_data_loss(reconstruct) -> None:
    damaged = tensors()
    data = damaged[0].tensor.inline.data
    damaged[0].tensor.inline.data = bytes([data[0] ^ 1]) + data[1:]
    with pytest.raises(DataCorrupted, match="latitude: CRC-32C"):
        reconstruct(spec(), *damaged)


def test_wild_values_and_places_on_land_are_rejected_with_their_reason(reconstruct) -> None:
    wild = tensors(latitude=[-30, -30, 25], longitude=[-20, -20, 15], temperature=[24.0, 80.0, 20.0])  # 25° N: Sahara
    told = reconstruct(spec(method="oi"), *wild)[0].observations
    assert (told.received, told.used, told.rejected) == (3, 1, 2)
    assert dict(told.rejected_by_reason) == {"failed_background_check": 1, "outside_ocean": 1}


def test_duplicates_are_merged_and_count_as_used(reconstruct) -> None:
    places = {"latitude": [-30, -30.001, -20], "longitude": [-20, 340.001, -10], "depth": [10, 10.1, 10]}
    told = reconstruct(spec(method="oi"), *tensors(**places, temperature=[24, 24.2, 25]))[0].observations
    assert (told.received, told.used, told.rejected, told.merged) == (3, 3, 0, 1)


def test_a_cancelled_analysis_makes_room_for_the_next_soon(stub, reconstruct) -> None:
    rng = np.random.default_rng(3)
    many = {"latitude": rng.uniform(-60, 60, 4000), "longitude": rng.uniform(0, 360, 4000)}
    many |= {"depth": rng.uniform(0, 1000, 4000), "temperature": rng.uniform(0, 30, 4000), "uncertainty": None}
    call = stub.Reconstruct(iter([spec(method="gp", members=64), *tensors(**many)]), timeout=60)
    assert next(call).WhichOneof("response") == "progress"
    call.cancel()
    began = time.monotonic()
    reconstruct(spec(), *tensors())
    assert time.monotonic() - began < 3


@pytest.fixture(scope="module")
def evaluate(stub) -> Callable[..., list[Any]]:
    """The scores that answer a request."""

    def asked(**changes: Any) -> list[Any]:
        request = {"month": 2, "observed": 0.075, "methods": ["climatology"], "members": 2, "seed": 1, **changes}
        given = {name: value for name, value in request.items() if value is not None}
        with rpc_errors():
            return list(stub.Evaluate(ocean_pb2.EvaluateRequest(**given), timeout=60))[-1].report.scores

    return asked


def test_the_climatology_scores_what_the_atlas_says_of_it(evaluate) -> None:
    [scores] = evaluate()
    assert scores.method == "climatology"
    assert scores.masked.reconstruction == pytest.approx(0.147, abs=0.02)  # °C², papers/ocean.md: .165 at most
    assert scores.masked.guidance == pytest.approx(scores.masked.reconstruction, rel=0.2)
    for error in (scores.masked, scores.all_cells):
        assert error.total == pytest.approx(0.925 * error.reconstruction + 0.075 * error.guidance, rel=1e-3)
    assert 0 < scores.crps < 0.5
    assert scores.spread_skill > 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"month": 3}, "month"),
        ({"month": 13}, "month"),
        ({"observed": 1.5}, "observed"),
        ({"observed": float("nan")}, "observed"),
        ({"observed": None}, "sampling"),
        ({"observed": None, "profiles": 0}, "profiles"),
        ({"members": 1}, "members"),
        ({"methods": ["climatology", "kriging"]}, "methods[1]"),
        ({"methods": ["climatology", "reconmost"], "members": 9}, "members"),
        ({"methods": [], "steps": 501}, "steps"),
    ],
)
def test_an_evaluation_that_cannot_be_is_refused_with_its_field(evaluate, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(TellurionError) as caught:
        evaluate(**changes)
    assert isinstance(caught.value, InvalidInput)
    assert caught.value.violations[0].field == field
