"""What Triton's Python backend runs: our model, its tensors moved by DLPack, its errors whole."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import triton_python_backend_utils as backend  # in Triton's own processes alone

from tellurion_core.errors import Cancelled, Internal, InvalidInput, TellurionError
from tellurion_core.inference_errors import text_of
from tellurion_core.model_discovery import installed_models
from tellurion_core.predictor import check_outputs
from tellurion_core.tensors import Array, check_tensors


class TritonPythonModel:
    """One instance of the model, as the backend calls it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the installed model that has the name of the repository's."""
        self._model = installed_models()[args["model_name"]].make()
        self._model.load()

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """A response to each request; one that fails, fails alone."""
        return [self._response(request) for request in requests]

    def _response(self, request: Any) -> Any:
        try:
            outputs = self._outputs(request)
        except TellurionError as error:
            return _failed(error)
        except Exception as error:  # noqa: BLE001 # its words are for the log
            backend.Logger.log_error(f"{self._model.name}, request {request.request_id()}: {error!r}")
            return _failed(Internal(f"internal error; the log has it under request id {request.request_id()}"))
        tensors = [backend.Tensor.from_dlpack(name, _own(array)) for name, array in outputs.items()]
        return backend.InferenceResponse(output_tensors=tensors)

    def _outputs(self, request: Any) -> dict[str, Array]:
        model, microseconds = self._model, request.timeout()
        until = time.monotonic() + microseconds / 1e6 if microseconds else math.inf
        inputs = {}
        for tensor in request.inputs():
            array = _own(np.from_dlpack(tensor))
            inputs[tensor.name()] = array if model.inputs[tensor.name()].shape else array.reshape(())
        check_tensors(inputs, model.inputs)

        def cancelled() -> bool:
            return bool(request.is_cancelled()) or time.monotonic() >= until

        if cancelled():
            raise Cancelled("cancelled before it began")
        outputs = model.predict(inputs, cancelled=cancelled, progress=lambda *_: None)
        check_outputs(model, inputs, outputs)
        return {name: np.asarray(outputs[name]) for name in model.outputs if name in outputs}


def _own(array: Array) -> Array:
    """A copy that may be written to and has at least one extent, as DLPack and Triton want it."""
    return np.array(array, order="C", ndmin=1)


def _failed(error: TellurionError) -> Any:
    code = backend.TritonError.INVALID_ARG if isinstance(error, InvalidInput) else backend.TritonError.INTERNAL
    return backend.InferenceResponse(error=backend.TritonError(text_of(error), code))
