"""Assimilation as a person uses it: the command line and the SDK on a running platform."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import netCDF4
import numpy as np
import pytest

import tellurion_client
from tellurion_assimilation.systems import system
from tellurion_assimilation.twin import twin
from tellurion_client import AtmosphereObservations, AtmosphereStates, Cancelled, Client, InvalidInput, SigmaGrid, Times
from tellurion_client.cli.main import run
from tellurion_geo import read_states, write_atmosphere_observations, write_states

GRID = SigmaGrid([0.25, 0.75], [-45.0, -15.0, 15.0, 45.0], np.arange(0.0, 360, 60))
NOON = Times(np.array([12.0]), "hours since 2001-01-01", "standard")
CYCLES = 450
"""400 of them are the burn-in of Lorenz-96."""
TELLURION = str(Path(sys.executable).with_name("tellurion"))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a platform with the assimilation service."""
    state = tmp_path_factory.mktemp("state")
    options = ["--services", "assimilation", "--detach", "--state", str(state)]
    subprocess.run([TELLURION, "up", *options], check=True, capture_output=True)
    yield state
    subprocess.run([TELLURION, "down", "--state", str(state)], check=True, capture_output=True)


@pytest.fixture
def printed(platform: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Exit code, stdout and stderr of a command on the platform, which runs in this process."""

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run(["assimilation", *map(str, arguments), "--state", str(platform)])
        return code, *capsys.readouterr()

    return command


@pytest.fixture(scope="module")
def client(platform: Path) -> Iterator[Client]:
    with tellurion_client.connect(platform) as connected:
        yield connected


def states(count: int, seed: int = 1) -> np.ndarray:
    """[N, C, Y, X] winds around 0, temperatures around 280 K, pressures around 1000 hPa."""
    middle = np.repeat([0.0, 280.0, 1e5], [4, 2, 1])[:, None, None]
    spread = np.repeat([3.0, 2.0, 300.0], [4, 2, 1])[:, None, None]
    return (middle + spread * np.random.default_rng(seed).normal(size=(count, *GRID.shape))).astype(np.float32)


def observations(count: int = 40) -> AtmosphereObservations:
    """Of all kinds, at noon and an hour later."""
    rng = np.random.default_rng(2)
    variable = np.sort(rng.integers(0, 4, count)).astype(np.uint8)
    middle, error = np.array([0.0, 0.0, 280.0, 1e5])[variable], np.array([1.0, 1.0, 0.5, 100.0])[variable]
    return AtmosphereObservations(
        value=middle + 2 * error * rng.normal(size=count),
        error=error,
        latitude=rng.uniform(-45, 45, count),
        longitude=rng.uniform(0, 360, count),
        variable=variable,
        sigma=np.where(variable == 3, 1.0, rng.uniform(0.2, 0.8, count)),
        time=Times(np.where(np.arange(count) < count // 2, 12.0, 13.0), "hours since 2001-01-01", "standard"),
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A background, an ensemble and observations as files."""
    paths = {name: tmp_path / f"{name}.nc" for name in ("background", "ensemble", "observations")}
    write_states(paths["background"], GRID, states(1, seed=7)[0], time=NOON)
    write_states(paths["ensemble"], GRID, states(20).mean(axis=0), members=states(20), time=NOON)
    write_atmosphere_observations(paths["observations"], observations())
    return paths


def options(files: dict[str, Path]) -> list[object]:
    return [word for name, path in files.items() for word in (f"--{name}", path)]


def test_a_twin_experiment_answers_the_contract(printed: Callable[..., tuple[int, str, str]]) -> None:
    asked = ("--system", "lorenz96", "--method", "letkf", "--members", 10, "--inflation", 1.04, "--localization", 6)
    code, out, err = printed("twin", *asked, "--rotate", "--cycles", CYCLES, "--seed", 3000, "--json")
    assert (code, err) == (0, "")
    figures = json.loads(out)
    assert list(figures) == [
        "rmse_analysis", "rmse_forecast", "spread", "crps", "seconds", "spread_skill", "rank_histogram"
    ]  # fmt: skip
    parameters = {"inflation": 1.04, "localization": 6.0, "rotate": True}
    same = twin(system("lorenz96"), "letkf", parameters, members=10, cycles=CYCLES, seed=3000)
    for figure in ("rmse_analysis", "rmse_forecast", "spread", "crps"):
        assert figures[figure] == pytest.approx(getattr(same, figure), rel=1e-6)


@pytest.mark.slow
def test_a_divergence_is_told(printed: Callable[..., tuple[int, str, str]]) -> None:
    asked = ("--system", "lorenz96", "--method", "etkf", "--members", 5, "--cycles", 900, "--json")
    code, out, err = printed("twin", *asked)
    assert code == 0
    assert json.loads(out)["diverged"] >= 400
    assert err.startswith("tellurion: etkf diverged at cycle ")


def test_what_only_the_service_refuses_is_bad_input_too(printed: Callable[..., tuple[int, str, str]]) -> None:
    asked = ("--system", "lorenz96", "--method", "etkf", "--members", 24, "--cycles", 400)
    code, out, err = printed("twin", *asked)
    assert (code, out) == (2, "")
    assert err == "tellurion: cycles: received 400; accepted: more than the 400 of the burn-in\n"


def test_a_twin_experiment_is_cancelled_at_once(client: Client) -> None:
    operation = client.assimilation.submit_twin("lorenz96", "etkf", members=24, inflation=1.02, cycles=100_000)
    running = next(status for status in operation.watch(timeout=100) if status.fraction > 0)
    assert running.state == "RUNNING"
    operation.cancel()
    asked = time.monotonic()
    with pytest.raises(Cancelled):
        operation.result(timeout=60)
    assert time.monotonic() - asked < 5  # a second, and what a busy machine adds


def test_an_analysis_is_a_file_that_says_how_it_came_about(
    printed: Callable[..., tuple[int, str, str]], client: Client, files: dict[str, Path], tmp_path: Path
) -> None:
    given, outputs = options(files), [tmp_path / "one.nc", tmp_path / "two.nc"]
    for output in outputs:
        code, out, err = printed("analyse", *given, "--method", "letkf", "--seed", 4, "-o", output, "--json")
        assert (code, err) == (0, "")
    document = json.loads(out)
    assert (document["output"], document["method"], document["members"]) == (str(outputs[1]), "letkf", 20)
    assert document["observations"] == 40
    assert document["residual"] < document["innovation"]
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    with netCDF4.Dataset(outputs[0]) as file:
        assert file["ua"].dimensions == ("sigma", "lat", "lon")
        assert file["ta_member"].dimensions == ("realization", "sigma", "lat", "lon")
        assert (file.method, file.seed, file.localization, file.inflation) == ("letkf", 4, 1000, 1)
        assert len(file.observations_sha256) == len(file.background_sha256) == 64
        assert float(file["time"][...]) == 12
    analysis = client.assimilation.analyse(
        files["background"], files["observations"], method="letkf", ensemble=files["ensemble"], seed=4
    )
    np.testing.assert_array_equal(read_states(outputs[0], "mean").values[0], analysis.mean)
    np.testing.assert_array_equal(read_states(outputs[0], "members", members=True).values, analysis.members)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "background.nc", "ensemble.nc", "observations.nc", "one.nc", "two.nc"
    ]  # fmt: skip


