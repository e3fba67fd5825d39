"""The process that runs jobs: one on a laptop, as many as are needed on a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from tellurion_core.jobs.running import job_kinds
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.worker import Worker
from tellurion_core.server import Service, run
from tellurion_core.settings import ServerSettings, StateSettings, load


def services(settings: ServerSettings) -> Sequence[Service]:
    """A worker for every kind of job that is installed here, as a service that nobody calls."""
    worker = Worker(load(JobSettings), load(StateSettings), job_kinds())
    return [Service("tellurion.jobs.Worker", start=worker.start, drain=worker.drain, stop=worker.stop, metrics=worker)]


def main() -> None:
    """Works until SIGTERM; jobs that run then are given back."""
    run("jobs", services)


if __name__ == "__main__":
    main()
