"""An ocean service that does what a test asks of it, and one that listens."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from tellurion.common.v1 import progress_pb2
from tellurion.ocean.v1 import ocean_pb2, ocean_pb2_grpc
from tellurion_core.call import current_call
from tellurion_core.errors import InvalidInput, NotFound, Unavailable
from tellurion_core.interceptor import Authenticator, embedded_identity
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings
from tellurion_core.tensors import TensorReader, encode

OCEAN = "tellurion.ocean.v1.OceanService"


@dataclass
class ScriptedOcean(ocean_pb2_grpc.OceanServiceServicer):
    """An ocean service whose method names say how it behaves, for what the real one cannot show at will."""

    calls: list[Any] = field(default_factory=list)
    """The calls that came, as the harness knows them, with what was asked."""
    started: threading.Event = field(default_factory=threading.Event)
    """Set when `slow` begins to wait."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set when that wait is cancelled."""

    async def ListMethods(self, request, context):  # noqa: N802
        methods = [ocean_pb2.Method(name="echo", description="Gives the observations' mean back.", learned=True)]
        return ocean_pb2.ListMethodsResponse(methods=methods, depth=[0, 100], lat=[-10, 10], lon=[90, 180, 270])

    async def Reconstruct(self, requests, context):  # noqa: N802
        reader, spec = TensorReader(1 << 30), None
        async for request in requests:
            if request.WhichOneof("request") == "spec":
                spec = request.spec
            else:
                reader.feed(request.tensor)
        tensors = reader.finish()
        self.calls.append((current_call.get(), spec, tensors))
        yield _progress(0.25, "analysis")
        match spec.method:
            case "slow":
                await self._wait()
            case "failing":
                raise Unavailable("10.0.0.7:50051 went down")
            case "broken":
                raise RuntimeError("the secret is hunter2")
            case "unregistered":
                raise NotFound("there are no weights south for ocean; registered: north")
            case "echo" | "damaged":
                pass
            case _:
                raise InvalidInput.of("method", received=spec.method, accepted="echo")
        yield _progress(1.0, "done")
        report = ocean_pb2.ReconstructReport(method=spec.method, month=spec.month, seed=spec.seed, version="0")
        report.steps, report.weights_sha256 = spec.steps, sha256(spec.weights.encode()).hexdigest()
        used = len(tensors["temperature"])
        report.observations.MergeFrom(ocean_pb2.ObservationReport(received=used, used=used))
        yield ocean_pb2.ReconstructResponse(report=report)
        mean = np.full((2, 2, 3), tensors["temperature"].mean(), np.float32)
        mean[0, 0, 0] = np.nan
        answer = {
            "depth": np.array([0.0, 100.0]),
            "lat": np.array([-10.0, 10.0]),
            "lon": np.array([90.0, 180.0, 270.0]),
            "mean": mean,
            "std": np.where(np.isnan(mean), mean, np.float32(0.5)),
        }
        for name, array in answer.items():
            for part in encode(name, array):
                if spec.method == "damaged" and name == "mean":
                    part.inline.header.crc32c ^= 1
                yield ocean_pb2.ReconstructResponse(tensor=part)

    async def Evaluate(self, request, context):  # noqa: N802
        self.calls.append((current_call.get(), request, None))
        if "slow" in request.methods:
            await self._wait()
        yield ocean_pb2.EvaluateResponse(progress=progress_pb2.Progress(fraction=0.5, message="echo"))
        error = ocean_pb2.SquaredError(guidance=1, reconstruction=3, total=2.5)
        scores = ocean_pb2.MethodScores(method="echo", masked=error, all_cells=error, crps=float("nan"), seconds=0.5)
        yield ocean_pb2.EvaluateResponse(report=ocean_pb2.EvaluateReport(scores=[scores]))

    async def _wait(self) -> None:
        self.started.set()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


def _progress(fraction: float, message: str) -> ocean_pb2.ReconstructResponse:
    return ocean_pb2.ReconstructResponse(progress=progress_pb2.Progress(fraction=fraction, message=message))


class ServedOcean:
    """A scripted ocean service that listens in a thread, under the harness, and others beside it."""

    def __init__(self, address: str, *others: Service, authenticate: Authenticator = embedded_identity) -> None:
        self.address = address
        self.ocean = ScriptedOcean()
        self._others = others
        self._authenticate = authenticate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._do(self._start())

    def stop(self) -> None:
        """Stops listening."""
        self._do(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> Server:
        service = Service(OCEAN, ocean_pb2_grpc.add_OceanServiceServicer_to_server, self.ocean)
        settings = ServerSettings(listen=self.address, stop_seconds=0)
        server = Server([service, *self._others], settings, authenticate=self._authenticate)
        await server.start()
        return server
