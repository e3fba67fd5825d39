"""How much work one tenant may have done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.engine import Connection

from tellurion_core.errors import ResourceExhausted
from tellurion_core.jobs.database import now
from tellurion_core.jobs.table import State, jobs

DAY = 86_400.0
"""Seconds."""
_OPEN = jobs.c.state.in_([state.name for state in State if not state.ended])


@dataclass(frozen=True)
class Quota:
    """What each tenant has at most."""

    jobs: int
    """Jobs that wait or run."""
    seconds: float
    """Seconds that jobs ran within the last day, from the first start of each to its end."""

    def check(self, connection: Connection, tenant: str) -> None:
        """Sees whether the tenant, with a job that was just submitted, has more.

        Raises:
            ResourceExhausted: it has.
        """
        count = select(func.count()).where(jobs.c.tenant == tenant, _OPEN)
        if connection.execute(count).scalar_one() > self.jobs:
            raise ResourceExhausted(f"{self.jobs} jobs of this tenant wait or run already")
        since = now() - DAY
        begun = case((jobs.c.started < since, since), else_=jobs.c.started)
        mine = (jobs.c.tenant == tenant, jobs.c.started.is_not(None))
        running = select(func.sum(now() - begun)).where(*mine, _OPEN)
        ended = select(func.sum(jobs.c.finished - begun)).where(*mine, jobs.c.finished > since)
        spent = sum(connection.execute(part).scalar() or 0.0 for part in (running, ended))
        if spent > self.seconds:
            raise ResourceExhausted(f"the jobs of this tenant ran {self.seconds / 3600:g} hours within the last day")
