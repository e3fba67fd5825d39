"""Keeps the lease of a claim, in a thread of its own: a slow database delays nothing but what needs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from tellurion_core.errors import Unavailable
from tellurion_core.jobs.claims import Claim, Claims, LeaseLost
from tellurion_core.jobs.settings import JobSettings

LOOK_SECONDS = 0.15
"""Time between two looks whether the job was asked to cancel."""
NEWS_SECONDS = 0.5
"""Shortest time between two writes of progress."""
RENEWALS = 5
"""A lease is renewed so many times before it would run out."""
MARGIN = 0.2
"""Part of the lease that is left when worker and guard give it up: the process is gone before others have the job."""

log = structlog.get_logger()


class Lease:
    """Renews until it is closed, or lost. All its methods return at once."""

    def __init__(
        self,
        claims: Claims,
        claim: Claim,
        settings: JobSettings,
        *,
        since: float,
        news: Callable[[], tuple[float, str]],
        renewed: Callable[[float], None],
    ) -> None:
        """`since` is a moment on `time.monotonic` before the claim was made; `renewed` is told that of each renewal."""
        self._claims = claims
        self._claim = claim
        self._seconds = settings.lease_seconds
        self._silence = silence_seconds(settings)
        self._since = since
        self._news = news
        self._renewed = renewed
        self._told = (0.0, "")
        self._whose = {"tenant": claim.job.tenant, "job": claim.job.id}
        self._fenced = False
        self._cancelling = threading.Event()
        self._closing = threading.Event()
        threading.Thread(target=self._keep, name="lease", daemon=True).start()

    @property
    def lost(self) -> bool:
        """Whether the job is another's, or may be soon: the process must end now."""
        return self._fenced or time.monotonic() > self._since + self._silence

    @property
    def cancelling(self) -> bool:
        """Whether the job was asked to cancel."""
        return self._cancelling.is_set()

    def close(self) -> None:
        """Renews no more."""
        self._closing.set()

    def _keep(self) -> None:
        reached = True
        while not self._closing.wait(LOOK_SECONDS):
            try:
                if self._look():
                    self._cancelling.set()
                reached = True
            except LeaseLost:
                self._fenced = True
                return
            except Unavailable as error:
                if reached:
                    log.warning("a lease cannot be renewed now", error=error.message, **self._whose)
                reached = False
            except Exception:
                # A fault of ours; the lease runs out, and with it the attempt.
                log.exception("a lease could not be renewed", **self._whose)

    def _look(self) -> bool:
        """Renews where it is time to, or where there are news; whether the job was asked to cancel."""
        now, news = time.monotonic(), self._news()
        due = self._seconds / RENEWALS if news == self._told else min(self._seconds / RENEWALS, NEWS_SECONDS)
        if now < self._since + due:
            return self._claims.cancelling(self._claim)
        cancelling = self._claims.renew(self._claim, *news)
        if self.lost:  # too late: the guard has ended the process
            self._fenced = True
        self._since, self._told = now, news
        self._renewed(now)
        return cancelling


def silence_seconds(settings: JobSettings) -> float:
    """How long after its last renewal a worker takes a lease for lost, and the guard its worker for gone."""
    return settings.lease_seconds * (1 - MARGIN)
