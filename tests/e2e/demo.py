"""Reconstructs February from 500 profiles by the command line, the Python SDK, gRPC and HTTPS, on its own platform.

    python tests/e2e/demo.py out

leaves in `out/`: observations.nc, analysis.nc by `posterior`, eof_oi.nc, analysis.png with both, and the platform's
state with its logs.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import httpx
import netCDF4
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import tellurion_client
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_client.options import LEARNED
from tellurion_geo import read_field
from tellurion_ocean.analysis import Analysis
from tellurion_ocean.evaluate import Experiment, experiment
from tellurion_ocean.observations import Observations
from tellurion_ocean.picture import draw_reconstruction

MONTH, PROFILES, SEED = 2, 500, 1


def main(
    out: Path, *, methods: Sequence[str] = ("posterior", "eof_oi"), scored: Sequence[str] = (), steps: int = 0
) -> None:
    """Runs all of it: the first of `methods` into analysis.nc; `scored` are the methods of the table.

    `steps` are those of the learned methods, their own number where 0.
    """
    out.mkdir(parents=True, exist_ok=True)
    trial = experiment(MONTH, profiles=PROFILES, seed=SEED)
    observations = out / "observations.nc"
    analyses = {name: out / f"{name if index else 'analysis'}.nc" for index, name in enumerate(methods)}
    write_profiles(observations, trial.observations, MONTH)
    say(f"{PROFILES} profiles of February, drawn from the World Ocean Atlas: {observations}")
    certificate, key = self_signed(out)
    with platform(out / "state", certificate, key) as addresses:
        say(f"running: {', '.join(f'{name} {address}' for name, address in addresses.items())}")
        for method, analysis in analyses.items():
            asked = [str(observations), "-o", str(analysis), "--method", method, "--seed", str(SEED), "--json"]
            asked += ["--steps", str(steps)] if method in LEARNED else []
            report = json.loads(command("ocean", "reconstruct", *asked, "--state", str(out / "state")))
            say(f"command line: {method} in {report['seconds']:.1f} s, observations {report['observations']}")
        by_sdk(out / "state", observations)
        by_grpc(addresses["ocean"])
        api_key = command("keys", "create", "--tenant", "local", "--subject", "demo", "--state", str(out / "state"))
        by_https(addresses["gateway"], certificate, api_key.strip(), observations)
        draw(out / "analysis.png", trial, analyses)
        asked = ["--month", str(MONTH), "--profiles", str(PROFILES), "--seed", str(SEED)]
        asked += [word for name in scored for word in ("--method", name)]
        subprocess.run([tellurion(), "ocean", "evaluate", *asked, "--state", str(out / "state")], check=True)
    say(f"see {', '.join(map(str, analyses.values()))} and {out / 'analysis.png'}")


def say(line: str) -> None:
    """One line of the story."""
    print(f"• {line}", flush=True)


def tellurion() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("tellurion"))


def command(*words: str) -> str:
    """What `tellurion` prints for these words."""
    return subprocess.run([tellurion(), *words], check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def platform(state: Path, certificate: Path, key: Path) -> Iterator[dict[str, str]]:
    """`tellurion up` with TLS on a free port, until the block ends; the services' addresses."""
    tls = ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    command("up", "--detach", "--services", "ocean,gateway", "--port", "0", *tls, "--state", str(state), "--json")
    try:
        status = json.loads(command("status", "--state", str(state), "--json"))
        yield {name: service["address"] for name, service in status["services"].items()}
    finally:
        command("down", "--state", str(state))


def by_sdk(state: Path, observations: Path) -> None:
    with tellurion_client.connect(str(state)) as client:
        started = time.monotonic()
        analysis = client.ocean.reconstruct(observations, method="eof_oi", members=2, seed=SEED)
        mean = float(np.nanmean(analysis.mean[0]))
    say(f"Python SDK: eof_oi in {time.monotonic() - started:.1f} s, mean of the surface cells {mean:.2f} °C")


def by_grpc(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = ocean_pb2_grpc.OceanServiceStub(channel)
        methods = stub.ListMethods(ocean_pb2.ListMethodsRequest(), timeout=30).methods
    say(f"gRPC: methods {', '.join(method.name for method in methods)}")


def by_https(address: str, certificate: Path, api_key: str, observations: Path) -> None:
    trust, who = ssl.create_default_context(cafile=str(certificate)), {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=address, verify=trust, headers=who, timeout=120) as client:
        answer = client.post(
            "/v1/ocean:reconstruct",
            params={"method": "oi", "members": 2},
            content=observations.read_bytes(),
            headers={"Content-Type": "application/x-netcdf", "Accept": "application/json"},
        )
        answer.raise_for_status()
        artifact: dict[str, Any] = answer.json()["artifact"]
        content = client.get(artifact["href"])
        content.raise_for_status()
    say(f"HTTPS: oi, artifact {artifact['id'][:12]}… of {len(content.content) / 1e6:.1f} MB")


def draw(path: Path, trial: Experiment, analyses: Mapping[str, Path]) -> None:
    """The picture, from the files that the command line wrote."""
    draw_reconstruction(
        path,
        grid=trial.prior.grid,
        truth=trial.truth,
        observations=trial.observations,
        analyses={method: read(analysis) for method, analysis in analyses.items()},
        month=trial.month,
    )


def read(path: Path) -> Analysis:
    """An analysis's mean and standard deviation, from its file."""
    mean, std = (read_field(path, variable).values[0].astype(np.float64) for variable in ("thetao", "thetao_std"))
    return Analysis(mean, std, np.empty((0, *mean.shape), np.float32))


def write_profiles(path: Path, observations: Observations, month: int) -> None:
    """The observations as a CF file of points, all in the middle of a month of 2001."""
    with netCDF4.Dataset(path, "w") as file:
        file.Conventions = "CF-1.11"
        file.featureType = "point"
        file.createDimension("obs", len(observations))
        columns = {
            "latitude": ("degrees_north", observations.latitude),
            "longitude": ("degrees_east", observations.longitude),
            "depth": ("m", observations.depth),
            "temperature": ("degree_C", observations.temperature),
            "temperature_uncertainty": ("degree_C", observations.uncertainty),
            "time": ("days since 2001-01-01", np.full(len(observations), 30.5 * (month - 0.5))),
        }
        for name, (units, values) in columns.items():
            variable = file.createVariable(name, "f8", ("obs",), compression="zlib")
            variable.units = units
            variable[:] = values
        file["temperature"].standard_name = "sea_water_temperature"
        file["depth"].positive = "down"


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 of one day, and its key, as PEM files in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(pem))
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
