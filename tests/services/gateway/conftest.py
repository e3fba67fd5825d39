"""The gateway as a process behind HTTPS."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tellurion_core.interceptor import Authenticator

from .guarded import guarded
from .raw import connect
from .scripted_ocean import ScriptedOcean, ServedOcean

__all__ = ["connect", "guarded"]  # fixtures


def _certificate(folder: Path) -> tuple[Path, Path]:
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "server.pem").write_bytes(signed.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "server.pem", folder / "server.key"


@pytest.fixture(scope="session")
def make_certificate() -> Callable[[Path], tuple[Path, Path]]:
    """Puts a self-signed certificate for 127.0.0.1, and its key, into a folder as PEM files."""
    return _certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Those of most tests."""
    return _certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def serve_ocean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Authenticator], ServedOcean]]:
    """Starts a scripted ocean service that asks callers who they are; all are stopped in the end."""
    served: list[ServedOcean] = []

    def serve(authenticate: Authenticator) -> ServedOcean:
        address = f"unix:{tmp_path_factory.mktemp('asking')}/ocean.sock"
        served.append(ServedOcean(address, authenticate=authenticate))
        return served[-1]

    yield serve
    for each in served:
        each.stop()


@pytest.fixture(scope="session")
def served_ocean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedOcean]:
    """The scripted ocean service that the gateways of most tests call."""
    served = ServedOcean(f"unix:{tmp_path_factory.mktemp('ocean')}/ocean.sock")
    yield served
    served.stop()


@pytest.fixture
def ocean(served_ocean: ServedOcean) -> ScriptedOcean:
    """The scripted ocean service, nothing asked of it yet."""
    ocean = served_ocean.ocean
    ocean.calls.clear()
    ocean.started.clear()
    ocean.cancelled.clear()
    return ocean


class RunningGateway:
    """A gateway process, and a client that trusts its certificate."""

    def __init__(self, certificate: tuple[Path, Path], folder: Path, **settings: object) -> None:
        self.folder = folder
        given = {"listen": "127.0.0.1:0", "tls_certificate": certificate[0], "tls_key": certificate[1]}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._metrics = f"127.0.0.1:{free.getsockname()[1]}"
        given |= {"state": folder, "metrics_address": self._metrics, **settings}
        env = {f"TELLURION_{name.upper()}": str(value) for name, value in given.items()}
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        env["TMPDIR"] = str(self.temporary)
        self.log_path = folder / "gateway.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tellurion_gateway"],
                env={name: v for name, v in os.environ.items() if not name.startswith("TELLURION_")} | env,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first, self.log_path.read_text()
        self.announcement = json.loads(first)
        self.address: str = self.announcement["address"]
        self._trust = ssl.create_default_context(cafile=str(certificate[0]))
        self.client = self.open()

    def open(self) -> httpx.Client:
        """A client of its own."""
        return httpx.Client(base_url=self.address, verify=self._trust, timeout=20)

    def metrics(self) -> str:
        """What Prometheus would read."""
        return httpx.get(f"http://{self._metrics}/metrics").text

    def log(self) -> list[dict[str, Any]]:
        """The lines logged so far."""
        whole, _, _ = self.log_path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def logged(self, request_id: str) -> dict[str, Any]:
        """The line of a request, logged once its answer is on its way, and once a change is in the log of those."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for line in self.log():
                if line.get("request_id") == request_id:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no line of {request_id} was logged")

    def left(self) -> list[Path]:
        """What is in its temporary folder, but for the socket by which processes that open files are started."""
        return [path for path in self.temporary.iterdir() if not path.name.startswith("pymp-")]

    def peak_memory(self) -> int:
        """Most bytes that were resident so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))

    def close(self) -> int:
        """Asks the process to stop, and returns its exit code."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()


@pytest.fixture(scope="session")
def start_gateway(
    certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RunningGateway]]:
    """Starts a gateway with these settings; all are stopped in the end."""
    running: list[RunningGateway] = []

    def start(**settings: object) -> RunningGateway:
        running.append(RunningGateway(certificate, tmp_path_factory.mktemp("state"), **settings))
        return running[-1]

    yield start
    for gateway in running:
        if gateway.process.poll() is None:
            gateway.close()


@pytest.fixture(scope="session")
def gateway(start_gateway: Callable[..., RunningGateway], served_ocean: ServedOcean) -> RunningGateway:
    """A gateway as it is by default."""
    return start_gateway(ocean_address=served_ocean.address)


@pytest.fixture(scope="session")
def strict_gateway(start_gateway: Callable[..., RunningGateway], served_ocean: ServedOcean) -> RunningGateway:
    """A gateway that takes little and waits briefly."""
    return start_gateway(
        ocean_address=served_ocean.address,
        max_upload_bytes=1 << 20,
        max_json_bytes=4096,
        upload_seconds=0.5,
        max_call_seconds=1.5,
        max_concurrent_requests=2,
        comment_seconds=0.2,
        artifact_hours=0.0001,
        sweep_seconds=0.2,
    )


@pytest.fixture
def client(gateway: RunningGateway) -> httpx.Client:
    """A client of the gateway."""
    return gateway.client


@pytest.fixture
def observations() -> dict[str, Any]:
    """Two observations as JSON, of mean 11 °C."""
    return {
        "latitude": [-10.0, 10.0],
        "longitude": [-90.0, 180.0],
        "depth": [0.0, 100.0],
        "temperature": [12.0, 10.0],
        "units": "degC",
    }


@pytest.fixture
def write_observations(tmp_path: Path) -> Callable[..., Path]:
    """Writes the same two observations as a CF file, with any variable, unit or attribute changed."""

    def write(
        *,
        days: tuple[float, ...] | None = (45.0, 46.0),
        units: str | None = "degC",
        name: str = "temperature",
        **changed: Any,
    ) -> Path:
        columns = {"latitude": [-10.0, 10.0], "longitude": [270.0, 180.0], "depth": [0.0, 100.0], name: [12.0, 10.0]}
        path = tmp_path / "observations.nc"
        with netCDF4.Dataset(path, "w") as file:
            file.createDimension("obs", 2)
            for variable, values in (columns | changed).items():
                file.createVariable(variable, "f8", ("obs",))[:] = values
            if units is not None and name in file.variables:
                file[name].units = units
            if days is not None:
                file.createVariable("time", "f8", ("obs",))[:] = days
                file["time"].units = "days since 2001-01-01"
        return path

    return write
