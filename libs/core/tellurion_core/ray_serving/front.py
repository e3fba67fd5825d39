"""A front: the deployment that runs our gRPC server on a node and passes requests on to the models' replicas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tritonclient.grpc import service_pb2_grpc

from tellurion_core.inference_protocol import MAX_MESSAGE_BYTES
from tellurion_core.model_discovery import ModelSource
from tellurion_core.ray_serving.inference_service import InferenceServicer
from tellurion_core.ray_serving.metrics import ModelMetrics, ReplicaCount
from tellurion_core.ray_serving.replicas import Replicas
from tellurion_core.server import Server, Service
from tellurion_core.settings import ServerSettings, TelemetrySettings
from tellurion_core.telemetry import Tracing, configure_logs, serve_metrics, tracer_provider


class Front:
    """The body of the fronts' deployment."""

    async def __init__(  # type: ignore[misc] # awaited by Serve
        self,
        models: Mapping[str, ModelSource],
        settings: ServerSettings,
        telemetry: TelemetrySettings,
        shared: Path | None,
    ) -> None:
        """Listens; `shared` is a folder for tensors that no message holds."""
        configure_logs(telemetry.log_level, "ray-front")
        metrics = ModelMetrics()
        replicas = Replicas(models, metrics)
        metrics.registry.register(ReplicaCount(replicas.ready))
        service = Service(
            "inference.GRPCInferenceService",
            service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server,
            InferenceServicer(replicas, models, replicas.ready, metrics, shared),
            metrics=metrics.registry,
        )
        tracing = Tracing(tracer_provider(telemetry, "ray-front"))
        self._server = Server([service], settings, tracing=tracing, max_message_bytes=MAX_MESSAGE_BYTES)
        await self._server.start()
        serve_metrics(telemetry, self._server.metrics.registry)

    async def address(self) -> str:
        """Where it listens."""
        return self._server.address

    async def __del__(self) -> None:
        """Serve awaits this before it ends the process: calls in progress are answered first."""
        await self._server.stop()
