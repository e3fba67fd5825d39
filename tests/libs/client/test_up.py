"""`tellurion up`, `status` and `down`: one platform a state folder, which outlives its services' deaths."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tellurion_client.services import chosen_services
from tellurion_client.state import State
from tellurion_client.supervisor import GatewaySettings, RestartPolicy, Supervisor
from tellurion_core.errors import Unavailable

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]
Until = Callable[..., None]


def status(tellurion: Run, state: Path) -> dict[str, Any]:
    answer = tellurion("status", "--json", "--state", state)
    document = json.loads(answer.stdout)
    assert answer.returncode == (0 if document["running"] else 1)
    return document


def read(state: Path) -> dict[str, Any]:
    """The services in the run file."""
    return json.loads((state / "run.json").read_bytes())["services"]


def test_detached_it_is_found_used_and_stopped(
    tellurion: Run, tmp_path: Path, processes: Callable[[], list[int]]
) -> None:
    assert status(tellurion, tmp_path) == {"running": False, "state": str(tmp_path), "pid": None, "services": {}}
    up = tellurion("up", "--detach", "--services", "ocean", "--json", "--state", tmp_path)
    assert (up.returncode, up.stderr) == (0, "")
    ready = json.loads(up.stdout)

    known = status(tellurion, tmp_path)
    assert known["pid"] == ready["pid"]
    ocean = known["services"]["ocean"]
    assert (ocean["status"], ocean["address"]) == ("ready", ready["services"]["ocean"])
    assert ocean["pid"] in processes()
    assert "ocean" in tellurion("status", "--state", tmp_path).stdout

    running = processes()
    assert tellurion("ocean", "methods", "--state", tmp_path).returncode == 0
    assert processes() == running

    second = tellurion("up", "--services", "ocean", "--state", tmp_path)
    assert (second.returncode, second.stdout) == (1, "")
    assert f"process {ready['pid']} already runs a platform on {tmp_path}" in second.stderr

    down = tellurion("down", "--json", "--state", tmp_path)
    assert (down.returncode, json.loads(down.stdout)) == (0, {"stopped": True, "state": str(tmp_path)})
    assert ocean["pid"] not in processes()
    assert not status(tellurion, tmp_path)["running"]
    assert json.loads(tellurion("down", "--json", "--state", tmp_path).stdout)["stopped"] is False
    assert '"serving"' in (tmp_path / "log" / "ocean.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_in_the_foreground_one_line_then_an_orderly_stop(started: Start, tmp_path: Path, number: int) -> None:
    up = started("up", "--services", "benchmark", "--state", tmp_path)
    assert up.stdout is not None
    assert re.fullmatch(r"ready: jobs unix:\S+, benchmark unix:\S+\n", up.stdout.readline())
    up.send_signal(number)
    rest, errors = up.communicate(timeout=30)
    assert (up.returncode, rest, errors) == (0, "", "")
    assert '"stopped"' in (tmp_path / "log" / "benchmark.log").read_text()
    assert not (tmp_path / "run.json").exists()


def test_a_stop_while_it_starts_leaves_nothing(
    started: Start, tmp_path: Path, processes: Callable[[], list[int]], until: Until
) -> None:
    before = set(processes())
    up = started("up", "--services", "benchmark", "--state", tmp_path)
    until(lambda: set(processes()) - before)
    up.send_signal(signal.SIGTERM)
    assert up.communicate(timeout=30) == ("", "")
    assert up.returncode == 0
    assert set(processes()) == before


def test_a_service_that_is_killed_is_started_again_where_it_was(
    tellurion: Run, started: Start, tmp_path: Path, until: Until
) -> None:
    up = started("up", "--services", "benchmark", "--state", tmp_path, "--json")
    assert up.stdout is not None
    address = json.loads(up.stdout.readline())["services"]["benchmark"]
    os.kill(read(tmp_path)["benchmark"]["pid"], signal.SIGKILL)
    until(lambda: read(tmp_path)["benchmark"]["restarts"] == 1)
    until(lambda: read(tmp_path)["benchmark"]["phase"] == "ready", 60)  # as long as a busy machine takes to start one
    benchmark = status(tellurion, tmp_path)["services"]["benchmark"]
    assert (benchmark["status"], benchmark["restarts"], benchmark["address"]) == ("ready", 1, address)
    up.send_signal(signal.SIGTERM)
    said = up.communicate(timeout=30)[1].splitlines()
    assert said == [
        "tellurion: benchmark was killed by signal 9; starting it again in 0.25 s",
        "tellurion: benchmark is ready again",
    ]


@pytest.mark.slow
def test_killed_it_leaves_no_orphan_and_its_state_can_be_used_again(
    tellurion: Run, started: Start, tmp_path: Path, processes: Callable[[], list[int]], until: Until
) -> None:
    before = set(processes())
    up = started("up", "--services", "benchmark", "--state", tmp_path)
    assert up.stdout is not None
    up.stdout.readline()
    up.kill()
    up.wait()
    until(lambda: set(processes()) == before, 8)
    assert (tmp_path / "run.json").exists()
    assert not status(tellurion, tmp_path)["running"]
    again = tellurion("up", "--detach", "--services", "benchmark", "--state", tmp_path)
    assert again.returncode == 0
    assert tellurion("down", "--state", tmp_path).returncode == 0


def test_a_service_that_cannot_start_stops_the_platform(
    tellurion: Run, tmp_path: Path, processes: Callable[[], list[int]]
) -> None:
    before = set(processes())
    up = tellurion("up", "--services", "benchmark", "--state", tmp_path, TELLURION_MAX_CALL_SECONDS="-1")
    assert (up.returncode, up.stdout) == (2, "")
    (line,) = up.stderr.splitlines()
    assert line.startswith("tellurion: jobs: TELLURION_MAX_CALL_SECONDS: received -1; accepted: ")
    detached = tellurion(
        "up", "--detach", "--services", "benchmark", "--state", tmp_path, TELLURION_MAX_CALL_SECONDS="-1"
    )
    assert (detached.returncode, detached.stdout, detached.stderr) == (2, "", up.stderr)
    assert set(processes()) == before
    assert not status(tellurion, tmp_path)["running"]


@pytest.mark.slow
def test_the_gateway_speaks_tls_and_keeps_its_port(
    tellurion: Run, started: Start, tmp_path: Path, certificate: tuple[Path, Path], until: Until
) -> None:
    chain, key = certificate
    options = ("--host", "localhost", "--port", "0", "--tls-certificate", chain, "--tls-key", key)
    up = started("up", "--services", "ocean,gateway", "--json", "--state", tmp_path, *options)
    assert up.stdout is not None
    ready = json.loads(up.stdout.readline())
    address = ready["services"]["gateway"]
    assert address.startswith("https://localhost:")
    outside = {"TELLURION_URL": address, "TELLURION_TLS_CA": str(chain)}
    asked = ("operations", "list", "--service", "ocean")
    assert tellurion(*asked, **outside, TELLURION_API_KEY=ready["api_key"]).returncode == 0
    refused = tellurion(*asked, **outside)
    assert (refused.returncode, "TELLURION_API_KEY" in refused.stderr) == (1, True)
    assert tellurion(*asked, TELLURION_STATE=str(tmp_path)).returncode == 0  # a private socket asks for none
    trusting = ssl.create_default_context(cafile=chain)
    for restarts in (0, 1):
        services = status(tellurion, tmp_path)["services"]
        assert {name: service["status"] for name, service in services.items()} == {
            "jobs": "ready",
            "ocean": "ready",
            "gateway": "ready",
        }
        assert (services["gateway"]["address"], services["gateway"]["restarts"]) == (address, restarts)
        with urllib.request.urlopen(f"{address}/healthz", context=trusting, timeout=10) as answer:
            assert answer.status == 200
        if restarts == 0:
            os.kill(services["gateway"]["pid"], signal.SIGKILL)
            until(lambda: read(tmp_path)["gateway"]["restarts"] == 1)
            until(lambda: read(tmp_path)["gateway"]["phase"] == "ready")
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0


def supervised(folder: Path, say: Callable[[str], None], ready: Callable[[object], None]) -> None:
    """Runs the benchmark service under a supervisor in this process, which gives up after two starts."""
    policy, state = RestartPolicy(first_delay=0.01, longest_delay=0.05, limit=2), State(folder)
    with state.held():
        chosen, gateway = chosen_services(["benchmark"]), GatewaySettings("127.0.0.1", 0)
        Supervisor(chosen, state, gateway, say=say, restarts=policy).run(ready)


@pytest.mark.slow
def test_who_is_killed_while_others_start_is_not_taken_for_one_of_them(
    started: Start, tmp_path: Path, until: Until
) -> None:
    up = started("up", "--services", "benchmark,gateway", "--state", tmp_path, "--port", "0", "--json")
    until(lambda: (tmp_path / "run.json").exists() and read(tmp_path).get("benchmark", {}).get("phase") == "ready")
    os.kill(read(tmp_path)["benchmark"]["pid"], signal.SIGKILL)
    assert up.stdout is not None
    assert json.loads(up.stdout.readline())["services"]["gateway"].startswith("http://127.0.0.1:")
    up.send_signal(signal.SIGTERM)
    assert up.wait(30) == 0


@pytest.mark.slow
def test_a_service_that_is_killed_often_does_not_stop_the_platform(
    tmp_path: Path, runtime: Path, processes: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(runtime))
    before, said = set(processes()), []

    def kill(_: object = None) -> None:
        os.kill(read(tmp_path)["benchmark"]["pid"], signal.SIGKILL)

    def say(line: str) -> None:
        said.append(line)
        if said.count("benchmark is ready again") == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        elif line.endswith("ready again"):
            kill()

    supervised(tmp_path, say, kill)
    delays = [line.rpartition("in ")[2] for line in said if line.startswith("benchmark was killed by signal 9; ")]
    assert delays == ["0.01 s", "0.02 s", "0.04 s", "0.05 s"]
    assert set(processes()) == before


@pytest.mark.slow
def test_a_service_that_cannot_be_started_again_stops_the_platform(
    tmp_path: Path, runtime: Path, processes: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(runtime))
    before, said = set(processes()), []

    def spoil(_: object) -> None:
        monkeypatch.setenv("TELLURION_MAX_CALL_SECONDS", "-1")
        os.kill(read(tmp_path)["benchmark"]["pid"], signal.SIGKILL)

    with pytest.raises(
        Unavailable, match=r"^benchmark could not be started 2 times in a row; the last time, benchmark: TELL"
    ):
        supervised(tmp_path, said.append, spoil)
    assert [line.rpartition("in ")[2] for line in said] == ["0.01 s", "0.02 s"]
    assert set(processes()) == before


def test_delays_double_up_to_the_longest() -> None:
    policy = RestartPolicy(first_delay=0.5, longest_delay=3.0)
    assert [policy.delay(deaths) for deaths in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]
