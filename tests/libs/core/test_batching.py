"""Requests that agree and wait together are one inference; answers stay what and whose they were."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from tellurion_core.batching import agreement, answered, joined, parts, takes_batches
from tellurion_core.batching_predictor import Batch, BatchingPredictor
from tellurion_core.errors import Cancelled, DeadlineExceeded, InvalidInput, ResourceExhausted
from tellurion_core.predictor import LocalPredictor
from tellurion_core.tensors import Array, TensorSpec

RANDOM = np.random.default_rng(1)


class Scaled:
    """Answers y = factor x, zero where nothing is present, and the sum of it; refuses NaN."""

    name = "scaled"
    inputs: ClassVar = {
        "x": TensorSpec("float64", ("B", "N")),
        "present": TensorSpec("bool", ("B", "N")),
        "factor": TensorSpec("float64"),
    }
    outputs: ClassVar = {"y": TensorSpec("float64", ("B", "N")), "sum": TensorSpec("float64", ("B",))}

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.began, self.release, self.stopped = (threading.Event() for _ in range(3))
        self.release.set()

    def load(self) -> None:
        """Nothing."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: Any, progress: Any) -> dict[str, Array]:
        self.batches.append(len(inputs["x"]))
        self.began.set()
        progress(0.5, "scaling")
        while not self.release.wait(0.002):
            if cancelled():
                self.stopped.set()
                raise Cancelled("told to stop")
        if np.isnan(inputs["x"]).any():
            raise InvalidInput.of("x", received="NaN", accepted="numbers")
        y = inputs["factor"] * inputs["x"] * inputs["present"]
        return {"y": y, "sum": y.sum(axis=1)}


def request(length: int, factor: float = 2.0, items: int = 1) -> dict[str, Array]:
    x = RANDOM.normal(size=(items, length))
    return {"x": x, "present": np.ones(x.shape, bool), "factor": np.array(factor)}


def batching(model: Scaled, **options: Any) -> BatchingPredictor:
    return BatchingPredictor(LocalPredictor([model], waiting=64), [model], wait=0.05, **options)


async def test_many_requests_at_once_are_answered_as_they_are_alone() -> None:
    model = Scaled()
    requests = [request(5 + n % 3, factor=1.0 + n % 2, items=1 + n % 3) for n in range(24)]
    answers = await asyncio.gather(*(batching(model).infer("scaled", each) for each in requests))
    joint = batching(model)
    model.batches.clear()
    together = await asyncio.gather(*(joint.infer("scaled", each) for each in requests))
    assert len(model.batches) < len(requests)
    for one, other, asked in zip(answers, together, requests, strict=True):
        np.testing.assert_array_equal(one["y"], asked["factor"] * asked["x"])
        assert set(one) == set(other)
        for name in one:
            np.testing.assert_allclose(other[name], one[name], rtol=1e-12)


async def test_requests_that_wait_together_are_one_inference_of_a_bounded_size() -> None:
    model, ran = Scaled(), list[Batch]()
    joint = batching(model, most=4, ran=ran.append)
    await asyncio.gather(*(joint.infer("scaled", request(8)) for _ in range(10)))
    assert model.batches == [4, 4, 2]
    assert [batch.size for batch in ran] == [4, 4, 2]


async def test_requests_with_other_options_are_other_inferences() -> None:
    model = Scaled()
    joint = batching(model)
    await asyncio.gather(*(joint.infer("scaled", request(8, factor=1.0 + n % 2)) for n in range(6)))
    assert model.batches == [3, 3]


async def test_one_bad_request_fails_alone() -> None:
    model = Scaled()
    joint = batching(model)
    requests = [request(4) for _ in range(3)]
    requests[1]["x"][0, 2] = np.nan
    first, bad, last = await asyncio.gather(*(joint.infer("scaled", each) for each in requests), return_exceptions=True)
    assert isinstance(bad, InvalidInput)
    assert bad.violations[0].received == "NaN"
    for answer, asked in ((first, requests[0]), (last, requests[2])):
        assert not isinstance(answer, BaseException)
        np.testing.assert_array_equal(answer["y"], 2 * asked["x"])


