"""How many jobs wait and run, for Prometheus. Services tell it too: jobs that wait may have no worker at all."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select, union_all
from sqlalchemy.engine import Engine

from tellurion_core.errors import Unavailable
from tellurion_core.jobs.database import reading
from tellurion_core.jobs.table import IS_QUEUED, IS_RUNNING, State, jobs


class InProgress(Collector):
    """Of all tenants and workers. A scrape costs two counts by an index; it has nothing while the database is away."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def counts(self) -> dict[tuple[str, State], int]:
        """Jobs by kind and state. Raises Unavailable."""
        counts = [
            select(jobs.c.kind, jobs.c.state, func.count()).where(active).group_by(jobs.c.kind, jobs.c.state)
            for active in (IS_QUEUED, IS_RUNNING)
        ]
        with reading(self._engine) as connection:
            return {(kind, State(state)): count for kind, state, count in connection.execute(union_all(*counts))}

    def collect(self) -> Iterator[Metric]:
        """The gauge `tellurion_jobs`."""
        gauge = GaugeMetricFamily("tellurion_jobs", "Jobs that wait and run, of all workers", labels=["kind", "state"])
        try:
            for (kind, state), count in self.counts().items():
                gauge.add_metric([kind, state.name], count)
        except Unavailable:
            return
        yield gauge
