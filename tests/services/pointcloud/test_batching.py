"""Clouds that wait together are one inference, and answers stay what and where they were."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tellurion_core.call import Call, Identity, current_call
from tellurion_core.errors import InvalidInput
from tellurion_core.predictor import CancelCheck, LocalPredictor
from tellurion_core.progress import Progress
from tellurion_core.tensors import Array
from tellurion_pointcloud.batching import Batching, in_order
from tellurion_pointcloud.mmpt import Mmpt
from tellurion_pointcloud.models import EncodeModel, WeightsFile, encode_model

ENCODE = encode_model("mmpt")


@pytest.fixture(scope="module")
def weights(small_weights: Path) -> WeightsFile:
    return WeightsFile(small_weights / "mmpt.safetensors", Mmpt.load)


class Observed(EncodeModel):
    """The encoder, telling of each inference how many clouds it had; it waits until it may go on."""

    def __init__(self, weights: WeightsFile, going: Callable[[], bool] = lambda: True) -> None:
        super().__init__("mmpt", weights)
        self.batches: list[int] = []
        self.begun = threading.Event()
        self.stopped = False
        self._going = going

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        self.batches.append(len(inputs["points"]))
        self.begun.set()
        while not self._going():
            if cancelled():
                self.stopped = True
                break
            time.sleep(0.001)
        return super().predict(inputs, cancelled=cancelled, progress=progress)


def clouds(*sizes: int, seed: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=(size, 3)).astype(np.float32) for size in sizes]


def observed(weights: WeightsFile, *, wait: float) -> Batching:
    model = Observed(weights)
    return Batching(LocalPredictor([model]), [model], wait=wait)


async def encoded(batching: Batching, some: list[np.ndarray]) -> list[dict[str, Array]]:
    return await asyncio.gather(*(batching.infer(ENCODE, {"points": points}) for points in some))


async def test_clouds_that_wait_together_are_one_inference(weights: WeightsFile) -> None:
    model = Observed(weights)
    batching = Batching(LocalPredictor([model]), [model], most=4, wait=0.05)
    await encoded(batching, clouds(*[16] * 10))
    assert model.batches == [4, 4, 2]


async def test_an_answer_is_the_same_alone_and_among_clouds_of_other_sizes(weights: WeightsFile) -> None:
    some = clouds(16, 64, 16, 40, 33)
    network = weights.network()
    together = await encoded(observed(weights, wait=0.05), some)
    for points, answer in zip(some, together, strict=True):
        alone = network.encode(torch.from_numpy(points[None]))
        np.testing.assert_allclose(answer["embedding"], alone.embedding[0], atol=1e-5)
        np.testing.assert_allclose(answer["tokens"], alone.tokens[0], atol=1e-5)
        np.testing.assert_allclose(answer["centers"], alone.centres[0], atol=1e-6)


async def test_a_cloud_does_not_wait_for_others_that_do_not_come(weights: WeightsFile) -> None:
    batching = observed(weights, wait=0.01)
    await encoded(batching, clouds(16))  # the kernels are compiled
    began = time.monotonic()
    await encoded(batching, clouds(16))
    assert time.monotonic() - began < 5


async def test_an_error_is_told_to_all_who_wait(weights: WeightsFile) -> None:
    batching = observed(weights, wait=0.01)
    few = [batching.infer(ENCODE, {"points": points}) for points in clouds(4, 4)]  # fewer than a patch has
    errors = await asyncio.gather(*few, return_exceptions=True)
    assert [type(error) for error in errors] == [InvalidInput, InvalidInput]
    assert len(await encoded(batching, clouds(16))) == 1


async def test_a_cloud_with_what_the_model_does_not_take_fails_alone(weights: WeightsFile) -> None:
    batching = observed(weights, wait=0.05)
    (cloud,) = clouds(64)
    inputs = ({"points": cloud, "colours": cloud.astype(np.uint8)}, {"points": cloud})
    waiting = (batching.infer(ENCODE, each) for each in inputs)
    refused, answer = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
    assert isinstance(refused, InvalidInput)
    assert isinstance(answer, dict)


async def test_an_inference_goes_on_while_one_still_waits_for_it(weights: WeightsFile) -> None:
    going = asyncio.Event()
    model = Observed(weights, going.is_set)
    batching = Batching(LocalPredictor([model]), [model], wait=0.01)
    left, stays = (asyncio.create_task(encoded(batching, clouds(16))) for _ in range(2))
    await asyncio.to_thread(model.begun.wait)
    left.cancel()
    await asyncio.wait([left])
    going.set()
    assert len(await stays) == 1
    assert (model.batches, model.stopped) == ([2], False)


async def test_an_inference_that_all_have_left_is_cancelled(weights: WeightsFile) -> None:
    model = Observed(weights, lambda: False)
    predictor = LocalPredictor([model])
    batching = Batching(predictor, [model], wait=0.01)
    tasks = [asyncio.create_task(encoded(batching, clouds(16))) for _ in range(2)]
    await asyncio.to_thread(model.begun.wait)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await batching.close()
    await predictor.close()
    assert model.stopped


async def test_what_was_left_before_it_began_is_not_run(weights: WeightsFile) -> None:
    model = Observed(weights)
    batching = Batching(LocalPredictor([model]), [model], wait=0.05)
    task = asyncio.create_task(encoded(batching, clouds(16)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await encoded(batching, clouds(16, 16))
    assert model.batches == [2]


async def test_a_batch_has_the_time_of_who_has_most(weights: WeightsFile) -> None:
    model, deadlines = Observed(weights), list[float | None]()

    class Asked(LocalPredictor):
        async def infer(self, *arguments: Any, deadline: float | None = None, **options: Any) -> dict[str, Array]:
            deadlines.append(deadline)
            return await super().infer(*arguments, deadline=deadline, **options)

    batching = Batching(Asked([model]), [model], wait=0.01)

    async def call(deadline: float) -> None:
        current_call.set(Call("/m", "r", Identity("local", "local"), deadline))
        await encoded(batching, clouds(16))

    now = time.monotonic()
    await asyncio.gather(call(now + 50), call(now + 90))
    assert deadlines == [now + 90]


async def numbers(count: int, fails_at: int | None = None) -> AsyncIterator[int]:
    for number in range(count):
        if number == fails_at:
            raise InvalidInput.of("number", received=number, accepted="less")
        yield number


async def test_work_on_a_stream_keeps_its_order() -> None:
    async def work(number: int) -> int:
        await asyncio.sleep(0.02 - 0.002 * number)  # the last is done first
        return number

    assert [each async for each in in_order(numbers(9), work)] == [*range(9)]


async def test_no_more_than_so_many_are_at_work() -> None:
    working, most = 0, 0

    async def work(number: int) -> int:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.001)
        working -= 1
        return number

    assert [each async for each in in_order(numbers(20), work, most=3)] == [*range(20)]
    assert most == 3


async def test_an_error_comes_after_what_was_before_it() -> None:
    async def work(number: int) -> int:
        return number

    answers = in_order(numbers(5, fails_at=3), work)
    assert [await anext(answers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InvalidInput):
        await anext(answers)


async def test_after_an_error_the_rest_is_read_and_not_worked_on() -> None:
    begun: list[int] = []

    async def work(number: int) -> int:
        begun.append(number)
        raise InvalidInput.of("number", received=number, accepted="none")

    items = numbers(50)
    with pytest.raises(InvalidInput):
        await anext(in_order(items, work, most=2))
    assert len(begun) <= 2
    assert [each async for each in items] == []


async def test_whoever_takes_no_more_ends_the_work() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        try:
            await asyncio.sleep(60 if number else 0)
        except asyncio.CancelledError:
            ended.append(number)
            raise
        return number

    async with aclosing(in_order(numbers(3), work)) as answers:
        async for _ in answers:
            break
    assert ended == [1, 2]
