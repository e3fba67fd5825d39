"""The remote predictor: models on any server of the Open Inference Protocol, held to what they are here."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import Context
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import structlog
from tritonclient.grpc import service_pb2_grpc

from tellurion_core.call import current_call
from tellurion_core.client import DEADLINE_MARGIN, onward_headers
from tellurion_core.errors import Cancelled, DeadlineExceeded, Internal, InvalidInput, Unavailable
from tellurion_core.inference_errors import failure, stated
from tellurion_core.inference_protocol import (
    MAX_MESSAGE_BYTES,
    arrays,
    infer_request,
    progress_of,
    set_call,
    shares,
    too_large,
)
from tellurion_core.inference_served import Served, as_served
from tellurion_core.predictor import CancelCheck, Described, check_outputs, model_of
from tellurion_core.progress import Progress
from tellurion_core.shared_tensors import SharedTensors, to_its_end
from tellurion_core.tensors import Array, check_tensors

PAUSES = (0.1, 0.3, 0.9, 2.0)
"""Seconds before each further attempt, on average, where the server cannot be reached."""
CLOSE_SECONDS = 30.0
"""How long inferences may take to end when the predictor is closed."""
POLL_SECONDS = 0.02
"""How often the caller is asked whether it still waits."""
OPTIONS = [
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # The addresses of a name are the fronts of one application.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    # Servers of default settings, Triton among them, end connections that are asked more often than every 300 s.
    ("grpc.keepalive_time_ms", 310_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),  # as all clients of ours
]

log = structlog.get_logger()


class RemotePredictor:
    """Runs models on an inference server, over one connection; on one event loop.

    The server is held to each model's specs: when it is first asked, after it was away, and in every answer.
    Inferences are repeated where the server cannot be reached; random numbers come from a seed among the inputs, so
    that this changes nothing. Outputs are read-only.
    """

    def __init__(self, models: Iterable[Described], address: str, shared: Path | None = None) -> None:
        """`address` is `host:port` or `unix:/path`; `shared` a folder for tensors that no message holds."""
        self._models = {model.name: model for model in models}
        self._address = address
        self._folder = shared
        self._channel: grpc.aio.Channel | None = None
        self._closed = False
        self._served: dict[str, asyncio.Task[Served]] = {}

    async def infer(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        deadline: float | None = None,
        cancelled: CancelCheck | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Array]:
        """See `Predictor.infer`.

        Raises:
            Unavailable: the server cannot be reached, does not have the model, or broke off.
            Internal: the server's model is not the one that is known here, or its answer cannot be used.
        """
        chosen = model_of(self._models, model)
        check_tensors(inputs, chosen.inputs)
        call = current_call.get()
        if call is not None:
            # The server counts from when the request arrives: without the margin it would work on beyond our deadline.
            own = call.deadline - DEADLINE_MARGIN
            deadline = own if deadline is None else min(deadline, own)
        work = self._repeated(chosen, inputs, deadline, progress)
        return await (work if cancelled is None else _watched(work, cancelled))

    async def load(self) -> None:
        """Checks the server's models now rather than at their first use; for a server that is away, only then.

        Raises:
            Internal: a model is not the one that is known here.
        """
        await asyncio.gather(*map(self._found, self._models.values()))

    async def close(self) -> None:
        """See `Predictor.close`."""
        self._closed = True
        for task in self._served.values():
            task.cancel()
        self._served.clear()
        if self._channel is not None:
            await self._channel.close(grace=CLOSE_SECONDS)

    async def _found(self, model: Described) -> None:
        try:
            await self._known(model, None)
        except Unavailable as error:
            log.warning("model is not ready", model=model.name, reason=error.message)

    async def _repeated(
        self, model: Described, inputs: Mapping[str, Array], deadline: float | None, progress: Progress | None
    ) -> dict[str, Array]:
        pauses = iter(PAUSES)
        while True:
            try:
                return await self._asked(model, inputs, deadline, progress)
            except Unavailable:
                self._served.pop(model.name, None)  # what comes back may be another
                pause = next(pauses, 0.0) * random.uniform(0.5, 1.5)  # noqa: S311
                if self._closed or not pause or (deadline is not None and deadline - time.monotonic() <= pause):
                    raise
            await asyncio.sleep(pause)

    async def _asked(
        self, model: Described, inputs: Mapping[str, Array], deadline: float | None, progress: Progress | None
    ) -> dict[str, Array]:
        served = await self._known(model, deadline)
        shared = None if self._folder is None or not served.shares else SharedTensors(self._folder)
        try:
            return await self._answered(model, inputs, served, shared, deadline, progress)
        finally:
            if shared is not None and shared.kept:
                await asyncio.shield(asyncio.to_thread(shared.close))

    async def _answered(
        self,
        model: Described,
        inputs: Mapping[str, Array],
        served: Served,
        shared: SharedTensors | None,
        deadline: float | None,
        progress: Progress | None,
    ) -> dict[str, Array]:
        write = partial(infer_request, model, inputs, ranks=served.ranks, shared=shared)
        request = await to_its_end(write) if shared is not None and too_large(inputs) else write()
        headers = onward_headers(left := _left(model, deadline))
        set_call(request, request_id=headers[0][1], timeout=left)  # now: to write large tensors takes of the time
        try:
            if served.only_streamed or (served.tells_progress and progress is not None):
                # Without its header, Triton would tell of errors without a status.
                headers = (*headers, ("triton_grpc_error", "true"))
                stream = self._stub().ModelStreamInfer([request], timeout=left, metadata=headers)
                response = await _answer(model, stream, progress)
            else:
                response = await self._stub().ModelInfer(request, timeout=left, metadata=headers)
        except grpc.RpcError as error:
            raise failure(error, model.name) from None
        read = partial(_outputs, model, inputs, response, shared)
        return await asyncio.to_thread(read) if shares(response) else read()

    async def _known(self, model: Described, deadline: float | None) -> Served:
        """What the server says of a model, asked for once until it fails."""
        task = self._served.get(model.name)
        if task is None or (task.done() and task.exception() is not None):
            # In a context of its own: it is of no single call.
            task = self._served[model.name] = asyncio.create_task(
                as_served(self._stub(), model, self._folder), context=Context()
            )
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not task.done():
            try:
                async with asyncio.timeout(_left(model, deadline)):
                    await asyncio.shield(task)
            except TimeoutError:
                raise _late(model) from None
            except asyncio.CancelledError:
                if task.cancelled():
                    raise _closed() from None
                raise
        return task.result()

    def _stub(self) -> Any:
        if self._closed:
            raise _closed()
        if self._channel is None:  # not before: a channel belongs to the loop that runs where it is made
            self._channel = grpc.aio.insecure_channel(self._address, OPTIONS)
            self._methods = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        return self._methods


async def _answer(model: Described, stream: Any, progress: Progress | None) -> Any:
    """The one response of a stream that has outputs."""
    loop, answer = asyncio.get_running_loop(), None
    try:
        async for message in stream:
            response = message.infer_response
            if message.error_message:
                raise stated(message.error_message, model.name)
            if (step := progress_of(response)) is not None and progress is not None:
                loop.call_soon(progress, step.fraction, step.message)
            elif response.outputs and answer is not None:
                raise _unusable(model, "more than one came")
            elif response.outputs:
                answer = response
    finally:
        stream.cancel()
    if answer is None:
        raise _unusable(model, "none came")
    return answer


def _outputs(
    model: Described, inputs: Mapping[str, Array], response: Any, shared: SharedTensors | None
) -> dict[str, Array]:
    try:
        outputs = arrays(response, model.outputs, shared)
        check_outputs(model, inputs, outputs)
    except (InvalidInput, RuntimeError) as error:
        raise _unusable(model, str(error)) from None
    return outputs


def _unusable(model: Described, reason: str) -> Internal:
    log.error("the inference server's answer cannot be used", model=model.name, reason=reason)
    return Internal(f"{model.name}: the inference server's answer cannot be used: {reason}", reason="WRONG_ANSWER")


def _left(model: Described, deadline: float | None) -> float | None:
    """Seconds until the deadline. Raises DeadlineExceeded where it has passed."""
    if deadline is None:
        return None
    if (left := deadline - time.monotonic()) <= 0:
        raise _late(model)
    return left


def _closed() -> Unavailable:
    return Unavailable("models are asked no more: this process is stopping")


def _late(model: Described) -> DeadlineExceeded:
    return DeadlineExceeded(f"{model.name}: not done before the deadline")


async def _watched(work: Coroutine[Any, Any, dict[str, Array]], cancelled: CancelCheck) -> dict[str, Array]:
    """The work's result; ends it when the caller says so, or goes."""
    task = asyncio.ensure_future(work)
    try:
        while not cancelled():
            if (await asyncio.wait([task], timeout=POLL_SECONDS))[0]:
                return task.result()
        raise Cancelled("cancelled by the caller")
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
