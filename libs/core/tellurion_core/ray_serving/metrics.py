"""What a front tells Prometheus, and ModelStatistics, of each model."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tellurion_core.batching_predictor import Batch
from tellurion_core.errors import Internal, TellurionError
from tellurion_core.telemetry import LATENCY_BUCKETS


@dataclass
class Statistics:
    """What was asked of a model, as the Open Inference Protocol tells it."""

    answered: int = 0
    """Requests that were answered."""
    seconds: float = 0.0
    """How long they took."""
    inferences: int = 0
    """Requests that the model has run."""
    runs: int = 0
    """How often it ran."""
    run_seconds: float = 0.0
    """How long it ran."""


SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""Buckets of batch sizes."""


class ModelMetrics:
    """Requests and their durations, what waits or runs, and batches, by model."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.statistics: defaultdict[str, Statistics] = defaultdict(Statistics)
        buckets = LATENCY_BUCKETS
        self._seconds = Histogram(
            "tellurion_model_seconds", "Duration of inferences", ["model", "code"], buckets=buckets, registry=registry
        )
        self._queue = Gauge("tellurion_model_queue", "Inferences that wait or run", ["model"], registry=registry)
        self._sizes = Histogram(
            "tellurion_model_batch_size", "Requests run as one", ["model"], buckets=SIZES, registry=registry
        )
        self._running = Counter("tellurion_model_run_seconds", "Time that models ran", ["model"], registry=registry)

    @contextmanager
    def request(self, model: str) -> Iterator[None]:
        """Counts what is done inside as one request."""
        started, code = time.monotonic(), "OK"
        self._queue.labels(model).inc()
        try:
            yield
        except TellurionError as error:
            code = error.grpc_status.name
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception:
            code = Internal.grpc_status.name
            raise
        finally:
            self._queue.labels(model).dec()
            seconds = time.monotonic() - started
            self._seconds.labels(model, code).observe(seconds)
            if code == "OK":
                self.statistics[model].answered += 1
                self.statistics[model].seconds += seconds

    def ran(self, batches: Iterable[Batch]) -> None:
        """Counts inferences that a replica has run."""
        for batch in batches:
            self._sizes.labels(batch.model).observe(batch.size)
            self._running.labels(batch.model).inc(batch.seconds)
            statistics = self.statistics[batch.model]
            statistics.inferences += batch.size
            statistics.runs += 1
            statistics.run_seconds += batch.seconds


class ReplicaCount(Collector):
    """How many replicas each model has, asked for when it is scraped."""

    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """What will be collected, without asking."""
        return [self._family()]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The gauge."""
        family = self._family()
        for model, count in self._count().items():
            family.add_metric([model], count)
        return [family]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily("tellurion_model_replicas", "Replicas that run", labels=["model"])
