"""A request that crosses services is one trace; metrics can be scraped."""

from __future__ import annotations

import socket
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry

from tellurion.common.v1.progress_pb2 import Progress
from tellurion_core.client import Channels
from tellurion_core.errors import NotFound
from tellurion_core.settings import TelemetrySettings
from tellurion_core.status import rpc_errors
from tellurion_core.telemetry import RpcMetrics, Tracing, serve_metrics, tracer_provider


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


async def test_a_call_made_while_answering_another_is_in_its_trace(
    kind, start, ask, bare_channel, probe_descriptor, exporter, tracing
) -> None:
    async def echo(request: Progress, context: Any) -> Progress:
        return request

    back = await start(echo, harness={"tracing": tracing})
    channels = Channels([probe_descriptor])

    async def forward(request: Progress, context: Any) -> Progress:
        return Progress(message=await ask(channels.to(back.address), kind, request.message))

    front = await start(forward, harness={"tracing": tracing})
    trace_id, span_id = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
    parent = f"00-{trace_id:032x}-{span_id:016x}-01"  # the example of W3C Trace Context
    assert await ask(bare_channel(front.address), "unary", "hello", metadata=[("traceparent", parent)]) == "hello"
    await channels.close()
    await back.stop()
    await front.stop()  # waits until the spans have ended
    inner, outer = exporter.get_finished_spans()
    assert inner.context.trace_id == outer.context.trace_id == trace_id
    assert outer.parent.span_id == span_id
    assert inner.parent.span_id == outer.context.span_id
    assert inner.name == f"tellurion.test.v1.ProbeService/{kind.capitalize()}"


async def test_a_failed_call_is_a_failed_span(start, ask, bare_channel, exporter, tracing) -> None:
    async def missing(request: Progress, context: Any) -> Progress:
        raise NotFound("no such thing")

    server = await start(missing, harness={"tracing": tracing})
    with pytest.raises(NotFound), rpc_errors():
        await ask(bare_channel(server.address), "unary")
    await server.stop()  # waits until the span has ended
    [span] = exporter.get_finished_spans()
    assert span.attributes["rpc.response.status_code"] == "NOT_FOUND"
    assert span.status.status_code is StatusCode.ERROR


def test_without_a_collector_there_are_no_spans() -> None:
    assert tracer_provider(TelemetrySettings(), "probe") is None
    assert Tracing(None).begin("/m", {}) is None


def test_metrics_are_served_where_the_settings_say() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    registry = CollectorRegistry()
    metrics = RpcMetrics(registry)
    metrics.started("/m")
    metrics.ended("/m", "OK", 0.25)
    serve_metrics(TelemetrySettings(metrics_address=address), registry)
    text = httpx.get(f"http://{address}/metrics").text
    assert 'tellurion_rpc_total{code="OK",method="/m"} 1.0' in text
    assert 'tellurion_rpc_seconds_bucket{le="0.1",method="/m"} 0.0' in text
    assert 'tellurion_rpc_seconds_bucket{le="0.25",method="/m"} 1.0' in text
