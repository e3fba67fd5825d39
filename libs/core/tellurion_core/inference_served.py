"""A model as an inference server has it: asked for once, and held to what the model is here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import structlog
from tritonclient.grpc import service_pb2

from tellurion_core.errors import Unavailable
from tellurion_core.inference_errors import failure
from tellurion_core.inference_protocol import ARTIFACTS, PROGRESS, check_metadata, served_ranks
from tellurion_core.predictor import Described
from tellurion_core.shared_tensors import SETTINGS, identity

CHECK_SECONDS = 10.0
"""How long the server may take for each thing that it tells of a model."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Served:
    """What a caller needs to know of it."""

    ranks: Mapping[str, int]
    """How many extents the server gives each input."""
    only_streamed: bool
    """Whether it answers nothing but ModelStreamInfer."""
    tells_progress: bool
    """Whether ModelStreamInfer tells its progress."""
    shares: bool
    """Whether it reads tensors in our folder."""


async def as_served(stub: Any, model: Described, folder: Path | None) -> Served:
    """Asks the server of a GRPCInferenceServiceStub; `folder` is that of our shared tensors.

    Raises:
        Unavailable: it cannot be reached, does not answer, or does not have the model.
        Internal: its model is not the one that is known here, or the folder cannot be written to.
    """
    asked = {"timeout": CHECK_SECONDS}
    try:
        ready = await stub.ModelReady(service_pb2.ModelReadyRequest(name=model.name), **asked)
        if not ready.ready:
            raise Unavailable(f"{model.name}: not ready on the inference server")
        told = await stub.ModelMetadata(service_pb2.ModelMetadataRequest(name=model.name), **asked)
        check_metadata(told, model)
        config = await _config(stub, model, **asked)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise Unavailable(f"{model.name}: the inference server does not answer") from None
        raise failure(error, model.name) from None
    shares = folder is not None and await asyncio.to_thread(_same_folder, config, folder)
    decoupled = config.model_transaction_policy.decoupled
    return Served(served_ranks(told), decoupled, PROGRESS in config.parameters, shares)


async def _config(stub: Any, model: Described, **asked: float) -> Any:
    """The model's configuration; an empty one where the server has no such extension of the protocol."""
    try:
        return (await stub.ModelConfig(service_pb2.ModelConfigRequest(name=model.name), **asked)).config
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNIMPLEMENTED:
            raise
        return service_pb2.ModelConfigResponse().config


def _same_folder(config: Any, folder: Path) -> bool:
    if ARTIFACTS not in config.parameters:
        return False
    same = bool(config.parameters[ARTIFACTS].string_value == identity(folder))
    if not same:
        log.error("large tensors are refused: the inference server has another folder", accepted=SETTINGS)
    return same
