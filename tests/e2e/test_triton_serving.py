"""Our models on a real Triton server: the answers of local ones, their errors whole, and no work for nobody."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tellurion_core.errors import DeadlineExceeded, Internal, InvalidInput
from tellurion_core.model_discovery import installed_models
from tellurion_core.predictor import LocalPredictor
from tellurion_core.remote_predictor import RemotePredictor
from tellurion_core.tensors import Array, TensorSpec
from tellurion_core.triton_serving.repository import write_model

MODELS = {name: installed_models()[name] for name in ("pointcloud_encode_mmpt", "ocean_reconmost")}
RANDOM = np.random.default_rng(5)
N = 40


def clouds(*sizes: int) -> dict[str, Array]:
    present = np.arange(max(sizes)) < np.array(sizes)[:, None]
    points = RANDOM.normal(size=(*present.shape, 3)).astype(np.float32)
    return {"points": points * present[..., None], "present": present}


def profiles(*, members: int = 2, steps: int = 1, **other: Array) -> dict[str, Array]:
    return {
        "latitude": RANDOM.uniform(-40, 40, N),
        "longitude": RANDOM.uniform(170, 220, N),
        "depth": RANDOM.uniform(0, 200, N),
        "temperature": RANDOM.uniform(10, 25, N),
        "month": np.array(2),
        "members": np.array(members),
        "seed": np.array(2**63 + 1, np.uint64),
        "steps": np.array(steps),
        "weights": np.zeros(32, np.uint8),
    } | other


@pytest.fixture(scope="module")
def server(triton_server: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("triton")
    for model in MODELS.values():
        write_model(model, folder / "models")
    made = triton_server.Triton(folder / "models", folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def remote(server: Any) -> AsyncIterator[RemotePredictor]:
    predictor = RemotePredictor(MODELS.values(), server.address)
    await predictor.load()
    yield predictor
    await predictor.close()


@pytest.fixture(scope="module")
def local() -> LocalPredictor:
    return LocalPredictor([model.make() for model in MODELS.values()])


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        ("pointcloud_encode_mmpt", clouds(1024)),
        ("pointcloud_encode_mmpt", clouds(2000, 1024, 1500)),
        ("ocean_reconmost", profiles()),
        ("ocean_reconmost", profiles(uncertainty=np.where(np.arange(N) % 2, np.nan, 0.5))),
    ],
)
async def test_the_answer_is_that_of_the_model_in_this_process(
    remote: RemotePredictor, local: LocalPredictor, model: str, inputs: dict[str, Array]
) -> None:
    theirs, ours = await remote.infer(model, inputs), await local.infer(model, inputs)
    assert theirs.keys() == ours.keys()
    for name, array in ours.items():
        assert (theirs[name].dtype, theirs[name].shape) == (array.dtype, array.shape)
        np.testing.assert_allclose(theirs[name], array, rtol=1e-5, atol=1e-5)


async def test_an_error_of_the_model_arrives_whole(remote: RemotePredictor, local: LocalPredictor) -> None:
    inputs = profiles(latitude=np.full(N, 95.0))
    errors = [
        (await asyncio.gather(p.infer("ocean_reconmost", inputs), return_exceptions=True))[0] for p in (remote, local)
    ]
    assert [type(error) for error in errors] == [InvalidInput, InvalidInput]
    assert errors[0].violations == errors[1].violations


@pytest.mark.parametrize("how", ["cancelled", pytest.param("deadline", marks=pytest.mark.slow)])
async def test_work_that_nobody_waits_for_stops(remote: RemotePredictor, how: str) -> None:
    long = profiles(members=4, steps=1000)
    asked = remote.infer("ocean_reconmost", long, deadline=time.monotonic() + (2 if how == "deadline" else 300))
    task = asyncio.create_task(asked)
    if how == "cancelled":
        await asyncio.sleep(2)
        task.cancel()
    with pytest.raises(asyncio.CancelledError if how == "cancelled" else DeadlineExceeded):
        await task
    started = time.monotonic()
    await remote.infer("ocean_reconmost", profiles())  # its one instance is free again
    assert time.monotonic() - started < 60


async def test_another_model_of_the_same_name_is_an_error(server: Any) -> None:
    known = MODELS["pointcloud_encode_mmpt"]
    other = replace(known, inputs={**known.inputs, "points": TensorSpec("float64", ("B", "N", 3))})
    predictor = RemotePredictor([other], server.address)
    with pytest.raises(Internal, match=r"input points of the inference server is FP32 \[-1, -1, 3\], expected FP64"):
        await predictor.load()
    await predictor.close()


async def test_a_model_that_the_server_does_not_have_is_unavailable(server: Any) -> None:
    predictor = RemotePredictor([installed_models()["ocean_climatology"]], server.address)
    with pytest.raises(Exception, match="ocean_climatology: ") as caught:
        await predictor.infer("ocean_climatology", profiles(), deadline=time.monotonic() + 1)
    assert caught.type.__name__ == "Unavailable"
    await predictor.close()


async def test_a_server_that_hangs_costs_the_caller_no_more_than_its_deadline(
    remote: RemotePredictor, server: Any
) -> None:
    server.send(signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await remote.infer("pointcloud_encode_mmpt", clouds(1024), deadline=started + 1)
        assert time.monotonic() - started < 10
    finally:
        server.send(signal.SIGCONT)
    assert (await remote.infer("pointcloud_encode_mmpt", clouds(1024)))["embedding"].shape == (1, 384)
