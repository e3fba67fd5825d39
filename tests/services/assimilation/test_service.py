"""The assimilation service as a process of its own, asked over gRPC for methods, analyses and scores."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tellurion.assimilation.v1 import assimilation_pb2, assimilation_pb2_grpc
from tellurion_assimilation import guidance
from tellurion_assimilation.background_errors import ZonalErrors
from tellurion_assimilation.catalogue import LEARNED, STEPS
from tellurion_assimilation.held_out import starts
from tellurion_assimilation.prior import PRIORS
from tellurion_assimilation.systems.atmosphere import Layout
from tellurion_assimilation.systems.atmosphere.columns import Columns
from tellurion_assimilation.variational_columns import Gain
from tellurion_client import assimilation_options
from tellurion_core.errors import DataCorrupted, InvalidInput, NotFound
from tellurion_core.status import rpc_errors
from tellurion_core.tensors import TensorReader, encode

Request = assimilation_pb2.AnalyseRequest
LAT, LON, LEVEL = np.array([-45.0, -15.0, 15.0, 45.0]), np.arange(0.0, 360, 60), np.array([0.25, 0.75])
SHAPE = (7, 4, 6)
U1, T2, PS = 0, 5, 6
"""Channels: u on the upper level, t on the lower one, surface pressure."""


def ensemble(count: int = 12, seed: int = 1) -> np.ndarray:
    """[N, C, Y, X] winds around 0, temperatures around 280 K, pressures around 1000 (in hPa: all of one size)."""
    middle = np.repeat([0.0, 280.0, 1000.0], [4, 2, 1])[:, None, None]
    return (middle + np.random.default_rng(seed).normal(size=(count, *SHAPE))).astype(np.float32)


SEEN = {
    "value": np.array([1.0, 281.0, 999.0]),
    "error": np.array([0.5, 1.0, 2.0]),
    "latitude": np.array([15.0, -45.0, 45.0]),
    "longitude": np.array([60.0, 0.0, 300.0]),
    "variable": np.array([0, 2, 3], np.uint8),
    "sigma": np.array([0.25, 0.75, np.nan]),
}
"""Three observations in the centres of cells."""
PLACES = ((U1, 2, 1), (T2, 0, 0), (PS, 3, 5))
"""The cells."""


def spec(**changes: Any) -> Request:
    return Request(spec=assimilation_pb2.AnalyseSpec(**{"method": "etkf", "seed": 5, **changes}))


def tensors(**changes: Any) -> list[Request]:
    """All tensors of a request, changed; None leaves one out."""
    sent = {"lat": LAT, "lon": LON, "level": LEVEL, "ensemble": ensemble(), **SEEN, **changes}
    return [Request(tensor=part) for name, array in sent.items() if array is not None for part in encode(name, array)]


def nothing_seen() -> dict[str, np.ndarray]:
    return {name: array[:0] for name, array in SEEN.items()}


@pytest.fixture(scope="module")
def stub(served: Any) -> assimilation_pb2_grpc.AssimilationServiceStub:
    return assimilation_pb2_grpc.AssimilationServiceStub(served.channel)


Answer = tuple[assimilation_pb2.AnalyseReport, dict[str, np.ndarray], list[float]]


@pytest.fixture(scope="module")
def analyse(stub: Any) -> Callable[..., Answer]:
    """The report, the tensors and the fractions of progress that answer some requests."""

    def asked(*requests: Request) -> Answer:
        reports, fractions, reader = [], [], TensorReader(256 << 20)
        with rpc_errors():
            for response in stub.Analyse(iter(requests), timeout=100):
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


def kalman(members: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [n] and covariance [n, n] of the Kalman filter with the members' own covariance, as textbooks write it."""
    states = members.reshape(len(members), -1).astype(np.float64)
    p = np.cov(states.T)
    h = np.zeros((3, states.shape[1]))
    h[range(3), [np.ravel_multi_index(place, SHAPE) for place in PLACES]] = 1
    gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + np.diag(SEEN["error"] ** 2))
    x = centre.ravel().astype(np.float64)
    return x + gain @ (SEEN["value"] - h @ x), (np.eye(len(x)) - gain @ h) @ p


