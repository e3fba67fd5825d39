"""Settings of jobs, from environment variables with the prefix `TELLURION_JOBS_`."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tellurion_core.settings import StateSettings

_BROKERS = ("redis://", "rediss://", "redis+socket:///")
_DATABASES = ("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")


def _checked_broker(value: str) -> str:
    if not value.startswith(_BROKERS):
        raise ValueError("a Redis server: redis://host:port/0, rediss://… with TLS, or redis+socket:///path")
    return value


def _checked_database(value: str) -> str:
    if not value.startswith(_DATABASES):
        raise ValueError("sqlite:////path of a file, or postgresql://user@host/database")
    return value


class JobSettings(BaseSettings):
    """Where jobs are kept, and how they are run."""

    model_config = SettingsConfigDict(env_prefix="TELLURION_JOBS_", extra="ignore", frozen=True)

    database: Annotated[str, AfterValidator(_checked_database)] | None = None
    """URL of the database, `postgresql://…` or `sqlite:///…`; `jobs.sqlite` in the state folder where it is not set."""
    broker: Annotated[str, AfterValidator(_checked_broker)] | None = None
    """URL of the Redis server that carries the bell. Without one, workers find work by their sweeps."""

    concurrency: int = Field(default=max(4, os.cpu_count() or 1), ge=1, le=1000)
    """Jobs that one worker runs at once; jobs of one kind leave a place for the others. Most wait for something."""
    memory_mib: int = Field(default=4096, ge=64)
    """Most memory of one job, all its processes together, in MiB; one that takes more is killed."""
    lease_seconds: float = Field(default=15.0, ge=0.5, le=3600)
    """How long a worker that is silent keeps its jobs."""
    sweep_seconds: float = Field(default=5.0, ge=0.05, le=600)
    """Time between two looks for work that no bell told of, and for leases that ran out."""
    grace_seconds: float = Field(default=0.4, ge=0, le=60)
    """How long a job that was told to stop may take to do so; then it is killed."""
    retry_seconds: float = Field(default=1.0, ge=0, le=3600)
    """Pause before a job's second attempt; each further one waits twice as long, ten minutes at most. Its worker wakes
    when the pause is over; should that one be gone, another finds it by a sweep."""
    tenant_jobs: int = Field(default=1000, ge=1)
    """Most jobs of one tenant that wait or run at once; further ones are refused with RESOURCE_EXHAUSTED."""
    tenant_hours: float = Field(default=240.0, gt=0)
    """Most hours that the jobs of one tenant may have run within the last day; further jobs are refused likewise."""
    retention_days: float = Field(default=30.0, gt=0)
    """How long a job that has ended is remembered."""
    tidy_seconds: float = Field(default=60.0, ge=0.05)
    """Time between two removals of jobs that are old or deleted, and of their folders."""
    artifacts_seconds: float = Field(default=3600.0, ge=0.05)
    """Time between two removals of files whose time is over; until then they look as if they were gone."""

    def database_url(self, state: StateSettings) -> str:
        """URL of the database that is used with this state folder."""
        return self.database or f"sqlite:///{(state.state / 'jobs.sqlite').absolute()}"
