"""A worker: claims jobs while it has places free, runs each in a process, and sweeps."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tellurion_core.artifacts import ArtifactStore
from tellurion_core.errors import Unavailable
from tellurion_core.jobs.attempt import Attempt, Workplace
from tellurion_core.jobs.claims import BATCH, Claims
from tellurion_core.jobs.database import open_engine
from tellurion_core.jobs.settings import JobSettings
from tellurion_core.settings import StateSettings

DRAIN_SECONDS = 5.0
"""How long what waits for the database may take to end, beyond the grace of jobs; then leases do the rest."""

if TYPE_CHECKING:
    from tellurion_core.jobs.hearing import Hearing

_ID = re.compile(r"[0-9a-f]{32}")

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
        self._attempts: set[threading.Thread] = set()
        self._ended: Counter[tuple[str, str]] = Counter()
        # Guards what attempts and scrapes share: the threads, and the count of how they ended.
        self._lock = threading.Lock()
        self._loops = [
            self._loop(self._claim_all, settings.sweep_seconds, self._rung),
            self._loop(self._sweep, settings.sweep_seconds, self._draining),
            self._loop(self._tidy, settings.tidy_seconds, self._draining),
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
        jobs = GaugeMetricFamily("tellurion_jobs", "Jobs that wait and run, of all workers", labels=["kind", "state"])
        try:
            for (kind, state), count in self._claims.in_progress().items():
                jobs.add_metric([kind, state.name], count)
        except Unavailable:
            return
        yield jobs

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
            claim = self._claims.claim(self._kinds)
            if claim is None:
                return
            attempt = Attempt(self._place, claim, since)
            thread = threading.Thread(target=self._run, args=(attempt, claim.job.kind), name="attempt", daemon=True)
            with self._lock:
                self._attempts.add(thread)
            thread.start()

    def _run(self, attempt: Attempt, kind: str) -> None:
        how = "lost"
        try:
            how = attempt.run()
        except Exception:
            log.exception("an attempt could not be followed; its lease runs out")
        finally:
            with self._lock:
                self._attempts.discard(threading.current_thread())
                self._ended[kind, how] += 1
            self._rung.set()

    def _sweep(self) -> None:
        """Takes jobs from workers that went silent."""
        if taken := self._claims.reconcile():
            log.warning("took jobs from workers that went silent", jobs=taken)
            self._rung.set()

    def _tidy(self) -> None:
        """Forgets old jobs, and removes the folders of those that are forgotten, and files whose time is over."""
        while self._claims.forget_old() == BATCH and not self._draining.is_set():
            pass
        folders = [path for path in self._place.jobs.glob("*") if _ID.fullmatch(path.name)]
        for start in range(0, len(folders), BATCH):
            some = folders[start : start + BATCH]
            known = self._claims.known([path.name for path in some])
            for path in some:
                if path.name not in known:
                    shutil.rmtree(path, ignore_errors=True)
        ArtifactStore(self._place.artifacts).sweep()


def _hearing(broker: str, rung: threading.Event) -> Hearing:
    from tellurion_core.jobs.hearing import Hearing  # Celery and Redis's client, only where there is a broker

    return Hearing(broker, lambda kind: rung.set())
