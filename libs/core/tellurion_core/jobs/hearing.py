"""Hears the bell: a Celery worker in a thread of the process that runs jobs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import structlog
from celery.worker import WorkController

from tellurion_core.errors import InvalidInput
from tellurion_core.jobs.bell import TASK, bell_app
from tellurion_core.jobs.broker import refuse_eviction, socket_path
from tellurion_core.jobs.embedded_redis import EmbeddedRedis

AGAIN_SECONDS = 1.0
"""Pause before a Celery worker that ended is started again."""
STOP_SECONDS = 1.0
"""How long the Celery worker may take to end; it holds nothing."""

log = structlog.get_logger()


class Hearing:
    """Calls `rung` with the kind of work whenever the bell rings, and goes on when the broker is back after a break.

    A broker on a Unix socket of this machine is kept running, where nobody else does.
    """

    def __init__(self, broker: str, rung: Callable[[str], None]) -> None:
        path = socket_path(broker)
        self._redis = None if path is None else EmbeddedRedis(path)
        self._broker = broker
        self._app = bell_app(broker)

        def bell(kind: str) -> None:
            rung(kind)

        self._app.task(bell, name=TASK, shared=False)
        self._stopping = threading.Event()
        self._worker: WorkController | None = None
        self._thread = threading.Thread(target=self._hear, name="hearing", daemon=True)
        # Its lines, tracebacks among them, tell that the broker is away; ours does so in one.
        logging.getLogger("celery").setLevel(logging.CRITICAL + 1)

    def start(self) -> None:
        """Begins to listen; a broker elsewhere need not be there yet.

        Raises:
            InvalidInput: the broker would lose messages when its memory is full.
            Unavailable: the embedded Redis server could not be started.
        """
        if self._redis is not None:
            self._redis.start()
        if not refuse_eviction(self._broker):
            log.warning("the broker cannot be reached; sweeps find work until it can")
        self._thread.start()

    def stop(self) -> None:
        """Ends, and the embedded Redis server with it."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()
        self._thread.join(STOP_SECONDS)
        if self._redis is not None:
            self._redis.stop()

    def _hear(self) -> None:
        self._app.set_current()  # of this thread: a task is looked up in the current application
        while not self._stopping.is_set():
            try:
                if not refuse_eviction(self._broker):
                    self._stopping.wait(AGAIN_SECONDS)
                    continue
                # The pool `solo` runs the task in this thread: it does no more than set an event.
                self._worker = WorkController(
                    app=self._app,
                    pool_cls="solo",
                    concurrency=1,
                    # Its event loop may read, for ever, a connection that took a broken one's place and hears nothing.
                    use_eventloop=False,
                    without_mingle=True,
                    without_gossip=True,
                    without_heartbeat=True,
                )
                self._worker.start()
            except InvalidInput as error:
                log.error("the bell is not listened to; sweeps find work", error=error.message)
            except BaseException as error:  # noqa: BLE001 -- Celery ends by exceptions of its own, SystemExit among them
                log.warning("the bell is not heard; sweeps find work", error=type(error).__name__)
            self._stopping.wait(AGAIN_SECONDS)
