"""The store of jobs of a service's process, as its settings say."""

from __future__ import annotations

from tellurion_core.jobs.bell import Bell
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.quota import Quota
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.store import JobStore
from tellurion_core.settings import StateSettings, load


def job_store() -> JobStore:
    """Opens it.

    Raises:
        InvalidInput: a setting cannot be used.
        Unavailable: the database cannot be reached.
    """
    settings = load(JobSettings)
    bell = None if settings.broker is None else Bell(settings.broker)
    engine = open_engine(settings.database_url(load(StateSettings)))
    return JobStore(engine, bell, Quota(settings.tenant_jobs, settings.tenant_hours * 3600))
