"""What Triton's Python backend runs: our model, its tensors moved by DLPack, its errors whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import triton_python_backend_utils as backend  # in Triton's own processes alone

from tellurion_core.batching import answered, takes_batches
from tellurion_core.errors import Cancelled, Internal, InvalidInput, TellurionError
from tellurion_core.inference_errors import text_of
from tellurion_core.inference_shapes import as_specified
from tellurion_core.model_discovery import installed_models
from tellurion_core.predictor import check_outputs, warm_up
from tellurion_core.tensors import Array, check_tensors


class TritonPythonModel:
    """One instance of the model, as the backend calls it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the installed model that has the name of the repository's, and warms it up."""
        self._model = installed_models()[args["model_name"]].make()
        self._model.load()
        warm_up(self._model)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """A response to each request; those that agree are run as one, and one that fails, fails alone."""
        read = [self._read(request) for request in requests]
        good = [place for place, inputs in enumerate(read) if not isinstance(inputs, Exception)]
        waiting = [requests[place] for place in good]

        def run(inputs: Mapping[str, Array], places: Sequence[int]) -> dict[str, Array]:
            def cancelled() -> bool:
                return all(waiting[place].is_cancelled() for place in places)

            if cancelled():
                raise Cancelled("cancelled before it began")
            outputs = self._model.predict(inputs, cancelled=cancelled, progress=lambda *_: None)
            check_outputs(self._model, inputs, outputs)
            return {name: np.asarray(outputs[name]) for name in self._model.outputs if name in outputs}

        told: dict[int, Any] = dict(enumerate(read))
        told.update(zip(good, answered(self._model, [read[place] for place in good], run), strict=True))
        return [self._response(request, told[place]) for place, request in enumerate(requests)]

    def _read(self, request: Any) -> Any:
        """The request's inputs, or why they are none."""
        specs, batched = self._model.inputs, takes_batches(self._model)
        try:
            inputs = {}
            for tensor in request.inputs():
                # A copy: models may write to what they are given.
                name, array = tensor.name(), np.array(np.from_dlpack(tensor))
                inputs[name] = as_specified(array, specs[name], name, batched=batched)
            check_tensors(inputs, specs)
        except Exception as error:  # noqa: BLE001 # this request alone is told
            return error
        return inputs

    def _response(self, request: Any, told: Any) -> Any:
        if isinstance(told, TellurionError):
            return _failed(told)
        if isinstance(told, Exception):
            # Its words are for the log.
            backend.Logger.log_error(f"{self._model.name}, request {request.request_id()}: {told!r}")
            return _failed(Internal(f"internal error; the log has it under request id {request.request_id()}"))
        batched = takes_batches(self._model)
        tensors = []
        for name, array in told.items():
            # DLPack wants what may be written to, and Triton one extent or more.
            whole = np.atleast_1d(np.require(array, requirements=["C", "W"]))
            single = batched and whole.ndim == 1
            tensors.append(backend.Tensor.from_dlpack(name, whole[:, None] if single else whole))
        return backend.InferenceResponse(output_tensors=tensors)


def _failed(error: TellurionError) -> Any:
    code = backend.TritonError.INVALID_ARG if isinstance(error, InvalidInput) else backend.TritonError.INTERNAL
    return backend.InferenceResponse(error=backend.TritonError(text_of(error), code))
