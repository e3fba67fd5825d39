"""What the gateway's benchmarks run: a gateway, a service of their own behind it, and a certificate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from tellurion_core.call import Identity
from tellurion_core.identity.api_keys import ApiKeys, read_pepper
from tellurion_core.identity.roles import Role
from tellurion_core.identity.tokens import TokenMinter
from tellurion_core.jobs.database import open_engine


@dataclass
class Site:
    """A gateway process."""

    address: str
    process: subprocess.Popen[bytes]


def certificate(folder: Path) -> None:
    """Writes `server.pem` and `server.key`, for 127.0.0.1."""
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
        .not_valid_after(now + timedelta(hours=4))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "server.pem").write_bytes(signed.public_bytes(pem))
    (folder / "server.key").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))


@dataclass
class Keys:
    """What a site that asks who calls is set up with, and what a caller shows: to its gateway, to its service."""

    settings: dict[str, object]
    """Of the gateway and of the service."""
    key: str
    token: str


def keys(folder: Path) -> Keys:
    """Makes a pepper, a pair of keys for tokens, and an API key."""
    private = Ed25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "private.pem").write_bytes(private.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "public.pem").write_bytes(public)
    (folder / "pepper").write_bytes(os.urandom(32))
    settings: dict[str, object] = {
        "api_key_pepper": folder / "pepper",
        "token_private_key": folder / "private.pem",
        "token_public_keys": folder / "public.pem",
        "jobs_database": f"sqlite:///{folder}/jobs.sqlite",
    }
    kept = ApiKeys(open_engine(str(settings["jobs_database"])), read_pepper(folder / "pepper"))
    return Keys(settings, kept.create("navy", "bench"), TokenMinter(private)(Identity("navy", "bench", Role.USER)))


@contextmanager
def running_service(folder: Path, script: Path, what: str, **settings: object) -> Iterator[str]:
    """The address of an ocean service that a benchmark's own script serves, as a process."""
    address = f"unix:{folder}/ocean.sock"
    with (folder / "ocean.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, script, what, address],
            env=os.environ | _environment(settings),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with _stopped(process):
        yield address


@contextmanager
def running_gateway(folder: Path, ocean: str, *, tls: bool = False, **settings: object) -> Iterator[Site]:
    """A gateway process; its limits are beyond what a benchmark asks for."""
    given = {"listen": "127.0.0.1:0", "state": folder / "state", "ocean_address": ocean}
    given |= {"tenant_rate": 1e6, "tenant_requests": 10_000, "max_concurrent_requests": 10_000, **settings}
    if tls:
        given |= {"tls_certificate": folder / "server.pem", "tls_key": folder / "server.key"}
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tellurion_gateway"],
            env=os.environ | _environment(given),
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with _stopped(process) as first:
        yield Site(json.loads(first)["address"], process)


def peak_mib(pid: int) -> float:
    """Most memory that was resident so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    return {f"TELLURION_{name.upper()}": str(value) for name, value in settings.items()}


@contextmanager
def _stopped(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """The process's first line; it is stopped in the end."""
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line
        yield line
    finally:
        process.terminate()
        process.communicate()