def test_methods_and_systems_are_those_that_the_client_knows(stub: Any) -> None:
    answer = stub.ListMethods(assimilation_pb2.ListMethodsRequest(), timeout=60)
    methods = answer.methods
    assert {m.name for m in methods if m.analyses} == set(assimilation_options.ANALYSES)
    for system, cycled in assimilation_options.TWINS.items():
        assert {m.name for m in methods if system in m.systems} == set(cycled), system
    assert {m.name for m in methods if m.ensemble} == set(assimilation_options.ENSEMBLE)
    assert {m.name for m in methods if m.learned} == set(assimilation_options.LEARNED)
    assert [s.name for s in answer.systems] == list(assimilation_options.TWINS)
    for option, takers in assimilation_options.TAKERS.items():
        assert {m.name for m in methods if option in m.options} == set(takers), option
    assert all(m.description for m in methods)
    described = {s.name: (s.size, s.step) for s in answer.systems}
    assert described["lorenz96"] == (40, 0.05)
    assert described["atmosphere"] == (16 * 48 * 96, 1)


def test_a_learned_method_is_a_guidance_and_an_alignment() -> None:
    assert {guided for guided, _ in LEARNED.values()} == set(guidance.METHODS)
    assert {aligned for _, aligned in LEARNED.values()} <= set(PRIORS)
    assert STEPS == guidance.STEPS


def test_an_etkf_analysis_is_that_of_the_kalman_filter(analyse: Callable[..., Answer]) -> None:
    report, fields, fractions = analyse(spec(), *tensors())
    members = ensemble()
    mean, covariance = kalman(members, members.mean(axis=0))
    assert {name: array.shape for name, array in fields.items()} == {
        "lat": (4,), "lon": (6,), "level": (2,), "mean": SHAPE, "std": SHAPE, "members": (12, *SHAPE)
    }  # fmt: skip
    np.testing.assert_allclose(fields["mean"].ravel(), mean, atol=2e-4)
    np.testing.assert_allclose(fields["std"].ravel() ** 2, np.diag(covariance), atol=2e-3)
    np.testing.assert_allclose(fields["members"].mean(axis=0), fields["mean"], atol=2e-4)
    assert fractions == sorted(fractions)
    assert (report.spec.method, report.spec.members, report.spec.inflation, report.observations) == ("etkf", 12, 1, 3)
    assert (len(report.observations_sha256), len(report.background_sha256)) == (64, 64)


def test_the_fit_is_reported_in_units_of_the_errors(analyse: Callable[..., Answer]) -> None:
    report, fields, _ = analyse(spec(), *tensors())

    def misfit(state: np.ndarray) -> float:
        seen = np.array([state[place] for place in PLACES], np.float64)
        return float(np.sqrt(np.mean(((SEEN["value"] - seen) / SEEN["error"]) ** 2)))

    assert report.innovation == pytest.approx(misfit(ensemble().mean(axis=0)), rel=1e-5)
    assert report.residual == pytest.approx(misfit(fields["mean"]), rel=1e-4)
    assert report.residual < report.innovation


def test_an_ensemble_is_moved_to_the_background(analyse: Callable[..., Answer]) -> None:
    background = ensemble(1, seed=9)[0]
    _, fields, _ = analyse(spec(), *tensors(background=background))
    np.testing.assert_allclose(fields["mean"].ravel(), kalman(ensemble(), background)[0], atol=2e-4)


def test_what_is_far_from_all_observations_stays(analyse: Callable[..., Answer]) -> None:
    _, fields, _ = analyse(spec(method="letkf", localization=500), *tensors())
    background = ensemble().mean(axis=0)
    assert abs(fields["mean"][PLACES[0]] - background[PLACES[0]]) > 0.1
    np.testing.assert_allclose(fields["mean"][:, 1, 3], background[:, 1, 3], atol=1e-4)  # 3.64 · 500 km from none


@pytest.mark.parametrize("method", ["etkf", "letkf", "enkf", "denkf", "enkf_n"])
def test_without_observations_the_ensemble_is_as_it_came(analyse: Callable[..., Answer], method: str) -> None:
    report, fields, _ = analyse(spec(method=method), *tensors(**nothing_seen()))
    np.testing.assert_allclose(fields["members"], ensemble(), rtol=1e-6)
    assert not report.HasField("innovation")
    assert report.observations == 0


def test_a_layer_is_compared_with_the_mean_over_it(analyse: Callable[..., Answer]) -> None:
    layer = {name: array[:1] for name, array in SEEN.items()} | {"sigma_bounds": np.array([[0.25, 1.0]])}
    operator = assimilation_pb2.OPERATOR_LAYER_MEAN
    report, _, _ = analyse(spec(operator=operator), *tensors(**layer))
    upper, lower = ensemble().mean(axis=0)[:2, 2, 1]
    expected = (SEEN["value"][0] - (upper * 0.25 + lower * 0.5) / 0.75) / SEEN["error"][0]
    assert report.innovation == pytest.approx(abs(expected), rel=1e-5)


