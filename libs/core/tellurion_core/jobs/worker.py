"""A worker: claims jobs while it has places free, runs each in a process, and sweeps."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Unavailable
from tellurion_core.jobs.attempt import DIED, FAILED, Attempt, Workplace
from tellurion_core.jobs.claims import BATCH, Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.in_progress import InProgress
from tellurion_core.jobs.leaps import Leaps
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.jobs.table import Job
from tellurion_core.settings import StateSettings

DRAIN_SECONDS = 5.0
"""How long what waits for the database may take to end, beyond the grace of jobs; then leases do the rest."""

if TYPE_CHECKING:
    from tellurion_core.jobs.hearing import Hearing

log = structlog.get_logger()


class Worker(Collector):
    """Runs jobs of some kinds from `start` until `drain`, and closes on `stop`. A collector of Prometheus metrics."""

    def __init__(self, settings: JobSettings, state: StateSettings, kinds: Sequence[str]) -> None:
        self._settings = settings
        self._kinds = kinds
        self._engine = open_engine(settings.database_url(state))
        self._claims = Claims(self._engine, settings, f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")
        self._draining = threading.Event()
        folders = state.state / "jobs", state.state / "artifacts"
        self._place = Workplace(self._claims, settings, *folders, self._draining)
        self._rung = threading.Event()
        self._leaps = Leaps(settings.lease_seconds / 2)
        self._patient_until = 0.0
        self._attempts: dict[threading.Thread, str] = {}
        """The kind of job by the thread that runs it."""
        self._ended: Counter[tuple[str, str]] = Counter()
        # Guards what attempts and scrapes share: the threads, and the count of how they ended.
        self._lock = threading.Lock()
        self._loops = [
            self._loop(self._claim_all, settings.sweep_seconds, self._rung),
            self._loop(self._sweep, settings.sweep_seconds, self._draining),
            self._loop(self._tidy, settings.tidy_seconds, self._draining),
            self._loop(self._expire, settings.artifacts_seconds, self._draining),
        ]
        self._hearing = None if settings.broker is None else _hearing(settings.broker, self._rung)

    async def start(self) -> None:
        """Begins to work.

        Raises:
            InvalidInput: the broker would lose messages when its memory is full.
            Unavailable: the embedded Redis server could not be started.
        """
        await asyncio.to_thread(self._start)

    async def drain(self) -> None:
        """Takes no more jobs, stops those that run, and gives them back."""
        await asyncio.to_thread(self._drain)

    async def stop(self) -> None:
        """Ends what is left."""
        await asyncio.to_thread(self._stop)

    def collect(self) -> Iterator[Metric]:
        """How many jobs wait and run, and how attempts of this worker ended."""
        with self._lock:
            ended = dict(self._ended)
        attempts = CounterMetricFamily("tellurion_job_attempts", "Attempts that ended", labels=["kind", "end"])
        for (kind, end), count in ended.items():
            attempts.add_metric([kind, end], count)
        yield attempts
        yield from InProgress(self._engine).collect()

    def _start(self) -> None:
        if self._hearing is not None:
            self._hearing.start()
        for loop in self._loops:
            loop.start()
        log.info("working", kinds=list(self._kinds), concurrency=self._settings.concurrency)

    def _drain(self) -> None:
        self._draining.set()
        self._rung.set()
        until = time.monotonic() + DRAIN_SECONDS
        for loop in self._loops:
            loop.join(max(0.0, until - time.monotonic()))
        with self._lock:
            attempts = list(self._attempts)
        for attempt in attempts:
            attempt.join(max(0.0, until - time.monotonic()) + self._settings.grace_seconds)

    def _stop(self) -> None:
        if self._hearing is not None:
            self._hearing.stop()
        self._engine.dispose()

    def _loop(self, do: Callable[[], None], seconds: float, wake: threading.Event) -> threading.Thread:
        """A thread that does something every so many seconds, and whenever it is woken, until the worker drains."""
        return threading.Thread(target=self._again, args=(do, seconds, wake), name=do.__name__.strip("_"), daemon=True)

    def _again(self, do: Callable[[], None], seconds: float, wake: threading.Event) -> None:
        reached = True
        while not self._draining.is_set():
            try:
                do()
                reached = True
            except Unavailable as error:
                if reached:
                    log.warning("cannot work now", error=error.message)
                reached = False
            except Exception:
                log.exception("a sweep failed")
            wake.wait(seconds)

    def _claim_all(self) -> None:
        """Claims jobs until no place is free, or none waits."""
        self._rung.clear()
        while len(self._attempts) < self._settings.concurrency and not self._draining.is_set():
            since = time.monotonic()
            claim = self._claims.claim(self._claimable())
            if claim is None:
                return
            attempt = Attempt(self._place, claim, since)
            thread = threading.Thread(target=self._run, args=(attempt, claim.job), name="attempt", daemon=True)
            try:
                with self._lock:
                    thread.start()
                    self._attempts[thread] = claim.job.kind
            except RuntimeError:  # the system has no thread to give
                self._claims.release(claim)
                raise

    def _claimable(self) -> list[str]:
        """The kinds of which another job may begin: none takes the last place, so that long work holds up no other."""
        with self._lock:
            running = Counter(self._attempts.values())
        most = self._settings.concurrency
        if most > 1 and len(self._kinds) > 1:
            most -= 1
        return [kind for kind in self._kinds if running[kind] < most]

    def _run(self, attempt: Attempt, job: Job) -> None:
        how = "lost"
        try:
            how = attempt.run()
        except Exception:
            log.exception("an attempt could not be followed; its lease runs out")
        finally:
            with self._lock:
                del self._attempts[threading.current_thread()]
                self._ended[job.kind, how] += 1
            self._rung.set()
            if how in (FAILED, DIED):
                self._ring_after(self._claims.pause(job.attempt))

    def _ring_after(self, seconds: float) -> None:
        """Looks for work when a job that may be tried again has paused."""
        timer = threading.Timer(seconds, self._rung.set)
        timer.daemon = True
        timer.start()

    def _sweep(self) -> None:
        """Takes jobs from workers that went silent."""
        if self._leaps.leapt():
            # Leases ran out while everybody slept. Those who wake renew theirs first.
            self._patient_until = time.monotonic() + self._settings.lease_seconds
            log.warning("the clock leapt forward; leases are given time to be renewed")
        if time.monotonic() < self._patient_until:
            return
        if taken := self._claims.reconcile():
            log.warning("took jobs from workers that went silent", jobs=taken)
            self._rung.set()

    def _tidy(self) -> None:
        """Removes jobs that are old or deleted, the folder first: as long as there is one, the database names it.

        A folder that it does not name is left alone: it may be another database's, with answers that were paid for.
        """
        while not self._draining.is_set():
            ids = self._claims.old()
            for id in ids:
                shutil.rmtree(self._place.jobs / id, ignore_errors=True)
            if ids:
                self._claims.forget(ids)
            if len(ids) < BATCH:
                return

    def _expire(self) -> None:
        """Removes files whose time is over."""
        ArtifactStore(self._place.artifacts).sweep(stopping=self._draining.is_set)


def _hearing(broker: str, rung: threading.Event) -> Hearing:
    from tellurion_core.jobs.hearing import Hearing  # Celery and Redis's client, only where there is a broker

    return Hearing(broker, lambda kind: rung.set())
