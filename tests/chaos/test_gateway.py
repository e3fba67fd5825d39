"""Gateways that are told to stop under load, one after the other as in a rolling update: no request fails.

They ask for keys, and speak TLS; the service behind them asks for tokens.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

CLIENTS = 8
DRAIN_SECONDS = 3.0
BALANCER_SECONDS = 0.1
"""Time between two looks at who is ready; a balancer's probes are slower, and so is its drain."""
UPLOADED = bytes(range(256)) * 4096
TUS = {"Tus-Resumable": "1.0.0"}
BENCH = Path(__file__).parents[1] / "bench"


class Door:
    """What gateways and the service are set up with, and what a client shows and trusts."""

    def __init__(self, folder: Path) -> None:
        site = _gateway_site()
        site.certificate(folder)
        keys = site.keys(folder)
        tls = {"tls_certificate": folder / "server.pem", "tls_key": folder / "server.key"}
        self.settings = {f"TELLURION_{name.upper()}": str(value) for name, value in (keys.settings | tls).items()}
        self.trust = ssl.create_default_context(cafile=folder / "server.pem")
        self.shown = {"Authorization": f"Bearer {keys.key}"}

    def client(self) -> httpx.Client:
        """A client with a key."""
        return httpx.Client(verify=self.trust, headers=self.shown, timeout=30)


class Replica:
    """One of several gateways on the same state."""

    def __init__(self, state: Path, ocean: str, door: Door) -> None:
        self.door = door
        self._settings = {"STATE": state, "OCEAN_ADDRESS": ocean, "DRAIN_SECONDS": DRAIN_SECONDS, "TENANT_RATE": 1e6}
        self._log = state / "gateway.log"
        self.ready = False
        self.address = "127.0.0.1:0"
        self.start()

    def start(self) -> None:
        """Starts it, where it was before."""
        settings = self.door.settings | {f"TELLURION_{name}": str(value) for name, value in self._settings.items()}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tellurion_gateway"],
                env=os.environ | settings | {"TELLURION_LISTEN": self.address},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self._log.read_text()
        self.url = json.loads(line)["address"]
        self.address = self.url.removeprefix("https://")

    def stop(self) -> int:
        """Tells it to stop, and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def look(self) -> None:
        """Sees whether it is ready."""
        connection = http.client.HTTPSConnection(self.address, timeout=2, context=self.door.trust)
        try:
            connection.request("GET", "/readyz")
            self.ready = connection.getresponse().status == 200
        except OSError:
            self.ready = False
        finally:
            connection.close()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """See `Door`."""
    return Door(tmp_path)


@pytest.fixture
def ocean(tmp_path: Path, door: Door) -> Iterator[str]:
    """The address of an ocean service that answers at once."""
    address = f"unix:{tmp_path}/ocean.sock"
    with (tmp_path / "ocean.log").open("wb") as log:
        command: list[Any] = [sys.executable, BENCH / "gateway_latency.py", "serve", address]
        settings = os.environ | {name: value for name, value in door.settings.items() if "_TLS_" not in name}
        process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    assert process.stdout.readline(), (tmp_path / "ocean.log").read_text()
    yield address
    process.terminate()
    process.communicate()


@pytest.fixture
def replicas(tmp_path: Path, ocean: str, door: Door) -> Iterator[list[Replica]]:
    """Two gateways."""
    state = tmp_path / "state"
    state.mkdir()
    replicas = [Replica(state, ocean, door) for _ in range(2)]
    yield replicas
    for replica in replicas:
        with suppress(ProcessLookupError):
            replica.process.kill()
        replica.process.communicate()


class Load:
    """Clients behind a balancer that sends them to those that were ready when it last looked."""

    def __init__(self, replicas: list[Replica]) -> None:
        self._replicas = replicas
        self._over = threading.Event()
        self.answered = 0
        self.failures: list[str] = []
        for replica in replicas:
            replica.look()
        self._threads = [threading.Thread(target=self._balance)]
        self._threads += [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends, once every request was answered."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _balance(self) -> None:
        while not self._over.wait(BALANCER_SECONDS):
            for replica in self._replicas:
                replica.look()

    def _ask(self, number: int) -> None:
        with self._replicas[0].door.client() as client:
            while not self._over.wait(0.05):
                number += 1
                ready = [replica.url for replica in self._replicas if replica.ready]
                try:
                    self._upload(client, ready) if number % 4 == 0 else self._read(client, ready[number % len(ready)])
                    self.answered += 1
                except (httpx.HTTPError, ZeroDivisionError, AssertionError) as error:
                    self.failures.append(repr(error))

    def _read(self, client: httpx.Client, url: str) -> None:
        assert client.get(f"{url}/v1/ocean/methods").raise_for_status().json()["methods"]

    def _upload(self, client: httpx.Client, ready: list[str]) -> None:
        """Begins at one gateway, ends at another, and is fetched from the first."""
        begun = client.post(f"{ready[0]}/v1/uploads", headers={**TUS, "Upload-Length": str(len(UPLOADED))})
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        url = f"{ready[-1]}{begun.raise_for_status().headers['Location']}"
        answer = client.patch(url, content=UPLOADED, headers=headers).raise_for_status()
        artifact = answer.headers["Tellurion-Artifact"]
        content = client.get(f"{ready[0]}/v1/artifacts/{artifact}/content").raise_for_status().content
        assert hashlib.sha256(content).hexdigest() == artifact


@pytest.mark.slow
def test_a_rolling_update_under_load_fails_no_request(replicas: list[Replica]) -> None:
    load = Load(replicas)
    for replica in replicas:
        before = load.answered
        time.sleep(1)
        assert replica.stop() == 0
        time.sleep(0.5)
        assert load.answered > before
        replica.start()
        until = time.monotonic() + 60
        while not replica.ready:
            assert time.monotonic() < until
            time.sleep(0.05)
    load.stop()
    assert load.failures == []


@pytest.mark.slow
def test_an_upload_that_is_on_its_way_ends_well(replicas: list[Replica]) -> None:
    replica = replicas[0]

    def pieces() -> Iterator[bytes]:
        yield UPLOADED[: 1 << 19]
        replica.process.send_signal(signal.SIGTERM)
        time.sleep(DRAIN_SECONDS + 1)  # the drain is over: nobody else is let in any more
        yield UPLOADED[1 << 19 :]

    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    with replica.door.client() as client:
        begun = client.post(f"{replica.url}/v1/uploads", headers={**TUS, "Upload-Length": str(len(UPLOADED))})
        answer = client.patch(f"{replica.url}{begun.headers['Location']}", content=pieces(), headers=headers)
    assert answer.headers["Tellurion-Artifact"] == hashlib.sha256(UPLOADED).hexdigest()
    assert replica.process.wait(10) == 0


def _gateway_site() -> ModuleType:
    """The module by which the gateway's benchmarks are set up."""
    found = importlib.util.spec_from_file_location("gateway_site", BENCH / "gateway_site.py")
    assert found is not None
    assert found.loader is not None
    sys.modules["gateway_site"] = loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded
