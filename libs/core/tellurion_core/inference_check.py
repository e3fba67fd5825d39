"""Whether an inference server has the models of services.

    python -m tellurion_core.inference_check ADDRESS [SERVICE …]

A process of its own: it imports the services, which whoever asks may not want to keep in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core.errors import TellurionError, Unavailable
from tellurion_core.inference_protocol import check_metadata
from tellurion_core.model_discovery import installed_models
from tellurion_core.predictor import Described

ANSWERS_WITHIN = 5.0
"""Seconds that the server may take to say that it lives."""
TELLS_WITHIN = 30.0
"""Seconds that it may take to tell of a model."""
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def main() -> None:
    """Exits 1, with one line on stderr, where the server is away, lacks a model, or has another of the same name."""
    address, *services = sys.argv[1:]
    try:
        with grpc.insecure_channel(address) as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            check_alive(stub, address)
            check_models(stub, address, installed_models(services or None).values())
    except TellurionError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)


def check_alive(stub: Any, address: str) -> None:
    """Raises Unavailable unless the server at this address speaks the Open Inference Protocol."""
    try:
        live = stub.ServerLive(service_pb2.ServerLiveRequest(), timeout=ANSWERS_WITHIN).live
    except grpc.RpcError as error:
        if error.code() in AWAY:
            raise _away(address) from None
        raise Unavailable(f"what listens at {address} does not speak the Open Inference Protocol") from None
    if not live:
        raise _away(address)


def check_models(stub: Any, address: str, models: Iterable[Described]) -> None:
    """Checks that the server has each of the models, ready, and as it is here.

    Raises:
        Unavailable: naming those that it does not have.
        Internal: naming the first tensor of a model that differs.
    """
    missing = []
    for model in models:
        try:
            if stub.ModelReady(service_pb2.ModelReadyRequest(name=model.name), timeout=TELLS_WITHIN).ready:
                request = service_pb2.ModelMetadataRequest(name=model.name)
                check_metadata(stub.ModelMetadata(request, timeout=TELLS_WITHIN), model)
                continue
        except grpc.RpcError as error:
            if error.code() in AWAY:
                raise _away(address) from None
        missing.append(model.name)
    if missing:
        names = ", ".join(missing)
        raise Unavailable(f"the inference server at {address} does not have, or has not loaded: {names}")


def _away(address: str) -> Unavailable:
    return Unavailable(f"no inference server answers at {address}")


if __name__ == "__main__":
    main()
