"""The whole platform, as a person starts it: command line, SDK, gRPC and HTTPS over TLS, on real data."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import netCDF4
import numpy as np
import pytest

from tellurion_ocean.network import Network


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", Path(__file__).with_name("demo.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.timeout(300)
def test_the_demo_reconstructs_february_by_every_door(
    demo: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    demo.main(tmp_path, methods=["posterior", "eof_oi"], scored=["eof_oi", "climatology"], steps=2)
    told = capfd.readouterr().out
    for service in ("ocean", "jobs", "gateway"):
        assert f"{service} " in told.partition("running: ")[2].splitlines()[0]
    for door in ("command line", "Python SDK", "gRPC", "HTTPS"):
        assert f"• {door}: " in told
    assert (tmp_path / "analysis.png").stat().st_size > 100_000
    with netCDF4.Dataset(tmp_path / "analysis.nc") as analysis:
        assert analysis["thetao"].dimensions == ("depth", "lat", "lon")
        assert (analysis.method, analysis.steps) == ("posterior", 2)
        assert analysis.weights_sha256 == Network.shipped().sha256
        answered = analysis["thetao"][:].filled(np.nan)
    with netCDF4.Dataset(tmp_path / "eof_oi.nc") as analysis:
        assert analysis.method == "eof_oi"
    trial = demo.experiment(demo.MONTH, profiles=demo.PROFILES, seed=demo.SEED)
    hidden = trial.prior.wet & ~trial.observed
    climatology = trial.prior.to_field(trial.prior.climatology(demo.MONTH))
    error = np.mean((answered - trial.truth)[hidden] ** 2)
    assert error < 0.6 * np.mean((climatology - trial.truth)[hidden] ** 2)
    status = subprocess.run([demo.tellurion(), "status", "--state", str(tmp_path / "state")], check=False)
    assert status.returncode == 1  # nothing of the platform is left running
