"""Batches on a real Triton: requests that wait together are run as one, and are answered as they are alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core.errors import Internal, InvalidInput, ResourceExhausted
from tellurion_core.model_discovery import installed_models
from tellurion_core.predictor import LocalPredictor
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.tensors import Array
from tellurion_core.triton_serving.repository import MOST_WAITING, write_model

ENCODER = "pointcloud_encode_mmpt"
SHIPPED = ENCODER, "pointcloud_unmask"
CLIENTS = 24
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def models(scaled: ModuleType) -> dict[str, Any]:
    return {scaled.Scaled.name: scaled.Scaled()} | {name: installed_models()[name].make() for name in SHIPPED}


@pytest.fixture(scope="module")
def server(
    triton_server: ModuleType, scaled: ModuleType, models: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("triton")
    triton_server.write_module_model(models["scaled"], folder / "models", Path(scaled.__file__))
    for name in SHIPPED:
        write_model(models[name], folder / "models")
    made = triton_server.Triton(folder / "models", folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def remote(server: Any, models: dict[str, Any]) -> AsyncIterator[RemotePredictor]:
    predictor = RemotePredictor(models.values(), server.address)
    await predictor.load()
    yield predictor
    await predictor.close()


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(8)


async def runs(server: Any, model: str, least: int = 0) -> tuple[int, int]:
    """Items that the model has answered, and times that it ran; Triton counts them soon after it has answered."""
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for _ in range(500):
            (told,) = (await stub.ModelStatistics(service_pb2.ModelStatisticsRequest(name=model))).model_stats
            if told.inference_count >= least:
                break
            await asyncio.sleep(0.01)
        return told.inference_count, told.execution_count


def series(random: np.random.Generator, length: int, *, factor: float = 2.0, items: int = 1) -> dict[str, Array]:
    x = random.normal(size=(items, length)).astype(np.float32)
    options = {"factor": np.array(factor, np.float32), "table": np.arange(4, dtype=np.uint8)}
    return {"x": x, "present": np.ones(x.shape, bool), **options}


@pytest.mark.parametrize("name", SHIPPED)
async def test_many_at_once_are_answered_as_they_are_alone(
    server: Any, remote: RemotePredictor, models: dict[str, Any], random: np.random.Generator, name: str
) -> None:
    local = LocalPredictor([models[name]], waiting=CLIENTS)
    requests = [models[name].example(random) for _ in range(CLIENTS)]
    items, times = await runs(server, name)
    answers = await asyncio.gather(*(remote.infer(name, each) for each in requests))
    after = await runs(server, name, items + 2 * CLIENTS)
    assert after[0] == items + 2 * CLIENTS
    assert after[1] - times < CLIENTS
    for answer, inputs in zip(answers, requests, strict=True):
        alone = await local.infer(name, inputs)
        assert answer.keys() == alone.keys()
        for of, array in alone.items():
            np.testing.assert_allclose(answer[of], array, rtol=1e-5, atol=1e-5)


async def test_requests_of_other_options_and_lengths_are_not_mixed_up(
    remote: RemotePredictor, random: np.random.Generator
) -> None:
    requests = [series(random, 5 + n % 3, factor=1.0 + n % 2, items=1 + n % 4) for n in range(2 * CLIENTS)]
    for n, inputs in enumerate(requests[CLIENTS:]):  # Triton itself parts those with a tensor from those without
        inputs["offset"] = np.full(len(inputs["x"]), n, np.float32)
    answers = await asyncio.gather(*(remote.infer("scaled", each) for each in requests))
    for answer, inputs in zip(answers, requests, strict=True):
        offset = inputs["offset"][:, None] if "offset" in inputs else np.float32(0)
        np.testing.assert_array_equal(answer["y"], inputs["factor"] * inputs["x"] + offset)
    together = [answer["together"].max() for answer in answers]
    assert 4 < max(together) <= 16


async def test_a_burst_is_answered_as_far_as_the_queue_goes_and_refused_beyond(
    remote: RemotePredictor, models: dict[str, Any], random: np.random.Generator
) -> None:
    cloud = models[ENCODER].example(random)
    requests = (remote.infer(ENCODER, cloud) for _ in range(3 * MOST_WAITING))
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert {type(each) for each in outcomes} == {dict, ResourceExhausted}
    assert sum(isinstance(each, dict) for each in outcomes) >= MOST_WAITING
    assert isinstance(await remote.infer(ENCODER, cloud), dict)


@pytest.mark.parametrize(("spoilt", "kind"), [(np.nan, InvalidInput), (np.inf, Internal)])
async def test_one_bad_request_fails_alone(
    remote: RemotePredictor, random: np.random.Generator, spoilt: float, kind: type[Exception]
) -> None:
    requests = [series(random, 6) for _ in range(CLIENTS)]
    requests[CLIENTS // 2]["x"][0, 3] = spoilt
    answers = await asyncio.gather(*(remote.infer("scaled", each) for each in requests), return_exceptions=True)
    assert isinstance(error := answers.pop(CLIENTS // 2), kind)
    assert "out of order" not in str(error)
    assert all(isinstance(answer, dict) for answer in answers)


async def test_a_request_may_be_larger_than_a_batch(remote: RemotePredictor, random: np.random.Generator) -> None:
    answer = await remote.infer("scaled", series(random, 3, items=100))
    assert answer["together"].tolist() == [100] * 100
