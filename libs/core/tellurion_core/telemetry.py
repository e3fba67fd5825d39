"""Logs as JSON lines, Prometheus metrics and OpenTelemetry traces of one process."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from tellurion_core.call import current_call
from tellurion_core.settings import TelemetrySettings

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


def _bind_call(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Adds who is served to every line that is logged while a call is answered."""
    if (call := current_call.get()) is not None:
        event.setdefault("request_id", call.request_id)
        event.setdefault("tenant", call.identity.tenant)
    return event


def configure_logs(level: str, service: str) -> None:
    """One JSON object a line on stderr, for our events and for those of libraries alike."""
    shared: list[Any] = [
        _bind_call,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        lambda _, __, event: {"service": service, **event},
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer(), foreign_pre_chain=shared)
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class RpcMetrics:
    """Counts, durations and calls in progress of one server, by method."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._calls = Counter("tellurion_rpc_total", "Calls answered", ["method", "code"], registry=registry)
        self._seconds = Histogram(
            "tellurion_rpc_seconds", "Duration of calls", ["method"], buckets=LATENCY_BUCKETS, registry=registry
        )
        self._active = Gauge("tellurion_rpc_active", "Calls in progress", ["method"], registry=registry)

    def started(self, method: str) -> None:
        """A call began."""
        self._active.labels(method).inc()

    def ended(self, method: str, code: str, seconds: float) -> None:
        """A call ended with this gRPC status after so many seconds."""
        self._active.labels(method).dec()
        self._calls.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)


class Tracing:
    """Spans of calls, in the caller's trace; free of cost while no exporter is configured."""

    def __init__(self, provider: trace.TracerProvider | None) -> None:
        self._tracer = provider.get_tracer("tellurion") if provider is not None else None

    def begin(self, method: str, metadata: dict[str, str]) -> trace.Span | None:
        """Starts the span of a call and makes it current in this task; None while tracing is off."""
        if self._tracer is None:
            return None
        span = self._tracer.start_span(
            method.lstrip("/"), context=propagate.extract(metadata), kind=trace.SpanKind.SERVER
        )
        # Never detached: grpc.aio answers each call in a task, and so in a context, of its own.
        otel_context.attach(trace.set_span_in_context(span))
        return span

    def end(self, span: trace.Span | None, code: str) -> None:
        """Ends the span with the call's gRPC status."""
        if span is None:
            return
        span.set_attribute("rpc.response.status_code", code)
        if code not in ("OK", "CANCELLED"):
            span.set_status(trace.StatusCode.ERROR)
        span.end()


def tracer_provider(settings: TelemetrySettings, service: str) -> trace.TracerProvider | None:
    """The exporter that the settings ask for, or None; needs the extra `otlp`."""
    if settings.otlp_endpoint is None:
        return None
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"tellurion-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    return provider


def serve_metrics(settings: TelemetrySettings, registry: CollectorRegistry) -> None:
    """Serves `/metrics` for Prometheus where the settings give an address."""
    if settings.metrics_address is not None:
        host, _, port = settings.metrics_address.rpartition(":")
        start_http_server(int(port), addr=host.strip("[]"), registry=registry)
