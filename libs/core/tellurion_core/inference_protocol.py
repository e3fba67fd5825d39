"""The Open Inference Protocol (KServe v2 gRPC) as this platform speaks it: raw tensors that fit a model's specs.

Progress of a stream is told by responses without outputs, in two parameters: `progress`, 0 to 1, and
`progress_message`. The one response with outputs is the answer. A server says that it streams a model's progress by
the parameter `progress` of the model's configuration. `inference_shapes` has the shapes that differ on servers.

Where both sides share a folder, a tensor that no message holds is an artifact in it (`shared_tensors`). Its id is the
parameter `artifact` of the tensor, whose contents are then empty. The parameter `artifacts` of a request is the id of
the call, and that of a model's configuration the id of the folder.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from tritonclient.grpc import service_pb2

from tellurion_core.batching import rows, takes_batches
from tellurion_core.errors import Internal, InvalidInput, ResourceExhausted, shown
from tellurion_core.inference_shapes import as_taken, extents, served_forms, specified_shape
from tellurion_core.predictor import Described
from tellurion_core.progress import Step
from tellurion_core.shared_tensors import MAX_BYTES, SMALL, SharedTensors
from tellurion_core.tensors import Array, TensorSpec, check_tensors

MAX_MESSAGE_BYTES = 64 << 20
"""Largest request or response."""
MAX_TENSOR_BYTES = MAX_MESSAGE_BYTES - (64 << 10)
"""Most bytes of all tensors of a message: names and shapes need room too."""
MAX_EXTENTS = 8
ARTIFACT, ARTIFACTS = "artifact", "artifacts"

PROGRESS = "progress"
PROGRESS_MESSAGE = "progress_message"
TIMEOUT = "timeout"
"""Parameter of a request: what is left of the caller's time, in microseconds."""

_DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype("bool"),
    **{f"FP{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
    **{f"{kind.upper()}{bits}": np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
}
_DATATYPES = {dtype: name for name, dtype in _DTYPES.items()}


def infer_request(
    model: Described,
    inputs: Mapping[str, Array],
    *,
    request_id: str = "",
    timeout: float | None = None,
    ranks: Mapping[str, int] | None = None,
    shared: SharedTensors | None = None,
) -> Any:
    """The ModelInferRequest for inputs that fit the model's specs.

    `timeout` is in seconds; `ranks`, where they are not those of the specs, are how many extents the server
    gives each input; in `shared` are those that no message holds, to which this writes.

    Raises:
        InvalidInput: the inputs are larger than a message may be, and nothing is shared.
        ResourceExhausted: the folder that is shared takes no more.
        Internal: it cannot be written to.
    """
    if ranks is not None:
        items = rows(model, inputs) if takes_batches(model) else 1
        inputs = {of: as_taken(array, model.inputs[of], ranks[of], items) for of, array in inputs.items()}
    if shared is None and too_large(inputs):
        largest = max(inputs, key=lambda name: inputs[name].nbytes)
        accepted = f"at most {MAX_TENSOR_BYTES} bytes of all inputs, as the model runs on an inference server"
        received = f"{inputs[largest].nbytes} of {sum(array.nbytes for array in inputs.values())} bytes"
        raise InvalidInput.of(f"inputs.{largest}", received=received, accepted=accepted, reason="TOO_LARGE")
    request = service_pb2.ModelInferRequest(model_name=model.name)
    set_call(request, request_id=request_id, timeout=timeout)
    if shared is not None:
        request.parameters[ARTIFACTS].string_param = shared.call
    _add(inputs, request.inputs, request.raw_input_contents, shared)
    return request


def set_call(request: Any, *, request_id: str, timeout: float | None) -> None:
    """Tells a ModelInferRequest's id, and the seconds that are left for it."""
    request.id = request_id
    if timeout is not None:
        request.parameters[TIMEOUT].int64_param = max(1, int(timeout * 1e6))


def infer_response(
    model: Described, outputs: Mapping[str, Array], request_id: str, shared: SharedTensors | None = None
) -> Any:
    """The ModelInferResponse with those of the outputs that the model's specs tell of.

    Raises:
        ResourceExhausted: the outputs are larger than a message may be, and nothing is shared that takes them.
    """
    told = {name: np.asarray(outputs[name]) for name in model.outputs if name in outputs}
    if shared is None and too_large(told):
        size, limit = sum(array.nbytes for array in told.values()), f"an inference server answers {MAX_TENSOR_BYTES}"
        raise ResourceExhausted(f"{model.name}: the answer has {size} bytes; {limit}; ask for less", reason="TOO_LARGE")
    response = _response(model, request_id)
    _add(told, response.outputs, response.raw_output_contents, shared)
    return response


def too_large(tensors: Mapping[str, Array]) -> bool:
    """Whether no message holds these."""
    return sum(array.nbytes for array in tensors.values()) > MAX_TENSOR_BYTES


def shares(message: Any) -> bool:
    """Whether tensors of a ModelInferRequest or ModelInferResponse are artifacts."""
    tensors = message.inputs if isinstance(message, service_pb2.ModelInferRequest) else message.outputs
    return any(ARTIFACT in tensor.parameters for tensor in tensors)


def progress_response(model: Described, step: Step, request_id: str) -> Any:
    """The ModelInferResponse that tells how far the work has come."""
    response, told = _response(model, request_id), step.wire()
    response.parameters[PROGRESS].double_param = told.fraction
    response.parameters[PROGRESS_MESSAGE].string_param = told.message
    return response


def progress_of(response: Any) -> Step | None:
    """What a ModelInferResponse tells of progress; None where it is an answer, or nothing."""
    if response.outputs or PROGRESS not in response.parameters:
        return None
    fraction = response.parameters[PROGRESS].double_param
    message = response.parameters[PROGRESS_MESSAGE].string_param if PROGRESS_MESSAGE in response.parameters else ""
    return Step(min(max(fraction, 0.0), 1.0), shown(message)) if math.isfinite(fraction) else None


def arrays(message: Any, specs: Mapping[str, TensorSpec], shared: SharedTensors | None = None) -> dict[str, Array]:
    """The tensors of a ModelInferRequest or ModelInferResponse, read-only, in native byte order.

    Raises:
        InvalidInput: naming the first tensor that is not as its spec says, or whose bytes are not as it says itself.
        Unavailable: a tensor is an artifact that is not there.
    """
    if isinstance(message, service_pb2.ModelInferRequest):
        tensors, contents, field = message.inputs, message.raw_input_contents, "raw_input_contents"
    else:
        tensors, contents, field = message.outputs, message.raw_output_contents, "raw_output_contents"
    if len(contents) != len(tensors):
        accepted = f"{len(tensors)}, the bytes of each tensor in order; no other form of contents"
        raise InvalidInput.of(field, received=f"{len(contents)} contents", accepted=accepted)
    found: dict[str, Array] = {}
    for tensor, data in zip(tensors, contents, strict=True):
        if (spec := specs.get(tensor.name)) is None:
            raise InvalidInput.of(shown(tensor.name), received="a tensor", accepted="tensors " + ", ".join(specs))
        if tensor.name in found:
            raise InvalidInput.of(tensor.name, received="the tensor twice", accepted="each tensor once")
        found[tensor.name] = _array(tensor, data, spec, shared)
    check_tensors(found, specs)
    return found


def metadata(model: Described) -> Any:
    """The ModelMetadataResponse of a model; -1 is an extent that is free."""
    response = service_pb2.ModelMetadataResponse(name=model.name, versions=["1"], platform="tellurion")
    for of, specs in ((response.inputs, model.inputs), (response.outputs, model.outputs)):
        for name, spec in specs.items():
            of.add(name=name, datatype=_datatype(spec), shape=extents(spec))
    return response


def check_metadata(response: Any, model: Described) -> None:
    """Checks that a server's ModelMetadataResponse tells of this model.

    A server may take extents that the model does not, and answer only some of those that the model may.

    Raises:
        Internal: naming the first tensor that differs, with what the server has and what is expected.
    """
    for kind, tensors, specs in (("input", response.inputs, model.inputs), ("output", response.outputs, model.outputs)):
        served = {tensor.name: tensor for tensor in tensors}
        for name in [*specs, *(name for name in served if name not in specs)]:
            got, spec = served.get(name), specs.get(name)
            if got is None or spec is None or not _agree(got, spec, model, taken=kind == "input"):
                received = "nothing" if got is None else f"{got.datatype} {list(got.shape)[:MAX_EXTENTS]}"
                expected = "nothing" if spec is None else f"{_datatype(spec)} {extents(spec)}"
                raise Internal(
                    f"model {model.name}: {kind} {shown(name)} of the inference server is {shown(received)}, "
                    f"expected {expected}",
                    reason="MODEL_MISMATCH",
                )


def served_ranks(response: Any) -> dict[str, int]:
    """How many extents a server gives each input, by its ModelMetadataResponse."""
    return {tensor.name: len(tensor.shape) for tensor in response.inputs}


def _agree(tensor: Any, spec: TensorSpec, model: Described, *, taken: bool) -> bool:
    got = list(tensor.shape)
    return tensor.datatype == _datatype(spec) and any(
        len(got) == len(want)
        and all(
            theirs == ours or theirs == -1 or (ours == -1 and not taken) for theirs, ours in zip(got, want, strict=True)
        )
        for want in served_forms(model, spec)
    )


def _array(tensor: Any, data: bytes, spec: TensorSpec, shared: SharedTensors | None) -> Array:
    name, dtype = tensor.name, _DTYPES.get(tensor.datatype)
    if dtype is None:
        raise InvalidInput.of(f"{name}.datatype", received=tensor.datatype, accepted=_datatype(spec))
    if len(tensor.shape) > MAX_EXTENTS or any(extent < 0 for extent in tensor.shape):
        raise InvalidInput.of(f"{name}.shape", received="a shape that cannot be", accepted=str(spec))
    artifact = tensor.parameters[ARTIFACT].string_param if ARTIFACT in tensor.parameters else ""
    if artifact and shared is None:
        raise InvalidInput.of(name, received="an artifact", accepted="bytes: no folder of artifacts is shared here")
    shape, most = specified_shape(tensor.shape, spec), MAX_BYTES if artifact else MAX_MESSAGE_BYTES
    # Empty extents count as one: NumPy refuses an empty array whose other extents overflow.
    if math.prod(max(extent, 1) for extent in shape) * dtype.itemsize > most:
        raise InvalidInput.of(f"{name}.shape", received=list(shape), accepted=f"at most {most} bytes")
    size = math.prod(shape) * dtype.itemsize
    if artifact and shared is not None:
        flat = shared.take(artifact, _wire(dtype), size)
        flat.setflags(write=False)
    elif len(data) != size:
        raise InvalidInput.of(name, received=f"{len(data)} bytes", accepted=f"{size}, from shape {list(shape)}")
    else:
        flat = np.frombuffer(data, _wire(dtype))
    array = flat.reshape(shape).astype(dtype, copy=False)
    if dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
        raise InvalidInput.of(name, received="a bool that is neither 0 nor 1", accepted=str(spec))
    return array


def _add(tensors: Mapping[str, Array], messages: Any, contents: Any, shared: SharedTensors | None) -> None:
    """Adds tensors to a message; where it would be too large for all, those that are not small are shared."""
    large = SMALL if shared is not None and too_large(tensors) else MAX_BYTES
    for name, array in tensors.items():
        message = messages.add(name=name, datatype=_DATATYPES[array.dtype], shape=array.shape)
        if shared is not None and array.nbytes > large:
            message.parameters[ARTIFACT].string_param = shared.put(array.astype(_wire(array.dtype), copy=False))
            contents.append(b"")
        else:
            contents.append(_raw(array))


def _raw(array: Array) -> bytes:
    return array.astype(_wire(array.dtype), copy=False).tobytes()


def _wire(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type as it is sent: little-endian."""
    return dtype if sys.byteorder == "little" else dtype.newbyteorder()


def _response(model: Described, request_id: str) -> Any:
    return service_pb2.ModelInferResponse(model_name=model.name, model_version="1", id=request_id)


def _datatype(spec: TensorSpec) -> str:
    return _DATATYPES[np.dtype(spec.dtype)]
