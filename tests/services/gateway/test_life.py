"""The process: readiness, metrics, clients that go away, an orderly stop, settings that cannot be used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tellurion_core.errors import InvalidInput
from tellurion_core.settings import load
from tellurion_gateway.settings import GatewaySettings

URL = "/v1/ocean:reconstruct"


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Waits for something that will be true soon."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("accept", ["application/json", "application/x-netcdf", "text/event-stream"])
def test_a_client_that_goes_away_cancels_the_work(
    gateway: Any, ocean: Any, observations: dict[str, Any], accept: str, certificate: tuple[Path, Path]
) -> None:
    body = {"method": "slow", "month": 2, "observations": observations}
    headers = {"Accept": accept, "X-Request-Id": f"gone-{accept.replace('/', '-').replace('+', '-')}"}
    with pytest.raises(httpx.ReadTimeout):
        gateway.client.post(URL, json=body, headers=headers, timeout=httpx.Timeout(5, read=0.5))
    assert ocean.cancelled.wait(5)
    gateway.logged(headers["X-Request-Id"])
    assert "tellurion_http_active 0.0" in gateway.metrics()


def test_a_client_that_goes_away_cancels_an_evaluation(gateway: Any, ocean: Any) -> None:
    body = {"month": 2, "observed": 0.1, "methods": ["slow"]}
    with pytest.raises(httpx.ReadTimeout):
        gateway.client.post("/v1/ocean:evaluate", json=body, timeout=httpx.Timeout(5, read=0.5))
    assert ocean.cancelled.wait(5)


def test_metrics_count_by_route_and_not_by_path(gateway: Any, client: httpx.Client) -> None:
    client.get("/v1/artifacts/" + "a" * 64)
    client.get("/no-such-path-1")
    client.request("PROPFIND", "/v1/ocean/methods")
    text = gateway.metrics()
    assert client.get("/metrics").status_code == 404  # not where callers are
    assert 'tellurion_http_total{method="GET",route="/v1/artifacts/{artifact_id}",status="404"}' in text
    assert 'tellurion_http_total{method="GET",route="none",status="404"}' in text
    assert 'tellurion_http_total{method="other",route="/v1/ocean/methods",status="405"}' in text
    assert "tellurion_http_seconds_bucket" in text
    assert "aaaa" not in text
    assert "no-such-path" not in text


def test_readiness_follows_the_ocean_service_and_life_does_not(
    start_gateway: Callable[..., Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    served_type = type(request.getfixturevalue("served_ocean"))
    address = f"unix:{tmp_path}/ocean.sock"
    gateway = start_gateway(ocean_address=address)

    def ready() -> int:
        assert gateway.client.get("/healthz").json() == {"status": "alive"}
        return gateway.client.get("/readyz").status_code

    answer = gateway.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert str(tmp_path) not in answer.text
    answer = gateway.client.get("/v1/ocean/methods")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text

    served = served_type(address)
    until(lambda: ready() == 200)
    served.stop()
    until(lambda: ready() == 503)
    assert gateway.close() == 0


def test_sigterm_fails_readiness_finishes_requests_and_exits_0(
    start_gateway: Callable[..., Any], served_ocean: Any, ocean: Any, observations: dict[str, Any]
) -> None:
    gateway = start_gateway(
        ocean_address=served_ocean.address, drain_seconds=0.5, max_call_seconds=1.5, comment_seconds=0.2
    )
    body = {"method": "slow", "month": 2, "observations": observations}
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(gateway.client.post(URL, json=body, headers={"Accept": "text/event-stream"}))

    asking = threading.Thread(target=ask)
    asking.start()
    assert ocean.started.wait(5)
    gateway.process.send_signal(signal.SIGTERM)
    until(lambda: gateway.client.get("/readyz").status_code == 503)
    assert gateway.client.get("/v1/ocean/methods").status_code == 200  # still taken
    asking.join()
    assert answers[0].text.strip().split("\n\n")[-1].startswith("event: error")  # its deadline, not a broken answer
    assert gateway.process.wait(10) == 0
    assert gateway.process.stdout.read() == ""  # one line in all
    assert [line["event"] for line in gateway.log() if line["event"] in ("serving", "stopping", "stopped")] == [
        "serving",
        "stopping",
        "stopped",
    ]


def test_without_a_certificate_it_serves_plain_http_under_its_own_names(served_ocean: Any, tmp_path: Path) -> None:
    env = {**os.environ, "TELLURION_LISTEN": "127.0.0.1:0", "TELLURION_STATE": str(tmp_path)}
    env["TELLURION_HOSTS"] = '["portal.example"]'
    process = subprocess.Popen(
        [sys.executable, "-m", "tellurion_gateway"],
        env={**env, "TELLURION_OCEAN_ADDRESS": served_ocean.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        line = process.stdout.readline()
        address = line.partition('"address": "')[2].partition('"')[0]
        assert address.startswith("http://127.0.0.1:")
        ready = httpx.get(f"{address}/readyz")
        assert ready.json() == {"status": "ready"}
        assert "Strict-Transport-Security" not in ready.headers
        for host in ("LOCALHOST:1", "127.0.0.1", "[::1]:8080", "portal.example"):
            assert httpx.get(f"{address}/v1/ocean/methods", headers={"Host": host}).status_code == 200
        for host in ("evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example", "user@localhost", ""):
            refused = httpx.get(f"{address}/v1/ocean/methods", headers={"Host": host})
            assert (refused.status_code, "evil" in refused.text) == (403, False)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"OCEAN_ADDRESS": "nowhere"}, "TELLURION_OCEAN_ADDRESS"),
        ({"LISTEN": "unix:/x"}, "TELLURION_LISTEN"),
        ({"TLS_CERTIFICATE": __file__}, "TELLURION_TLS_KEY"),
        ({"SERVICES_TLS_CERTIFICATE": __file__, "SERVICES_TLS_KEY": __file__}, "TELLURION_SERVICES_TLS_CA"),
        ({"ARTIFACT_HOURS": "0"}, "TELLURION_ARTIFACT_HOURS"),
        ({"MAX_UPLOAD_BYTES": "much"}, "TELLURION_MAX_UPLOAD_BYTES"),
    ],
)
def test_settings_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str | None], named: str
) -> None:
    for name, value in ({"OCEAN_ADDRESS": "localhost:1"} | settings).items():
        if value is not None:
            monkeypatch.setenv(f"TELLURION_{name}", value)
    with pytest.raises(InvalidInput, match=named):
        load(GatewaySettings)


def test_an_address_or_a_certificate_that_cannot_be_used_ends_it_with_2() -> None:
    unusable = {
        "TELLURION_LISTEN": {"LISTEN": "192.0.2.1:80"},
        "TELLURION_TLS_CERTIFICATE": {"TLS_CERTIFICATE": __file__, "TLS_KEY": __file__},
    }
    command, pipes = [sys.executable, "-m", "tellurion_gateway"], {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with ExitStack() as stack:
        started = {}
        for named, settings in unusable.items():  # at once: each takes seconds to start
            env = {f"TELLURION_{name}": value for name, value in {"OCEAN_ADDRESS": "h:1", **settings}.items()}
            started[named] = stack.enter_context(subprocess.Popen(command, env=os.environ | env, text=True, **pipes))
        for named, process in started.items():
            out, err = process.communicate(timeout=60)
            assert (process.returncode, out) == (2, "")
            assert named in err.splitlines()[-1]
            assert "Traceback" not in err
