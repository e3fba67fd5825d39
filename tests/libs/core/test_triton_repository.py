"""A Triton model repository: each model as Triton describes models, so that what it tells of them agrees with ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2

from tellurion_core.inference_protocol import check_metadata, served_ranks
from tellurion_core.tensors import TensorSpec
from tellurion_core.triton_serving.repository import write_model


class Analysis:
    """Only described."""

    name = "analysis"
    inputs: ClassVar = {
        "value": TensorSpec("float64", ("N",)),
        "bounds": TensorSpec("float32", ("N", 2), optional=True),
        "seed": TensorSpec("uint64"),
    }
    outputs: ClassVar = {"mean": TensorSpec("float32", ("Y", "X")), "land": TensorSpec("bool", ("Y", "X"))}


@pytest.fixture
def config(tmp_path: Path) -> Any:
    write_model(Analysis, tmp_path, instances=2)
    text = (tmp_path / "analysis" / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_a_model_is_described_by_its_specs(config: Any) -> None:
    tensors = [(each.name, [*each.dims], each.optional) for each in config.input]
    assert tensors == [("value", [-1], False), ("bounds", [-1, 2], True), ("seed", [1], False)]
    assert (config.name, config.backend, config.max_batch_size) == ("analysis", "python", 0)
    assert [each.count for each in config.instance_group] == [2]


def test_what_triton_tells_of_the_model_agrees_with_it(config: Any) -> None:
    told = service_pb2.ModelMetadataResponse(name=config.name)
    for tensors, of in ((config.input, told.inputs), (config.output, told.outputs)):
        for each in tensors:
            kind = model_config_pb2.DataType.Name(each.data_type).removeprefix("TYPE_")
            of.add(name=each.name, datatype=kind, shape=each.dims)
    check_metadata(told, Analysis)
    assert served_ranks(told) == {"value": 1, "bounds": 2, "seed": 1}


def test_a_model_is_written_over_its_earlier_self(tmp_path: Path) -> None:
    for _ in range(2):
        write_model(Analysis, tmp_path)
    written = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
    assert written == ["analysis/1/model.py", "analysis/config.pbtxt"]
    compile((tmp_path / "analysis/1/model.py").read_text(), "model.py", "exec")
