"""Every option that cannot be used is one line that says what is accepted, exit code 2, and no service started."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tellurion_client.cli.main import run

METHODS = "posterior, hybrid, gp, eof_oi, oi, dineof, reconmost, climatology"
LEARNED = "accepted: none, except with posterior or reconmost"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    """Runs a command that must be refused, and gives its one line."""
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("TELLURION_URL", raising=False)
    monkeypatch.chdir(tmp_path)

    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    def command(*arguments: object) -> str:
        monkeypatch.setattr(subprocess, "Popen", no_process)
        before = sorted(tmp_path.rglob("*"))
        assert run([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        (line,) = captured.err.splitlines()
        assert captured.out == ""
        assert sorted(tmp_path.rglob("*")) == before
        return line.removeprefix("tellurion: ")

    return command


@pytest.mark.parametrize("json", [[], ["--json"]])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--method", "kriging"], f"method: received kriging; accepted: {METHODS}"),
        (["--month", "13"], "month: received 13; accepted: 1 to 12"),
        (["--month", "0"], "month: received 0; accepted: 1 to 12"),
        (["--month", "May"], "month: received May; accepted: a valid integer"),
        (["--members", "0"], "members: received 0; accepted: 1 to 64"),
        (["--members", "1000000"], "members: received 1000000; accepted: 1 to 64"),
        (["--members", "2.5"], "members: received 2.5; accepted: a valid integer"),
        (["--seed", "-1"], "seed: received -1; accepted: 0 to 9223372036854775807"),
        (["--method", "posterior", "--steps", "-1"], "steps: received -1; accepted: 0 to 1000"),
        (["--method", "posterior", "--steps", "1001"], "steps: received 1001; accepted: 0 to 1000"),
        (["--steps", "20"], f"steps: received 20; {LEARNED}"),
        (["--method", "eof_oi", "--weights", "north"], f"weights: received north; {LEARNED}"),
        (["--xyz"], "No such option: --xyz"),
    ],
)
def test_reconstruct(
    refused: Callable[..., str], observed: Callable[..., Path], options: list[str], line: str, json: list[str]
) -> None:
    assert refused("ocean", "reconstruct", observed(), "-o", "a.nc", *options, *json) == line


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (".", "output: received ., a folder; accepted: a file to write"),
        ("none/a.nc", "output: received none: No such file or directory; accepted: a file in a folder that can be"),
        ("obs.nc/a.nc", "output: received obs.nc: Not a directory; accepted: a file in a folder that can be written"),
        ("obs.nc", "output: received obs.nc, a file of observations; accepted: another file"),
        ("/dev/full", "output: received /dev/full, a device or a pipe; accepted: a file that may be written"),
    ],
)
def test_an_output_that_cannot_be_written(
    refused: Callable[..., str], observed: Callable[..., Path], output: str, line: str
) -> None:
    assert refused("ocean", "reconstruct", observed().name, "-o", output).startswith(line)


@pytest.mark.parametrize(
    ("members_out", "line"),
    [
        (".", "members-out: received ., a folder; accepted: a file to write"),
        (
            "none/m.nc",
            "members-out: received none: No such file or directory; accepted: a file in a folder that can be",
        ),
        ("obs.nc", "members-out: received obs.nc, a file of observations; accepted: another file"),
        ("a.nc", "members-out: received a.nc, the analysis; accepted: another file"),
        ("./here/../a.nc", "members-out: received here/../a.nc, the analysis; accepted: another file"),
    ],
)
def test_a_file_of_members_that_cannot_be_written(
    refused: Callable[..., str], observed: Callable[..., Path], tmp_path: Path, members_out: str, line: str
) -> None:
    (tmp_path / "here").mkdir()
    asked = ("ocean", "reconstruct", observed().name, "-o", "a.nc", "--members-out", members_out)
    assert refused(*asked).startswith(line)


def test_observations_that_cannot_be_used(
    refused: Callable[..., str], observed: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "text.nc").write_text("not NetCDF")
    os.mkfifo(tmp_path / "pipe.nc")
    assert refused("ocean", "reconstruct", "pipe.nc", "-o", "a.nc").startswith(
        "observations: received pipe.nc, a device"
    )
    assert refused("ocean", "reconstruct", "none.nc", "-o", "a.nc").startswith("observations: received no such file")
    assert refused("ocean", "reconstruct", "text.nc", "-o", "a.nc").startswith("observations: received a file that")
    assert "argument 'OBS.nc...'" in refused("ocean", "reconstruct", "-o", "a.nc")
    several = observed("several.nc", months=(2, 3))
    line = refused("ocean", "reconstruct", several, "-o", "a.nc")
    assert line == (
        "observations.time: received months 2, 3; accepted: observations of one month, or the option month to choose it"
    )
    assert "observations of months 2, 3 only" in refused("ocean", "reconstruct", several, "-o", "a.nc", "--month", 5)
    timeless = observed("timeless.nc", timed=False)
    assert "no time for 40 of 40 observations" in refused("ocean", "reconstruct", timeless, "-o", "a.nc")


def test_of_many_files_the_line_names_the_one(
    refused: Callable[..., str], observed: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "text.nc").write_text("not NetCDF")
    line = refused("ocean", "reconstruct", observed(), "text.nc", "-o", "a.nc")
    assert line.startswith("text.nc: observations: received a file that starts with")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "Missing option '--month'."),
        (["--month", "3"], "month: received 3; accepted: 2 (February) or 8 (August), kept from all methods"),
        (["--month", "2", "--observed", "0"], "observed: received 0.0; accepted: 0.0001 to 0.9"),
        (["--month", "2", "--observed", "nan"], "observed: received nan; accepted: 0.0001 to 0.9"),
        (["--month", "2", "--profiles", "0"], "profiles: received 0; accepted: 1 to 9000"),
        (["--month", "2", "--observed", "7", "--profiles", "5"], "observed: received 7.0; accepted: 0.0001 to 0.9"),
        (["--month", "2", "--method", "x"], f"method: received x; accepted: {METHODS}"),
        (["--month", "2", "--method", "oi", "--method", "oi"], "method: received oi twice; accepted: each method once"),
        (["--month", "2", "--members", "1"], "members: received 1; accepted: 2 to 64"),
        (["--month", "2", "--seed", "-7"], "seed: received -7; accepted: 0 to"),
        (["--month", "2", "--steps", "1001"], "steps: received 1001; accepted: 0 to 1000"),
        (["--month", "2", "--method", "gp", "--steps", "20"], f"steps: received 20; {LEARNED}"),
        (["--month", "2", "--method", "gp", "--weights", "north"], f"weights: received north; {LEARNED}"),
    ],
)
def test_evaluate(refused: Callable[..., str], options: list[str], line: str) -> None:
    assert refused("ocean", "evaluate", *options, "--json").startswith(line)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--services", "ocean,moon"], "services: received moon; accepted: "),
        (["--services", ""], "services: received nothing; accepted: "),
        (["--port", "65536"], "port: received 65536; accepted: 0 to 65535"),
        (["--tls-key", "key.pem"], "tls-certificate: received nothing; accepted: --tls-certificate and --tls-key"),
        (["--tls-certificate", "c.pem", "--tls-key", "k.pem"], "tls-certificate: received c.pem; accepted: a PEM file"),
        (["--tls-certificate", "obs.nc", "--tls-key", "obs.nc"], "tls-certificate: received obs.nc with obs.nc: "),
        (["--services", "ocean", "--state", "obs.nc"], "state: received "),
        (["--services", "ocean", "--state", "obs.nc", "--detach"], "state: received "),
    ],
)
def test_up(refused: Callable[..., str], observed: Callable[..., Path], options: list[str], line: str) -> None:
    observed()
    assert refused("up", *options).startswith(line)


def test_up_on_a_port_that_is_taken(refused: Callable[..., str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert refused("up", "--port", port).startswith(f"port: received 127.0.0.1:{port}: Address already in use;")


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"file": "none.nc"},
            "weights: received none.nc: No such file or directory; accepted: a whole safetensors file",
        ),
        ({}, "weights: received obs.nc: "),
        ({"--name": "../north"}, "name: received ../north; accepted: "),
        ({"--service": "Ocean"}, "service: received Ocean; accepted: ocean"),
        ({"--service": "oceans"}, "service: received oceans; accepted: ocean"),
        ({"--service": "gateway"}, "service: received gateway; accepted: ocean"),
    ],
)
def test_models_add(
    refused: Callable[..., str], observed: Callable[..., Path], changed: dict[str, str], line: str
) -> None:
    observed()
    asked = {"file": "obs.nc", "--service": "ocean", "--name": "north"} | changed
    file = asked.pop("file")
    assert refused("models", "add", file, *(word for option in asked.items() for word in option)).startswith(line)


def test_a_command_that_there_is_not(refused: Callable[..., str]) -> None:
    assert refused("boil") == "No such command 'boil'."
