"""Whatever happens to an inference server, callers get the answer or a truthful error, before their deadline.

With `TELLURION_CHAOS_FULL` set, requests come in the numbers that the platform is held to.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import grpc
import numpy as np
import psutil
import pytest
import ray
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core.errors import (
    Cancelled,
    DeadlineExceeded,
    InvalidInput,
    ResourceExhausted,
    TellurionError,
    Unavailable,
)
from tellurion_core.model_discovery import ModelSource, installed_models
from tellurion_core.predictor import Described, LocalPredictor
from tellurion_core.ray_serving.application import serve_on_ray, start_ray, stop
from tellurion_core.ray_serving.settings import RaySettings, Scaling
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.settings import ServerSettings, TelemetrySettings
from tellurion_core.tensors import Array, TensorSpec
from tellurion_core.triton_serving.repository import write_model

REQUESTS, BURST, QUEUE = (10_000, 2_000, 100) if "TELLURION_CHAOS_FULL" in os.environ else (500, 200, 10)
"""That must leak nothing; that come at once; that may wait."""
HELD = 4
"""Requests that a replica holds."""
PATIENCE = 60
"""Seconds that a caller waits: another replica comes within ten on a quiet machine."""
STEP = 0.3
"""Seconds of a step of Stepping: longer than a cancellation takes to arrive."""
LATE = 0.5
"""Seconds after its deadline when a caller may be told so on this machine, which does other work too."""
GROWTH = 1.05
"""Of the resident memory of any process, at most."""
TRUTHFUL = (Unavailable, DeadlineExceeded, ResourceExhausted)

pytestmark = pytest.mark.timeout(900)  # in full


class Stepping:
    """Twice `x`, after so many steps; notes in a folder when each of them began."""

    name = "stepping"
    inputs: ClassVar = {"x": TensorSpec("float32", ("N",)), "steps": TensorSpec("int64")}
    outputs: ClassVar = {"y": TensorSpec("float32", ("N",))}

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        if np.isnan(inputs["x"]).any():
            raise InvalidInput.of("x", received="NaN", accepted="numbers")
        for _ in range(int(inputs["steps"])):
            if cancelled():
                raise Cancelled("told to stop")
            with (self._folder / "steps").open("a") as file:
                file.write(f"{time.monotonic()}\n")
            time.sleep(STEP)
        return {"y": 2 * inputs["x"]}


class Site:
    """Stepping on Ray, and what has happened in its replica."""

    def __init__(self, folder: Path) -> None:
        self.model = ModelSource(Stepping.name, Stepping.inputs, Stepping.outputs, partial(Stepping, folder))
        scaling = Scaling(num_cpus=0.1, max_ongoing_requests=HELD, max_queued_requests=QUEUE)
        # The front itself takes all that come, so that it is the queue that refuses.
        server = ServerSettings(max_concurrent_calls=2 * BURST)
        self.address = serve_on_ray([self.model], RaySettings(scaling=scaling), server, TelemetrySettings())
        self._steps = folder / "steps"

    def steps(self) -> list[float]:
        """When each step began."""
        return [float(line) for line in self._steps.read_text().splitlines()] if self._steps.exists() else []

    async def begun(self, steps: int) -> None:
        """Returns when so many steps more have begun."""
        until, wanted = time.monotonic() + PATIENCE, len(self.steps()) + steps
        while len(self.steps()) < wanted:
            assert time.monotonic() < until, "nothing runs"
            await asyncio.sleep(0.01)

    def process(self, deployment: str) -> psutil.Process:
        """That runs the only replica of a deployment."""
        children = psutil.Process().children(recursive=True)
        (found,) = [child for child in children if f":{deployment}" in " ".join(child.cmdline()[:1])]
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, ray_token: str) -> Iterator[Site]:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RAY_AUTH_TOKEN", ray_token)
        start_ray(RaySettings(num_cpus=2, object_store_bytes=200 << 20))
        try:
            started = Site(tmp_path_factory.mktemp("site"))
            yield started
            stop([started.model])
        finally:
            ray.shutdown()


@pytest.fixture
async def remote(site: Site) -> AsyncIterator[RemotePredictor]:
    async with connected(site.model, site.address) as predictor:
        yield predictor


@asynccontextmanager
async def connected(model: Described, address: str) -> AsyncIterator[RemotePredictor]:
    predictor = RemotePredictor([model], address)
    await predictor.load()
    yield predictor
    await predictor.close()


async def outcome(answer: Callable[[float], Awaitable[Any]], seconds: float) -> Any:
    """What comes before the deadline: an answer, or a truthful error."""
    deadline = time.monotonic() + seconds
    try:
        told = await answer(deadline)
    except TRUTHFUL as error:
        told = error
    assert time.monotonic() < deadline + LATE
    return told


async def doubled(remote: RemotePredictor, number: int, *, seconds: float, steps: int = 0) -> Any:
    """The outcome of a request to Stepping whose answer, if there is one, is checked."""
    x = np.full(25, number, np.float32)
    inputs = {"x": x, "steps": np.array(steps)}
    told = await outcome(lambda deadline: remote.infer("stepping", inputs, deadline=deadline), seconds)
    if not isinstance(told, TellurionError):
        np.testing.assert_array_equal(told["y"], 2 * x)
    return told


def kinds(outcomes: list[Any]) -> set[str]:
    return {type(each).__name__ for each in outcomes}


@pytest.mark.slow
async def test_a_replica_that_is_killed_in_mid_request_costs_callers_time_or_a_truthful_error(
    site: Site, remote: RemotePredictor
) -> None:
    running = [asyncio.create_task(doubled(remote, number, seconds=PATIENCE, steps=2)) for number in range(2 * HELD)]
    await site.begun(1)
    site.process("Replica").kill()
    assert "dict" in kinds(await asyncio.gather(*running))  # asked again, and answered by the next replica
    assert isinstance(await doubled(remote, 1, seconds=PATIENCE), dict)


@pytest.mark.slow
async def test_cancelled_work_stops_within_one_step(site: Site, remote: RemotePredictor) -> None:
    running = asyncio.create_task(doubled(remote, 1, seconds=PATIENCE, steps=100))
    await site.begun(2)
    running.cancel()
    cancelled = time.monotonic()
    await asyncio.wait([running])
    assert isinstance(await doubled(remote, 2, seconds=PATIENCE), dict)  # its thread is free again
    assert time.monotonic() - cancelled < 2 * STEP + LATE
    assert sum(step > cancelled for step in site.steps()) <= 1


@pytest.mark.slow
async def test_a_burst_is_answered_as_far_as_the_queue_goes_and_refused_beyond(remote: RemotePredictor) -> None:
    requests = (doubled(remote, number, seconds=PATIENCE, steps=int(number < HELD)) for number in range(BURST))
    outcomes = await asyncio.gather(*requests)
    assert kinds(outcomes) == {"dict", "ResourceExhausted"}
    answered = sum(isinstance(each, dict) for each in outcomes)
    assert QUEUE <= answered < BURST
    assert isinstance(await doubled(remote, 1, seconds=PATIENCE), dict)


@pytest.mark.slow
async def test_nothing_leaks(site: Site, remote: RemotePredictor) -> None:
    processes = {name: site.process(name) for name in ("Front", "Replica")} | {"caller": psutil.Process()}
    await many(remote, REQUESTS // 4)
    before = resident(processes)
    await many(remote, REQUESTS)
    after = resident(processes)
    print({name: f"{before[name] >> 10} to {after[name] >> 10} KiB" for name in processes})
    assert {name: after[name] / before[name] for name in processes if after[name] > GROWTH * before[name]} == {}


async def many(remote: RemotePredictor, count: int) -> None:
    """So many requests, HELD at once: of ten, one cannot be answered and one is given up."""
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            match number % 10:
                case 0:
                    nan = {"x": np.full(25, np.nan, np.float32), "steps": np.array(0)}
                    with pytest.raises(InvalidInput):
                        await remote.infer("stepping", nan)
                case 1:
                    await doubled(remote, number, seconds=0.002)
                case _:
                    assert isinstance(await doubled(remote, number, seconds=PATIENCE), dict)

    await asyncio.gather(*(client() for _ in range(HELD)))


def resident(processes: Mapping[str, psutil.Process]) -> dict[str, int]:
    """Bytes of memory that each process holds."""
    gc.collect()
    return {name: process.memory_info().rss for name, process in processes.items()}


ENCODER = "pointcloud_encode_mmpt"
CLOUD = {
    "points": np.random.default_rng(5).normal(size=(1, 1024, 3)).astype(np.float32),
    "present": np.ones((1, 1024), bool),
}


@pytest.fixture(scope="module")
def triton(triton_server: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("triton")
    write_model(installed_models()[ENCODER], folder / "models")
    server = triton_server.Triton(folder / "models", folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def embedding() -> Array:
    """The right answer."""
    predictor = LocalPredictor([installed_models()[ENCODER].make()])
    return asyncio.run(predictor.infer(ENCODER, CLOUD))["embedding"]


@pytest.fixture
async def encoded(triton: Any, embedding: Array) -> AsyncIterator[Callable[[float], Awaitable[Any]]]:
    """Asks for the embedding of the cloud; the outcome, checked where it is an answer."""
    async with connected(installed_models()[ENCODER], triton.address) as remote:

        async def asked(seconds: float) -> Any:
            told = await outcome(lambda deadline: remote.infer(ENCODER, CLOUD, deadline=deadline), seconds)
            if not isinstance(told, TellurionError):
                np.testing.assert_allclose(told["embedding"], embedding, rtol=1e-5, atol=1e-5)
            return told

        yield asked


@pytest.mark.slow
async def test_a_server_that_hangs_is_told_of_at_the_deadline_and_answers_when_it_goes_on(
    triton: Any, encoded: Callable[[float], Awaitable[Any]]
) -> None:
    assert isinstance(await encoded(PATIENCE), dict)
    triton.send(signal.SIGSTOP)
    try:
        patient = asyncio.create_task(encoded(30))
        assert kinds(await asyncio.gather(*(encoded(0.5) for _ in range(8)))) == {"DeadlineExceeded"}
    finally:
        triton.send(signal.SIGCONT)
    assert isinstance(await patient, dict)


@pytest.mark.slow
async def test_a_model_that_is_unloaded_is_unavailable_until_it_is_back(
    triton: Any, encoded: Callable[[float], Awaitable[Any]]
) -> None:
    assert isinstance(await encoded(PATIENCE), dict)
    async with grpc.aio.insecure_channel(triton.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        running = [asyncio.create_task(encoded(PATIENCE)) for _ in range(8)]
        await stub.RepositoryModelUnload(service_pb2.RepositoryModelUnloadRequest(model_name=ENCODER))
        try:
            assert kinds(await asyncio.gather(*running)) <= {"dict", "Unavailable"}
            assert kinds([await encoded(1)]) == {"Unavailable"}
        finally:
            await stub.RepositoryModelLoad(service_pb2.RepositoryModelLoadRequest(model_name=ENCODER))
    assert isinstance(await encoded(PATIENCE), dict)


@pytest.mark.slow
async def test_a_server_that_dies_and_is_started_again_answers_the_same_callers(
    triton: Any, encoded: Callable[[float], Awaitable[Any]]
) -> None:
    assert isinstance(await encoded(PATIENCE), dict)
    running = [asyncio.create_task(encoded(PATIENCE)) for _ in range(8)]
    await asyncio.sleep(0.05)
    triton.send(signal.SIGKILL)
    triton.stop()
    assert kinds(await asyncio.gather(*running)) <= {"dict", "Unavailable"}
    starting = asyncio.create_task(asyncio.to_thread(triton.start))
    while not starting.done():
        assert kinds([await encoded(0.3)]) <= {"dict", "Unavailable", "DeadlineExceeded"}
    await starting
    assert isinstance(await encoded(PATIENCE), dict)
