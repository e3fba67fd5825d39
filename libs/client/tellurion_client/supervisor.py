"""Runs the services of a platform: starts them in order, starts again what dies, stops them in order."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from queue import SimpleQueue
from types import FrameType
from typing import Any

from tellurion_client.process import ServiceProcess, ended
from tellurion_client.services import GATEWAY, JOBS, RAY, environment, jobs_broker
from tellurion_client.sockets import SocketFolder
from tellurion_client.state import Run, RunningService, State
from tellurion_core.errors import TellurionError, Unavailable

STARTS_WITHIN = 120.0
"""Seconds a service may take until it is ready."""
RAY_STARTS_WITHIN = 1800.0
"""Seconds that Ray may take, with every model; its own limit, TELLURION_RAY_START_SECONDS, tells more."""
STOPS_WITHIN = 40.0
"""Seconds a service may take to end; its own limit for calls in progress is 30 s unless set."""

TENSORS = "tensors"
"""Folder, in that of the state, for what is too large for a message to Ray."""


@dataclass(frozen=True)
class RestartPolicy:
    """When a service that died is started again."""

    first_delay: float = 0.25
    """Seconds before the first restart; each further one waits twice as long."""
    longest_delay: float = 15.0
    """Seconds that no delay exceeds."""
    limit: int = 6
    """Starts in a row that came to nothing, after which the platform is stopped. One that was ready may die as often as
    it likes: whoever kills it is not to take down the others."""
    forgiven_after: float = 60.0
    """Seconds of service after which the next delay is the first again."""

    def delay(self, deaths: int) -> float:
        """Seconds to wait after so many deaths in a row, before the service was ready or after."""
        return min(self.first_delay * 2.0 ** (deaths - 1), self.longest_delay)


@dataclass(frozen=True)
class GatewaySettings:
    """How the gateway faces the world."""

    host: str
    port: int
    """0 for any free one, which it then keeps over restarts."""
    certificate: str | None = None
    """Path of the PEM chain; plain HTTP without it."""
    key: str | None = None
    """Path of the PEM private key."""


@dataclass(frozen=True)
class _Failed:
    """The platform cannot go on."""

    error: Exception


_READY, _STOP = object(), object()
"""The service that was started is ready; the platform is asked to stop."""


class Supervisor:
    """Keeps services running on one state folder, whose lock the caller holds."""

    def __init__(
        self,
        services: Mapping[str, str],
        state: State,
        gateway: GatewaySettings,
        *,
        say: Callable[[str], None],
        settings: Mapping[str, str] | None = None,
        restarts: RestartPolicy | None = None,
    ) -> None:
        """`services` are `module:function` by name, in the order of starting; `say` takes lines for a person.

        `settings` are those that all of them get, by the lower-case name without `TELLURION_`. With `ray` among the
        services, the others run their models on it.
        """
        self._functions = dict(services)
        self._state = state
        self._gateway = gateway
        self._say = say
        self._settings = dict(settings or {})
        self._restarts = restarts or RestartPolicy()
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._folder = SocketFolder()
        self._known: dict[str, RunningService] = {}
        self._processes: dict[str, ServiceProcess] = {}
        self._keepers: list[threading.Thread] = []
        self._all_ready = False
        self._stopping = threading.Event()
        # Guards what keepers and the main thread share: processes, what is known, and the decision to stop.
        self._lock = threading.Lock()

    def run(self, ready: Callable[[Mapping[str, str]], None]) -> None:
        """Runs until SIGTERM or SIGINT; `ready` is told the services' addresses when all are ready.

        Raises:
            TellurionError: a service could not be started; the others were stopped.
        """
        shutil.rmtree(self._state.folder / TENSORS, ignore_errors=True)  # of calls that a crash ended
        with self._signals():
            try:
                for service in self._functions:
                    self._learn(service, RunningService("", 0, 0, "starting"))
                for service in self._functions:
                    keeper = threading.Thread(target=self._keep_or_fail, args=(service,), name=f"{service}-keeper")
                    self._keepers.append(keeper)
                    keeper.start()
                    if not self._went_on():
                        return
                with self._lock:
                    self._all_ready = True
                    self._write()
                ready({name: known.address for name, known in self._known.items()})
                while self._went_on():
                    pass
            finally:
                self._stop()

    def _went_on(self) -> bool:
        """Waits for the next event; False where it asks to stop."""
        event = self._events.get()
        if isinstance(event, _Failed):
            raise event.error
        return event is not _STOP

    def _keep_or_fail(self, service: str) -> None:
        try:
            self._keep(service)
        except Exception as error:  # noqa: BLE001 -- the main thread would wait for ever for a keeper that is gone
            self._events.put(_Failed(error))

    def _keep(self, service: str) -> None:
        """Starts a service, and again whenever it dies, until the platform stops or it cannot be started."""
        deaths, failures, restarts = 0, 0, 0
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                process = self._processes[service] = self._start(service)
            try:
                address = process.address(RAY_STARTS_WITHIN if service == RAY else STARTS_WITHIN)
            except TellurionError as error:
                process.stop(0.0)
                if not self._known[service].address:
                    raise
                how, failures = error.message, failures + 1
            else:
                failures = 0
                self._learn(service, RunningService(address, process.pid, restarts, "ready"))
                if restarts:
                    self._say(f"{service} is ready again")
                else:  # one event for each service: the next one is started then
                    self._events.put(_READY)
                since = time.monotonic()
                how = f"{service} {ended(process.wait())}"
                deaths = 0 if time.monotonic() - since > self._restarts.forgiven_after else deaths
            if self._stopping.is_set():
                return
            deaths, restarts = deaths + 1, restarts + 1
            if failures >= self._restarts.limit:
                raise Unavailable(f"{service} could not be started {failures} times in a row; the last time, {how}")
            delay = self._restarts.delay(deaths)
            self._say(f"{how}; starting it again in {delay:g} s")
            self._learn(service, replace(self._known[service], pid=0, restarts=restarts, phase="restarting"))
            if self._stopping.wait(delay):
                return

    def _start(self, service: str) -> ServiceProcess:
        # Where each will listen is known before it does: those that start later are found, too.
        called = [name for name in self._functions if name not in (service, GATEWAY, JOBS, RAY)]
        others = {name: self._folder.address(name) for name in called}
        shared: dict[str, str | None] = {
            "state": str(self._state.folder),
            "jobs_broker": jobs_broker(self._folder.path),
            **self._settings,
        }
        if RAY in self._functions:
            shared["serving"] = f"grpc://{self._folder.address(RAY)}"
            tensors = os.environ.get("TELLURION_RAY_TENSORS") or str(self._state.folder / TENSORS)
            shared["serving_tensors"] = shared["ray_tensors"] = tensors
        if service == GATEWAY:
            host = self._gateway.host
            port = self._gateway.port or self._known[service].address.rpartition(":")[2] or 0
            env = environment(
                listen=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                addresses=others,
                tls_certificate=self._gateway.certificate,
                tls_key=self._gateway.key,
                **shared,
            )
        else:
            listen = self._folder.address(service)
            env = environment(listen=listen, addresses=others, **shared)
        log = self._state.logs / f"{service}.log"
        return ServiceProcess(service, self._functions[service], self._folder.path, env, log)

    def _learn(self, service: str, known: RunningService) -> None:
        with self._lock:
            self._known[service] = known
            self._write()

    def _write(self) -> None:
        self._state.write(Run(os.getpid(), self._all_ready, self._known))

    def _stop(self) -> None:
        with self._lock:
            self._stopping.set()
        for process in reversed(self._processes.values()):
            process.stop(STOPS_WITHIN)
        for keeper in self._keepers:
            keeper.join()
        self._folder.remove()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            self._events.put(_STOP)  # SimpleQueue.put may be called from a signal handler; little else may

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
