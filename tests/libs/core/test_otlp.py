"""Traces reach an OpenTelemetry collector that listens for OTLP over gRPC."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tellurion_core.settings import TelemetrySettings
from tellurion_core.telemetry import Tracing, tracer_provider


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.received: queue.Queue[Any] = queue.Queue()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.received.put(request)
        return trace_service_pb2.ExportTraceServiceResponse()


def test_a_span_reaches_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("TELLURION_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    provider = tracer_provider(TelemetrySettings(), "ocean")
    try:
        tracing = Tracing(provider)
        tracing.end(tracing.begin("/tellurion.ocean.v1.OceanService/ListMethods", {}), "OK")
        provider.shutdown()  # sends what waits
        [resource] = collector.received.get(timeout=10).resource_spans
    finally:
        server.stop(None)
    assert {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"] == "tellurion-ocean"
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == [
        "tellurion.ocean.v1.OceanService/ListMethods"
    ]
