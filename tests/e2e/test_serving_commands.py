"""Serving as a person uses it: a platform with its models on Ray, one with its models on Triton, and Ray by itself."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

import tellurion_client
from tellurion_client.cli import main
from tellurion_client.client import Client
from tellurion_client.embedded import Embedded
from tellurion_client.state import State
from tellurion_core.errors import Unavailable
from tellurion_core.inference_check import check_models
from tellurion_core.model_discovery import installed_models

pytestmark = pytest.mark.timeout(300)  # Ray and Triton start in ten seconds each on a quiet machine
CLOUD = np.random.default_rng(11).normal(size=(200, 3)) * [2, 1, 1]
MODEL = "pointcloud_encode_mmpt"
Start = Callable[..., subprocess.Popen[str]]


def small_models() -> ModuleType:
    """The module beside the service's own tests."""
    path = Path(__file__).parents[1] / "services" / "pointcloud" / "small_models.py"
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module", autouse=True)
def ray_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where Ray puts its sockets, whose paths are short; the settings are those of a small machine, with one model."""
    folder = tmp_path_factory.mktemp("serving")
    settings = {
        "POINTCLOUD_WEIGHTS": small_models().write_weights(folder / "weights"),
        "STATE": folder / "embedded",
        "RAY_SERVICES": json.dumps(["pointcloud"]),
        "RAY_NUM_CPUS": 2,
        "RAY_OBJECT_STORE_BYTES": 200 << 20,
        "RAY_SCALING": json.dumps({"min_replicas": 0}),
        "RAY_MODELS": json.dumps({MODEL: {"min_replicas": 1}}),
    }
    with tempfile.TemporaryDirectory(prefix="ray-") as short, pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(f"TELLURION_{name}", str(value))
        environment.setenv("RAY_TMPDIR", short)
        environment.delenv("TELLURION_URL", raising=False)
        yield Path(short)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the command, and kills what was not stopped."""
    running: list[subprocess.Popen[str]] = []

    def started(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tellurion_client", *map(str, arguments)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def local() -> np.ndarray:
    """The embedding by a service that runs its models itself."""
    with Client(Embedded(timeout=60)) as client:
        return embedding(client)


def embedding(client: Client) -> np.ndarray:
    (encoding,) = client.pointcloud.encode([CLOUD], model="mmpt", seed=4)
    return encoding.embedding


def said(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the line of readiness says."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return json.loads(line)


def stopped(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    return process.returncode, errors


def answered(address: str) -> int:
    """How many inferences of the model the server has answered."""
    with grpc.insecure_channel(address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        (statistics,) = stub.ModelStatistics(service_pb2.ModelStatisticsRequest(name=MODEL), timeout=20).model_stats
        return statistics.inference_stats.success.count


def processes_of(folder: Path) -> list[int]:
    """The processes that name a folder in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(folder) in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def kill_ray(state: Path) -> None:
    """Kills Ray, and waits until it is there again."""
    run = State(state).run()
    assert run is not None
    os.kill(run.services["ray"].pid, signal.SIGKILL)
    end = time.monotonic() + 120
    while (run := State(state).run()) and (run.services["ray"].restarts, run.services["ray"].phase) != (1, "ready"):
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_a_platform_whose_models_run_on_ray_answers_as_one_that_runs_them_itself(
    start: Start, local: np.ndarray, tmp_path: Path, ray_folder: Path, killed: bool
) -> None:
    up = start("up", "--services", "pointcloud", "--serving", "ray", "--json", "--state", tmp_path)
    services = said(up)["services"]
    assert [*services] == ["ray", "pointcloud"]
    with tellurion_client.connect(tmp_path) as client:
        np.testing.assert_allclose(embedding(client), local, rtol=1e-5, atol=1e-5)
        assert answered(services["ray"]) == 1
        if killed:
            kill_ray(tmp_path)
            np.testing.assert_allclose(embedding(client), local, rtol=1e-5, atol=1e-5)
            assert answered(services["ray"]) == 1  # it began anew
    code, errors = stopped(up)
    assert (code, errors.splitlines()[1:]) == (0, ["tellurion: ray is ready again"] if killed else [])
    assert processes_of(ray_folder) == []


@pytest.mark.slow
def test_ray_serves_one_model_to_whoever_speaks_the_protocol(start: Start, tmp_path: Path, ray_folder: Path) -> None:
    ray = start("models", "serve", "--model", MODEL, "--listen", "127.0.0.1:0", "--json", "--state", tmp_path)
    told = said(ray)
    with grpc.insecure_channel(told["address"]) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        check_models(stub, told["address"], [installed_models(["pointcloud"])[MODEL]])
        with pytest.raises(
            grpc.RpcError, match="there is no model 'pointcloud_detect'; there are pointcloud_encode_mmpt"
        ):
            stub.ModelReady(service_pb2.ModelReadyRequest(name="pointcloud_detect"), timeout=20)
    assert stopped(ray, signal.SIGINT) == (0, "")
    assert processes_of(ray_folder) == []


@pytest.mark.slow
def test_a_platform_whose_models_run_on_triton_needs_all_of_them_there(
    triton_server: ModuleType, start: Start, local: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [*installed_models(["pointcloud"])]
    chosen = (option for name in models for option in ("--model", name))
    assert main.run(["models", "export", str(tmp_path / "repository"), *chosen, "--json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert exported == {"repository": str(tmp_path / "repository"), "models": models}

    triton = triton_server.Triton(tmp_path / "repository", tmp_path)
    triton.start()
    try:
        options = ("--services", "pointcloud", "--serving", f"triton={triton.address}", "--state", tmp_path / "state")
        up = start("up", "--json", *options)
        assert [*said(up)["services"]] == ["pointcloud"]
        with tellurion_client.connect(tmp_path / "state") as client:
            np.testing.assert_allclose(embedding(client), local, rtol=1e-5, atol=1e-5)
        assert answered(triton.address) == 1
        assert stopped(up) == (0, "")

        with grpc.insecure_channel(triton.address) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            stub.RepositoryModelUnload(service_pb2.RepositoryModelUnloadRequest(model_name=MODEL), timeout=20)
            with pytest.raises(Unavailable, match=f"does not have, or has not loaded: {MODEL}$"):
                check_models(stub, triton.address, installed_models(["pointcloud"]).values())
    finally:
        triton.stop()
