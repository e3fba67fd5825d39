"""A model repository that was verified: its configurations read back, its models run in a process of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2

from tellurion_core.errors import InvalidInput, Unavailable
from tellurion_core.inference_protocol import check_metadata
from tellurion_core.module_process import run_module
from tellurion_core.predictor import Described
from tellurion_core.triton_serving.repository import write_model
from tellurion_core.whole_files import placed


def export(models: Sequence[Described], folder: Path, *, instances: int = 1) -> None:
    """Writes a repository of these models, whole or not at all, into a folder that is new or empty.

    Raises:
        InvalidInput: the folder has something in it, or cannot be written.
        Internal: what was written does not describe a model as it is.
        Unavailable: a model cannot be loaded here.
    """
    accepted = "a folder that is new or empty, in one that can be written"
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InvalidInput.of("folder", received=f"{folder}, which is not empty", accepted=accepted)
        with placed(folder) as repository:
            repository.mkdir()
            for model in models:
                write_model(model, repository, instances=instances)
                _check_described(model, repository)
            _check_loaded(models, repository)
    except OSError as error:
        raise InvalidInput.of("folder", received=f"{folder}: {error.strerror}", accepted=accepted) from None


def _check_described(model: Described, repository: Path) -> None:
    """Reads the configuration as Triton does, and compares what Triton will tell of it."""
    text = (repository / model.name / "config.pbtxt").read_text()
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    told = service_pb2.ModelMetadataResponse(name=config.name)
    for tensors, of in ((config.input, told.inputs), (config.output, told.outputs)):
        for tensor in tensors:
            datatype = model_config_pb2.DataType.Name(tensor.data_type).removeprefix("TYPE_")
            shape = [-1, *tensor.dims] if config.max_batch_size else tensor.dims
            of.add(name=tensor.name, datatype=datatype, shape=shape)
    check_metadata(told, model)


def _check_loaded(models: Sequence[Described], repository: Path) -> None:
    names = (model.name for model in models)
    code, said = run_module("tellurion_core.triton_serving.loading", str(repository), *names)
    if code:
        raise Unavailable(said or f"a model cannot be loaded: its process ended with {code}")
