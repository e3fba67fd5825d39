"""A Triton model repository of our models: of each its configuration, and a model.py that loads it where it runs.

Where a model takes batches, requests that come while it is busy are handed to it together. A model is warmed up when it
is loaded, by its own example: Triton's `model_warmup` knows only zeros and noise, which most models would refuse.

The server's Python backend takes the interpreter that is first on its PATH; ours has to be installed there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from tellurion_core.batching import ITEMS, takes_batches
from tellurion_core.inference_protocol import metadata
from tellurion_core.inference_shapes import extents, item_extents
from tellurion_core.predictor import Described

LARGEST_REQUEST = 1 << 20
"""Items of a single request, which Triton counts where it batches."""
MOST_WAITING = 100
"""Requests that wait for a model that takes batches; further ones are refused. Of others Triton has no bound."""
MODEL_PY = '''"""Written by Tellurion: the model of this folder's name, from the distribution that is installed here."""

from tellurion_core.triton_serving.execution import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


def write_model(model: Described, repository: Path, *, instances: int = 1) -> None:
    """Writes a model into a repository, over what is there of it; `instances` run at once, each in its process."""
    folder = repository / model.name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "config.pbtxt").write_text(text_format.MessageToString(configuration(model, instances)))
    (folder / "1" / "model.py").write_text(MODEL_PY)


def configuration(model: Described, instances: int) -> Any:
    """The model's configuration; shapes are those of `inference_shapes`."""
    config = model_config_pb2.ModelConfig(name=model.name, backend="python")
    described, batched = metadata(model), takes_batches(model)
    for tensors, specs, of in (
        (described.inputs, model.inputs, config.input),
        (described.outputs, model.outputs, config.output),
    ):
        for tensor in tensors:
            spec = specs[tensor.name]
            dims = item_extents(spec) if batched else extents(spec) or [1]
            of.add(name=tensor.name, data_type=f"TYPE_{tensor.datatype}", dims=dims)
    for tensor in config.input:
        tensor.optional = model.inputs[tensor.name].optional
        tensor.allow_ragged_batch = batched  # which of them agree, the model's process finds out
    if batched:
        config.max_batch_size = LARGEST_REQUEST
        batching = config.dynamic_batching
        batching.preferred_batch_size.append(ITEMS)
        batching.default_queue_policy.max_queue_size = MOST_WAITING
        batching.default_queue_policy.allow_timeout_override = True  # what has waited out its time is not begun
    config.instance_group.add(kind=model_config_pb2.ModelInstanceGroup.KIND_CPU, count=instances)
    return config
