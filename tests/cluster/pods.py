"""One pod that podman plays, and what runs in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .adapter import PROBES, Object
from .cluster import Failed
from .engine import Engine
from .firewall import CLOSED
from .probes import Probe, Watch


@dataclass
class Pod:
    """See `cluster.RunningPod`."""

    podman: Engine
    name: str
    component: str
    labels: dict[str, str]
    container: str
    grace: int
    space: str
    """What podman knows it by beside its name: pods of another installation may have the same."""
    infrastructure: int = 0
    """Process that holds the pod's network namespace."""
    address: str = ""
    watch: Watch | None = None
    serving: bool = True
    """Whether Services lead to it: a pod that ends is left out before it is told."""

    @property
    def played(self) -> str:
        """Its name for podman."""
        return f"{self.name}.{self.space}"

    @property
    def main(self) -> str:
        """The name of its container for podman."""
        return f"{self.played}-{self.container}"

    @property
    def ready(self) -> bool:
        return self.serving and self.watch is not None and self.watch.ready

    @property
    def restarts(self) -> int:
        return self.watch.restarts if self.watch is not None else 0

    @property
    def started_after(self) -> float:
        return self.watch.started_after if self.watch is not None else float("nan")

    @property
    def image(self) -> str:
        return str(self.inspected()["ImageName"])

    @property
    def image_bytes(self) -> float:
        return float(self.podman("image", "inspect", "--format={{.Size}}", self.inspected()["Image"]).stdout)

    def make(self, manifest: Object, network: str) -> None:
        """Makes the pod on the network, and its namespaces; nothing of it runs yet."""
        # From standard input: the values of Secrets are neither in a file nor in a list of processes.
        self.podman("kube", "play", "--quiet", "--start=false", f"--network={network}", "-", fed=json.dumps(manifest))
        holder = self.podman("pod", "inspect", "--format={{.InfraContainerID}}", self.played).stdout.strip()
        self.podman("start", holder)
        (state,) = json.loads(self.podman("inspect", holder).stdout)
        self.infrastructure = state["State"]["Pid"]
        self.address = state["NetworkSettings"]["Networks"][network]["IPAddress"]
        self._in_network("ip6tables-restore", CLOSED)

    def admit(self, rules: str) -> None:
        """Puts rules in force, all at once."""
        self._in_network("iptables-restore", rules)

    def _in_network(self, command: str, text: str) -> None:
        place = Path(f"/proc/{self.infrastructure}/ns/net")
        entered = ["nsenter", f"--net={place}", command]
        environment = self.podman.environment  # its PATH has /usr/sbin
        done = subprocess.run(entered, input=text, capture_output=True, text=True, env=environment, check=False)
        if done.returncode and place.exists():  # a pod that has just ended needs no rules
            raise Failed(f"{self.name}: {command}: {done.stderr}")

    def start(self) -> None:
        self.podman("start", self.main)

    def watched(self, template: Object) -> None:
        """Begins to run its probes, where it has any."""
        (container,) = template["spec"]["containers"]
        ports = {each["name"]: each["containerPort"] for each in container.get("ports", ())}
        found = {name: container[name] for name in PROBES if name in container}
        if found:
            probes = {name: Probe.of(each, self.address, ports, self._executes) for name, each in found.items()}
            self.watch = Watch(probes, self.process, self.kill)

    def _executes(self, command: list[str], seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            return self.podman("exec", self.main, *command, check=False, timeout=seconds).returncode == 0
        return False

    def inspected(self) -> dict[str, Any]:
        (found,) = json.loads(self.podman("inspect", self.main).stdout)
        return dict(found)

    def process(self) -> int | None:
        """The container's first process, as this machine knows it; None while there is none."""
        state = self.podman("inspect", "--format={{.State.Pid}} {{.State.Running}}", self.main, check=False)
        number, _, running = state.stdout.strip().partition(" ")
        return int(number) if running == "true" and int(number) else None

    def kill(self) -> None:
        """Ends the container's first process without notice; podman starts it again where its policy says so."""
        if process := self.process():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.podman("exec", self.main, *command, check=False)

    def log(self) -> str:
        done = self.podman("logs", self.main, check=False)
        return done.stdout + done.stderr

    def ended(self, seconds: int) -> str:
        """The log of a pod that does one thing and ends. Raises Failed where it fails, or takes longer."""
        try:
            code = self.podman("wait", self.main, timeout=seconds).stdout.strip()
        except subprocess.TimeoutExpired:
            code = f"nothing within {seconds} s"
        if code != "0":
            raise Failed(f"{self.name} ended with {code}:\n{self.log()[-5000:]}")
        return self.log()

    def close(self) -> None:
        """Tells it to end, waits as long as its manifest allows, and removes it."""
        self.serving = False
        if self.watch is not None:
            self.watch.close()
        # Before the pod: `pod stop` takes its network away at once, and what it still answers would be heard by nobody.
        self.podman("stop", f"--time={self.grace}", self.main, check=False)
        self.podman("pod", "rm", "--force", self.played, check=False)
