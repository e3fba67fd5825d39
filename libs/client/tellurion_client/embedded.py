"""Services as subprocesses of this one, on private Unix sockets, for as long as a client needs them."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path

from tellurion_client.process import ServiceProcess, ended
from tellurion_client.services import JOBS, chosen_services, environment, jobs_broker
from tellurion_client.sockets import SocketFolder

STOP_SECONDS = 3.0
"""How long a service may take to end; its only client no longer waits for an answer."""
DYING_SECONDS = 0.5
"""How long after its last word a service may still be seen running."""


class Embedded:
    """A platform in this process tree. Each service is started when it is first asked for, and again if it died.

    What does long work is started when some is waited for: a client that only makes short calls does without it.

    The services stop when this object is closed or collected, when the interpreter ends, and when it is killed.
    """

    def __init__(self, *, timeout: float, state: Path | None = None) -> None:
        self._timeout = timeout
        self._state = state
        self._settings: dict[str, str] = {}
        self._folder = SocketFolder()
        self._processes: dict[str, ServiceProcess] = {}
        self._lock = threading.Lock()
        self._stop = weakref.finalize(self, _stop, self._processes, self._folder)

    @property
    def lasting(self) -> bool:
        """See `Platform.lasting`."""
        return False

    def address(self, service: str) -> str:
        """See `Platform.address`."""
        with self._lock:
            process = self._processes.get(service)
            if process is None or not process.running():
                process = self._processes[service] = self._start(service)
            return process.address(self._timeout)

    def silence(self, service: str) -> str:
        """See `Platform.silence`."""
        process = self._processes.get(service)
        # Its socket closes a moment before the process has ended.
        code = process.wait(DYING_SECONDS) if process is not None else None
        return f"the {service} service " + ("does not answer" if code is None else f"{ended(code)} during the call")

    def keep_working(self, service: str) -> None:
        """See `Platform.keep_working`; returns before what does the work is ready."""
        with self._lock:
            worker = self._processes.get(JOBS)
            if worker is not None and worker.running():
                return
            if worker is not None:
                worker.address(self._timeout)  # raises where it never was ready: it would not be the next time
            if JOBS in chosen_services([service]):
                self._processes[JOBS] = self._start(JOBS)

    def configure(self, service: str, **settings: str) -> None:
        """Sets settings, by the lower-case name without `TELLURION_`.

        The service, and what does long work, are started anew where they run with others.
        """
        with self._lock:
            if self._settings.items() >= settings.items():
                return
            self._settings |= settings
            for name in (service, JOBS):
                if (process := self._processes.pop(name, None)) is not None:
                    process.stop(STOP_SECONDS)

    def close(self) -> None:
        """Stops the services."""
        self._stop()

    def _start(self, service: str) -> ServiceProcess:
        function = chosen_services([service])[service]
        env = environment(
            listen=self._folder.address(service),
            addresses={},
            state=None if self._state is None else str(self._state),
            jobs_broker=jobs_broker(self._folder.path),
            stop_seconds="0",
            **self._settings,
        )
        # Whoever debugs sees the services' log lines among the client's own.
        log = None if os.environ.get("TELLURION_LOG_LEVEL") == "DEBUG" else self._folder.path / f"{service}.log"
        return ServiceProcess(service, function, self._folder.path, env, log)


def _stop(processes: dict[str, ServiceProcess], folder: SocketFolder) -> None:
    folder.remove()  # first: where we are killed while we wait, nobody is left to do it
    for process in processes.values():
        process.stop(STOP_SECONDS)