def test_the_same_seed_and_input_give_the_same_bytes(analyse: Callable[..., Answer]) -> None:
    (_, first, _), (_, second, _), (_, other, _) = (
        analyse(spec(method="enkf", seed=seed), *tensors()) for seed in (5, 5, 2**64 - 1)
    )
    assert {name: array.tobytes() for name, array in first.items()} == {
        name: array.tobytes() for name, array in second.items()
    }
    assert first["members"].tobytes() != other["members"].tobytes()


WEATHER = Layout()


@pytest.fixture(scope="module")
def weather() -> tuple[np.ndarray, np.ndarray, Columns]:
    """A background and a truth that it is off by its usual errors, of which one cell in a hundred is observed."""
    background, errors = starts(WEATHER)[0], ZonalErrors.shipped(WEATHER).measured
    off = errors.root(np.random.default_rng(3).standard_normal(errors.control_size)).reshape(WEATHER.shape)
    return background, background + off, Columns.of(background + off, WEATHER, 0.01, np.random.default_rng(4))


def seen(columns: Columns) -> dict[str, np.ndarray]:
    """All channels of one column, then those of the next, and no ensemble."""
    levels, count = WEATHER.levels, len(columns.rows)
    observations = columns.observations()
    latitude, longitude = observations.positions.T
    return {
        "value": observations.values, "error": observations.errors, "latitude": latitude, "longitude": longitude,
        "variable": np.tile(np.repeat(np.arange(4, dtype=np.uint8), [levels, levels, levels, 1]), count),
        "sigma": np.tile(np.r_[WEATHER.sigma, WEATHER.sigma, WEATHER.sigma, np.nan], count),
        "lat": WEATHER.latitude, "lon": WEATHER.longitude, "level": WEATHER.sigma, "ensemble": None,
    }  # fmt: skip


