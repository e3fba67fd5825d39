"""The seam between a service and its models: `infer` by name, wherever the model runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from tellurion_core.call import current_call
from tellurion_core.errors import Cancelled, DeadlineExceeded, NotFound, ResourceExhausted, Unavailable, shown
from tellurion_core.progress import Progress
from tellurion_core.tensors import Array, TensorSpec, check_tensors

T = TypeVar("T")
CancelCheck = Callable[[], bool]
"""Whether the work should stop; cheap enough to ask at every step."""


class Described(Protocol):
    """What is known of a model without running it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """What it takes."""

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """What it answers."""


class Model(Protocol):
    """A model: a name, what it takes and answers, and a function between the two.

    `predict` is called from a worker thread, possibly from several at once. It asks `cancelled` at every step and
    raises `Cancelled` when told to stop. Random numbers come from a generator made from a seed among its inputs.
    """

    name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    def load(self) -> None:
        """Makes the model ready; called once, before the first `predict`."""

    def predict(self, inputs: Mapping[str, Array], *, cancelled: CancelCheck, progress: Progress) -> dict[str, Array]:
        """The outputs for these inputs."""


@runtime_checkable
class Exemplified(Protocol):
    """A model that can say what it is to be warmed up, and checked, with."""

    def example(self, random: np.random.Generator) -> dict[str, Array]:
        """Small inputs that the model can answer; called when it is loaded."""


class Predictor(Protocol):
    """Runs models by name."""

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        deadline: float | None = None,
        cancelled: CancelCheck | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Array]:
        """The model's outputs for these inputs.

        `deadline` is a moment on `time.monotonic`, no later than the call's own. Cancelling the awaiting task cancels
        the work. `progress` is called on the event loop.

        Raises:
            NotFound: there is no such model.
            InvalidInput: the inputs are not what the model takes.
            ResourceExhausted: too much work is waiting.
            DeadlineExceeded: the deadline passed first.
            Cancelled: `cancelled` answered true.
        """

    async def close(self) -> None:
        """Stops taking work and waits for what runs."""


class LocalPredictor:
    """Runs models in this process: `workers` at once, `waiting` in line, the rest refused."""

    def __init__(self, models: Iterable[Model], *, workers: int = 1, waiting: int = 32) -> None:
        self._models = {model.name: model for model in models}
        self._loaded: dict[str, asyncio.Task[None]] = {}
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="predict")
        self._free = asyncio.Semaphore(workers)
        self._limit = workers + waiting
        self._taken = 0

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        deadline: float | None = None,
        cancelled: CancelCheck | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Array]:
        """See `Predictor.infer`."""
        chosen = model_of(self._models, model)
        check_tensors(inputs, chosen.inputs)
        if self._taken >= self._limit:
            raise ResourceExhausted(f"{self._limit} inferences are running or waiting; try again later")
        self._taken += 1
        try:
            await self._ready(chosen)
            return await self._run(chosen, inputs, deadline, cancelled, progress)
        finally:
            self._taken -= 1

    async def close(self) -> None:
        """See `Predictor.close`."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)

    async def load(self) -> None:
        """Loads all models now rather than at their first use."""
        for model in self._models.values():
            await self._ready(model)

    async def _ready(self, model: Model) -> None:
        task = self._loaded.get(model.name)
        if task is None or (task.done() and task.exception() is not None):
            task = self._loaded[model.name] = asyncio.create_task(asyncio.to_thread(model.load))
        await asyncio.shield(task)

    async def _run(
        self,
        model: Model,
        inputs: Mapping[str, Array],
        deadline: float | None,
        cancelled: CancelCheck | None,
        progress: Progress | None,
    ) -> dict[str, Array]:
        if (call := current_call.get()) is not None:
            deadline = call.deadline if deadline is None else min(deadline, call.deadline)
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def should_stop() -> bool:
            return stop.is_set() or (cancelled is not None and cancelled()) or _passed(deadline)

        def report(fraction: float, message: str) -> None:
            if progress is not None:
                loop.call_soon_threadsafe(progress, fraction, message)

        def work() -> dict[str, Array]:
            if should_stop():
                raise Cancelled("cancelled before it began")
            return model.predict(inputs, cancelled=should_stop, progress=report)

        def ended(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._free.release)

        # In line here rather than for a thread: whoever goes takes the inputs along.
        await self._free.acquire()
        try:
            running = self._threads.submit(work)
        except RuntimeError:
            self._free.release()
            raise Unavailable("models are asked no more: this process is stopping") from None
        running.add_done_callback(ended)
        try:
            outputs = await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            stop.set()
            raise
        except Cancelled:
            if _passed(deadline):
                raise DeadlineExceeded(f"{model.name}: not done before the deadline") from None
            raise
        check_outputs(model, inputs, outputs)
        return outputs


def model_of(models: Mapping[str, T], name: str) -> T:
    """What there is under a model's name. Raises NotFound."""
    if name not in models:
        raise NotFound(f"there is no model {shown(name)!r}; there are {', '.join(models)}")
    return models[name]


def _passed(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def check_outputs(model: Described, inputs: Mapping[str, Array], outputs: Mapping[str, Any]) -> None:
    """Holds a model to its own description; a breach is a fault of the model, not of the caller.

    Extents that inputs and outputs name alike are equal. Numbers do not become NaN, except where NaN says that there
    is no value.

    Raises:
        RuntimeError: naming the first output that cannot be.
    """
    extents: dict[str, int] = {}
    for name, given in inputs.items():
        model.inputs[name].admits(given.dtype, given.shape, extents)
    for name, spec in model.outputs.items():
        array = outputs.get(name)
        if array is None and spec.optional:
            continue
        if array is None or not spec.admits(array.dtype, array.shape, extents):
            raise RuntimeError(f"model {model.name}: output {name} is not {spec}")
        if not spec.missing and _has_nan(array) and all(_finite(inputs[of], model.inputs[of]) for of in inputs):
            raise RuntimeError(f"model {model.name}: output {name} has NaN, though no input has")


def warm_up(model: Model) -> None:
    """Has a model that was loaded answer its example, if it has one, so that no request waits for what is made once."""
    if isinstance(model, Exemplified):
        inputs = model.example(np.random.default_rng(0))
        check_tensors(inputs, model.inputs)
        check_outputs(model, inputs, model.predict(inputs, cancelled=lambda: False, progress=lambda *_: None))


def _has_nan(array: Array) -> bool:
    return array.dtype.kind == "f" and array.size > 0 and bool(np.isnan(np.minimum.reduce(array, axis=None)))


def _finite(array: Array, spec: TensorSpec) -> bool:
    return array.dtype.kind != "f" or bool(np.all(np.isfinite(array) | (spec.missing & np.isnan(array))))