def test_a_list_of_requests_is_run_in_batches_that_agree_and_a_bad_one_fails_alone() -> None:
    model = Scaled()
    requests = [request(4, factor=1.0 + n % 2) for n in range(9)]
    requests[3]["x"][0, 2] = np.nan
    places: list[list[int]] = []

    def run(inputs: Mapping[str, Array], of: Sequence[int]) -> Mapping[str, Array]:
        places.append(list(of))
        return model.predict(inputs, cancelled=None, progress=lambda *_: None)

    answers = answered(model, requests, run, most=4)
    assert places == [[0, 2, 4, 6], [8], [1, 3, 5, 7], [1], [3], [5], [7]]
    assert isinstance(answers.pop(3), InvalidInput)
    for answer, asked in zip(answers, requests[:3] + requests[4:], strict=True):
        assert not isinstance(answer, Exception)
        np.testing.assert_array_equal(answer["y"], asked["factor"] * asked["x"])


def test_what_is_of_no_single_request_fails_all_of_them_at_once() -> None:
    asked: list[int] = []

    def run(inputs: Mapping[str, Array], of: Sequence[int]) -> Mapping[str, Array]:
        asked.extend(of)
        raise Cancelled("told to stop")

    answers = answered(Scaled(), [request(4) for _ in range(3)], run)
    assert asked == [0, 1, 2]
    assert all(isinstance(answer, Cancelled) for answer in answers)


async def test_a_request_that_does_not_fit_is_refused_before_it_waits() -> None:
    model = Scaled()
    with pytest.raises(InvalidInput, match="factor"):
        await batching(model).infer("scaled", request(3) | {"factor": np.array([1.0, 2.0])})
    assert model.batches == []


async def test_a_limit_of_the_installation_is_told_to_all_and_not_tried_again() -> None:
    class Full:
        calls = 0

        async def infer(self, *_: Any, **__: Any) -> dict[str, Array]:
            self.calls += 1
            raise ResourceExhausted("full")

        async def close(self) -> None:
            """Nothing."""

    full = Full()
    joint = BatchingPredictor(full, [Scaled()], wait=0.02)
    outcomes = await asyncio.gather(*(joint.infer("scaled", request(2)) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [ResourceExhausted] * 3
    assert full.calls == 1


async def test_work_stops_when_the_last_of_a_batch_has_gone() -> None:
    model = Scaled()
    model.release.clear()
    joint = batching(model)
    asked = [asyncio.create_task(joint.infer("scaled", request(2))) for _ in range(2)]
    await asyncio.to_thread(model.began.wait)
    asked[0].cancel()
    await asyncio.sleep(0.02)
    assert not model.stopped.is_set()
    asked[1].cancel()
    assert await asyncio.to_thread(model.stopped.wait, 1.0)


async def test_a_request_that_was_given_up_in_line_is_not_run() -> None:
    model = Scaled()
    joint = batching(model)
    with pytest.raises(Cancelled):
        await joint.infer("scaled", request(2), cancelled=lambda: True)
    assert model.batches == []


async def test_each_request_ends_at_its_own_deadline() -> None:
    model = Scaled()
    model.release.clear()
    joint = batching(model)
    patient = asyncio.create_task(joint.infer("scaled", request(2), deadline=time.monotonic() + 60))
    with pytest.raises(DeadlineExceeded):
        await joint.infer("scaled", request(2), deadline=time.monotonic() + 0.15)
    model.release.set()
    assert (await patient)["sum"].shape == (1,)


async def test_progress_comes_to_all_of_a_batch() -> None:
    joint, told = batching(Scaled()), list[tuple[int, float]]()

    def reporting(who: int) -> Any:
        return lambda fraction, _: told.append((who, fraction))

    await asyncio.gather(*(joint.infer("scaled", request(2), progress=reporting(n)) for n in range(3)))
    assert sorted(told) == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_ragged_requests_are_filled_up_to_at_most_twice_their_size() -> None:
    model = Scaled()
    assert agreement(model, request(5)) == agreement(model, request(7))
    assert agreement(model, request(5)) != agreement(model, request(8))
    asked = [request(5, items=2), request(7)]
    batch = joined(model, asked)
    assert batch["x"].shape == (3, 7)
    np.testing.assert_array_equal(batch["present"].sum(axis=1), [5, 5, 7])
    np.testing.assert_array_equal(batch["x"][:2, 5:], 0)
    first, last = parts(model, asked, {"y": batch["x"], "sum": batch["x"].sum(axis=1)})
    np.testing.assert_array_equal(first["y"], asked[0]["x"])
    np.testing.assert_array_equal(last["y"], asked[1]["x"])
    assert last["sum"].shape == (1,)


def test_a_model_of_one_case_takes_no_batches() -> None:
    class Single(Scaled):
        outputs: ClassVar = {"y": TensorSpec("float64", ("N",))}

    assert takes_batches(Scaled())
    assert not takes_batches(Single())
