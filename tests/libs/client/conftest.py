"""A real `tellurion` command, real services, and small files of observations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TELLURION = [sys.executable, "-m", "tellurion_client"]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all processes of these tests put their temporary files; nothing is left in it at the end."""
    folder = tmp_path_factory.mktemp("t")
    yield folder
    assert [path.name for path in folder.iterdir()] == []


@pytest.fixture(scope="session")
def settings(runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of the processes: the caller's, without its settings of Tellurion."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TELLURION_")}
    return kept | {"TMPDIR": str(runtime), "TELLURION_STATE": str(tmp_path_factory.mktemp("state"))}


@pytest.fixture(scope="session")
def tellurion(settings: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command to its end."""

    def run(*arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [*TELLURION, *map(str, arguments)]
        return subprocess.run(
            command, env=settings | extra, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        )

    return run


@pytest.fixture(scope="session")
def started(settings: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command, or another program, and stops what still runs at the end."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: object, program: list[str] = TELLURION, **extra: str) -> subprocess.Popen[str]:
        command = [*program, *map(str, arguments)]
        process = subprocess.Popen(
            command, env=settings | extra, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.fixture(scope="session")
def platform(
    started: Callable[..., subprocess.Popen[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What the readiness line of a running platform says; it has the ocean service and no gateway."""
    process = started("up", "--services", "ocean", "--json", "--state", tmp_path_factory.mktemp("platform"))
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Waits until something is true, and fails where it is not in time."""

    def wait(what: Callable[[], object], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, "it never became true"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def processes(runtime: Path) -> Callable[[], list[int]]:
    """The service processes that these tests have running now, as the kernel tells it."""

    def found() -> list[int]:
        services = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"tellurion_client.guard" in command and os.fsencode(runtime) in command:
                services.append(int(folder.name))
        return services

    return found


@pytest.fixture
def observed(tmp_path: Path) -> Callable[..., Path]:
    """Writes observations [n] of one or several months as the contract describes them."""

    def write(name: str = "obs.nc", *, months: tuple[int, ...] = (2,), n: int = 40, timed: bool = True) -> Path:
        random = np.random.default_rng(n)
        latitude = random.uniform(-50, 50, n)
        dataset = xr.Dataset(
            {
                "latitude": ("obs", latitude, {"units": "degrees_north"}),
                "longitude": ("obs", random.uniform(180, 220, n), {"units": "degrees_east"}),
                "depth": ("obs", random.uniform(0, 50, n), {"units": "m", "positive": "down"}),
                "temperature": ("obs", 28 - np.abs(latitude) / 2, {"units": "degree_C"}),
            }
        )
        if timed:
            days = [np.datetime64(f"2015-{months[i % len(months)]:02d}-15", "ns") for i in range(n)]
            dataset["time"] = ("obs", np.array(days))
        path = tmp_path / name
        dataset.to_netcdf(path)
        return path

    return write


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
