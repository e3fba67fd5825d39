"""`tellurion ocean …` against real services: what it writes, what it prints, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import tellurion_ocean
from tellurion_client import DeadlineExceeded, InvalidInput, NotFound, connect
from tellurion_client.cli.main import run
from tellurion_client.options import LEARNED, METHODS

TELLURION = [sys.executable, "-m", "tellurion_client"]
Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Observed = Callable[..., Path]


def documents(answer: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document that is all of stdout."""
    assert (answer.returncode, answer.stderr) == (0, "")
    (line,) = answer.stdout.splitlines()
    return json.loads(line)


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What a command prints that runs in this process, to its good end: quicker than one of its own."""

    def command(*arguments: object) -> str:
        assert run([str(argument) for argument in arguments]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return command


def test_methods(tellurion: Run, printed: Callable[..., str], platform: dict[str, Any]) -> None:
    known = documents(tellurion("ocean", "methods", "--json", "--state", platform["state"]))
    assert tuple(method["name"] for method in known) == METHODS
    assert tuple(method["name"] for method in known if method["learned"]) == LEARNED
    assert {method["name"] for method in known if method["typical_seconds"] > 10} == {"posterior", "gp", "reconmost"}
    table = printed("ocean", "methods", "--state", platform["state"])
    assert all(method["name"] in table for method in known)


def test_reconstruct_writes_the_analysis_and_prints_the_contract(
    tellurion: Run, printed: Callable[..., str], platform: dict[str, Any], observed: Observed, tmp_path: Path
) -> None:
    output = tmp_path / "analysis.nc"
    options = ("--method", "oi", "--members", 2, "--seed", 5, "--json", "--state", platform["state"])
    document = documents(tellurion("ocean", "reconstruct", observed(), "-o", output, *options))
    assert set(document) == {"output", "method", "month", "observations", "seconds"}
    assert (document["output"], document["method"], document["month"]) == (str(output), "oi", 2)
    assert set(document["observations"]) == {"used", "rejected"}
    assert sum(document["observations"].values()) == 40
    with netCDF4.Dataset(output) as analysis:
        assert analysis["thetao"].dimensions[-3:] == ("depth", "lat", "lon")
        assert analysis["thetao_std"].shape == analysis["thetao"].shape
        assert (analysis.method, analysis.seed) == ("oi", 5)
    first = output.read_bytes()
    assert json.loads(printed("ocean", "reconstruct", observed(), "-o", output, *options))["month"] == 2
    assert output.read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["analysis.nc", "obs.nc"]


def test_without_json_it_says_what_it_did(
    printed: Callable[..., str], platform: dict[str, Any], observed: Observed, tmp_path: Path
) -> None:
    options = ("--method", "climatology", "--month", 2, "--state", platform["state"])
    said = printed("ocean", "reconstruct", observed(timed=False), "-o", tmp_path / "a.nc", *options)
    assert said.startswith(f"{tmp_path}/a.nc: February by climatology in ")


def test_many_files_give_one_analysis_per_month(
    printed: Callable[..., str], platform: dict[str, Any], observed: Observed, tmp_path: Path
) -> None:
    files = [observed("a.nc", months=(2,)), observed("b.nc", months=(2, 3), n=30), observed("c.nc", months=(11,))]
    options = ("--method", "climatology", "--members", 1, "--json", "--state", platform["state"])
    done = json.loads(printed("ocean", "reconstruct", *files, "-o", tmp_path / "out.nc", *options))
    assert [document["month"] for document in done] == [2, 3, 11]
    assert [sum(document["observations"].values()) for document in done] == [40 + 15, 15, 40]
    assert [Path(document["output"]).name for document in done] == ["out-02.nc", "out-03.nc", "out-11.nc"]
    assert all(Path(document["output"]).exists() for document in done)
    assert not (tmp_path / "out.nc").exists()
    one = json.loads(printed("ocean", "reconstruct", *files, "-o", tmp_path / "m.nc", "--month", 3, *options))
    assert (one["month"], one["output"]) == (3, str(tmp_path / "m.nc"))


def test_members_go_to_a_file_of_their_own(
    printed: Callable[..., str], platform: dict[str, Any], observed: Observed, tmp_path: Path
) -> None:
    (tmp_path / "ensemble").mkdir()
    observations = (observed("a.nc", months=(2,)), observed("b.nc", months=(3,)))
    outputs = ("-o", tmp_path / "out.nc", "--members-out", tmp_path / "ensemble" / "m.nc")
    options = ("--method", "oi", "--members", 2, "--json", "--state", platform["state"])
    done = json.loads(printed("ocean", "reconstruct", *observations, *outputs, *options))
    assert [Path(document["members_out"]).name for document in done] == ["m-02.nc", "m-03.nc"]
    for document in done:
        with netCDF4.Dataset(document["output"]) as analysis:
            assert "thetao_member" not in analysis.variables
        with netCDF4.Dataset(document["members_out"]) as members:
            assert members["thetao_member"].shape == (2, *members["thetao"].shape)
    assert sorted(path.name for path in (tmp_path / "ensemble").iterdir()) == ["m-02.nc", "m-03.nc"]


@pytest.fixture(scope="module")
def shipped() -> Path:
    """The weights that the ocean service comes with."""
    (path,) = (Path(tellurion_ocean.__path__[0]) / "weights").glob("*.safetensors")
    return path


@pytest.fixture(scope="module")
def registered(
    tellurion: Run, platform: dict[str, Any], shipped: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The SHA-256 of the same tensors in another file, registered as `mine` with the running platform."""
    mine = tmp_path_factory.mktemp("mine") / "mine.safetensors"
    with safe_open(shipped, "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        save_file(tensors, mine, file.metadata() | {"note": "mine"})
    options = ("--service", "ocean", "--name", "mine", "--json", "--state", platform["state"])
    assert documents(tellurion("models", "add", mine, *options))["size"] == mine.stat().st_size
    return hashlib.sha256(mine.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize(("method", "named"), [("posterior", ("", "mine")), ("reconmost", ("sha256",))])
def test_a_learned_method_says_its_steps_and_weights(
    capsys: pytest.CaptureFixture[str],
    platform: dict[str, Any],
    observed: Observed,
    tmp_path: Path,
    shipped: Path,
    registered: str,
    method: str,
    named: tuple[str, ...],
) -> None:
    options = ("--method", method, "--steps", 2, "--members", 1, "--json", "--state", platform["state"])
    means = []
    for weights in named:
        words = ("--weights", registered if weights == "sha256" else weights) if weights else ()
        assert run([*map(str, ("ocean", "reconstruct", observed(), "-o", tmp_path / "a.nc", *options, *words))]) == 0
        document = json.loads(capsys.readouterr().out)
        sha256 = registered if weights else hashlib.sha256(shipped.read_bytes()).hexdigest()
        assert (document["steps"], document["weights_sha256"]) == (2, sha256)
        with netCDF4.Dataset(tmp_path / "a.nc") as analysis:
            assert (analysis.steps, analysis.weights_sha256) == (2, sha256)
            means.append(analysis["thetao"][:].filled(np.nan))
    assert all(np.array_equal(mean, means[0], equal_nan=True) for mean in means)


def test_weights_that_are_not_registered_are_told_with_those_that_are(
    tellurion: Run, platform: dict[str, Any], observed: Observed, tmp_path: Path, registered: str
) -> None:
    options = ("--method", "posterior", "--weights", "nonesuch", "--state", platform["state"])
    for asked in (("reconstruct", observed(), "-o", tmp_path / "a.nc"), ("evaluate", "--month", 2)):
        failed = tellurion("ocean", *asked, *options)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr == "tellurion: there are no weights nonesuch for ocean; registered: mine\n"
    with connect(platform["state"]) as client, pytest.raises(NotFound, match="registered: mine"):
        client.ocean.reconstruct(observed(), method="posterior", weights="0" * 64)


@pytest.mark.slow
def test_steps_and_weights_reach_the_learned_among_the_evaluated(
    printed: Callable[..., str], platform: dict[str, Any], registered: str
) -> None:
    asked = ("--month", 2, "--profiles", 60, "--members", 2, "--method", "climatology", "--method", "posterior")
    options = ("--steps", 2, "--weights", "mine", "--json", "--state", platform["state"])
    scores = json.loads(printed("ocean", "evaluate", *asked, *options))
    assert list(scores) == ["climatology", "posterior"]
    assert scores["posterior"]["masked"]["reconstruction"] < scores["climatology"]["masked"]["reconstruction"]


def test_evaluate_prints_the_contract(tellurion: Run, printed: Callable[..., str], platform: dict[str, Any]) -> None:
    options = ("--month", 2, "--observed", 0.075, "--seed", 1, "--method", "climatology", "--state", platform["state"])
    scores = documents(tellurion("ocean", "evaluate", *options, "--json"))["climatology"]
    assert set(scores) == {"masked", "all_cells", "spread_skill", "crps"}
    for convention in ("masked", "all_cells"):
        assert set(scores[convention]) == {"guidance", "reconstruction", "total"}
    masked = scores["masked"]
    total = 0.075 * masked["guidance"] + 0.925 * masked["reconstruction"]
    assert masked["total"] == pytest.approx(total, rel=1e-3)  # the part observed is rounded to whole cells a level
    table = printed("ocean", "evaluate", *options)
    assert "climatology" in table
    assert f"{masked['reconstruction']:.4f}" in table
    assert "°C²" in table


def test_profiles_are_observed_instead_of_cells(printed: Callable[..., str], platform: dict[str, Any]) -> None:
    options = ("--month", 8, "--observed", 0.075, "--profiles", 60, "--method", "climatology")
    table = printed("ocean", "evaluate", *options, "--state", platform["state"])
    assert "60 profiles observed" in table


def test_a_failure_is_one_line_and_no_json(tellurion: Run, observed: Observed, tmp_path: Path) -> None:
    failed = tellurion(
        "ocean", "reconstruct", observed(), "-o", tmp_path / "a.nc", "--json", TELLURION_URL=f"unix:{tmp_path}/no.sock"
    )
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == f"tellurion: no Tellurion service answers at unix:{tmp_path}/no.sock\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["obs.nc"]


@pytest.mark.slow
def test_embedded_it_needs_no_platform(
    tellurion: Run, observed: Observed, tmp_path: Path, processes: Callable[[], list[int]]
) -> None:
    before = set(processes())
    options = ("--method", "climatology", "--members", 1, "--json", "--state", tmp_path / "state")
    done = documents(tellurion("ocean", "reconstruct", observed(), "-o", tmp_path / "a.nc", *options))
    assert done["month"] == 2
    assert set(processes()) == before


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_an_interrupt_cancels_the_work_in_the_service(
    started: Start,
    platform: dict[str, Any],
    observed: Observed,
    tmp_path: Path,
    until: Callable[..., None],
    number: int,
    code: int,
) -> None:
    log = Path(platform["state"]) / "log" / "ocean.log"

    def cancelled() -> int:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return sum(line.get("code") == "CANCELLED" and line["method"].endswith("/Reconstruct") for line in lines)

    before = cancelled()
    primary, secondary = pty.openpty()
    command = started(
        "ocean",
        "reconstruct",
        observed(n=3000),
        "-o",
        tmp_path / "a.nc",
        *("--method", "hybrid", "--members", 20),
        "--state",
        platform["state"],
        program=["/bin/sh", "-c", 'exec "$@" 2>"$0"', os.ttyname(secondary), *TELLURION],
    )
    shown = b""
    while b"February: " not in shown:  # what the service says it is doing, in the bar on the terminal
        shown += os.read(primary, 4096)
    command.send_signal(number)
    assert command.wait(10) == code
    until(lambda: cancelled() == before + 1, 5)
    os.close(primary)
    os.close(secondary)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["obs.nc"]


def test_a_deadline_is_kept(platform: dict[str, Any], observed: Observed) -> None:
    with connect(platform["state"]) as client, pytest.raises(DeadlineExceeded):
        client.ocean.reconstruct(observed(n=3000), method="gp", timeout=0.05)


def test_the_sdk_reports_progress_and_answers_arrays(platform: dict[str, Any], observed: Observed) -> None:
    steps: list[float] = []
    with connect(platform["state"]) as client:
        analysis = client.ocean.reconstruct(
            observed(), method="oi", members=3, seed=1, progress=lambda fraction, _: steps.append(fraction)
        )
    assert analysis.mean.shape == analysis.std.shape == analysis.grid.shape
    assert analysis.members is not None
    assert analysis.members.shape == (3, *analysis.grid.shape)
    assert steps == sorted(steps)
    assert all(0 <= step <= 1 for step in steps)
    wet = np.isfinite(analysis.mean)
    assert (analysis.std[wet] > 0).all()


def test_what_the_service_refuses_is_refused_here(platform: dict[str, Any], observed: Observed) -> None:
    with connect(platform["state"]) as client:
        bad = ({"members": 65}, {"seed": -1}, {"month": 13}, {"method": "x"}, {"timeout": 0}, {"steps": 5})
        for options in (*bad, {"method": "posterior", "steps": 1001}, {"method": "posterior", "weights": "../a"}):
            with pytest.raises(InvalidInput):
                client.ocean.reconstruct(observed(), **options)