def test_an_analysis_is_the_next_background(client: Client, files: dict[str, Path], tmp_path: Path) -> None:
    analysis = client.assimilation.analyse(
        files["background"], files["observations"], method="etkf", ensemble=files["ensemble"]
    )
    analysis.write(tmp_path / "analysis.nc")
    again = client.assimilation.analyse(
        tmp_path / "analysis.nc", files["observations"], method="etkf", ensemble=tmp_path / "analysis.nc"
    )
    assert again.report.innovation == pytest.approx(analysis.report.residual, rel=1e-3)
    assert again.std.mean() < analysis.std.mean()


def test_without_observations_the_analysis_is_the_background(
    printed: Callable[..., tuple[int, str, str]], files: dict[str, Path], tmp_path: Path
) -> None:
    write_atmosphere_observations(files["observations"], observations(0))
    code, out, _ = printed("analyse", *options(files), "--method", "etkf", "-o", tmp_path / "a.nc")
    assert code == 0
    assert out.endswith("from 0 observations, 20 members\n")
    expected = read_states(files["background"], "background").values
    np.testing.assert_allclose(read_states(tmp_path / "a.nc", "mean").values, expected, rtol=1e-6, atol=1e-5)


def test_a_failed_analysis_leaves_nothing(
    printed: Callable[..., tuple[int, str, str]], files: dict[str, Path], tmp_path: Path
) -> None:
    given = ("--background", files["background"], "--observations", files["observations"])
    code, out, err = printed("analyse", *given, "--method", "3dvar", "-o", tmp_path / "a.nc")
    assert (code, out) == (2, "")
    assert err.startswith(
        "tellurion: grid: received 2 levels on 4 × 6 cells; accepted: 5 levels of equal mass on the 48"
    )
    assert not (tmp_path / "a.nc").exists()


def test_methods_and_systems_are_listed(printed: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = printed("methods", "--json")
    listed = json.loads(out)
    assert code == 0
    assert {"dps", "3dvar", "letkf"} <= {method["name"] for method in listed["methods"]}
    systems = [each["name"] for each in listed["systems"]]
    assert systems == ["lorenz63", "lorenz96", "kuramoto_sivashinsky", "atmosphere"]
    assert all(method["name"] in printed("methods")[1] for method in listed["methods"][:1])


def test_states_are_scored(client: Client, files: dict[str, Path]) -> None:
    truth = AtmosphereStates(GRID, states(1, seed=7), NOON)
    assert client.assimilation.score(files["background"], truth).total.rmse == 0
    scores = client.assimilation.score(files["ensemble"], truth, members=True)
    assert sum(scores.total.rank_histogram) == np.prod(GRID.shape)
    assert 0.5 < scores.total.spread_skill < 1.5  # truth and members are of one distribution, but for the sampling
    assert set(scores.channels) == set(GRID.channels)
    elsewhere = AtmosphereStates(SigmaGrid(GRID.sigma, GRID.lat + 1, GRID.lon), states(1), None)
    with pytest.raises(InvalidInput, match=r"states\.grid"):
        client.assimilation.score(elsewhere, truth)
