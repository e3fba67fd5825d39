"""Counts and durations of requests, by route."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tellurion_core.telemetry import LATENCY_BUCKETS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that are counted by name; a caller can invent others without end."""


class HttpMetrics:
    """The metrics of one gateway. Routes are templates, so that ids in paths do not become series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "tellurion_http_total", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "tellurion_http_seconds",
            "Duration of requests",
            ["method", "route"],
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )
        self._active = Gauge("tellurion_http_active", "Requests in progress", registry=registry)

    def started(self) -> None:
        """A request began."""
        self._active.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request ended with this status after so many seconds."""
        method = method if method in METHODS else "other"
        self._active.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