def rmse(state: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[C] over the sphere."""
    return np.sqrt(((state - truth) ** 2).mean(axis=2) @ WEATHER.area)


def test_3dvar_of_weather_is_the_same_analysis_solved_in_the_space_of_the_observations(
    analyse: Callable[..., Answer], weather: tuple[np.ndarray, np.ndarray, Columns]
) -> None:
    background, truth, columns = weather
    report, fields, _ = analyse(spec(method="3dvar", members=2), *tensors(background=background, **seen(columns)))
    expected = Gain.of(columns, ZonalErrors.shipped(WEATHER)).analysis(background)
    scale = rmse(background, truth)[:, None, None]
    np.testing.assert_allclose(fields["mean"] / scale, expected / scale, atol=2e-3)
    assert (rmse(fields["mean"], truth) < rmse(background, truth)).all()
    assert fields["members"].shape == (2, *WEATHER.shape)
    assert report.residual < 1.2 < report.innovation


def test_letkf_draws_an_ensemble_around_the_weather_and_comes_nearer_to_the_truth(
    analyse: Callable[..., Answer], weather: tuple[np.ndarray, np.ndarray, Columns]
) -> None:
    background, truth, columns = weather
    asked = spec(method="letkf", members=40, localization=800)
    report, fields, _ = analyse(asked, *tensors(background=background, **seen(columns)))
    assert (rmse(fields["mean"], truth) < rmse(background, truth)).all()
    assert (report.spec.members, report.spec.localization) == (40, 800)
    assert report.residual < report.innovation
    np.testing.assert_allclose(fields["members"].mean(axis=0), fields["mean"], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(fields["members"].std(axis=0, ddof=1), fields["std"], rtol=1e-3, atol=1e-3)


def changed(name: str, nth: Any, value: float) -> dict[str, np.ndarray]:
    array = (ensemble() if name == "ensemble" else SEEN[name]).copy()
    array[nth] = value
    return {name: array}


ALONE = {"ensemble": None, "background": ensemble()[0]}
BAD: dict[str, tuple[list[Request], str]] = {
    "ensemble with a NaN": ([spec(), *tensors(**changed("ensemble", (3, 5, 1, 1), np.nan))], "ensemble[3, 5, 1, 1]"),
    "infinite background": (
        [spec(), *tensors(background=np.full(SHAPE, np.inf, np.float32))],
        "background[0, 0, 0]",
    ),
    "neither background nor ensemble": ([spec(), *tensors(ensemble=None)], "background"),
    "latitude 91": ([spec(), *tensors(**changed("latitude", 1, 91))], "observations.latitude[1]"),
    "outside a region": (
        [spec(), *tensors(lon=np.arange(0.0, 60, 10))],
        "observations.latitude[0]",
    ),
    "sigma 1.5": ([spec(), *tensors(**changed("sigma", 0, 1.5))], "observations.sigma[0]"),
    "sigma missing": ([spec(), *tensors(**changed("sigma", 1, np.nan))], "observations.sigma[1]"),
    "variable 4": ([spec(), *tensors(**changed("variable", 2, 4))], "observations.variable[2]"),
    "value NaN": ([spec(), *tensors(**changed("value", 2, np.nan))], "observations.values[2]"),
    "value 1e150": ([spec(), *tensors(**changed("value", 2, 1e150))], "observations"),
    "error 1e-160": ([spec(), *tensors(**changed("error", 2, 1e-160))], "observations.errors"),
    "no members": ([spec(), *tensors(ensemble=ensemble(0))], "members"),
    "zero error": ([spec(), *tensors(**changed("error", 1, 0.0))], "observations.errors[1]"),
    "negative error": ([spec(), *tensors(**changed("error", 0, -1.0))], "observations.errors[0]"),
    "no bounds of layers": (
        [spec(operator=assimilation_pb2.OPERATOR_LAYER_MEAN), *tensors()],
        "observations.sigma_bounds",
    ),
    "operator 9": ([spec(operator=9), *tensors()], "operator"),
    "one member": ([spec(), *tensors(ensemble=ensemble(1))], "members"),
    "members that are not the ensemble's": ([spec(members=5), *tensors()], "members"),
    "one member to draw": ([spec(method="3dvar", members=1), *tensors()], "members"),
    "more members than memory allows": (
        [spec(method="3dvar", members=100_000), *tensors(lat=WEATHER.latitude, lon=WEATHER.longitude,
         level=WEATHER.sigma, ensemble=None, background=np.zeros(WEATHER.shape, np.float32))],
        "members",
    ),
    "a grid that is not the weights'": ([spec(method="3dvar"), *tensors(**ALONE)], "grid"),
    "a grid that is not the prior's": ([spec(method="dps"), *tensors(**ALONE)], "grid"),
    "a grid that is not that of drawn members": ([spec(method="letkf"), *tensors(**ALONE)], "grid"),
    "channels that are not the levels'": ([spec(), *tensors(level=np.array([0.5]))], "ensemble"),
    "latitudes descending": ([spec(), *tensors(lat=LAT[::-1])], "grid.lat[1]"),
    "levels of pressure": ([spec(), *tensors(level=np.array([250.0, 750.0]))], "grid.sigma[0]"),
    "unknown method": ([spec(method="kriging"), *tensors()], "method"),
    "a method that analyses no atmosphere": ([spec(method="extended_kf"), *tensors()], "method"),
    "steps of a method that takes none": ([spec(steps=5), *tensors()], "steps"),
    "localization of a method that takes none": ([spec(localization=5), *tensors()], "localization"),
    "inflation NaN": ([spec(inflation=np.nan), *tensors()], "spec.inflation"),
    "lengths disagree": ([spec(), *tensors(error=np.ones(2))], "error"),
    "no value": ([spec(), *tensors(value=None)], "value"),
    "unknown tensor": ([spec(), *tensors(humidity=np.ones(3))], "humidity"),
    "tensor before the spec": ([*tensors(), spec()], "request"),
    "spec twice": ([spec(), spec(), *tensors()], "request"),
    "nothing": ([], "request"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_its_field(analyse: Callable[..., Answer], case: str) -> None:
    requests, field = BAD[case]
    with pytest.raises(InvalidInput) as caught:
        analyse(*requests)
    assert caught.value.violations[0].field == field
    assert caught.value.violations[0].accepted


def test_an_unknown_method_is_answered_with_the_list(analyse: Callable[..., Answer]) -> None:
    with pytest.raises(InvalidInput) as caught:
        analyse(spec(method="kriging"), *tensors())
    assert set(caught.value.violations[0].accepted.split(", ")) == set(assimilation_options.ANALYSES)


def test_weights_that_are_not_registered_are_not_found(analyse: Callable[..., Answer]) -> None:
    with pytest.raises(NotFound, match="north"):
        analyse(spec(method="dps", weights="north"), *tensors())


def test_damaged_bytes_are_data_loss(analyse: Callable[..., Answer]) -> None:
    damaged = tensors()
    data = damaged[0].tensor.inline.data
    damaged[0].tensor.inline.data = bytes([data[0] ^ 1]) + data[1:]
    with pytest.raises(DataCorrupted, match="lat: CRC-32C"):
        analyse(spec(), *damaged)


Scored = Callable[..., assimilation_pb2.ScoreResponse]


@pytest.fixture(scope="module")
def score(stub: Any) -> Scored:
    """The scores of some tensors on the small grid, or another."""

    def asked(**sent: np.ndarray) -> assimilation_pb2.ScoreResponse:
        requests = [assimilation_pb2.ScoreRequest(spec=assimilation_pb2.ScoreSpec())]
        for name, array in ({"lat": LAT, "lon": LON, "level": LEVEL} | sent).items():
            requests += [assimilation_pb2.ScoreRequest(tensor=part) for part in encode(name, array)]
        with rpc_errors():
            return stub.Score(iter(requests), timeout=100)

    return asked


def test_an_analysis_is_scored_by_channel_and_in_all(score: Scored) -> None:
    truth = ensemble()[0]
    off = np.array([1.0, 2, 3, 4, 5, 6, 7], np.float32)
    scale = np.array([2.0, 2, 2, 2, 2, 2, 10])
    scores = score(truth=truth, analysis=truth + off[:, None, None], scale=scale)
    assert [each.channel for each in scores.channels] == ["u1", "u2", "v1", "v2", "t1", "t2", "ps"]
    assert [each.rmse for each in scores.channels] == pytest.approx(off, rel=1e-4)
    assert scores.total.rmse == pytest.approx(np.sqrt(np.mean((off / scale) ** 2)), rel=1e-4)
    assert not scores.total.HasField("crps")
    assert not scores.HasField("physics")  # this is no Gaussian grid


def test_errors_near_the_poles_weigh_less(score: Scored) -> None:
    truth, off = ensemble()[0], np.zeros(SHAPE, np.float32)
    off[U1, 0] = 1
    rmse = score(truth=truth, analysis=truth + off).channels[U1].rmse
    cap = (np.sin(np.radians(-30)) - np.sin(np.radians(-60))) / (2 * np.sin(np.radians(60)))
    assert rmse == pytest.approx(np.sqrt(cap), rel=1e-4)


def test_an_ensemble_is_scored_by_its_distribution(score: Scored) -> None:
    truth, off = ensemble()[0], np.float32(0.5)
    scores = score(truth=truth, ensemble=np.stack([truth - off, truth + off]), scale=np.ones(7))
    assert scores.total.rmse == pytest.approx(0, abs=1e-4)
    assert scores.total.crps == pytest.approx(0, abs=1e-4)  # E|x − y| = ½ is half of E|x − x′| = 1: fair
    assert scores.total.spread == pytest.approx(0.5 * np.sqrt(2), rel=1e-4)
    assert list(scores.total.rank_histogram) == [0, truth.size, 0]
    moved = score(truth=truth, ensemble=np.stack([truth + off, truth + 3 * off]), scale=np.ones(7))
    assert moved.total.spread_skill == pytest.approx(np.sqrt(3 / 2) * 0.5 * np.sqrt(2) / 1.0, rel=1e-3)
    assert moved.total.crps == pytest.approx(0.5, rel=1e-3)


def test_the_truth_has_a_physics_score_of_one(score: Scored) -> None:
    layout = Layout(5, 2)
    truth = np.zeros(layout.shape, np.float32)
    waves = np.cos(np.radians(layout.longitude)) * np.cos(np.radians(layout.latitude))[:, None]
    truth[:4], truth[4:6], truth[6] = 15 + 5 * waves, 280 + 10 * waves, 1e5 + 500 * waves
    grid = {"lat": layout.latitude, "lon": layout.longitude, "level": layout.sigma}
    same, other = truth.copy(), truth.copy()
    other[:4] *= 2
    assert score(truth=truth, analysis=same, **grid).physics == 1
    assert 0 < score(truth=truth, analysis=other, **grid).physics < 1


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "analysis"),
        ({"analysis": ensemble()[0], "ensemble": ensemble()}, "analysis"),
        ({"ensemble": ensemble()[:0]}, "ensemble"),
        ({"analysis": np.full(SHAPE, np.nan, np.float32)}, "states"),
        ({"analysis": ensemble()[0], "level": np.array([0.5])}, "states"),
        ({"analysis": ensemble()[0], "scale": np.zeros(7)}, "scale[0]"),
        ({"analysis": ensemble()[0], "truth": np.ones(SHAPE, np.float32)}, "scale[0]"),
    ],
)
def test_what_cannot_be_scored_is_named(score: Scored, sent: dict[str, np.ndarray], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        score(**{"truth": ensemble()[1]} | sent)
    assert caught.value.violations[0].field == field


def test_the_service_starts_without_what_only_some_methods_need() -> None:
    code = "import sys, tellurion_assimilation.service; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tellurion_assimilation.models" in loaded
    assert not {"torch", "jax", "dinosaur"} & set(loaded)
