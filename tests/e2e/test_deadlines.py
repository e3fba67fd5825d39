"""A caller's deadline on its way: gateway, service, inference server, replica; no hop is given more than the last."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from tellurion_core import interceptor
from tellurion_core.call import Call
from tellurion_core.inference_protocol import TIMEOUT
from tellurion_core.model_discovery import ModelSource, installed_models
from tellurion_core.predictor import LocalPredictor
from tellurion_core.progress import Progress
from tellurion_core.ray_serving import hop
from tellurion_core.ray_serving.inference_service import InferenceServicer
from tellurion_core.ray_serving.metrics import ModelMetrics
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings
from tellurion_core.tensors import Array
from tellurion_gateway import middleware
from tellurion_gateway.app import create_app
from tellurion_gateway.settings import GatewaySettings
from tellurion_ocean.service import services

MODEL = "ocean_climatology"
REQUEST = {
    "method": "climatology",
    "month": 2,
    "observations": {
        "latitude": [-30.0],
        "longitude": [-20.0],
        "depth": [10.0],
        "temperature": [24.0],
        "units": "degC",
    },
}
INFER = "/inference.GRPCInferenceService/ModelStreamInfer"
WAY = (
    "POST /v1/ocean:reconstruct",
    "/tellurion.ocean.v1.OceanService/Reconstruct",
    INFER,
    f"replica of {INFER}",
)
"""Whoever gets a deadline, in order."""
SECONDS = (60.0, 107.3, 3599.0)
"""That the gateway gives a request: gRPC itself would round the second and the third up."""
OVERHEAD = 1.0
"""Seconds that all hops together may take off."""


class Replica:
    """What a front asks, in this process: the hop to a replica, and the model."""

    def __init__(self, model: ModelSource) -> None:
        self._predictor = LocalPredictor([model.make()])
        self.load, self.close = self._predictor.load, self._predictor.close

    async def infer(
        self, model: str, inputs: Mapping[str, Array], *, progress: Progress | None = None
    ) -> Mapping[str, Array]:
        hop.Hop.onward().enter()
        return await self._predictor.infer(model, inputs, progress=progress)


class Front(InferenceServicer):
    """Notes the deadline that a request itself tells, as servers of others read it."""

    def __init__(self, replica: Replica, model: ModelSource, hops: dict[str, float]) -> None:
        super().__init__(replica, {model.name: model}, lambda: {model.name: 1}, ModelMetrics())
        self._hops = hops

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note(request)
        return await super().ModelInfer(request, context)

    async def ModelStreamInfer(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: N802
        async def noted() -> AsyncIterator[service_pb2.ModelInferRequest]:
            async for request in requests:
                self._note(request)
                yield request

        async for response in super().ModelStreamInfer(noted(), context):
            yield response

    def _note(self, request: Any) -> None:
        self._hops[TIMEOUT] = time.monotonic() + request.parameters[TIMEOUT].int64_param / 1e6


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The deadline of every call that begins to be answered anywhere, in order."""
    noted: dict[str, float] = {}

    def call(method: str, request_id: str, identity: Any, deadline: float) -> Call:
        noted[method if method not in noted else f"replica of {method}"] = deadline
        return Call(method, request_id, identity, deadline)

    for module in (middleware, interceptor, hop):
        monkeypatch.setattr(module, "Call", call)
    return noted


@pytest.fixture
async def inference(hops: dict[str, float]) -> AsyncIterator[str]:
    """The address of an inference server under our harness."""
    model = installed_models()[MODEL]
    replica = Replica(model)
    register = service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server
    front = Service("inference.GRPCInferenceService", register, Front(replica, model, hops), start=replica.load)
    server = Server([front], ServerSettings(stop_seconds=0))
    await server.start()
    yield server.address
    await server.stop()
    await replica.close()


@pytest.fixture
async def ocean(inference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The address of the ocean service, whose models run on the inference server."""
    monkeypatch.setenv("TELLURION_SERVING", f"grpc://{inference}")
    monkeypatch.setenv("TELLURION_STATE", str(tmp_path))
    settings = ServerSettings(listen=f"unix:{tmp_path}/ocean.sock", stop_seconds=0)
    own, *_ = services(settings)
    own = Service(own.name, own.register, own.servicer, stop=own.stop)  # asks for its models when it needs them
    server = Server([own], settings)
    await server.start()
    yield server.address
    await server.stop()


async def test_deadlines_only_shrink_from_the_gateway_to_the_replica(
    ocean: str, hops: dict[str, float], tmp_path: Path
) -> None:
    for seconds in SECONDS:
        hops.clear()
        app = create_app(GatewaySettings(ocean_address=ocean, max_call_seconds=seconds, state=tmp_path))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            asked = time.monotonic() + seconds
            answer = await client.post("/v1/ocean:reconstruct", json=REQUEST, timeout=60)
        assert answer.status_code == 200, answer.text
        way = [hops[name] for name in WAY]
        assert all(later <= earlier for earlier, later in itertools.pairwise(way)), way
        assert asked <= way[0] <= asked + OVERHEAD
        assert way[0] - way[-1] < OVERHEAD
        assert way[-1] < hops[TIMEOUT] < way[1]
