"""The local predictor: which work it takes, when it stops, and what it holds models to."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from tellurion_core.call import Call, Identity, current_call
from tellurion_core.errors import Cancelled, DeadlineExceeded, InvalidInput, NotFound, ResourceExhausted, Unavailable
from tellurion_core.predictor import LocalPredictor
from tellurion_core.tensors import TensorSpec

TWO = {"x": np.array([1.0, 2.0])}


class Doubling:
    """Answers y = 2 x."""

    name = "doubling"
    inputs: ClassVar = {"x": TensorSpec("float64", ("N",))}
    outputs: ClassVar = {"y": TensorSpec("float64", ("N",)), "note": TensorSpec("int64", optional=True)}

    def __init__(self, failing_loads: int = 0) -> None:
        self.loads = 0
        self._failing_loads = failing_loads

    def load(self) -> None:
        self.loads += 1
        if self.loads <= self._failing_loads:
            raise OSError("the weights are not there yet")

    def predict(self, inputs: Any, *, cancelled: Any, progress: Any) -> dict[str, np.ndarray]:
        progress(0.5, "doubling")
        return {"y": 2 * inputs["x"]}


class Patient(Doubling):
    """Works until it is released or told to stop."""

    name = "patient"

    def __init__(self) -> None:
        super().__init__()
        self.began, self.release, self.stopped = threading.Event(), threading.Event(), threading.Event()

    def predict(self, inputs: Any, *, cancelled: Any, progress: Any) -> dict[str, np.ndarray]:
        self.began.set()
        while not self.release.wait(0.005):
            if cancelled():
                self.stopped.set()
                raise Cancelled("told to stop")
        return {"y": 2 * inputs["x"]}


class Answering(Doubling):
    """Answers what it was made with."""

    name = "answering"

    def __init__(self, outputs: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._outputs = outputs

    def predict(self, inputs: Any, *, cancelled: Any, progress: Any) -> dict[str, np.ndarray]:
        return self._outputs


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
async def predictor_of() -> AsyncIterator[Callable[..., LocalPredictor]]:
    """Predictors of some models, closed afterwards."""
    made: list[LocalPredictor] = []

    def predictor(*models: Doubling, **limits: int) -> LocalPredictor:
        made.append(LocalPredictor(models, **limits))
        return made[-1]

    yield predictor
    for predictor_ in made:
        await predictor_.close()


async def test_a_model_answers_by_its_name(predictor_of) -> None:
    outputs = await predictor_of(Doubling()).infer("doubling", TWO)
    np.testing.assert_array_equal(outputs["y"], [2.0, 4.0])


async def test_a_model_that_does_not_exist_is_not_found(predictor_of) -> None:
    with pytest.raises(NotFound, match="doubling"):
        await predictor_of(Doubling()).infer("tripling", TWO)


@pytest.mark.parametrize(
    "inputs", [{}, {"x": np.array([1], np.int64)}, {"x": np.zeros((1, 1))}, TWO | {"z": np.zeros(2)}]
)
async def test_inputs_that_are_not_the_models_are_refused_before_it_is_loaded(inputs, predictor_of) -> None:
    model = Doubling()
    with pytest.raises(InvalidInput):
        await predictor_of(model).infer("doubling", inputs)
    assert model.loads == 0


async def test_progress_is_told_on_the_event_loop(predictor_of) -> None:
    told: list[tuple[float, str, int]] = []
    await predictor_of(Doubling()).infer(
        "doubling", TWO, progress=lambda f, m: told.append((f, m, threading.get_ident()))
    )
    await asyncio.sleep(0)
    assert told == [(0.5, "doubling", threading.get_ident())]


async def test_a_model_is_loaded_once_however_many_ask(predictor_of) -> None:
    model = Doubling()
    predictor = predictor_of(model)
    assert model.loads == 0
    await asyncio.gather(*(predictor.infer("doubling", TWO) for _ in range(8)))
    await predictor.load()
    assert model.loads == 1


async def test_a_load_that_failed_is_tried_again(predictor_of) -> None:
    model = Doubling(failing_loads=1)
    predictor = predictor_of(model)
    with pytest.raises(OSError, match="weights"):
        await predictor.infer("doubling", TWO)
    assert (await predictor.infer("doubling", TWO))["y"][1] == 4.0
    assert model.loads == 2


async def test_cancelling_the_task_stops_the_work(predictor_of, patient) -> None:
    asked = asyncio.create_task(predictor_of(patient).infer("patient", TWO))
    assert await asyncio.to_thread(patient.began.wait, 5)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await asyncio.to_thread(patient.stopped.wait, 5)


async def test_the_callers_own_check_stops_the_work(predictor_of, patient) -> None:
    with pytest.raises(Cancelled):
        await predictor_of(patient).infer("patient", TWO, cancelled=patient.began.is_set)


async def test_the_deadline_stops_the_work(predictor_of, patient) -> None:
    with pytest.raises(DeadlineExceeded):
        await predictor_of(patient).infer("patient", TWO, deadline=time.monotonic() + 0.05)
    assert patient.stopped.is_set()


async def test_the_deadline_of_the_call_that_is_answered_holds(predictor_of, patient) -> None:
    token = current_call.set(Call("/m", "r", Identity("local", "local"), time.monotonic() + 0.05))
    try:
        with pytest.raises(DeadlineExceeded):
            await predictor_of(patient).infer("patient", TWO)
    finally:
        current_call.reset(token)


async def test_work_whose_deadline_passed_in_the_queue_never_begins(predictor_of, patient) -> None:
    with pytest.raises(DeadlineExceeded):
        await predictor_of(patient).infer("patient", TWO, deadline=time.monotonic() - 1)
    assert not patient.began.is_set()


async def test_work_beyond_the_queue_is_refused_and_taken_again_later(predictor_of, patient) -> None:
    predictor = predictor_of(patient, workers=1, waiting=1)
    taken = [asyncio.create_task(predictor.infer("patient", TWO)) for _ in range(2)]
    assert await asyncio.to_thread(patient.began.wait, 5)
    with pytest.raises(ResourceExhausted):
        await predictor.infer("patient", TWO)
    patient.release.set()
    await asyncio.gather(*taken)
    assert (await predictor.infer("patient", TWO))["y"][0] == 2.0


async def test_what_is_given_up_in_line_holds_no_memory(predictor_of, patient) -> None:
    predictor = predictor_of(patient, workers=1, waiting=4)
    running = asyncio.create_task(predictor.infer("patient", TWO))
    assert await asyncio.to_thread(patient.began.wait, 5)
    held = []
    for _ in range(20):
        inputs = {name: array.copy() for name, array in TWO.items()}
        held += map(weakref.ref, inputs.values())
        task = asyncio.create_task(predictor.infer("patient", inputs))
        del inputs
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    del task
    gc.collect()
    assert not any(array() is not None for array in held)
    patient.release.set()
    await running


async def test_what_is_in_line_when_models_are_closed_is_told_so(predictor_of, patient) -> None:
    predictor = predictor_of(patient, workers=1)
    running = asyncio.create_task(predictor.infer("patient", TWO))
    assert await asyncio.to_thread(patient.began.wait, 5)
    waiting = [asyncio.create_task(predictor.infer("patient", TWO)) for _ in range(2)]
    closing = asyncio.create_task(predictor.close())
    await asyncio.sleep(0.05)
    patient.release.set()
    await asyncio.gather(running, closing)
    assert {type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)} == {Unavailable}


@pytest.mark.parametrize("outputs", [{}, {"y": np.zeros(2, np.float32)}, {"y": np.zeros((2, 1))}])
async def test_a_model_that_breaks_its_description_is_at_fault(outputs, predictor_of) -> None:
    with pytest.raises(RuntimeError, match="output y is not float64"):
        await predictor_of(Answering(outputs)).infer("answering", TWO)


async def test_an_output_beyond_the_description_does_not_matter(predictor_of) -> None:
    outputs = {"y": np.zeros(2), "note": np.array(3)}
    assert await predictor_of(Answering(outputs)).infer("answering", TWO) == outputs
