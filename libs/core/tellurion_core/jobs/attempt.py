"""One attempt at a job: its process started, followed, stopped where it must be, and its end written down."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from google.rpc import status_pb2

from tellurion_core.errors import Unavailable
from tellurion_core.jobs.claims import Claim, Claims, LeaseLost
from tellurion_core.jobs.frames import ERROR, RESULT
from tellurion_core.jobs.given import Given
from tellurion_core.jobs.lease import Lease, silence_seconds
from tellurion_core.jobs.process import JobProcess
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.status import from_status

TICK_SECONDS = 0.05
MEMORY_SECONDS = 0.25
"""Time between two looks at the memory of a job."""
AGAIN_SECONDS = 0.5
"""Pause before an end that could not be written is written again."""
DRAIN_WRITE_SECONDS = 1.5
"""How long a worker that stops tries to write ends; its leases say the rest."""

FAILED, DIED = "failed", "died"
"""Ends after which there may be another attempt."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Workplace:
    """What all attempts of a worker have in common."""

    claims: Claims
    settings: JobSettings
    jobs: Path
    """Folder of the jobs' folders."""
    artifacts: Path
    """Root of the artifact store."""
    draining: threading.Event
    """Set once the worker stops."""


class Attempt:
    """Runs a claimed job in a process; `run` takes as long as that, and has a thread of its own."""

    def __init__(self, place: Workplace, claim: Claim, since: float) -> None:
        """`since` is a moment on `time.monotonic` before the claim was made."""
        self._place = place
        self._claim = claim
        self._since = since
        self._log = log.bind(tenant=claim.job.tenant, job=claim.job.id, kind=claim.job.kind, attempt=claim.job.attempt)

    def run(self) -> str:
        """Returns how it ended, in a word, once that is written down or is another worker's to write."""
        try:
            process = JobProcess(self._given(), self._claim.job.body)
        except OSError as error:
            self._log.exception("the process of a job could not be started")
            reason = f"its process could not be started: {os.strerror(error.errno or 0)}"
            return self._written(DIED, lambda: self._place.claims.died(self._claim, reason))
        lease = Lease(
            self._place.claims,
            self._claim,
            self._place.settings,
            since=self._since,
            news=lambda: process.news,
            renewed=process.renewed,
        )
        try:
            killed_for = self._followed(process, lease)
        finally:
            process.kill()
            process.close()
            lease.close()
        return self._ended(process, lease, killed_for)

    def _given(self) -> Given:
        job = self._claim.job
        folder = self._place.jobs / job.id
        folder.mkdir(parents=True, exist_ok=True)
        return Given(
            id=job.id,
            tenant=job.tenant,
            subject=job.subject,
            kind=job.kind,
            request_id=job.request_id,
            attempt=job.attempt,
            folder=str(folder),
            artifacts=str(self._place.artifacts),
            since=self._since,
            silence_seconds=silence_seconds(self._place.settings),
        )

    def _followed(self, process: JobProcess, lease: Lease) -> str | None:
        """Waits for the end, and brings it about where the job is to stop; why it was killed, if it was for a fault."""
        settings, cap = self._place.settings, self._place.settings.memory_mib << 20
        measure_at, kill_at = time.monotonic(), None
        while not process.wait(TICK_SECONDS):
            now = time.monotonic()
            if lease.lost:
                return "its lease was lost"
            if now >= measure_at:
                measure_at = now + MEMORY_SECONDS
                if (used := process.memory()) > cap:
                    return f"it took {used >> 20} MiB of memory, and TELLURION_JOBS_MEMORY_MIB is {cap >> 20}"
            if kill_at is None and (lease.cancelling or self._place.draining.is_set()):
                process.cancel()
                kill_at = now + settings.grace_seconds
            if kill_at is not None and now >= kill_at:
                return None
        return None

    def _ended(self, process: JobProcess, lease: Lease, killed_for: str | None) -> str:
        """Writes down how the attempt ended."""
        claims, claim, outcome = self._place.claims, self._claim, process.outcome()
        if outcome is not None and outcome.what == RESULT:
            # Also after a lease that ran out: the row knows whether somebody else has the job by now.
            return self._written("succeeded", lambda: claims.succeed(claim, outcome.content))
        if lease.lost:
            self._log.warning("the lease was lost, and with it the attempt")
            return "lost"
        if lease.cancelling:
            return self._written("cancelled", lambda: claims.cancelled(claim))
        if self._place.draining.is_set():
            return self._written("released", lambda: claims.release(claim))
        if outcome is not None and outcome.what == ERROR:
            error = from_status(status_pb2.Status.FromString(outcome.content))
            return self._written(FAILED, lambda: claims.fail(claim, error))
        reason = killed_for or process.end()
        if outcome is not None:
            reason = f"internal error; the log has it under error id {outcome.content.decode()}"
        return self._written(DIED, lambda: claims.died(claim, reason), reason=reason)

    def _written(self, how: str, write: Callable[[], None], **told: str) -> str:
        """Writes the end, again and again while the database is away; whether it is still ours to write, it knows."""
        began = time.monotonic()
        while True:
            try:
                write()
            except LeaseLost:
                self._log.warning("the job is another attempt's by now", ended=how)
                return "lost"
            except Unavailable as error:
                if self._place.draining.is_set() and time.monotonic() > began + DRAIN_WRITE_SECONDS:
                    self._log.warning("the end of a job could not be written; its lease runs out", ended=how)
                    return "lost"
                self._log.warning("the end of a job cannot be written now", ended=how, error=error.message)
                time.sleep(AGAIN_SECONDS)
            else:
                self._log.info("attempt ended", ended=how, **told)
                return how
