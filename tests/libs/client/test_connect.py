"""`connect` finds services or starts them, says clearly where it cannot, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tellurion_client
from tellurion_client import ClientTls, InvalidInput, TellurionError, Unavailable, connect

Start = Callable[..., subprocess.Popen[str]]

MANY = 3000  # observations: enough for the analysis to take a while
OBSERVATIONS = {
    "latitude": np.linspace(-50, 50, MANY),
    "longitude": np.linspace(180, 220, MANY),
    "depth": np.linspace(0, 900, MANY),
    "temperature": np.linspace(5, 28, MANY),
}
EMBEDDED = """
import os, signal, sys, tellurion_client
client = tellurion_client.connect()
print([suite.name for suite in client.benchmark.suites()], flush=True)
"""
"""With the service that starts the quickest; they are all started alike."""


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], runtime: Path) -> None:
    monkeypatch.delenv("TELLURION_URL", raising=False)
    monkeypatch.setenv("TELLURION_STATE", settings["TELLURION_STATE"])
    monkeypatch.setattr("tempfile.tempdir", str(runtime))


def test_every_public_name_can_be_had() -> None:
    for name in tellurion_client.__all__:
        assert getattr(tellurion_client, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = tellurion_client.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "url",
    [
        *("grpc://", "grpc://localhost", "grpc://h:99999", "unix:relative", "/no/such/folder"),
        *("http://example.org", "https://", "https://h:99999", "https://h/path", "https://h?key=1", "ftp://h:1"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as error:
        connect(url)
    (violation,) = error.value.violations
    assert violation.field == "url"
    assert "://host:port" in violation.accepted


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidInput) as error:
        connect("https://me:hunter2@localhost:1")
    assert "hunter2" not in str(error.value)


def test_a_key_goes_to_gateways_alone_and_is_not_repeated() -> None:
    with pytest.raises(InvalidInput, match="accepted: https://host:port"):
        connect("grpc://localhost:1", api_key="tell_secret")
    with pytest.raises(InvalidInput, match="api_key") as error:
        connect("https://localhost:1", api_key="tell_secret\r\nX-Other: 1")
    assert "tell_secret" not in str(error.value)


def test_tls_needs_a_url_of_tls() -> None:
    with pytest.raises(InvalidInput, match="accepted: grpcs://host:port"):
        connect("grpc://localhost:1", tls=ClientTls())


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_positive(timeout: float) -> None:
    with pytest.raises(InvalidInput, match=r"^timeout: "):
        connect(timeout=timeout)


def test_where_nobody_answers_it_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can be there
        url = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=f"^no Tellurion service answers at {url}$"):
            connect(url, timeout=5)
        https = url.replace("grpc:", "https:")
        with pytest.raises(Unavailable, match=f"^no Tellurion service answers at {https} with a certificate"):
            connect(https, timeout=5)
    with pytest.raises(Unavailable, match="no Tellurion service answers at unix:"):
        connect(f"unix:{tmp_path}/none.sock", timeout=5)


def test_a_state_folder_on_which_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"no platform runs on .*; start one: tellurion up --state "):
        connect(tmp_path)


@pytest.mark.parametrize("how", ["state", "unix", "environment"])
def test_a_running_platform_is_found(platform: dict[str, Any], monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    url: str | None = platform["state"] if how == "state" else platform["services"]["ocean"]
    if how == "environment":
        monkeypatch.setenv("TELLURION_URL", str(url))
        url = None
    with connect(url) as client:
        assert "oi" in [method.name for method in client.ocean.methods()]


def test_a_closed_client_says_that_it_is_closed(platform: dict[str, Any]) -> None:
    client = connect(platform["state"])
    client.close()
    client.close()
    with pytest.raises(TellurionError, match="the client is closed"):
        client.ocean.methods()


def test_embedded_services_start_at_first_use_and_stop_with_the_client(processes: Callable[[], list[int]]) -> None:
    before = set(processes())
    with connect() as client:
        assert set(processes()) == before
        assert client.ocean.methods()
        (service,) = set(processes()) - before
        assert client.ocean.methods()
        assert set(processes()) == before | {service}
    assert set(processes()) == before


@pytest.mark.slow
def test_an_embedded_service_that_dies_is_said_to_be_dead_and_started_again(processes: Callable[[], list[int]]) -> None:
    before = set(processes())

    def kill(fraction: float, message: str) -> None:
        for process in set(processes()) - before:
            os.kill(process, signal.SIGKILL)

    with connect() as client:
        with pytest.raises(Unavailable, match=r"^the ocean service was killed by signal 9 during the call$"):
            client.ocean.reconstruct(OBSERVATIONS, month=2, progress=kill)
        assert client.ocean.methods()


@pytest.mark.parametrize(
    ("ending", "end"),
    [
        pytest.param("sys.exit()", None, marks=pytest.mark.slow),
        ("signal.pause()", signal.SIGKILL),
        pytest.param("signal.pause()", signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param("os._exit(3)", None, marks=pytest.mark.slow),
    ],
)
def test_no_orphan_is_left_however_the_program_ends(
    started: Start, processes: Callable[[], list[int]], until: Callable[..., None], ending: str, end: int | None
) -> None:
    before = set(processes())
    program = started(program=[sys.executable, "-c", EMBEDDED + ending])
    assert program.stdout is not None
    assert "msearth" in program.stdout.readline()
    if end is not None:
        assert len(set(processes()) - before) == 1
        program.send_signal(end)
    until(lambda: set(processes()) == before, 8)


def test_tls_is_spoken_and_the_server_checked(started: Start, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    program = [sys.executable, "-m", "tellurion_ocean"]
    service = started(program=program, TELLURION_TLS_CERTIFICATE=str(chain), TELLURION_TLS_KEY=str(key))
    assert service.stdout is not None
    port = service.stdout.readline().rpartition(":")[2].strip('"} \n')
    with connect(f"grpcs://localhost:{port}", tls=ClientTls(ca=chain)) as client:
        assert client.ocean.methods()
    for url, tls in ((f"grpcs://localhost:{port}", None), (f"grpc://localhost:{port}", None)):
        with pytest.raises(Unavailable, match="no Tellurion service answers"):
            connect(url, tls=tls, timeout=5)
