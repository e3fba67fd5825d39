"""A Triton model repository of our models: of each its configuration, and a model.py that loads it where it runs.

The server's Python backend takes the interpreter that is first on its PATH; ours has to be installed there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from tellurion_core.inference_protocol import metadata
from tellurion_core.predictor import Described

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
    """The model's configuration; scalars are [1], as Triton has no others."""
    config = model_config_pb2.ModelConfig(name=model.name, backend="python")
    described = metadata(model)
    for tensors, of in ((described.inputs, config.input), (described.outputs, config.output)):
        for tensor in tensors:
            of.add(name=tensor.name, data_type=f"TYPE_{tensor.datatype}", dims=tensor.shape or [1])
    for tensor in config.input:
        tensor.optional = model.inputs[tensor.name].optional
    config.instance_group.add(kind=model_config_pb2.ModelInstanceGroup.KIND_CPU, count=instances)
    return config
