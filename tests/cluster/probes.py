"""Probes of a pod's manifest, run from outside as the kubelet does, with their own periods and thresholds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

Execute = Callable[[list[str], float], bool]
"""Runs a command in the container, with a limit in seconds: whether it exited with 0."""


@dataclass(frozen=True)
class Probe:
    """One of a container: what it asks, and how often; seconds."""

    asks: Callable[[], bool]
    period: float
    failures: int

    @staticmethod
    def of(manifest: Mapping[str, Any], address: str, ports: Mapping[str, int], execute: Execute) -> Probe:
        """A probe of a container at an address. Raises ValueError for a kind that the chart does not use."""
        timeout = float(manifest.get("timeoutSeconds", 1))

        def asks() -> bool:
            match manifest:
                case {"grpc": {"port": port}}:
                    return _grpc_serves(f"{address}:{port}", timeout)
                case {"httpGet": {"path": path, "port": port, **more}}:
                    scheme = more.get("scheme", "HTTP").lower()
                    return _http_serves(f"{scheme}://{address}:{ports.get(port, port)}{path}", timeout)
                case {"exec": {"command": command}}:
                    return execute(command, timeout)
            raise ValueError(f"probe: received {', '.join(manifest)}; accepted: grpc, httpGet or exec")

        return Probe(asks, manifest.get("periodSeconds", 10), manifest.get("failureThreshold", 3))


def _grpc_serves(address: str, timeout: float) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _http_serves(url: str, timeout: float) -> bool:
    try:
        return httpx.get(url, timeout=timeout, verify=False, trust_env=False).is_success
    except httpx.HTTPError:
        return False


class Watch:
    """What the kubelet knows of one container: whether it is ready, and how often it has been restarted.

    `process` answers the container's first process, or None while there is none; `restart` ends it, so that it is
    started again.
    """

    def __init__(
        self, probes: Mapping[str, Probe], process: Callable[[], int | None], restart: Callable[[], None]
    ) -> None:
        self.ready = False
        self.restarts = 0
        self.started_after = 0.0
        """Seconds from the container's start to the first success of its startup probe."""
        self._probes, self._process, self._restart = probes, process, restart
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Asks no more, and says at once that it is not ready."""
        self._ended.set()
        self.ready = False
        self._thread.join()

    def _run(self) -> None:
        life = 0
        while not self._ended.is_set():
            process = self._process()
            if process is None:
                self._ended.wait(0.2)
                continue
            self.restarts, life = life, life + 1
            self._live(process)
            self.ready = False

    def _live(self, process: int) -> None:
        """One life of the container."""
        begun = time.monotonic()
        failed = 0
        starting = self._probes["startupProbe"]
        while not starting.asks():
            failed += 1
            if failed >= starting.failures:
                self._restart()
            if not self._pause(starting.period, process):
                return
        self.started_after = time.monotonic() - begun
        due = {name: 0.0 for name in ("readinessProbe", "livenessProbe")}
        failures = dict.fromkeys(due, 0)
        while True:
            for name in due:
                if time.monotonic() < due[name]:
                    continue
                probe = self._probes[name]
                failures[name] = 0 if probe.asks() else failures[name] + 1
                due[name] = time.monotonic() + probe.period
                if name == "readinessProbe" and not self._ended.is_set():
                    self.ready = failures[name] == 0 or (self.ready and failures[name] < probe.failures)
                elif failures[name] >= probe.failures:
                    self._restart()
            if not self._pause(min(due.values()) - time.monotonic(), process):
                return

    def _pause(self, seconds: float, process: int) -> bool:
        """Waits, and says whether the same process is still there."""
        until = time.monotonic() + seconds
        while not self._ended.wait(min(0.2, max(0.0, until - time.monotonic()))):
            if not _alive(process):
                return False
            if time.monotonic() >= until:
                return True
        return False


def _alive(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
