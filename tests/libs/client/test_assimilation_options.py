"""What cannot be assimilated is one line that says what is accepted, exit code 2, and no service started."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tellurion_geo import (
    AtmosphereObservations,
    SigmaGrid,
    Times,
    write_atmosphere_observations,
    write_states,
)

GRID = SigmaGrid([0.25, 0.75], [-45.0, -15.0, 15.0, 45.0], np.arange(0.0, 360, 60))
NOON = Times(np.array([12.0]), "hours since 2001-01-01", "standard")
TWIN = ("--system", "lorenz96", "--method", "etkf", "--members", "24")
ENSEMBLE = "letkf, enkf_n, etkf, denkf, enkf"
LEARNED = "align-dps, align-repaint, align-p-dps, dps, repaint, obsfree"
MOST = "accepted: above 0, up to"


def state(path: Path, *, time: Times | None = NOON, grid: SigmaGrid = GRID, value: float = 280.0) -> Path:
    write_states(path, grid, np.full(grid.shape, value, np.float32), time=time)
    return path


def observations(path: Path, *hours: float, latitude: float = 10.0, error: float = 1.0) -> Path:
    """Observed temperatures, one an hour after the beginning of 2001."""
    count = len(hours)
    write_atmosphere_observations(
        path,
        AtmosphereObservations(
            value=np.full(count, 281.0),
            error=np.full(count, error),
            latitude=np.full(count, latitude),
            longitude=np.full(count, 20.0),
            variable=np.full(count, 2, np.uint8),
            sigma=np.full(count, 0.5),
            time=Times(np.array(hours), "hours since 2001-01-01", "standard"),
        ),
    )
    return path


@pytest.fixture
def refused(refused: Callable[..., str]) -> Callable[..., str]:
    """The same of a command for the service."""
    return partial(refused, "assimilation")


@pytest.mark.parametrize("json", [[], ["--json"]])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["--system", "lorenz05"],
            "system: received lorenz05; accepted: lorenz63, lorenz96, kuramoto_sivashinsky, atmosphere",
        ),
        (
            ["--method", "kriging"],
            f"method: received kriging; accepted: {ENSEMBLE}, 3dvar, extended_kf, oi, climatolog",
        ),
        (["--method", "dps"], "method: received dps; accepted: letkf, "),
        (["--members", "1"], "members: received 1; accepted: 2 to 100000"),
        (["--members", "0"], "members: received 0; accepted: 2 to 100000"),
        (["--members", "2.5"], "members: received 2.5; accepted: a valid integer"),
        (["--method", "oi"], f"members: received 24; accepted: none, except with {ENSEMBLE}"),
        (["--method", "letkf"], "localization: received nothing; accepted: a radius above 0, for method letkf"),
        (["--localization", "6"], "localization: received 6.0; accepted: none, except with letkf"),
        (["--localization", "-6"], f"localization: received -6.0; {MOST} 1e+06 variables"),
        (["--amplitude", "0.02"], "amplitude: received 0.02; accepted: none, except with 3dvar"),
        (["--inflation", "nan"], f"inflation: received nan; {MOST} 100"),
        (["--cycles", "0"], "cycles: received 0; accepted: 1 to 1000000"),
        (["--seed", "-1"], "seed: received -1; accepted: 0 to 9223372036854775807"),
        (["--observed", "1.5"], f"observed: received 1.5; {MOST} 1"),
        (["--interval", "-1"], "interval: received -1; accepted: 1 to 100000"),
        (["--variance", "-1"], f"variance: received -1.0; {MOST} 1e+12"),
        (["--xyz"], "No such option: --xyz"),
    ],
)
def test_twin(refused: Callable[..., str], options: list[str], line: str, json: list[str]) -> None:
    assert refused("twin", *TWIN, *options, *json).startswith(line)


@pytest.mark.parametrize(
    ("option", "accepted"),
    [
        ("--inflation", "above 0, up to 100"),
        ("--localization", "above 0, up to 1e+06 variables"),
        ("--amplitude", "above 0, up to 1e+06"),
        ("--cycles", "1 to 1000000"),
        ("--observed", "above 0, up to 1"),
        ("--interval", "1 to 100000"),
        ("--variance", "above 0, up to 1e+12"),
    ],
)
def test_zero_is_not_left_to_the_twin(refused: Callable[..., str], option: str, accepted: str) -> None:
    line = refused("twin", *TWIN, option, "0")
    assert line.startswith(f"{option.removeprefix('--')}: received 0")
    assert line.endswith(f"; accepted: {accepted}")


@pytest.mark.parametrize("option", ["--members", "--inflation", "--localization", "--steps"])
def test_zero_is_not_left_to_the_analysis(refused: Callable[..., str], tmp_path: Path, option: str) -> None:
    given = "--background", state(tmp_path / "b.nc"), "--observations", observations(tmp_path / "o.nc", 12.0)
    line = refused("analyse", *given, "--method", "letkf", "-o", "a.nc", option, "0")
    assert line.startswith(f"{option.removeprefix('--')}: received 0")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--method", "oi"], f"method: received oi; accepted: {LEARNED}, {ENSEMBLE}, 3dvar"),
        (["--members", "1"], "members: received 1; accepted: 2 to 100000"),
        (["--method", "letkf"], "members: received nothing; accepted: 2 to 100000"),
        (["--inflation", "1.1"], f"inflation: received 1.1; accepted: none, except with {ENSEMBLE}, extended_kf"),
        (
            ["--method", "letkf", "--members", "20", "--localization", "5e4"],
            f"localization: received 50000.0; {MOST} 40000",
        ),
        (["--variance", "2"], "variance: received 2.0; accepted: none on atmosphere"),
    ],
)
def test_twin_on_the_atmosphere(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("twin", "--system", "atmosphere", "--method", "dps", *options).startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--method", "kriging"], f"method: received kriging; accepted: {LEARNED}, {ENSEMBLE}, 3dvar"),
        (["--method", "oi"], "method: received oi; accepted: align-dps, "),
        (["--members", "1"], "members: received 1; accepted: 2 to 100000"),
        (["--steps", "40"], f"steps: received 40; accepted: none, except with {LEARNED}"),
        (["--weights", "north"], f"weights: received north; accepted: none, except with {LEARNED}"),
        (["--method", "dps", "--rotate"], f"rotate: received True; accepted: none, except with {ENSEMBLE}"),
        (["--operator", "nearest"], "operator: received nearest; accepted: point, interpolation, layer_mean"),
        (["--operator", "layer_mean"], "operator: received layer_mean; accepted: another, for observations without bo"),
        (["--ensemble", "b.nc"], "ensemble.eastward_wind: received ua("),
        (["--ensemble", "none.nc"], "ensemble: received no such file: none.nc; accepted: a whole NetCDF file"),
        (["-o", "b.nc"], "output: received b.nc, which is read; accepted: another file"),
        (["-o", "o.nc"], "output: received o.nc, an input; accepted: another file"),
        (["-o", "none/a.nc"], "output: received none: No such file or directory; accepted: a file in a folder that"),
        (["--background", "none.nc"], "background: received no such file: none.nc; accepted: a whole NetCDF file"),
        (["--observations", "none.nc"], "observations: received no such file: none.nc; accepted: a whole NetCDF file"),
        (["--observations", "b.nc"], "observations.ua: received dimensions (sigma, lat, lon); accepted: one dimension"),
        (["--background", "o.nc"], "background."),
    ],
)
def test_analyse(refused: Callable[..., str], tmp_path: Path, options: list[str], line: str) -> None:
    state(tmp_path / "b.nc")
    observations(tmp_path / "o.nc", 12.0, 13.0)
    usual = ("--background", "b.nc", "--observations", "o.nc", "--method", "etkf", "-o", "a.nc")
    assert refused("analyse", *usual, *options).startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--system", "lorenz96"], "system: received lorenz96; accepted: atmosphere, winds"),
        (["--system", "winds", "--cases", "33"], "cases: received 33; accepted: 5 to 32"),
        (
            ["--system", "winds", "--method", "letkf"],
            "method: received letkf; accepted: dps, 3dvar, oi, damped_persistence, persistence, climatology",
        ),
        (["--method", "kriging"], f"method: received kriging; accepted: {LEARNED}, {ENSEMBLE}, 3dvar"),
        (["--method", "dps", "--method", "dps"], "method: received dps twice; accepted: each method once"),
        (["--cases", "1"], "cases: received 1; accepted: 2 to 10000"),
        (["--observed", "0"], "observed: received 0.0; accepted: 0.0001 to 0.1, a part of the cells"),
        (["--observed", "nan"], "observed: received nan; accepted: 0.0001 to 0.1, a part of the cells"),
        (["--observed", "0.2"], "observed: received 0.2; accepted: 0.0001 to 0.1, a part of the cells"),
    ],
)
def test_compare(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("compare", *options) == line


@pytest.mark.parametrize(
    ("hours", "line"),
    [
        (
            (12.0, 11.0),
            "observations.time[1]: received 2001-01-01 11:00:00 after 2001-01-01 12:00:00: time goes backwards",
        ),
        (
            (6.0, 18.0),
            "observations.time[0]: received 2001-01-01 06:00:00: time goes backwards; accepted: observations",
        ),
    ],
)
def test_time_does_not_go_backwards(
    refused: Callable[..., str], tmp_path: Path, hours: tuple[float, ...], line: str
) -> None:
    given = "--background", state(tmp_path / "b.nc"), "--observations", observations(tmp_path / "o.nc", *hours)
    assert refused("analyse", *given, "--method", "3dvar", "-o", "a.nc").startswith(line)


def test_values_that_cannot_be_are_named(refused: Callable[..., str], tmp_path: Path) -> None:
    options = ("--method", "3dvar", "-o", "a.nc")
    good, seen = state(tmp_path / "b.nc"), observations(tmp_path / "o.nc", 12.0)
    wild = state(tmp_path / "nan.nc", value=np.nan)
    line = refused("analyse", "--background", wild, "--observations", seen, *options)
    assert line == "background.ua[0, 0, 0]: received nan; accepted: a finite value in every cell"
    for error in (0.0, -1.0):
        bad = observations(tmp_path / "bad.nc", 12.0, error=error)
        line = refused("analyse", "--background", good, "--observations", bad, *options)
        field = "observations.air_temperature_error[0]"
        assert line == f"{field}: received {error:g}; accepted: a standard error above 0 K"
    bad = observations(tmp_path / "bad.nc", 12.0, latitude=95.0)
    line = refused("analyse", "--background", good, "--observations", bad, *options)
    assert line == "observations.latitude[0]: received 95; accepted: -90…90 degrees"


def test_a_method_that_draws_its_members_takes_no_ensemble(refused: Callable[..., str]) -> None:
    given = ("--background", "b.nc", "--observations", "o.nc", "--ensemble", "e.nc", "-o", "a.nc")
    line = f"ensemble: received one; accepted: none, except with {ENSEMBLE}"
    assert refused("analyse", *given, "--method", "3dvar") == refused("analyse", *given, "--method", "dps") == line


def test_an_ensemble_is_on_the_grid_of_the_background_and_of_its_time(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    good, seen = state(tmp_path / "b.nc"), observations(tmp_path / "o.nc", 12.0)
    given = ("--background", good, "--observations", seen, "--method", "etkf", "-o", "a.nc")
    shifted = SigmaGrid(GRID.sigma, GRID.lat + 1, GRID.lon)
    later = Times(np.array([1.0]), "days since 2001-01-01", "standard")
    for name, grid, time, line in (
        ("shifted", shifted, NOON, "ensemble.grid: received 7 × 4 × 6; accepted: the grid of the background"),
        ("later", GRID, later, "ensemble.time: received 2001-01-02 00:00:00; accepted: the background's time, 2001-"),
    ):
        members = np.full((3, *grid.shape), 280, np.float32)
        write_states(tmp_path / f"{name}.nc", grid, members[0], members=members, time=time)
        assert refused("analyse", *given, "--ensemble", f"{name}.nc").startswith(line)
